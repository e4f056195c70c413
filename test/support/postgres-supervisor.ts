import { startPostgres } from './start-database.ts';

/** Run as a program: supervises a PostgreSQL until it is killed; says its pid and where its files are. */
const { postgres, directory } = await startPostgres();
process.stdout.write(`${JSON.stringify({ pid: postgres.pid, directory })}\n`);
setInterval(() => undefined, 60_000);
