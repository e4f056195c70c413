import type { Command } from '#main/cli.ts';
export const command: Command = { help: '', run: () => Promise.resolve(0) };
