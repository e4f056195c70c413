import { basename, join, resolve } from 'node:path';

/**
 * What Rolldown makes of a release: each process and each of the warden's threads as one file of
 * `dist/main`, so that a start opens one file instead of hundreds and a process holds only the code it can
 * reach. Loaded by Rolldown itself, in the builder's scratch directory. Nothing is mangled and names are
 * kept: a stack trace reads as the sources do.
 */
const release = resolve(import.meta.dirname, '../../..');
const source = (file: string): string => join(release, 'src', file);

const processes = ['up', 'server', 'warden', 'broker', 'keeper', 'acme', 'listener', 'confine', 'cli'].map((name) =>
  source(`main/${name}.ts`),
);
const threads = [
  'warden/network/namespace-worker.ts',
  'warden/files/file-program.ts',
  'identity/methods/strength-worker.ts',
].map(source);
const names = [...processes, ...threads].map((file) => basename(file, '.ts'));

/** A thread's file is named by URL, and lies beside the process that starts it in the end. */
const threadsBeside = {
  name: 'threads-beside',
  transform: {
    filter: { code: 'import.meta.url' },
    handler: (code: string): string =>
      code.replaceAll(/new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g, (_url, name: string) => {
        if (!names.includes(name)) throw new Error(`${name}.ts is named by URL and is not an entry of the bundle`);
        return `new URL('./${name}.js', import.meta.url)`;
      }),
  },
};

/** V8 keeps the text of what it runs, in two bytes a character as soon as one is not Latin. */
const latinOnly = {
  name: 'latin-only',
  // Not earlier: what prints the code last would write the characters out again.
  generateBundle(_options: unknown, files: Record<string, { code?: string }>): void {
    for (const file of Object.values(files)) {
      if (file.code === undefined) continue;
      file.code = file.code.replaceAll(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

export default [...processes, ...threads].map((file) => ({
  cwd: release,
  input: { [basename(file, '.ts')]: file },
  platform: 'node',
  // koffi carries a native library. The others are looked for by packages that work without them.
  external: ['koffi', 'pg-native', 'bufferutil', 'utf-8-validate', 'pg-cloudflare'],
  plugins: [threadsBeside, latinOnly],
  output: {
    dir: join(process.cwd(), 'home/dist/main'),
    format: 'esm',
    entryFileNames: '[name].js',
    // A name for each process: chunks of two that are called alike are not alike.
    chunkFileNames: `${basename(file, '.ts')}-[name].js`,
    keepNames: true,
    comments: false,
  },
}));
