import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CasemateError } from '#contract/errors.ts';
import { parseGitBranch, parseGitUrl } from '#contract/git-url.ts';

const accepted: readonly [given: string, url: string, host: string, port: number, name: string][] = [
  ['https://github.com/owner/repo', 'https://github.com/owner/repo', 'github.com', 443, 'repo'],
  ['https://GitHub.com:443/owner/repo.git', 'https://github.com/owner/repo.git', 'github.com', 443, 'repo'],
  ['HTTPS://git.example.org/a/b/c/', 'https://git.example.org/a/b/c', 'git.example.org', 443, 'c'],
  ['http://127.0.0.2:8080/repo.git', 'http://127.0.0.2:8080/repo.git', '127.0.0.2', 8080, 'repo'],
  ['http://gitserver/repo', 'http://gitserver/repo', 'gitserver', 80, 'repo'],
  ['https://[2001:db8::1]:8443/r', 'https://[2001:db8::1]:8443/r', '[2001:db8::1]', 8443, 'r'],
  ['https://xn--bcher-kva.example/r', 'https://xn--bcher-kva.example/r', 'xn--bcher-kva.example', 443, 'r'],
  ['https://h.example/My%20Project/_git/r', 'https://h.example/My%20Project/_git/r', 'h.example', 443, 'r'],
  ['https://h.example/~user/c++-lib.git', 'https://h.example/~user/c++-lib.git', 'h.example', 443, 'c++-lib'],
];

for (const [given, url, host, port, name] of accepted) {
  test(`${given} can be cloned`, () => {
    const parsed = parseGitUrl(given);
    assert.deepEqual({ ...parsed }, { url, host, port, name, scheme: url.startsWith('https') ? 'https' : 'http' });
  });
}

const refused: readonly [given: string, message: RegExp][] = [
  ['', /https address/],
  ['ext::sh -c touch% /tmp/x', /spaces/],
  ['ext::sh', /Remote helpers/],
  ['EXT::sh', /Remote helpers/],
  ['fd::17/foo', /Remote helpers/],
  ['https::https://h.example/r', /Remote helpers/],
  ['file:///etc/passwd', /Files of the server/],
  ['FILE://h.example/r', /Files of the server/],
  ['/srv/repo.git', /Files of the server/],
  ['../repo', /Files of the server/],
  ['~/repo', /Files of the server/],
  ['ssh://git@h.example/r', /SSH/],
  ['ssh://-oProxyCommand=x/r', /SSH/],
  ['git+ssh://h.example/r', /SSH/],
  ['git@github.com:owner/repo.git', /SSH/],
  ['user@host:-oProxyCommand=x', /SSH/],
  ['git://h.example/r', /git:\/\//],
  ['ftp://h.example/r', /Only https/],
  ['javascript:alert(1)', /begins with/],
  ['github.com/owner/repo', /begins with/],
  ['--upload-pack=touch', /begin with "-"/],
  ['-u', /begin with "-"/],
  ['https://h.example/-option', /begin with "-"/],
  ['https://h.example/a/--upload-pack=x/b', /begin with "-"/],
  ['https://-h.example/r', /host/],
  ['https://user:password@h.example/r', /user name or password/],
  ['https://token@h.example/r', /user name or password/],
  ['https://@h.example/r', /user name or password/],
  ['https://h.example@evil.example/r', /user name or password/],
  ['https://h.example/r\n', /control/],
  ['https://h.example/\u0000r', /control/],
  ['https://h.example/\u001b[2Jr', /control/],
  ['https://h.example/r\t', /spaces/],
  [' https://h.example/r', /spaces/],
  ['https://h.example/a b', /spaces/],
  ['https://h.ex\u00a0ample/r', /spaces/],
  ['https://g\u0456thub.com/r', /ASCII/],
  ['https://h\u3002example/r', /ASCII/],
  ['https://h.example/\u202er', /ASCII/],
  [`https://h.example/${'a'.repeat(2048)}`, /too long/],
  [`https://${'a'.repeat(64)}.example/r`, /host/],
  ['https:///r', /no host/],
  ['https://h.example', /no path/],
  ['https://h.example/', /no path/],
  ['https://h.example./r', /host/],
  ['https://h..example/r', /host/],
  ['https://h.example:0/r', /port/],
  ['https://h.example:65536/r', /port/],
  ['https://h.example:/r', /port/],
  ['https://h.example:080/r', /port/],
  ['https://h.example:99999999999999999999/r', /port/],
  ['https://h.example:-1/r', /port/],
  ['https://h%2eexample/r', /"%"/],
  ['https://h.example/%2e%2e/r', /hides/],
  ['https://h.example/a%2fb', /hides/],
  ['https://h.example/%00', /hides/],
  ['https://h.example/%0d%0aHost:x', /hides/],
  ['https://h.example/%2d%2dupload-pack', /hides/],
  ['https://h.example/100%', /characters/],
  ['https://h.example/a/../b', /"\.\."/],
  ['https://h.example/./b', /"\."/],
  ['https://h.example//b', /empty/],
  ['https://h.example/r?x=1', /"\?"/],
  ['https://h.example/r#x', /"\?"/],
  ['https://h.example\\@evil.example/r', /user name or password/],
  ['https://h.example/a\\b', /"\\"/],
  ["https://h.example/$(x)'", /characters/],
  ['https://h.example/`x`', /characters/],
  ['https://2130706433/r', /decimal/],
  ['https://0x7f000001/r', /decimal/],
  ['https://127.1/r', /decimal/],
  ['https://0177.0.0.1/r', /decimal/],
  ['https://1.2.3.256/r', /decimal/],
  ['https://[::ffff:1.2.3.4/r', /host/],
  ['https://[zz::1]/r', /host/],
  ['http://localhost:3000/r', /sandbox itself/],
  ['http://git.localhost/r', /sandbox itself/],
  ['http://127.0.0.1:3128/r', /sandbox itself/],
  ['http://[::1]/r', /sandbox itself/],
  ['http://[0:0:0:0:0:0:0:1]/r', /sandbox itself/],
];

for (const [given, message] of refused) {
  test(`${JSON.stringify(given.slice(0, 60))} is refused with a clear message`, () => {
    assert.throws(
      () => parseGitUrl(given),
      (error: unknown) => {
        assert.ok(error instanceof CasemateError);
        assert.equal(error.code, 'invalid_git_url');
        assert.match(error.message, message);
        if (given.length > 12) assert.ok(!error.message.includes(given), 'the message repeats the input');
        return true;
      },
    );
  });
}

test('any text is either refused as invalid_git_url or parses to a URL that parses to itself', () => {
  const close = fc
    .tuple(
      fc.constantFrom('https://', 'http://', 'ext::', '-', ''),
      fc.string({ maxLength: 30 }),
      fc.constantFrom('/', ':80/', '@', '%2f'),
      fc.string({ maxLength: 30 }),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), close, fc.webUrl()), (text) => {
      try {
        const parsed = parseGitUrl(text);
        assert.deepEqual(parseGitUrl(parsed.url), parsed);
        assert.match(parsed.url, /^https?:\/\/[!-~]+$/);
        assert.equal(new URL(parsed.url).username, '');
      } catch (error) {
        assert.ok(error instanceof CasemateError, String(error));
        assert.equal(error.code, 'invalid_git_url');
      }
    }),
    { numRuns: 500 },
  );
});

test('branches that git allows are taken, others and options are refused', () => {
  for (const name of ['main', 'feature/x', 'v1.2', 'größe', 'a-b', 'x@y']) assert.equal(parseGitBranch(name), name);
  const bad = [
    '',
    '-b',
    '--upload-pack=x',
    'a b',
    'a..b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[',
    'a\\b',
    '/a',
    'a/',
    'a//b',
  ];
  for (const name of [
    ...bad,
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a.',
    '@',
    'a@{1}',
    'a\u0000',
    'a\n',
    '\ud800',
    'x'.repeat(256),
  ]) {
    assert.throws(() => parseGitBranch(name), { code: 'invalid_git_url' });
  }
});
