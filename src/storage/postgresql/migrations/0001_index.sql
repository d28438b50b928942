-- Of which store this is the index: one row.
CREATE TABLE indexed_store (
  store_id text NOT NULL,
  one boolean PRIMARY KEY DEFAULT true CHECK (one)
);

CREATE TABLE experiments (
  experiment text PRIMARY KEY,
  -- The code of each derivation whose values count.
  derivations jsonb NOT NULL DEFAULT '{}'
);

-- How far each file of lines has been read; `damaged` lines are no records, and left out.
CREATE TABLE segments (
  id serial PRIMARY KEY,
  experiment text NOT NULL,
  path text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  damaged integer NOT NULL DEFAULT 0,
  UNIQUE (experiment, path)
);

-- Manifests, declarations and derivations, as they are in the experiment's folder.
CREATE TABLE manifest_files (
  experiment text NOT NULL,
  path text COLLATE "C" NOT NULL,
  version text NOT NULL,
  content text NOT NULL,
  PRIMARY KEY (experiment, path)
);

-- The final record of each run. jsonb can't hold everything that JSON can: `record` is the line itself.
CREATE TABLE runs (
  experiment text NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  status text NOT NULL,
  generation bigint NOT NULL,
  attempt bigint NOT NULL,
  index bigint,
  replicate bigint,
  submission text NOT NULL,
  slot text,
  context_fingerprint text,
  params_fingerprint text,
  seed_fingerprint text,
  code_fingerprint text,
  started_at timestamptz,
  finished_at timestamptz,
  duration_ms double precision,
  error_type text,
  error_message text,
  tags jsonb NOT NULL,
  params jsonb NOT NULL,
  metrics jsonb NOT NULL,
  derived jsonb NOT NULL,
  artifacts jsonb NOT NULL,
  segment text COLLATE "C" NOT NULL,
  segment_offset bigint NOT NULL,
  record text NOT NULL,
  PRIMARY KEY (experiment, run_id)
);
CREATE INDEX runs_in_order ON runs (experiment, index);
CREATE INDEX runs_by_params ON runs USING gin (params jsonb_path_ops);

CREATE TABLE derived_lines (
  experiment text NOT NULL,
  segment integer NOT NULL,
  slot text,
  run_id text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  attempt bigint NOT NULL,
  derivation text NOT NULL,
  code text NOT NULL,
  metrics jsonb NOT NULL,
  segment_offset bigint NOT NULL,
  line text NOT NULL
);
CREATE INDEX derived_lines_of_runs ON derived_lines (experiment, run_id);

-- Points of every attempt: those that count are in `series`.
CREATE TABLE points (
  experiment text NOT NULL,
  segment integer NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  attempt bigint NOT NULL,
  name text NOT NULL,
  step double precision NOT NULL,
  value double precision NOT NULL,
  segment_offset bigint NOT NULL,
  -- Where the columns can not hold it: a name with a zero byte.
  line text
);
CREATE INDEX points_of_runs ON points (experiment, run_id);

CREATE TABLE data_lines (
  experiment text NOT NULL,
  segment integer NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  segment_offset bigint NOT NULL,
  line text NOT NULL
);
CREATE INDEX data_lines_of_runs ON data_lines (experiment, run_id);

-- Which types the values of each param, metric and derived metric have: the columns of an experiment's view.
CREATE TABLE value_types (
  experiment text NOT NULL,
  source text NOT NULL,
  key text COLLATE "C" NOT NULL,
  type text NOT NULL,
  PRIMARY KEY (experiment, source, key, type)
);

CREATE VIEW series AS
  SELECT points.experiment, points.run_id, points.name, points.step, points.value
  FROM points
  JOIN runs USING (experiment, run_id, generation, attempt)
  JOIN segments ON segments.id = points.segment
  WHERE runs.status <> 'success' OR runs.slot IS NULL
    OR right(segments.path, length(runs.slot) + 15) = '/series-' || runs.slot || '.ndjson';

CREATE VIEW artifacts AS
  SELECT runs.experiment, runs.run_id, artifact->>'name' AS name, artifact->>'kind' AS kind,
    artifact->>'format' AS format, artifact->>'uri' AS uri, artifact->>'content_hash' AS content_hash,
    (artifact->>'size_bytes')::bigint AS size_bytes, artifact->'metadata' AS metadata
  FROM runs CROSS JOIN LATERAL jsonb_array_elements(runs.artifacts) AS artifact;

CREATE VIEW submissions AS
  SELECT submitted.experiment, split_part(submitted.path, '/', 2) AS submission,
    (submitted.content::json->>'submitted_at')::timestamptz AS submitted_at,
    ended.content::json->>'state' AS state, (ended.content::json->>'total')::bigint AS total,
    (ended.content::json->>'success')::bigint AS success, (ended.content::json->>'failed')::bigint AS failed,
    (ended.content::json->>'cancelled')::bigint AS cancelled,
    (ended.content::json->>'finished_at')::timestamptz AS finished_at
  FROM manifest_files AS submitted
  LEFT JOIN manifest_files AS ended ON ended.experiment = submitted.experiment
    AND ended.path = replace(submitted.path, '/submission.json', '/outcome.json')
  WHERE submitted.path LIKE 'submissions/%/submission.json';
