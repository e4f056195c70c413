import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { absentSettings, settings } from '#config/catalogue.ts';
import type { Setting } from '#config/setting.ts';

test('sudo carries every setting over, so that none is lost in silence', () => {
  const launcher = readFileSync(resolve(import.meta.dirname, '../../casemate'), 'utf8');
  const kept = new Set(/^KEPT='([^']*)'$/m.exec(launcher)?.[1]?.split(','));
  const rows = Object.values(settings as Record<string, Setting<unknown>>);
  const wanted = [
    ...rows.flatMap((row) => (row.secret ? [row.variable, `${row.variable}_FILE`] : [row.variable])),
    ...Object.keys(absentSettings),
    'CSRF_PROTECTION',
    'NODE_ENV',
    'NODE_TLS_REJECT_UNAUTHORIZED',
  ];
  assert.deepEqual(
    wanted.filter((variable) => !kept.has(variable)),
    [],
  );
});
