import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitUrlProblem, nameFromGitUrl, shortSource } from './source.ts';

test('a name is derived from the last part of a git URL', () => {
  assert.equal(nameFromGitUrl('https://example.test/owner/project.git'), 'project');
  assert.equal(nameFromGitUrl(' https://example.test/owner/my%20thing/ '), 'my thing');
  assert.equal(nameFromGitUrl('https://example.test/a?x=1#y'), 'a');
  assert.equal(nameFromGitUrl('https://example.test'), '');
  assert.equal(nameFromGitUrl('project'), '');
  assert.equal(nameFromGitUrl(`https://example.test/${'n'.repeat(80)}`).length, 50);
});

test('a source is shown by host and path', () => {
  assert.equal(shortSource('https://example.test/owner/project.git'), 'example.test/owner/project');
  assert.equal(shortSource('not a url'), 'not a url');
});

test('addresses that cannot work are named before they are sent', () => {
  assert.equal(gitUrlProblem('https://example.test/a'), undefined);
  assert.match(gitUrlProblem('git@example.test:a/b') ?? '', /https/);
  assert.match(gitUrlProblem('file:///etc') ?? '', /https/);
  assert.match(gitUrlProblem('https://me:secret@example.test/a') ?? '', /secret in Settings/);
  assert.match(gitUrlProblem('ext::sh') ?? '', /https/);
  assert.match(gitUrlProblem('') ?? '', /address/);
});
