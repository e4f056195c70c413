import type { GitUrl } from '#contract/git-url.ts';

/** What is known of a clone that failed. */
export interface CloneEnd {
  readonly git: GitUrl;
  readonly branch: string | null;
  /** The end of what git wrote, in the C locale. */
  readonly output: string;
  readonly timedOut: boolean;
  readonly signal: string | null;
  /** What the broker refused meanwhile, in its words. */
  readonly refusals: readonly { readonly host: string; readonly port: number; readonly reason: string }[];
}

/** Why a clone failed and what to do, in words for a person. Nothing was kept in any case. */
export function explainCloneFailure(end: CloneEnd): string {
  const { git, output } = end;
  const place = `${git.host}:${git.port}`;
  if (end.timedOut) return 'The clone took longer than an hour and was ended. Try again when the connection is faster.';
  const refusal = end.refusals.at(-1);
  if (refusal) return explainRefusal(`${refusal.host}:${refusal.port}`, refusal.reason);
  if (/(?:code 403 from proxy|CONNECT tunnel failed, response 403)/.test(output)) return explainRefusal(place, null);
  if (/could not read Username|Authentication failed|returned error: 401|terminal prompts disabled/.test(output)) {
    return (
      `${git.host} asks who you are: the repository is private, or it does not exist. ` +
      `Set a git secret for ${git.scheme}://${place}, check the address, and try again.`
    );
  }
  const branch = /Remote branch .* not found/.test(output);
  if (branch) return 'The repository has no branch of that name. Give another one, or none for its default branch.';
  if (/returned error: 403/.test(output)) {
    return `${place} refused the request (403). If the repository is private, its git secret may not open it.`;
  }
  if (/repository '.*' not found|returned error: 404|not valid: is this a git repository/.test(output)) {
    return `There is no git repository at that address on ${git.host}. Check the address and try again.`;
  }
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return 'The repository does not fit on the disk of a workspace. Ask the operator for a larger one.';
  }
  if (/SSL certificate problem|certificate verif|server certificate/i.test(output)) {
    return `The certificate of ${git.host} is not trusted. An operator can add its authority with CASEMATE_CA_FILE.`;
  }
  if (/from proxy|tunnel failed|returned error: 50\d|Could not resolve|Failed to connect|timed out/i.test(output)) {
    return `${place} could not be reached. Check the address, or try again later.`;
  }
  if (/early EOF|RPC failed|unexpected disconnect|hung up/.test(output)) {
    return `The connection to ${git.host} broke in the middle of the clone. Try again.`;
  }
  if (end.signal) return 'The clone was ended from outside before it was done. Try again.';
  return 'git could not clone the repository. Its last words are shown above; try again, or check the address.';
}

function explainRefusal(place: string, reason: string | null): string {
  if (reason && !/policy|denied by/.test(reason)) {
    return (
      `${place} is at an address that sandboxes may not reach (${reason}). ` +
      `If it is your own git server, an operator can allow it with CASEMATE_PRIVATE_DESTINATIONS=${place}.`
    );
  }
  return `The policy of this workspace does not let ${place} through. Allow it for this workspace, then try again.`;
}
