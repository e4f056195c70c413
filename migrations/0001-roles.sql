-- Roles belong to the cluster and may exist already: another database of the same cluster made them,
-- or two instances start at once.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['casemate_app', 'casemate_auth', 'casemate_tenant', 'casemate_job_audit',
    'casemate_job_ingest', 'casemate_job_lifecycle', 'casemate_job_purge']
  loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit noreplication', role_name);
    exception when duplicate_object or unique_violation then
      -- Also raised for a role that came about between the look and the insertion.
      if exists (select from pg_catalog.pg_roles where rolname = role_name and (rolsuper or rolbypassrls)) then
        raise exception 'the role % may bypass row-level security', role_name;
      end if;
    end;
  end loop;
end
$$;

-- casemate_app itself has no privilege on any table: without `set role` everything is refused.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['casemate_tenant', 'casemate_job_audit', 'casemate_job_ingest',
    'casemate_job_lifecycle', 'casemate_job_purge']
  loop
    if not pg_catalog.pg_has_role('casemate_app', role_name, 'member') then
      begin
        execute format('grant %I to casemate_app', role_name);
      exception when unique_violation then null;
      end;
    end if;
  end loop;
end
$$;

do $$
begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to casemate_app, casemate_auth', current_database());
end
$$;
revoke all on schema public from public;
grant usage on schema public to casemate_app, casemate_auth, casemate_tenant, casemate_job_audit,
  casemate_job_ingest, casemate_job_lifecycle, casemate_job_purge;
alter default privileges revoke execute on functions from public;

-- The context of the transaction. A setting that was used once reads '' afterwards, not null.
create function current_team_id() returns text
language sql stable parallel safe
return nullif(pg_catalog.current_setting('casemate.team_id', true), '');
grant execute on function current_team_id() to casemate_tenant;
