-- Heads of audit chains, signed by a key that neither the server nor this database has.
create table audit_checkpoints (
  chain text not null,
  sequence bigint not null check (sequence >= 1),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  signed_at timestamptz(3) not null,
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  signature bytea not null check (length(signature) = 64),
  primary key (chain, sequence)
);
create trigger audit_checkpoints_insert_only before update or delete on audit_checkpoints
  for each row execute function refuse_change();
create trigger audit_checkpoints_no_truncate before truncate on audit_checkpoints
  for each statement execute function refuse_change();

-- Commands that the server is about to give to the warden. The journal of the warden names them, and what
-- it names without being here was given by somebody else.
create table announced_commands (
  id text primary key,
  kind text not null,
  team_id text not null,
  announced_at timestamptz(3) not null default now()
);
create index announced_commands_age on announced_commands (announced_at);

do $$
declare
  table_name text;
begin
  foreach table_name in array array['audit_checkpoints', 'announced_commands']
  loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format('revoke all on %I from public', table_name);
  end loop;
end
$$;
create policy audit_all on audit_checkpoints to casemate_job_audit using (true) with check (true);
grant select, insert on audit_checkpoints to casemate_job_audit;
create policy audit_insert on announced_commands for insert to casemate_job_audit with check (true);
grant insert on announced_commands to casemate_job_audit;
create policy ingest_select on announced_commands for select to casemate_job_ingest using (true);
create policy ingest_delete on announced_commands for delete to casemate_job_ingest using (true);
grant select, delete on announced_commands to casemate_job_ingest;
create policy purge_select on announced_commands for select to casemate_job_purge using (true);
create policy purge_delete on announced_commands for delete to casemate_job_purge using (true);
grant select (announced_at), delete on announced_commands to casemate_job_purge;
