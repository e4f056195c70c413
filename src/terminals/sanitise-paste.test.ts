import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sanitisePaste } from '#terminals/sanitise-paste.ts';

const paste = (text: string) => sanitisePaste(Buffer.from(text))?.toString();

test('text, tabs and accents stay; line ends become what Enter sends', () => {
  assert.equal(paste('größe\t😀\n'), 'größe\t😀\r');
  assert.equal(paste('a\r\nb\nc\rd'), 'a\rb\rc\rd');
});

test('escape sequences lose what makes them one, in seven and eight bits', () => {
  assert.equal(paste('\u001b[201~rm -rf\u0003'), '[201~rm -rf');
  assert.equal(paste('\u009b31m\u0090q\u009c'), '31mq');
  assert.equal(paste('\u0000\u0008\u007f'), '');
});

test('no paste, whatever its bytes, brings a control character other than tab and CR', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }).map(Buffer.from)),
      (bytes) => {
        const clean = sanitisePaste(bytes);
        if (clean) assert.doesNotMatch(clean.toString(), /[\u0000-\u0008\u000a-\u000c\u000e-\u001f\u007f-\u009f]/);
      },
    ),
  );
});

test('what is not UTF-8 is not pasted', () => {
  assert.equal(sanitisePaste(new Uint8Array([0x61, 0xff])), undefined);
  assert.equal(sanitisePaste(new Uint8Array([0xc0, 0x9b])), undefined);
});
