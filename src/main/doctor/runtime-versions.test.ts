import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, judgeRuntime } from '#main/doctor/runtime-versions.ts';

const now = Date.UTC(2026, 10, 22);

test('versions are compared by number', () => {
  assert.ok(compareVersions('1.9', '1.20') < 0);
  assert.ok(compareVersions('1.8.1', '1.8') > 0);
  assert.equal(compareVersions('1.2', '1.2.0'), 0);
});

test('H1 runtimes on the known-bad list are refused, by name of the advisory', () => {
  assert.deepEqual(judgeRuntime('runc', 'runc version 1.1.4\n', now), {
    verdict: 'bad',
    reason: '1.1.4 has CVE-2024-21626, mended in 1.1.12',
  });
  assert.equal(judgeRuntime('runc', 'runc version 1.3.0', now).verdict, 'bad');
  assert.equal(judgeRuntime('runc', 'runc version 1.3.3', now).verdict, 'ok');
  assert.equal(judgeRuntime('crun', 'crun version 0.17', now).verdict, 'bad');
  assert.equal(judgeRuntime('crun', 'crun version 1.14.1\n+SECCOMP +LIBKRUN', now).verdict, 'warn');
  assert.equal(judgeRuntime('crun', 'crun version 1.8.1\ncommit: x', now).verdict, 'ok');
  assert.equal(judgeRuntime('crun', 'nonsense', now).verdict, 'bad');
});

test('H3 a runsc older than twelve months is not called fit for hostile code', () => {
  assert.equal(judgeRuntime('runsc', 'runsc version release-20221219.0\nspec: 1.0.2', now).verdict, 'warn');
  assert.equal(judgeRuntime('runsc', 'runsc version release-20260803.0\nspec: 1.1', now).verdict, 'ok');
});
