import type { Command } from '#main/cli.ts';
import type { Finding } from '#main/doctor/finding.ts';
import { examineCertificates } from '#main/doctor/certificates.ts';
import { examineKernel } from '#main/doctor/kernel.ts';
import { examineMachine } from '#main/doctor/machine.ts';
import { examinePrograms } from '#main/doctor/programs.ts';
import { judgeServerNetwork } from '#main/doctor/server-network.ts';
import { landlockVersion } from '#kernel/landlock.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { isLocked } from '#main/up/lock.ts';
import { dataPaths } from '#main/up/paths.ts';
import { parseUpArguments, readConfig } from '#main/up/read-config.ts';

const marks = { ok: 'ok  ', warn: 'warn', bad: 'BAD ' } as const;

export const command: Command = {
  help: `
./casemate doctor [--fix | --attack] [-o json] [--port N] [--data DIR]

Looks at what Casemate leans on: kernel, control groups, programs and their versions, port, clock,
disk. Each line says what was looked at and how it is, or the command that mends it. --fix mends
what can be mended now (needs root). --attack tries, harmlessly, to break out of throw-away
sandboxes of each tier and to reach and exhaust what is outside (needs root; half a minute). Exit
codes: 0 all is well, 1 something is bad or did not hold.
`,
  async run(commandArguments) {
    const fixing = commandArguments.includes('--fix');
    const json = commandArguments.some(
      (argument, index) => argument === 'json' && /^(-o|--output)$/.test(commandArguments[index - 1] ?? ''),
    );
    const rest = commandArguments.filter((argument) => !['--fix', '-o', '--output', 'json'].includes(argument));
    if (rest.includes('--attack')) {
      const { runAttack } = await import('#main/attack/run-attack.ts');
      const given = rest.filter((argument) => argument !== '--attack');
      return runAttack(await readConfig(parseUpArguments(given)), { json });
    }
    const config = await readConfig(parseUpArguments(rest));
    const asRoot = process.getuid?.() === 0;
    const running = asRoot && isLocked(dataPaths(config.data));
    let findings = await examine();
    if (fixing) {
      for (const finding of findings) {
        if (!finding.fix) continue;
        if (!asRoot) throw new Error('mending needs root: sudo ./casemate doctor --fix');
        console.error(`mended: ${await finding.fix()}`);
      }
      findings = await examine();
    }
    if (json)
      console.log(
        JSON.stringify(
          findings.map(({ what, verdict, saw, mend }) => ({ what, verdict, saw, mend })),
          null,
          2,
        ),
      );
    else for (const finding of findings) print(finding);
    return findings.some((finding) => finding.verdict === 'bad') ? exitCodes.failed : exitCodes.done;

    async function examine(): Promise<Finding[]> {
      const parts = await Promise.all([examineKernel(), examinePrograms(), examineMachine(config, running)]);
      const network = judgeServerNetwork(config.databaseUrl, landlockVersion());
      return [...parts.flat(), ...network, ...examineCertificates(config, running)];
    }
  },
};

function print({ what, verdict, saw, mend }: Finding): void {
  console.log(`${marks[verdict]} ${what.padEnd(30)} ${saw}`);
  if (mend && verdict !== 'ok') console.log(`     to mend it: ${mend}`);
}
