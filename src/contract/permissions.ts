/** Everything a person or key may be allowed to do. An API key's scopes are names from this list, or `*`. */
export const permissionCatalogue = {
  'workspace:read': 'See workspaces, their state and their files',
  'workspace:write': 'Create, rename, delete and restore workspaces',
  'workspace:run': 'Start and stop the sandbox of a workspace',
  'terminal:watch': 'See terminals and their recordings',
  'terminal:drive': 'Open terminals and type into them',
  'policy:read': 'See what may leave a sandbox and what left',
  'policy:write': 'Change what may leave a sandbox',
  'secret:read': 'See which secrets exist (never their values)',
  'secret:write': 'Set and remove secrets',
  'audit:read': 'Read the audit trail of the team',
  'key:write': 'Create and revoke API keys',
  'system:read': 'See the state of this server',
} as const satisfies Record<string, string>;

export type Permission = keyof typeof permissionCatalogue;

export const permissions = Object.freeze(Object.keys(permissionCatalogue) as Permission[]);

export const roleCatalogue = {
  owner: permissions,
  admin: permissions,
  member: permissions.filter((permission) => !['key:write', 'secret:write', 'audit:read'].includes(permission)),
  viewer: ['workspace:read', 'terminal:watch', 'policy:read', 'system:read'],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof roleCatalogue;
