//! How a ledger is: for people who look after it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::place::Place;
use crate::reading::get;
use crate::runs::RunStatus;
use crate::{Ledger, LedgerError, failed};

/// How a ledger is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// `SQLite 3.50.4`, `PostgreSQL 15.18`.
    pub database: String,
    /// The version of the schema: the latest migration.
    pub schema: i64,
    /// What is wrong with what is stored; empty where all is well.
    pub problems: Vec<String>,
    /// What it takes up, in bytes: of a file, with those that belong to it; on a server, with indexes.
    pub bytes: u64,
    /// How many runs have each status; statuses that none has are left out.
    pub runs: BTreeMap<RunStatus, u64>,
}

impl Ledger {
    /// Looks at the whole ledger.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn health(&self) -> Result<Health, LedgerError> {
        let (version, problems, bytes) = match &*self.place {
            Place::File { .. } => (
                "SELECT 'SQLite ' || sqlite_version() AS answer",
                "PRAGMA quick_check(20)",
                "SELECT page_count * page_size AS answer
                 FROM pragma_page_count(), pragma_page_size()",
            ),
            Place::Server { .. } => (
                "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS answer",
                // PostgreSQL has no check of its own that everybody may make.
                "SELECT 'ok' AS quick_check",
                "SELECT CAST(COALESCE(SUM(pg_total_relation_size(pg_class.oid)), 0) AS BIGINT) AS answer
                 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
                 WHERE pg_namespace.nspname = 'wasmill' AND pg_class.relkind = 'r'",
            ),
        };
        let looking = || failed("look at the health of the ledger");
        let database = sqlx::query(version).fetch_one(&self.pool).await.map_err(looking())?;
        let schema = sqlx::query("SELECT MAX(version) AS answer FROM _sqlx_migrations")
            .fetch_one(&self.pool)
            .await
            .map_err(looking())?;
        let lines = sqlx::query(problems).fetch_all(&self.pool).await.map_err(looking())?;
        let mut problems = Vec::new();
        for line in &lines {
            let line: String = get(line, "quick_check")?;
            if line != "ok" {
                problems.push(line);
            }
        }
        problems.extend(self.contradictions().await?);
        let bytes = sqlx::query(bytes).fetch_one(&self.pool).await.map_err(looking())?;
        let counts = sqlx::query("SELECT status, COUNT(*) AS runs FROM runs GROUP BY status")
            .fetch_all(&self.pool)
            .await
            .map_err(looking())?;
        let mut runs = BTreeMap::new();
        for row in &counts {
            let count: i64 = get(row, "runs")?;
            runs.insert(
                RunStatus::parse(get(row, "status")?)?,
                u64::try_from(count).unwrap_or_default(),
            );
        }
        let bytes: i64 = get(&bytes, "answer")?;
        Ok(Health {
            database: get(&database, "answer")?,
            schema: get(&schema, "answer")?,
            problems,
            bytes: u64::try_from(bytes).unwrap_or_default(),
            runs,
        })
    }

    /// What no sequence of calls leads to: somebody has written to the ledger by hand.
    async fn contradictions(&self) -> Result<Vec<String>, LedgerError> {
        let mut problems = Vec::new();
        for (contradiction, finding) in [
            (
                "splits without a phase",
                "SELECT COUNT(*) AS found FROM splits WHERE NOT EXISTS (SELECT 1 FROM phases
                 WHERE phases.run_id = splits.run_id AND phases.phase = splits.phase)",
            ),
            (
                "manifests without a split",
                "SELECT COUNT(*) AS found FROM manifests WHERE NOT EXISTS (SELECT 1 FROM splits
                 WHERE splits.run_id = manifests.run_id AND splits.phase = manifests.phase
                   AND splits.split = manifests.split)",
            ),
            (
                "quarantined rows of splits that have no manifest",
                "SELECT COUNT(*) AS found FROM quarantine WHERE NOT EXISTS (SELECT 1 FROM manifests
                 WHERE manifests.run_id = quarantine.run_id AND manifests.phase = quarantine.phase
                   AND manifests.split = quarantine.split)",
            ),
            (
                "published sinks of runs that never began to publish",
                "SELECT COUNT(*) AS found FROM commits JOIN runs ON runs.id = commits.run_id
                 WHERE runs.status IN ('running', 'refused', 'interrupted', 'aborted')",
            ),
        ] {
            let row = sqlx::query(finding)
                .fetch_one(&self.pool)
                .await
                .map_err(failed("look for contradictions"))?;
            let found: i64 = get(&row, "found")?;
            if found > 0 {
                problems.push(format!("{found} {contradiction}"));
            }
        }
        Ok(problems)
    }
}
