import { UsageProblem } from '#main/admin/command.ts';

const maximumBytes = 16_384;

/**
 * A secret from standard input, never from an argument, which every process on the machine can read.
 * At a terminal it is asked for and not shown. A line end at its end does not belong to it.
 */
export async function readSecret(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) {
    stderr.write(`${prompt}: `);
    stdin.setRawMode(true);
  }
  try {
    let text = '';
    for await (const chunk of stdin) {
      text += (chunk as Buffer).toString('utf8');
      if (text.length > maximumBytes) throw new UsageProblem(`the value has more than ${maximumBytes} bytes`);
      if (!stdin.isTTY) continue;
      if (text.includes('\u0003')) throw new UsageProblem('nothing was changed');
      if (/[\r\n\u0004]/.test(text)) break;
    }
    const value = text.replace(/[\r\n\u0004]+$/, '');
    if (value === '') throw new UsageProblem('the value comes from standard input, and nothing came');
    return value;
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stderr.write('\n');
    }
    stdin.destroy();
  }
}
