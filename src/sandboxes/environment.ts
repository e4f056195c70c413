import { doorAddress } from '#contract/broker.ts';

const door = `http://${doorAddress.host}:${doorAddress.port}`;
/**
 * What a workspace's sandbox has beside the warden's own environment. `gitBaseUrls` are those of the team's git
 * secrets: git is sent to the door for them, which adds the credential upstream.
 */
export function sandboxEnvironment(gitBaseUrls: readonly string[]): Record<string, string> {
  return {
    // Global installs go to the home directory: it is the person's, and outlives the sandbox.
    NPM_CONFIG_PREFIX: '/home/user/.local',
    ...gitConfiguration(gitBaseUrls),
  };
}

/** git's configuration by environment (git-config, GIT_CONFIG_COUNT), so that no file inside can undo it. */
function gitConfiguration(baseUrls: readonly string[]): Record<string, string> {
  const rewrites = new Map<string, string>();
  for (const baseUrl of baseUrls) {
    const { protocol, hostname, host } = new URL(baseUrl);
    // The door takes a bare host for https on 443; anything else needs its port.
    const authority = protocol === 'http:' && host === hostname ? `${host}:80` : host;
    rewrites.set(`url.${door}/git/${authority}/.insteadOf`, `${protocol}//${host}/`);
  }
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(rewrites.size) };
  let index = 0;
  for (const [key, value] of rewrites) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
    index += 1;
  }
  return variables;
}
