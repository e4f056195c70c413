import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentSchema } from '#contract/common.ts';
import { sandboxEnvironment } from '#sandboxes/environment.ts';

test('git is sent to the door for hosts with a secret, each once, with its port where it is not the usual', () => {
  const environment = sandboxEnvironment([
    'https://github.com',
    'https://github.com/group',
    'https://git.example:8443/x',
    'http://127.0.0.2:8080',
    'http://plain.example',
  ]);
  environmentSchema.parse(environment);
  assert.equal(environment['GIT_CONFIG_COUNT'], '4');
  const rules = Array.from({ length: 4 }, (_, at) => [
    environment[`GIT_CONFIG_KEY_${at}`],
    environment[`GIT_CONFIG_VALUE_${at}`],
  ]);
  const door = 'url.http://127.0.0.1:3128/git';
  assert.deepEqual(rules, [
    [`${door}/github.com/.insteadOf`, 'https://github.com/'],
    [`${door}/git.example:8443/.insteadOf`, 'https://git.example:8443/'],
    [`${door}/127.0.0.2:8080/.insteadOf`, 'http://127.0.0.2:8080/'],
    [`${door}/plain.example:80/.insteadOf`, 'http://plain.example/'],
  ]);
});
