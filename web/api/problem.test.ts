import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, messageOf, problemFrom } from './problem.ts';

test('a problem document becomes an error with its code, detail and wait', () => {
  const error = problemFrom(429, {
    title: 'Too many requests',
    code: 'rate_limited',
    detail: 'Too many tries',
    requestId: 'r1',
    retryAfterSeconds: 30,
  });
  assert.equal(error.code, 'rate_limited');
  assert.equal(error.requestId, 'r1');
  assert.equal(messageOf(error), 'Too many tries. Try again in 30 s.');
});

test('a reply without a problem document speaks by its status', () => {
  assert.equal(problemFrom(404, '<html>').code, 'not_found');
  assert.equal(problemFrom(502, null).code, 'sandbox_failed');
  assert.equal(problemFrom(599, undefined).code, 'unavailable');
  assert.equal(problemFrom(418, {}).code, 'invalid_request');
});

test('a code outside the catalogue is not believed', () => {
  assert.equal(problemFrom(403, { code: 'constructor' }).code, 'forbidden');
});

test('an unknown failure never shows more than its message', () => {
  assert.equal(messageOf(new ApiError('offline', 'No connection')), 'No connection');
  assert.equal(messageOf('x'), 'Something went wrong in this page.');
});
