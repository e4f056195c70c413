import { doorAddress } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import { guestUser } from '#warden/guest-user.ts';

const door = `http://${doorAddress.host}:${doorAddress.port}`;
/** Stands where a program wants a key; the broker adds the real one. */
export const keyPlaceholder = 'casemate-adds-the-real-key-outside';

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What every program in a sandbox finds; callers may replace any of it. */
const base = {
  PATH: path,
  LANG: 'C.UTF-8',
  SHELL: '/bin/bash',
  HTTP_PROXY: door,
  HTTPS_PROXY: door,
  http_proxy: door,
  https_proxy: door,
  NO_PROXY: 'localhost,127.0.0.1,::1',
  no_proxy: 'localhost,127.0.0.1,::1',
  NODE_USE_ENV_PROXY: '1',
  // The template's certificate store holds what this machine trusts, a company's authority included.
  NODE_USE_SYSTEM_CA: '1',
  ANTHROPIC_BASE_URL: `${door}/anthropic`,
  ANTHROPIC_API_KEY: keyPlaceholder,
  OPENAI_BASE_URL: `${door}/openai/v1`,
  OPENAI_API_KEY: keyPlaceholder,
} as const;

const accounts = {
  user: {
    HOME: guestUser.home,
    USER: guestUser.name,
    LOGNAME: guestUser.name,
    PATH: `${guestUser.home}/.local/bin:${path}`,
  },
  root: { HOME: '/root', USER: 'root', LOGNAME: 'root' },
} as const;

/** Read by the dynamic loader and libc before a program starts. */
const loaderVariable = /^(LD_.*|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|MALLOC_.*|NLSPATH|HOSTALIASES|RES_OPTIONS)$/;

/**
 * The environment of a program in a sandbox as `NAME=value`: nothing of the host, the base, the
 * sandbox's own, then the caller's. Variables of the loader are refused with `invalid_request`: the
 * runtime is still of the host when it takes them over. NODE_OPTIONS and the like reach the guest
 * only, which can set them itself, and are let through.
 */
export function guestEnvironment(
  user: keyof typeof accounts,
  ...layers: readonly Readonly<Record<string, string>>[]
): string[] {
  for (const layer of layers) {
    if (Object.keys(layer).some((name) => loaderVariable.test(name))) {
      throw new CasemateError('invalid_request', 'Variables of the program loader (LD_… and its like) cannot be set.');
    }
  }
  const merged = Object.assign({}, base, accounts[user], ...layers) as Record<string, string>;
  return Object.entries(merged).map(([name, value]) => `${name}=${value}`);
}
