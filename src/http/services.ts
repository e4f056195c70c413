import type { Audit } from '#audit/audit.ts';
import type { Keys } from '#identity/keys.ts';
import type { People } from '#identity/people.ts';
import type { Roles } from '#identity/roles.ts';
import type { Sessions } from '#identity/sessions.ts';
import type { Setup } from '#identity/setup.ts';
import type { SignIn } from '#identity/sign-in.ts';
import type { Policies } from '#sandboxes/policies.ts';
import type { Secrets } from '#sandboxes/secrets.ts';
import type { Terminals } from '#terminals/terminals.ts';
import type { Workspaces } from '#workspaces/workspaces.ts';
import type { Csrf } from '#http/csrf.ts';
import type { Status } from '#http/status.ts';

/** What handlers may call. A room adds its service here and main/server.ts builds it. */
export interface Services {
  readonly audit: Audit;
  readonly csrf: Csrf;
  readonly keys: Keys;
  /** The description of the whole table. */
  openapi(): Record<string, unknown>;
  readonly people: People;
  readonly policies: Policies;
  readonly roles: Roles;
  readonly secrets: Secrets;
  readonly sessions: Sessions;
  readonly setup: Setup;
  readonly signIn: SignIn;
  readonly status: Status;
  readonly terminals: Terminals;
  readonly workspaces: Workspaces;
}
