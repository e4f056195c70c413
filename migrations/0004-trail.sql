-- Evidence refers to nothing by foreign key: it outlives what it speaks of.
create table egress_events (
  id text primary key,
  team_id text not null,
  sandbox_id text not null,
  workspace_id text,
  time timestamptz(3) not null,
  sequence bigint not null,
  allowed boolean not null,
  method text not null,
  host text not null,
  port integer not null,
  reason text not null,
  credential text
);
create index egress_events_page on egress_events (team_id, workspace_id, time, id);

create table journal_cursors (
  process text primary key,
  sequence bigint not null check (sequence >= 0),
  hash text not null
);

create table audit_events (
  chain text not null,
  sequence bigint not null check (sequence >= 1),
  team_id text,
  time timestamptz(3) not null,
  event text not null,
  outcome text not null check (outcome in ('success', 'denied', 'failed')),
  actor jsonb not null,
  request_id text,
  address text,
  fields jsonb not null,
  previous text not null check (previous ~ '^[0-9a-f]{64}$'),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  mac bytea not null check (length(mac) = 32),
  origin text,
  primary key (chain, sequence),
  check ((chain = 'instance' and team_id is null) or (team_id is not null and chain = team_id))
);
create unique index audit_events_origin on audit_events (chain, origin) where origin is not null;

create table audit_heads (
  chain text primary key,
  team_id text,
  sequence bigint not null check (sequence >= 0),
  hash text not null
);

create function refuse_change() returns trigger
language plpgsql set search_path = ''
as $$
begin
  raise exception 'the audit trail is insert-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_insert_only before update or delete on audit_events
  for each row execute function refuse_change();
create trigger audit_events_no_truncate before truncate on audit_events
  for each statement execute function refuse_change();
-- A head only grows.
create function refuse_shrinking_head() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if new.chain <> old.chain or new.sequence <= old.sequence then
    raise exception 'the head of an audit chain only grows' using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$$;
create trigger audit_heads_grow before update on audit_heads
  for each row execute function refuse_shrinking_head();
create trigger audit_heads_stay before delete on audit_heads
  for each row execute function refuse_change();
create trigger audit_heads_no_truncate before truncate on audit_heads
  for each statement execute function refuse_change();
