/** Valid bodies, by route: what a request needs beside its credentials to reach the handler. */
export const sampleBodies: Readonly<Record<string, unknown>> = {
  'POST /api/v1/setup': {
    token: 'A'.repeat(43),
    email: 'late@example.org',
    name: 'Late',
    password: 'umbrella-tadpole-seventeen-copper',
  },
  'POST /api/v1/session': { email: 'nobody@example.org', password: 'umbrella-tadpole-seventeen-copper' },
  'POST /api/v1/keys': { name: 'sample', scopes: ['workspace:read'] },
  'POST /api/v1/workspaces': { name: 'sample' },
  'PATCH /api/v1/workspaces/:workspaceId': { name: 'renamed' },
  'POST /api/v1/workspaces/:workspaceId/policy/allow': { host: 'example.org', ports: [443] },
  'PUT /api/v1/workspaces/:workspaceId/policy': { sets: [], allow: [], deny: [] },
  'POST /api/v1/workspaces/:workspaceId/terminals': {},
  'PUT /api/v1/secrets/:name': { kind: 'anthropic', value: 'sample' },
};
