import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { mintId, type TeamId, type TerminalId } from '#base/ids.ts';
import { connectChannel } from '#channel/connect.ts';
import { keeperMethods } from '#contract/keeper.ts';
import { generateBoxKeyPair } from '#seal/box.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const random = (bytes: Uint8Array): Uint8Array => Uint8Array.from(randomBytes(bytes.length));

/** A terminal at the keeper of a whole instance, with a program of the host on it, which ends with it. */
export async function openTerminalAt(runDirectory: string): Promise<AsyncDisposable> {
  const channel = connectChannel(keeperMethods, { path: path.join(runDirectory, 'keeper.sock'), log: quiet });
  const terminalId = mintId<TerminalId>(random);
  await channel.call('terminal.open', {
    terminalId,
    teamId: mintId<TeamId>(random),
    recordingPublicKey: generateBoxKeyPair().publicKey.toString('base64'),
    size: { columns: 80, rows: 24 },
  });
  const consoleProgram = path.join(import.meta.dirname, 'console-program.py');
  const program = spawn('python3', [consoleProgram, path.join(runDirectory, 'console', terminalId), 'sleep', '60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(program.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      const ended = once(program, 'exit');
      await channel.call('terminal.close', { terminalId });
      channel.close();
      await ended;
    },
  };
}
