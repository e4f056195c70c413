create table users (
  id text primary key check (id ~ '^[a-z2-7]{20}$'),
  email text not null unique check (email = lower(email) and length(email) <= 254),
  name text not null check (length(name) between 1 and 80),
  password_hash text,
  disabled_at timestamptz(3),
  created_at timestamptz(3) not null default now()
);

create table teams (
  id text primary key check (id ~ '^[a-z2-7]{20}$'),
  name text not null check (length(name) between 1 and 80),
  personal boolean not null default false,
  created_at timestamptz(3) not null default now()
);

create table memberships (
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz(3) not null default now(),
  primary key (team_id, user_id)
);
create index memberships_user on memberships (user_id);

create table sessions (
  id text primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  user_id text not null references users (id) on delete cascade,
  team_id text not null references teams (id) on delete cascade,
  created_at timestamptz(3) not null default now(),
  last_seen_at timestamptz(3) not null,
  idle_expires_at timestamptz(3) not null,
  absolute_expires_at timestamptz(3) not null,
  address text,
  agent text,
  revoked_at timestamptz(3),
  revoked_reason text
);
create index sessions_user on sessions (user_id, created_at);

create table api_keys (
  id text primary key,
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  owner_id text not null references users (id) on delete cascade,
  name text not null check (length(name) between 1 and 80),
  prefix text not null check (length(prefix) = 12),
  hash bytea not null check (length(hash) = 32),
  scopes text[] not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  last_used_at timestamptz(3)
);
create unique index api_keys_hash on api_keys (hash);
create index api_keys_page on api_keys (team_id, created_at);

create table setup_tokens (
  hash bytea primary key check (length(hash) = 32),
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  used_at timestamptz(3)
);

create table login_limits (
  kind text not null check (kind in ('account', 'address', 'global')),
  key bytea not null,
  count integer not null check (count >= 0),
  window_ends_at timestamptz(3) not null,
  blocked_until timestamptz(3),
  primary key (kind, key)
);

create table idempotency_keys (
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  key text not null check (length(key) between 1 and 255),
  request_digest bytea not null,
  status integer,
  body text,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  primary key (team_id, key)
);
