import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeApi } from '#http/openapi.ts';
import { routeTable } from '#http/route-table.ts';
import type { Generator } from './generator.ts';

/** The API as the running server describes it at /openapi.json. */
export const generate: Generator = ({ root }) => {
  const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string };
  const content = `${JSON.stringify(describeApi(routeTable, version), null, 2)}\n`;
  return Promise.resolve([{ path: 'docs/reference/openapi.json', content }]);
};
