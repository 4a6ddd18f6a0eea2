-- Which quarantined rows were removed for good, and why they had been held back, which their files do not tell any more.
CREATE TABLE purged_rows (
    run_id    TEXT NOT NULL REFERENCES runs (id),
    file      TEXT NOT NULL,
    row_index BIGINT NOT NULL,
    purged_ms BIGINT NOT NULL,
    -- Pairs of a rule and a column, which may be null, JSON.
    reasons   TEXT NOT NULL,
    PRIMARY KEY (run_id, file, row_index)
);
