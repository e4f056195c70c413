-- References name the team too, so that no row can hang on another team's.
create table workspaces (
  id text primary key check (id ~ '^[a-z2-7]{20}$'),
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  name text not null check (length(name) between 1 and 50),
  description text not null default '' check (length(description) <= 200),
  state text not null check (state in ('creating', 'cloning', 'ready', 'failed', 'deleted')),
  failure text,
  git_url text,
  git_branch text,
  policy jsonb not null,
  policy_preset text not null check (policy_preset in ('coding', 'closed', 'custom')),
  created_by text not null references users (id),
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3) not null,
  deleted_at timestamptz(3),
  purge_at timestamptz(3),
  unique (team_id, id)
);
create index workspaces_page on workspaces (team_id, created_at, id);

create table sandboxes (
  id text primary key check (id ~ '^[a-z2-7]{20}$'),
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  workspace_id text,
  state text not null check (state in ('starting', 'running', 'frozen', 'stopping', 'stopped')),
  tier text not null,
  template text not null,
  created_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  ended_at timestamptz(3),
  end_reason text,
  unique (team_id, id),
  foreign key (team_id, workspace_id) references workspaces (team_id, id) on delete set null (workspace_id)
);
create index sandboxes_page on sandboxes (team_id, created_at, id);
create unique index sandboxes_one_per_workspace on sandboxes (workspace_id) where state <> 'stopped';

create table terminals (
  id text primary key check (id ~ '^[a-z2-7]{20}$'),
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  workspace_id text,
  sandbox_id text not null,
  title text not null,
  program text not null,
  columns integer not null check (columns between 1 and 1000),
  rows integer not null check (rows between 1 and 1000),
  state text not null check (state in ('starting', 'running', 'ended')),
  exit_code integer,
  signal text,
  recording_public_key bytea not null check (length(recording_public_key) = 32),
  recording_private_key bytea not null,
  created_by text not null references users (id),
  created_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  foreign key (team_id, workspace_id) references workspaces (team_id, id) on delete set null (workspace_id),
  foreign key (team_id, sandbox_id) references sandboxes (team_id, id)
);
create index terminals_page on terminals (team_id, workspace_id, created_at, id);
create index terminals_sandbox on terminals (sandbox_id);

create table secrets (
  team_id text not null default current_team_id() references teams (id) on delete cascade,
  name text not null check (name ~ '^[a-z][a-z0-9._-]{0,62}$'),
  kind text not null,
  base_url text not null,
  user_name text not null,
  sealed bytea not null,
  set_by text references users (id),
  set_at timestamptz(3) not null,
  primary key (team_id, name)
);
