import { cpus, loadavg, release, totalmem } from 'node:os';

/** The machine, its kernel, its runtime and how busy it was, on one line. */
export function describeMachine(): string {
  const all = cpus();
  const model = all[0]?.model.trim() || 'unknown processor';
  const memory = Math.round(totalmem() / 1024 ** 3);
  const load = loadavg()[0]?.toFixed(1);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}: ${model}, ${all.length} cores, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}; load ${load} at the end.`;
}
