-- What each store function of src/database sends. Generated; `npm run generate` writes it.


-- identity/idempotency-store.ts

-- claimIdempotencyKey
insert into "idempotency_keys" ("team_id", "key", "request_digest", "status", "body", "created_at", "expires_at") values (default, $1, $2, default, default, default, $3) on conflict ("team_id","key") do update set "request_digest" = $4, "status" = $5, "body" = $6, "expires_at" = $7 where "idempotency_keys"."expires_at" < $8 returning "team_id", "key", "request_digest", "status", "body", "created_at", "expires_at";

-- findIdempotencyKey
select "team_id", "key", "request_digest", "status", "body", "created_at", "expires_at" from "idempotency_keys" where "idempotency_keys"."key" = $1;

-- completeIdempotencyKey
update "idempotency_keys" set "status" = $1, "body" = $2 where "idempotency_keys"."key" = $3;

-- releaseIdempotencyKey
delete from "idempotency_keys" where ("idempotency_keys"."key" = $1 and "idempotency_keys"."status" is null);

-- purgeIdempotencyKeys
delete from "idempotency_keys" where "idempotency_keys"."expires_at" < $1;


-- identity/key-store.ts

-- createApiKey
insert into "api_keys" ("id", "team_id", "owner_id", "name", "prefix", "hash", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at") values ($1, default, $2, $3, $4, $5, $6, default, $7, default, default) returning "id", "team_id", "owner_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at";

-- findApiKey
select "id", "team_id", "owner_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at" from "api_keys" where "api_keys"."hash" = $1;

-- touchApiKey
update "api_keys" set "last_used_at" = greatest("api_keys"."last_used_at", $1::timestamptz) where "api_keys"."id" = $2;

-- listApiKeys
select "id", "team_id", "owner_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at" from "api_keys" order by "api_keys"."created_at" desc, "api_keys"."id" desc limit $1;
select "id", "team_id", "owner_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at" from "api_keys" where ("api_keys"."created_at" < $1 or ("api_keys"."created_at" = $2 and "api_keys"."id" < $3)) order by "api_keys"."created_at" desc, "api_keys"."id" desc limit $4;

-- revokeApiKey
update "api_keys" set "revoked_at" = $1 where ("api_keys"."id" = $2 and "api_keys"."revoked_at" is null) returning "id", "team_id", "owner_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at";


-- identity/login-limit-forgive.ts

-- forgiveLoginAttempt
update "login_limits" set "count" = greatest("login_limits"."count" - 1, 0) where ("login_limits"."kind" = $1 and "login_limits"."key" = $2);


-- identity/login-limit-store.ts

-- findLoginLimit
select "kind", "key", "count", "window_ends_at", "blocked_until" from "login_limits" where ("login_limits"."kind" = $1 and "login_limits"."key" = $2);

-- countLoginFailure
insert into "login_limits" ("kind", "key", "count", "window_ends_at", "blocked_until") values ($1, $2, $3, $4, default) on conflict ("kind","key") do update set "count" = case when "login_limits"."window_ends_at" <= $5::timestamptz then 1 else "login_limits"."count" + 1 end, "window_ends_at" = case when "login_limits"."window_ends_at" <= $6::timestamptz then excluded.window_ends_at else "login_limits"."window_ends_at" end, "blocked_until" = case when "login_limits"."window_ends_at" <= $7::timestamptz then null else "login_limits"."blocked_until" end returning "kind", "key", "count", "window_ends_at", "blocked_until";

-- blockLogin
update "login_limits" set "blocked_until" = $1 where ("login_limits"."kind" = $2 and "login_limits"."key" = $3);

-- clearLoginLimit
delete from "login_limits" where ("login_limits"."kind" = $1 and "login_limits"."key" = $2);

-- purgeLoginLimits
delete from "login_limits" where "login_limits"."window_ends_at" < $1;


-- identity/session-store.ts

-- createSession
insert into "sessions" ("id", "token_hash", "user_id", "team_id", "created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at", "address", "agent", "revoked_at", "revoked_reason") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, default, default);

-- findLiveSession
select "id", "token_hash", "user_id", "team_id", "created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at", "address", "agent", "revoked_at", "revoked_reason" from "sessions" where ("sessions"."token_hash" = $1 and ("sessions"."revoked_at" is null and "sessions"."idle_expires_at" > $2 and "sessions"."absolute_expires_at" > $3));

-- isSessionLive
select "id" from "sessions" where ("sessions"."id" = $1 and ("sessions"."revoked_at" is null and "sessions"."idle_expires_at" > $2 and "sessions"."absolute_expires_at" > $3));

-- touchSession
update "sessions" set "last_seen_at" = $1, "idle_expires_at" = $2 where ("sessions"."id" = $3 and ("sessions"."revoked_at" is null and "sessions"."idle_expires_at" > $4 and "sessions"."absolute_expires_at" > $5));

-- listLiveSessions
select "id", "token_hash", "user_id", "team_id", "created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at", "address", "agent", "revoked_at", "revoked_reason" from "sessions" where ("sessions"."user_id" = $1 and ("sessions"."revoked_at" is null and "sessions"."idle_expires_at" > $2 and "sessions"."absolute_expires_at" > $3)) order by "sessions"."created_at" desc, "sessions"."id" desc;

-- revokeSession
update "sessions" set "revoked_at" = $1, "revoked_reason" = $2 where ("sessions"."id" = $3 and "sessions"."revoked_at" is null) returning "id";

-- revokeUserSessions
update "sessions" set "revoked_at" = $1, "revoked_reason" = $2 where ("sessions"."user_id" = $3 and "sessions"."revoked_at" is null) returning "id";

-- purgeSessions
delete from "sessions" where "sessions"."absolute_expires_at" < $1;


-- identity/setup-token-store.ts

-- createSetupToken
update "setup_tokens" set "used_at" = $1 where "setup_tokens"."used_at" is null;
insert into "setup_tokens" ("hash", "created_at", "expires_at", "used_at") values ($1, default, $2, default);

-- isSetupTokenUsable
select "hash" from "setup_tokens" where ("setup_tokens"."hash" = $1 and "setup_tokens"."used_at" is null and "setup_tokens"."expires_at" > $2);

-- useSetupToken
update "setup_tokens" set "used_at" = $1 where ("setup_tokens"."hash" = $2 and "setup_tokens"."used_at" is null and "setup_tokens"."expires_at" > $3) returning "hash";

-- purgeSetupTokens
delete from "setup_tokens" where "setup_tokens"."expires_at" < $1;


-- identity/team-store.ts

-- createTeam
insert into "teams" ("id", "name", "personal", "created_at") values ($1, $2, $3, default) returning "id", "name", "personal", "created_at";

-- addMembership
insert into "memberships" ("team_id", "user_id", "role", "created_at") values ($1, $2, $3, default);

-- listMemberships
select "teams"."id", "teams"."name", "memberships"."role" from "memberships" inner join "teams" on "teams"."id" = "memberships"."team_id" where "memberships"."user_id" = $1 order by "memberships"."created_at" asc, "memberships"."team_id" asc;

-- findMembership
select "teams"."id", "teams"."name", "memberships"."role" from "memberships" inner join "teams" on "teams"."id" = "memberships"."team_id" where ("memberships"."user_id" = $1 and "memberships"."team_id" = $2);

-- findFirstOwner
select "team_id", "user_id" from "memberships" where "memberships"."role" = $1 order by "memberships"."created_at" asc, "memberships"."team_id" asc limit $2;

-- findTeam
select "id", "name", "personal", "created_at" from "teams";

-- listTeamIds
select "id" from "teams" order by "teams"."id" asc;


-- identity/user-list-store.ts

-- listUsers
select "id", "email", "name", "disabled_at", "created_at" from "users" order by "users"."created_at" asc, "users"."id" asc;


-- identity/user-lock.ts

-- lockUser
select pg_advisory_xact_lock(hashtextextended($1, 0));

-- lockSetup
select pg_advisory_xact_lock(hashtextextended('set-up', 0));


-- identity/user-store.ts

-- createUser
insert into "users" ("id", "email", "name", "password_hash", "disabled_at", "created_at") values ($1, $2, $3, $4, default, default) on conflict ("email") do nothing returning "id", "email", "name", "password_hash", "disabled_at", "created_at";

-- findUserByEmail
select "id", "email", "name", "password_hash", "disabled_at", "created_at" from "users" where "users"."email" = $1;

-- findUser
select "id", "email", "name", "password_hash", "disabled_at", "created_at" from "users" where "users"."id" = $1;

-- hasUsers
select "id" from "users" limit $1;

-- setPasswordHash
update "users" set "password_hash" = $1 where "users"."id" = $2;

-- findTeamUser
select "id", "email", "name" from "users" where "users"."id" = $1;


-- trail/audit-store.ts

-- lockAuditHead
insert into "audit_heads" ("chain", "team_id", "sequence", "hash") values ($1, $2, $3, $4) on conflict do nothing;
select "chain", "team_id", "sequence", "hash" from "audit_heads" where "audit_heads"."chain" = $1 for update;

-- findAuditOrigins
select "origin" from "audit_events" where ("audit_events"."chain" = $1 and "audit_events"."origin" in ($2));

-- addAuditEvents
insert into "audit_events" ("chain", "sequence", "team_id", "time", "event", "outcome", "actor", "request_id", "address", "fields", "previous", "hash", "mac", "origin") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- moveAuditHead
update "audit_heads" set "sequence" = $1, "hash" = $2 where "audit_heads"."chain" = $3;

-- listAuditHeads
select "chain", "team_id", "sequence", "hash" from "audit_heads" order by "audit_heads"."chain" asc;

-- listAuditChain
select "chain", "sequence", "team_id", "time", "event", "outcome", "actor", "request_id", "address", "fields", "previous", "hash", "mac", "origin" from "audit_events" where ("audit_events"."chain" = $1 and "audit_events"."sequence" > $2) order by "audit_events"."sequence" asc limit $3;

-- listTeamAuditEvents
select "chain", "sequence", "team_id", "time", "event", "outcome", "actor", "request_id", "address", "fields", "previous", "hash", "mac", "origin" from "audit_events" order by "audit_events"."sequence" desc limit $1;
select "chain", "sequence", "team_id", "time", "event", "outcome", "actor", "request_id", "address", "fields", "previous", "hash", "mac", "origin" from "audit_events" where ("audit_events"."sequence" < $1 and "audit_events"."event" = $2) order by "audit_events"."sequence" desc limit $3;


-- trail/checkpoint-store.ts

-- addCheckpoint
insert into "audit_checkpoints" ("chain", "sequence", "hash", "signed_at", "key_id", "signature") values ($1, $2, $3, $4, $5, $6) on conflict do nothing;

-- listNewestCheckpoints
select distinct on ("audit_checkpoints"."chain") "chain", "sequence", "hash", "signed_at", "key_id", "signature" from "audit_checkpoints" order by "audit_checkpoints"."chain", "audit_checkpoints"."sequence" desc;

-- listChainCheckpoints
select "chain", "sequence", "hash", "signed_at", "key_id", "signature" from "audit_checkpoints" where "audit_checkpoints"."chain" = $1 order by "audit_checkpoints"."sequence" asc;


-- trail/command-store.ts

-- announceCommands
set local synchronous_commit = off;
insert into "announced_commands" ("id", "kind", "team_id", "announced_at") values ($1, $2, $3, now()) on conflict do nothing;

-- findAnnouncedCommands
select "id", "kind", "team_id" from "announced_commands" where "announced_commands"."id" in ($1);

-- forgetAnnouncedCommands
delete from "announced_commands" where "announced_commands"."id" in ($1);

-- purgeAnnouncedCommands
delete from "announced_commands" where "announced_commands"."announced_at" <= $1;


-- trail/egress-store.ts

-- addEgressEvents
insert into "egress_events" ("id", "team_id", "sandbox_id", "workspace_id", "time", "sequence", "allowed", "method", "host", "port", "reason", "credential") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing returning "id", "team_id", "sandbox_id", "workspace_id", "time", "sequence", "allowed", "method", "host", "port", "reason", "credential";

-- listEgressEvents
select "id", "team_id", "sandbox_id", "workspace_id", "time", "sequence", "allowed", "method", "host", "port", "reason", "credential" from "egress_events" where "egress_events"."workspace_id" = $1 order by "egress_events"."time" desc, "egress_events"."id" desc limit $2;
select "id", "team_id", "sandbox_id", "workspace_id", "time", "sequence", "allowed", "method", "host", "port", "reason", "credential" from "egress_events" where ("egress_events"."workspace_id" = $1 and ("egress_events"."time" < $2 or ("egress_events"."time" = $3 and "egress_events"."id" < $4))) order by "egress_events"."time" desc, "egress_events"."id" desc limit $5;


-- trail/journal-cursor-store.ts

-- findJournalCursor
select "sequence", "hash" from "journal_cursors" where "journal_cursors"."process" = $1;

-- putJournalCursor
insert into "journal_cursors" ("process", "sequence", "hash") values ($1, $2, $3) on conflict ("process") do update set "sequence" = $4, "hash" = $5;


-- workspaces/sandbox-store.ts

-- createSandbox
insert into "sandboxes" ("id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason") values ($1, default, $2, $3, $4, $5, default, default, default, default) on conflict do nothing returning "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason";

-- findSandbox
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where "sandboxes"."id" = $1;

-- findWorkspaceSandbox
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where ("sandboxes"."workspace_id" = $1 and "sandboxes"."state" <> $2) order by "sandboxes"."created_at" desc limit $3;

-- listWorkspaceSandboxes
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where ("sandboxes"."workspace_id" in ($1) and "sandboxes"."state" <> $2);

-- listSandboxes
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" order by "sandboxes"."created_at" desc, "sandboxes"."id" desc limit $1;
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where ("sandboxes"."state" <> $1 and ("sandboxes"."created_at" < $2 or ("sandboxes"."created_at" = $3 and "sandboxes"."id" < $4))) order by "sandboxes"."created_at" desc, "sandboxes"."id" desc limit $5;

-- countLiveSandboxes
select count(*) from "sandboxes" where "sandboxes"."state" <> $1;

-- updateSandbox
update "sandboxes" set "state" = $1, "ended_at" = $2, "end_reason" = $3 where ("sandboxes"."id" = $4 and "sandboxes"."state" <> $5) returning "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason";

-- listAllLiveSandboxes
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where "sandboxes"."state" <> $1;

-- findAnySandbox
select "id", "team_id", "workspace_id", "state", "tier", "template", "created_at", "started_at", "ended_at", "end_reason" from "sandboxes" where "sandboxes"."id" = $1;


-- workspaces/secret-store.ts

-- putSecret
insert into "secrets" ("team_id", "name", "kind", "base_url", "user_name", "sealed", "set_by", "set_at") values (default, $1, $2, $3, $4, $5, $6, $7) on conflict ("team_id","name") do update set "kind" = $8, "base_url" = $9, "user_name" = $10, "sealed" = $11, "set_by" = $12, "set_at" = $13 returning "team_id", "name", "kind", "base_url", "user_name", "set_by", "set_at";

-- listSecrets
select "team_id", "name", "kind", "base_url", "user_name", "set_by", "set_at" from "secrets" order by "secrets"."name" asc;

-- findSecret
select "team_id", "name", "kind", "base_url", "user_name", "set_by", "set_at" from "secrets" where "secrets"."name" = $1;

-- removeSecret
delete from "secrets" where "secrets"."name" = $1 returning "name";

-- listAllSecrets
select "team_id", "name", "kind", "base_url", "user_name", "sealed", "set_by", "set_at" from "secrets" order by "secrets"."team_id" asc, "secrets"."name" asc;


-- workspaces/team-lock.ts

-- takeTeamTurn
select pg_advisory_xact_lock(hashtextextended($1::text || ' ' || current_team_id(), 0));


-- workspaces/terminal-store.ts

-- createTerminal
insert into "terminals" ("id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "recording_private_key", "created_by", "created_at", "ended_at") values ($1, default, $2, $3, $4, $5, $6, $7, $8, default, default, $9, $10, $11, default, default) returning "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at";

-- findTerminal
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where "terminals"."id" = $1;

-- findTerminalRecording
select "id", "recording_public_key", "recording_private_key" from "terminals" where "terminals"."id" = $1;

-- listTerminals
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where "terminals"."workspace_id" = $1 order by "terminals"."created_at" desc, "terminals"."id" desc limit $2;
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where ("terminals"."workspace_id" = $1 and ("terminals"."created_at" < $2 or ("terminals"."created_at" = $3 and "terminals"."id" < $4))) order by "terminals"."created_at" desc, "terminals"."id" desc limit $5;

-- countLiveTerminals
select "workspace_id", count(*) from "terminals" where ("terminals"."workspace_id" in ($1) and "terminals"."state" <> $2) group by "terminals"."workspace_id";

-- listSandboxTerminals
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where ("terminals"."sandbox_id" = $1 and "terminals"."state" <> $2) order by "terminals"."created_at" asc, "terminals"."id" asc;

-- updateTerminal
update "terminals" set "state" = $1, "exit_code" = $2, "signal" = $3, "ended_at" = $4 where ("terminals"."id" = $5 and "terminals"."state" <> $6) returning "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at";

-- listAllLiveTerminals
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where "terminals"."state" <> $1;

-- findAnyTerminal
select "id", "team_id", "workspace_id", "sandbox_id", "title", "program", "columns", "rows", "state", "exit_code", "signal", "recording_public_key", "created_by", "created_at", "ended_at" from "terminals" where "terminals"."id" = $1;


-- workspaces/workspace-store.ts

-- createWorkspace
insert into "workspaces" ("id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at") values ($1, default, $2, $3, $4, default, $5, $6, $7, $8, $9, default, $10, default, default) returning "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at";

-- findWorkspace
select "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at" from "workspaces" where "workspaces"."id" = $1;

-- lockWorkspace
select "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at" from "workspaces" where "workspaces"."id" = $1 for update;

-- listWorkspaces
select "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at" from "workspaces" where "workspaces"."deleted_at" is null order by "workspaces"."created_at" desc, "workspaces"."id" desc limit $1;
select "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at" from "workspaces" where ("workspaces"."deleted_at" is not null and ("workspaces"."created_at" < $1 or ("workspaces"."created_at" = $2 and "workspaces"."id" < $3))) order by "workspaces"."created_at" desc, "workspaces"."id" desc limit $4;

-- countWorkspaces
select count(*) from "workspaces" where "workspaces"."deleted_at" is null;

-- updateWorkspace
update "workspaces" set "name" = $1, "description" = $2 where "workspaces"."id" = $3 returning "id", "team_id", "name", "description", "state", "failure", "git_url", "git_branch", "policy", "policy_preset", "created_by", "created_at", "last_used_at", "deleted_at", "purge_at";

-- deleteWorkspace
delete from "workspaces" where "workspaces"."id" = $1 returning "id";

-- listPurgeableWorkspaces
select "id", "team_id" from "workspaces" where ("workspaces"."purge_at" is not null and "workspaces"."purge_at" <= $1) limit $2;

-- listUnfinishedWorkspaces
select "id", "team_id" from "workspaces" where ("workspaces"."deleted_at" is null and "workspaces"."state" <> $1 and "workspaces"."state" <> $2);
