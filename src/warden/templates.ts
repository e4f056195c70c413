import { readdir, stat } from 'node:fs/promises';
import { templateNameSchema } from '#contract/warden.ts';

/** Names of the templates whose root file system is there. */
export async function listTemplates(directory: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(directory)) {
    if (!templateNameSchema.safeParse(name).success) continue;
    const found = await stat(`${directory}/${name}/rootfs`).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (found) names.push(name);
  }
  return names.sort();
}
