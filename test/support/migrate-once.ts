import { migrate } from '#database/migrate.ts';

/** `node migrate-once.ts URL DIRECTORY`: the real migration, in a process that can be killed. */
const [url = '', directory = ''] = process.argv.slice(2);
await migrate(url, directory);
