-- Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE runs (
    id          TEXT NOT NULL PRIMARY KEY,
    pipeline    TEXT NOT NULL,
    -- Digest of the pipeline file, and of all that it names: what ran.
    file_digest TEXT NOT NULL,
    status      TEXT NOT NULL,
    started_ms  BIGINT NOT NULL,
    ended_ms    BIGINT,
    error       TEXT,
    -- The summary, JSON.
    summary     TEXT
);

CREATE INDEX runs_by_start ON runs (pipeline, started_ms);

CREATE TABLE splits (
    run_id     TEXT NOT NULL REFERENCES runs (id),
    phase      TEXT NOT NULL,
    split      TEXT NOT NULL,
    -- What the split consists of, JSON.
    descriptor TEXT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (run_id, phase, split)
);

-- The accepted manifest of each split: the one attempt that counts.
CREATE TABLE manifests (
    run_id      TEXT NOT NULL,
    phase       TEXT NOT NULL,
    split       TEXT NOT NULL,
    attempt     TEXT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    manifest    TEXT NOT NULL,
    PRIMARY KEY (run_id, phase, split),
    FOREIGN KEY (run_id, phase, split) REFERENCES splits (run_id, phase, split)
);

-- Where quarantined rows are, counted by what was wrong with them.
CREATE TABLE quarantine (
    run_id  TEXT NOT NULL REFERENCES runs (id),
    step    TEXT NOT NULL,
    phase   TEXT NOT NULL,
    split   TEXT NOT NULL,
    rule    TEXT NOT NULL,
    -- Empty where no column is at fault.
    column_name TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    file    TEXT NOT NULL,
    PRIMARY KEY (run_id, step, phase, split, rule, column_name)
);

CREATE TABLE commits (
    run_id       TEXT NOT NULL REFERENCES runs (id),
    sink         TEXT NOT NULL,
    committed_ms BIGINT NOT NULL,
    -- What was published, JSON.
    report       TEXT NOT NULL,
    PRIMARY KEY (run_id, sink)
);

CREATE TABLE cursors (
    pipeline TEXT NOT NULL,
    source   TEXT NOT NULL,
    split    TEXT NOT NULL,
    position TEXT NOT NULL,
    run_id   TEXT NOT NULL REFERENCES runs (id),
    PRIMARY KEY (pipeline, source, split)
);

CREATE TABLE outbox (
    run_id       TEXT NOT NULL REFERENCES runs (id),
    notifier     TEXT NOT NULL,
    dedup_key    TEXT NOT NULL,
    -- The event, JSON.
    event        TEXT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    delivered_ms BIGINT,
    last_error   TEXT,
    PRIMARY KEY (run_id, notifier, dedup_key)
);
