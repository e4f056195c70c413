import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DataPaths } from '#main/up/paths.ts';

const alertSchema = z.strictObject({ time: z.iso.datetime(), text: z.string() });
export type Alert = z.infer<typeof alertSchema>;

/** A process that went mad must not fill the disk with what it is alarmed about. */
const maximumBytes = 1_048_576;

/** Where alerts are kept until the operator removes the file. */
export const alertsFile = (paths: Pick<DataPaths, 'log'>): string => join(paths.log, 'alerts.log');

/** Keeps an alert for `status` and `doctor`, and says it. */
export function createAlarm(paths: DataPaths, say: (text: string) => void): (text: string) => void {
  return (text) => {
    say(`ALERT: ${text}`);
    const file = alertsFile(paths);
    if (existsSync(file) && statSync(file).size >= maximumBytes) return;
    const alert: Alert = { time: new Date().toISOString(), text };
    appendFileSync(file, `${JSON.stringify(alert)}\n`, { mode: 0o600 });
  };
}

/** Alerts that nobody removed yet, the oldest first. */
export function readAlerts(paths: Pick<DataPaths, 'log'>): readonly Alert[] {
  const file = alertsFile(paths);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => alertSchema.parse(JSON.parse(line)));
}
