-- What it takes to resume runs, to tell their story, and to put quarantined rows through once more.
-- SQLite and PostgreSQL both understand all of it.

-- Runs in the order in which they were entered: clocks step, so order never depends on them.
ALTER TABLE runs ADD COLUMN ordinal BIGINT NOT NULL DEFAULT 0;
-- `run`, or `replay` of quarantined rows.
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'run';
-- The run whose rows a replay puts through.
ALTER TABLE runs ADD COLUMN replays TEXT;
-- What the run depends on, JSON.
ALTER TABLE runs ADD COLUMN fingerprint TEXT NOT NULL DEFAULT 'null';
-- Counts who has driven the run; only the latest may publish.
ALTER TABLE runs ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
-- The number of the latest entry of the history.
ALTER TABLE runs ADD COLUMN events BIGINT NOT NULL DEFAULT 0;

UPDATE runs SET ordinal = numbered.ordinal
FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY started_ms, id) AS ordinal FROM runs) AS numbered
WHERE numbered.id = runs.id;

DROP INDEX runs_by_start;
CREATE UNIQUE INDEX runs_by_ordinal ON runs (ordinal);
CREATE INDEX runs_of_pipeline ON runs (pipeline, ordinal);

-- Whoever moves runs from one status to another updates the row `runs` first, so that one transaction does at a time.
CREATE TABLE counters (
    name  TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) SELECT 'runs', COALESCE(MAX(ordinal), 0) FROM runs;

CREATE TABLE phases (
    run_id  TEXT NOT NULL REFERENCES runs (id),
    phase   TEXT NOT NULL,
    -- The order of entering, within the run.
    ordinal BIGINT NOT NULL,
    level   BIGINT NOT NULL,
    -- Of all that the splits depend on.
    digest  TEXT NOT NULL,
    PRIMARY KEY (run_id, phase)
);
INSERT INTO phases (run_id, phase, ordinal, level, digest)
SELECT run_id, phase, ROW_NUMBER() OVER (PARTITION BY run_id ORDER BY phase), 0, ''
FROM (SELECT DISTINCT run_id, phase FROM splits) AS planned;

ALTER TABLE splits ADD COLUMN lane BIGINT NOT NULL DEFAULT 0;
-- The order of the splits of a phase.
ALTER TABLE splits ADD COLUMN position BIGINT NOT NULL DEFAULT 0;

-- The cursors that planning saw: a run may publish only what follows them.
CREATE TABLE base_cursors (
    run_id  TEXT NOT NULL REFERENCES runs (id),
    phase   TEXT NOT NULL,
    source  TEXT NOT NULL,
    -- Positions by split, JSON.
    cursors TEXT NOT NULL,
    PRIMARY KEY (run_id, phase, source)
);

ALTER TABLE quarantine ADD COLUMN purged_ms BIGINT;

-- Which quarantined rows a replay has taken.
CREATE TABLE replayed_rows (
    run_id    TEXT NOT NULL REFERENCES runs (id),
    file      TEXT NOT NULL,
    row_index BIGINT NOT NULL,
    by_run    TEXT NOT NULL REFERENCES runs (id),
    PRIMARY KEY (run_id, file, row_index)
);
CREATE INDEX replayed_rows_of ON replayed_rows (by_run);

-- The story of a run: entries are added, and never changed.
CREATE TABLE history (
    run_id  TEXT NOT NULL REFERENCES runs (id),
    seq     BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    phase   TEXT,
    split   TEXT,
    attempt TEXT,
    -- JSON.
    detail  TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE INDEX outbox_waiting ON outbox (run_id) WHERE delivered_ms IS NULL;
