import { runGates } from './check/gates.ts';

/** `./casemate check`: prints a table of the gates, and fails when one is shut. */
if (process.argv.includes('--help') || process.argv.includes('-h')) {
  console.log(
    './casemate check\n\nRuns format, rooms, lengths, types, lint, unused, generated and unit tests. Exit code 1 when a gate is shut.',
  );
} else {
  const { failed } = await runGates();
  process.exitCode = failed.length === 0 ? 0 : 1;
}
