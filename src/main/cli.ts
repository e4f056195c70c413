import { CasemateError } from '#contract/errors.ts';
import { ConfigError } from '#config/config.ts';
import { exitCodes } from '#main/up/exit-codes.ts';
import { RunsAlready } from '#main/up/lock.ts';
import { UsageError } from '#main/up/read-config.ts';

/** One command: `run` gets what follows its name and answers with the exit code. */
export interface Command {
  readonly help: string;
  run(commandArguments: readonly string[]): Promise<number>;
}

/** Commands are loaded when they are called, so that `doctor` works where others could not start. */
const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  up: () => import('#main/cli/up.ts'),
  restart: () => import('#main/cli/restart.ts'),
  down: () => import('#main/cli/down.ts'),
  status: () => import('#main/cli/status.ts'),
  logs: () => import('#main/cli/logs.ts'),
  service: () => import('#main/cli/service.ts'),
  uninstall: () => import('#main/cli/uninstall.ts'),
  doctor: () => import('#main/cli/doctor.ts'),
  config: () => import('#main/cli/config.ts'),
  tls: () => import('#main/cli/tls.ts'),
  open: async () => asCommand(await import('#main/cli/open.ts')),
  key: async () => asCommand(await import('#main/cli/key.ts')),
  secret: async () => asCommand(await import('#main/cli/secret.ts')),
  policy: async () => asCommand(await import('#main/cli/policy.ts')),
  audit: async () => asCommand(await import('#main/cli/audit.ts')),
  user: async () => asCommand(await import('#main/cli/user.ts')),
};

/** Commands that speak to the server's admin socket parse their own flags. */
function asCommand(of: { readonly help: string; readonly run: (args: string[]) => Promise<number> }) {
  return { command: { help: of.help, run: (commandArguments: readonly string[]) => of.run([...commandArguments]) } };
}

async function main(name: string | undefined, commandArguments: readonly string[]): Promise<number> {
  const load = name === undefined ? undefined : commands[name];
  if (!load) {
    console.error(`there is no command ${name ?? ''}; ./casemate --help lists them`);
    return exitCodes.usage;
  }
  const { command } = await load();
  if (commandArguments.includes('--help') || commandArguments.includes('-h')) {
    console.log(command.help.trim());
    return exitCodes.done;
  }
  return command.run(commandArguments);
}

try {
  process.exitCode = await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`casemate: ${error.message}`);
    process.exitCode = exitCodes.usage;
  } else if (error instanceof ConfigError) {
    console.error(`casemate: ${error.message}`);
    process.exitCode = exitCodes.configuration;
  } else if (error instanceof RunsAlready) {
    console.error(`casemate: ${error.message}`);
    process.exitCode = exitCodes.runsAlready;
  } else {
    console.error(`casemate: ${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof CasemateError) && process.env.CASEMATE_LOG_LEVEL === 'debug') console.error(error);
    process.exitCode = exitCodes.failed;
  }
}
