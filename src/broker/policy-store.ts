import type { z } from 'zod';
import type { SandboxId } from '#base/ids.ts';
import type { Log } from '#channel/log.ts';
import { brokerMethods } from '#contract/broker.ts';
import { CasemateError } from '#contract/errors.ts';
import { openRecordDirectory } from '#broker/record-directory.ts';

const bindingSchema = brokerMethods['policy.set'].request;
/** A sandbox's policy, and whose it is. */
export type PolicyBinding = z.output<typeof bindingSchema>;

export interface PolicyStore {
  get(sandboxId: SandboxId): PolicyBinding | undefined;
  /** @throws CasemateError `conflict` when the sandbox belongs to another team */
  set(binding: PolicyBinding): Promise<void>;
  drop(sandboxId: SandboxId): Promise<void>;
}

/**
 * Opens the policies kept in `directory`.
 *
 * @param changed called once a policy counts, before it is on disk
 */
export async function openPolicyStore(
  directory: string,
  log: Log,
  changed: (sandboxId: SandboxId) => void,
): Promise<PolicyStore> {
  const records = await openRecordDirectory(directory, bindingSchema, log);
  return {
    get: (sandboxId) => records.get(sandboxId),
    async set(binding) {
      const known = records.get(binding.sandboxId);
      if (known && known.teamId !== binding.teamId) {
        throw new CasemateError('conflict', 'The sandbox belongs to another team; its policy was kept');
      }
      const stored = records.set(binding.sandboxId, binding);
      changed(binding.sandboxId);
      await stored;
    },
    async drop(sandboxId) {
      const removed = records.delete(sandboxId);
      changed(sandboxId);
      await removed;
    },
  };
}
