import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CasemateError } from '#contract/errors.ts';
import { DatabaseError, sqlStateOf, toRoomError } from '#database/database-error.ts';

const refusal = (fields: object, message = 'private value') => Object.assign(new Error(message), fields);
const wrapped = (cause: Error) => new Error('Failed query: insert … params: private', { cause });

test('an error of the driver keeps its state, table and constraint, and loses every value', () => {
  const driver = refusal({
    code: '23505',
    table: 'users',
    constraint: 'users_email_key',
    detail: 'Key (email)=(private)',
  });
  const error = toRoomError(wrapped(driver));
  assert.ok(error instanceof DatabaseError);
  assert.equal(error.code, '23505');
  assert.equal(error.table, 'users');
  assert.equal(error.constraint, 'users_email_key');
  assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, /private/);
  assert.equal(sqlStateOf(wrapped(driver)), '23505');
});

test('a database that is away is unavailable, whatever the driver calls it', () => {
  for (const code of ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', '57P01', '57P03', '08006', '53300']) {
    const error = toRoomError(wrapped(refusal({ code })));
    assert.ok(error instanceof CasemateError && error.code === 'unavailable', code);
  }
  for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect']) {
    const error = toRoomError(refusal({}, message));
    assert.ok(error instanceof CasemateError && error.code === 'unavailable', message);
  }
});

test('a disk that is full is told as that', () => {
  const refused = Object.assign(new Error('could not extend file "base/1/2"'), { code: '53100' });
  assert.equal((toRoomError(refused) as CasemateError).code, 'no_space');
});

test('an error of the caller passes as it is, also through the wrapping of the query builder', () => {
  const own = new CasemateError('not_found');
  assert.equal(toRoomError(own), own);
  assert.equal(toRoomError(wrapped(own)), own);
  const other = new TypeError('a defect');
  assert.equal(toRoomError(other), other);
  assert.equal(toRoomError('thrown text'), 'thrown text');
});
