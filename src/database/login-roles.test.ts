import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loginUrl, scramVerifier } from '#database/login-roles.ts';

test('a SCRAM verifier is the one that PostgreSQL makes of the same password and salt', () => {
  // Keys of RFC 7677, section 3: password "pencil", 4096 iterations.
  assert.equal(
    scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

test('the address of a login role is the owner address with another user, over a socket too', () => {
  assert.equal(
    loginUrl('postgresql://o:p@db.example.test:5433/casemate?sslmode=require', 'request', 'a/b'),
    'postgresql://casemate_request:a%2Fb@db.example.test:5433/casemate?sslmode=require',
  );
  assert.equal(
    loginUrl('postgresql://o:p@%2Frun%2Fpg/casemate', 'auth', 'x'),
    'postgresql://casemate_auth:x@%2Frun%2Fpg/casemate',
  );
});
