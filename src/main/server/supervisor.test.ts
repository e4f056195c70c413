import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { createSupervisor } from '#main/server/supervisor.ts';

test("the signer's answers are no error, and what nobody knows is", () => {
  const channel = new EventEmitter();
  const errors: string[] = [];
  const ignore = (): void => undefined;
  const log = { debug: ignore, info: ignore, warn: ignore, error: (_: object, text: string) => void errors.push(text) };
  createSupervisor(channel as unknown as NodeJS.Process, log);
  channel.emit('message', { type: 'checkpoint', call: 1 });
  channel.emit('message', { type: 'checkpoint', call: 2, refused: 'it was cut back' });
  assert.deepEqual(errors, []);
  channel.emit('message', { type: 'something' });
  assert.deepEqual(errors, ['the supervisor sent a message that is not known']);
});
