-- Requests and background jobs have logins of their own, so that SQL injected into a request cannot take
-- on the role of a job. `casemate_app`, which was both, logs in no more.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['casemate_request', 'casemate_jobs']
  loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit noreplication', role_name);
    exception when duplicate_object or unique_violation then
      if exists (select from pg_catalog.pg_roles where rolname = role_name and (rolsuper or rolbypassrls)) then
        raise exception 'the role % may bypass row-level security', role_name;
      end if;
    end;
  end loop;
end
$$;

do $$
declare
  pair text[];
begin
  foreach pair slice 1 in array array[['casemate_tenant', 'casemate_request'], ['casemate_job_audit', 'casemate_jobs'],
    ['casemate_job_ingest', 'casemate_jobs'], ['casemate_job_lifecycle', 'casemate_jobs'], ['casemate_job_purge', 'casemate_jobs']]
  loop
    if not pg_catalog.pg_has_role(pair[2], pair[1], 'member') then
      begin
        execute format('grant %I to %I', pair[1], pair[2]);
      exception when unique_violation then null;
      end;
    end if;
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'casemate_app' and rolcanlogin) then
    alter role casemate_app nologin;
  end if;
  execute format('revoke connect on database %I from casemate_app', current_database());
  execute format('grant connect on database %I to casemate_request, casemate_jobs', current_database());
end
$$;
revoke usage on schema public from casemate_app;
grant usage on schema public to casemate_request, casemate_jobs;

-- The two pads of an HMAC key (RFC 2104) under which the server proves for which team it acts. No role
-- but the owner reads them: `current_team_id` does, as the owner.
create table context_keys (
  id smallint primary key check (id = 1),
  inner_pad bytea not null check (length(inner_pad) = 64),
  outer_pad bytea not null check (length(outer_pad) = 64)
);
alter table context_keys enable row level security;
alter table context_keys force row level security;
revoke all on context_keys from public;
create policy owner_all on context_keys to current_user using (true) with check (true);

-- `casemate.context` is `team|user|expires|HMAC-SHA256`, the time in seconds. What was not made with the
-- key, or is over, is refused: a team that is only named is worth nothing. The MACs are compared by a
-- second MAC, so that how long it takes tells nothing of them.
create or replace function current_team_id() returns text
language plpgsql stable parallel restricted security definer set search_path = pg_catalog
as $$
declare
  parts text[] := string_to_array(coalesce(current_setting('casemate.context', true), ''), '|');
  inner_key bytea;
  outer_key bytea;
  expected bytea;
begin
  if cardinality(parts) = 4 and parts[3] ~ '^[0-9]{1,12}$' and parts[4] ~ '^[0-9a-f]{64}$' then
    select inner_pad, outer_pad into inner_key, outer_key from public.context_keys;
    expected := sha256(outer_key || sha256(inner_key || convert_to('casemate tenant v1|' || array_to_string(parts[1:3], '|'), 'UTF8')));
    if sha256(outer_key || expected) = sha256(outer_key || decode(parts[4], 'hex'))
      and to_timestamp(parts[3]::bigint) > transaction_timestamp() then
      return parts[1];
    end if;
  end if;
  raise exception 'permission denied: the transaction does not prove for which team it acts'
    using errcode = 'insufficient_privilege';
end
$$;
