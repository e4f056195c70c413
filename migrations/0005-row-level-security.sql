-- Every table: enabled, and forced for its owner too. What no policy allows is refused.
do $$
declare
  table_name text;
begin
  foreach table_name in array array['users', 'teams', 'memberships', 'sessions', 'api_keys', 'setup_tokens',
    'login_limits', 'idempotency_keys', 'workspaces', 'sandboxes', 'terminals', 'secrets', 'egress_events',
    'journal_cursors', 'audit_events', 'audit_heads']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('revoke all on %I from public', table_name);
  end loop;

  -- What a team owns and may change.
  foreach table_name in array array['api_keys', 'idempotency_keys', 'workspaces', 'sandboxes', 'terminals', 'secrets']
  loop
    execute format('create policy tenant_select on %I for select to casemate_tenant using (team_id = (select current_team_id()))', table_name);
    execute format('create policy tenant_insert on %I for insert to casemate_tenant with check (team_id = (select current_team_id()))', table_name);
    execute format('create policy tenant_update on %I for update to casemate_tenant using (team_id = (select current_team_id())) with check (team_id = (select current_team_id()))', table_name);
    execute format('create policy tenant_delete on %I for delete to casemate_tenant using (team_id = (select current_team_id()))', table_name);
  end loop;

  -- What a team may read only.
  foreach table_name in array array['memberships', 'egress_events', 'audit_events']
  loop
    execute format('create policy tenant_select on %I for select to casemate_tenant using (team_id = (select current_team_id()))', table_name);
    execute format('grant select on %I to casemate_tenant', table_name);
  end loop;
end
$$;

create policy tenant_select on teams for select to casemate_tenant using (id = (select current_team_id()));
create policy tenant_select on users for select to casemate_tenant
  using (exists (select from memberships where memberships.user_id = users.id));
grant select on teams to casemate_tenant;
grant select (id, email, name, created_at) on users to casemate_tenant;
grant select, insert, delete on api_keys to casemate_tenant;
grant update (name, revoked_at) on api_keys to casemate_tenant;
grant select, insert, update, delete on idempotency_keys, workspaces to casemate_tenant;
grant select, insert, update on sandboxes, terminals to casemate_tenant;
grant insert, update, delete on secrets to casemate_tenant;
-- Not `sealed`: it goes to the broker, and back to nobody.
grant select (team_id, name, kind, base_url, user_name, set_by, set_at) on secrets to casemate_tenant;

-- Before a user is known.
create policy auth_all on users to casemate_auth using (true) with check (true);
create policy auth_all on teams to casemate_auth using (true) with check (true);
create policy auth_all on memberships to casemate_auth using (true) with check (true);
create policy auth_all on sessions to casemate_auth using (true) with check (true);
create policy auth_all on api_keys to casemate_auth using (true) with check (true);
create policy auth_all on setup_tokens to casemate_auth using (true) with check (true);
create policy auth_all on login_limits to casemate_auth using (true) with check (true);
grant select, insert on users, teams, memberships, sessions, setup_tokens to casemate_auth;
grant update (name, password_hash, disabled_at) on users to casemate_auth;
grant update (last_seen_at, idle_expires_at, revoked_at, revoked_reason) on sessions to casemate_auth;
grant select on api_keys to casemate_auth;
grant update (last_used_at) on api_keys to casemate_auth;
grant update (used_at) on setup_tokens to casemate_auth;
grant select, insert, update, delete on login_limits to casemate_auth;

-- The writer of the trail.
create policy audit_all on audit_events to casemate_job_audit using (true) with check (true);
create policy audit_all on audit_heads to casemate_job_audit using (true) with check (true);
grant select, insert on audit_events, audit_heads to casemate_job_audit;
grant update (sequence, hash) on audit_heads to casemate_job_audit;

-- What takes the journals of broker, keeper and warden over.
create policy ingest_all on egress_events to casemate_job_ingest using (true) with check (true);
create policy ingest_all on journal_cursors to casemate_job_ingest using (true) with check (true);
grant select, insert on egress_events to casemate_job_ingest;
grant select, insert, update on journal_cursors to casemate_job_ingest;

-- What compares the database with the processes; it reads only, and changes go by a team's scope.
create policy lifecycle_select on teams for select to casemate_job_lifecycle using (true);
create policy lifecycle_select on workspaces for select to casemate_job_lifecycle using (true);
create policy lifecycle_select on sandboxes for select to casemate_job_lifecycle using (true);
create policy lifecycle_select on terminals for select to casemate_job_lifecycle using (true);
create policy lifecycle_select on secrets for select to casemate_job_lifecycle using (true);
grant select (id) on teams to casemate_job_lifecycle;
grant select on workspaces, sandboxes, secrets to casemate_job_lifecycle;
grant select (id, team_id, workspace_id, sandbox_id, title, program, columns, rows, state, exit_code, signal,
  recording_public_key, created_by, created_at, ended_at) on terminals to casemate_job_lifecycle;

-- What removes what has expired.
create policy purge_all on sessions to casemate_job_purge using (true);
create policy purge_all on setup_tokens to casemate_job_purge using (true);
create policy purge_all on login_limits to casemate_job_purge using (true);
create policy purge_all on idempotency_keys to casemate_job_purge using (true);
grant delete on sessions, setup_tokens, login_limits, idempotency_keys to casemate_job_purge;
grant select (absolute_expires_at) on sessions to casemate_job_purge;
grant select (expires_at) on setup_tokens, idempotency_keys to casemate_job_purge;
grant select (window_ends_at) on login_limits to casemate_job_purge;
