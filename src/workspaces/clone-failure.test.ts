import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGitUrl } from '#contract/git-url.ts';
import { explainCloneFailure } from '#workspaces/clone-failure.ts';

const end = {
  git: parseGitUrl('https://git.example/team/repo'),
  branch: null,
  timedOut: false,
  signal: null,
  refusals: [],
};

const cases: readonly [output: string, message: RegExp][] = [
  ['fatal: unable to access: CONNECT tunnel failed, response 403', /policy .* git\.example:443/],
  ['fatal: unable to access: Received HTTP code 403 from proxy after CONNECT', /policy/],
  ["fatal: could not read Username for 'https://git.example': terminal prompts disabled", /git secret/],
  ["remote: Repository not found.\nfatal: repository 'https://git.example/team/repo/' not found", /no git repository/],
  ['fatal: Remote branch x not found in upstream origin', /no branch/],
  ['fatal: write error: No space left on device', /does not fit/],
  ['fatal: unable to access: SSL certificate problem: self-signed certificate', /CASEMATE_CA_FILE/],
  ['fatal: unable to access: Received HTTP code 502 from proxy after CONNECT', /could not be reached/],
  ['fatal: early EOF\nfatal: fetch-pack: invalid index-pack output', /broke in the middle/],
  ['fatal: something new', /git could not clone/],
];

for (const [output, message] of cases) {
  test(`"${output.slice(0, 60)}" is explained in words that help`, () => {
    assert.match(explainCloneFailure({ ...end, output }), message);
  });
}

test('what the broker said goes before what git made of it', () => {
  const guarded = { host: 'git.example', port: 443, reason: 'private address' };
  const output = 'fatal: unable to access: CONNECT tunnel failed, response 403';
  assert.match(explainCloneFailure({ ...end, output, refusals: [guarded] }), /CASEMATE_PRIVATE_DESTINATIONS/);
  const denied = { ...guarded, reason: 'not in the policy' };
  assert.match(explainCloneFailure({ ...end, output, refusals: [denied] }), /Allow it for this workspace/);
});
