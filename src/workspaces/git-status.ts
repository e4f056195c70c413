import type { Grant } from '#access/grant.ts';
import type { GitStatus } from '#contract/api.ts';
import { CasemateError } from '#contract/errors.ts';
import type { RunningSandbox } from '#sandboxes/sandbox-context.ts';
import { runGit } from '#workspaces/run-git.ts';
import type { WorkspaceContext } from '#workspaces/workspace-context.ts';

const timeoutMs = 20_000;

/** Branch, head and counts of a workspace's repository, asked inside its sandbox (H15). */
export async function readGitStatus(
  context: WorkspaceContext,
  grant: Grant,
  sandbox: RunningSandbox,
  signal?: AbortSignal,
): Promise<GitStatus> {
  const parser = new StatusParser();
  const end = await runGit(context, grant, sandbox, {
    arguments: ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal', '--ignore-submodules=all'],
    timeoutMs,
    ...(signal ? { signal } : {}),
    onOutput: (stream, bytes) => {
      if (stream === 'stdout') parser.push(bytes);
    },
  });
  if (end.timedOut) throw new CasemateError('timed_out', 'git took longer than 20 seconds to look at the workspace.');
  return end.exitCode === 0 ? parser.status() : { ...noRepository };
}

const noRepository: GitStatus = { repository: false, branch: null, head: null, dirty: 0, ahead: null, behind: null };

/** Reads `git status --porcelain=v2 --branch -z` as it arrives; keeps no paths, so any number of files will do. */
export class StatusParser {
  #rest = Buffer.alloc(0);
  /** After an entry of kind 2 (renamed) comes its former path, which is no entry. */
  #skip = false;
  readonly #status = { ...noRepository, repository: true };

  push(bytes: Uint8Array): void {
    let data = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = data.indexOf(0);
      if (end === -1) break;
      this.#entry(data.toString('utf8', 0, Math.min(end, 1024)));
      data = data.subarray(end + 1);
    }
    // A path is at most 4 KiB; only the beginning of an entry is looked at.
    this.#rest = Buffer.from(data.subarray(0, 8192));
  }

  #entry(text: string): void {
    if (this.#skip) {
      this.#skip = false;
      return;
    }
    const header = /^# branch\.(oid|head|ab) (.*)$/s.exec(text);
    if (header) this.#header(header[1] as string, header[2] as string);
    else if (/^[12u?] /.test(text)) {
      this.#status.dirty += 1;
      this.#skip = text.startsWith('2 ');
    }
  }

  #header(name: string, value: string): void {
    if (name === 'oid') this.#status.head = /^[0-9a-f]{40,64}$/.test(value) ? value : null;
    else if (name === 'head') this.#status.branch = value === '(detached)' ? null : value;
    else {
      const match = /^\+(\d+) -(\d+)$/.exec(value);
      if (match) Object.assign(this.#status, { ahead: Number(match[1]), behind: Number(match[2]) });
    }
  }

  status(): GitStatus {
    return { ...this.#status };
  }
}
