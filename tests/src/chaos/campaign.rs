//! Rounds until there were as many kills as were asked for, and what all of it showed.
//!
//! The first rounds go through the named points; all later ones are random.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::kill::{FIRST_ROUNDS, Kill, POINTS};
use super::outputs::{Difference, Outputs, ask};
use super::random::Random;
use super::site::{FILE, RUNS, Site};
use super::way::{Driver, Tally, Way};

/// Kills of one run, at most.
const MOST_KILLS: u64 = 6;
/// One run in so many goes by partitions; one round in so many compiles its plugins anew.
const PARTITIONS: u64 = 3;
const COMPILED: u64 = 8;
/// Rounds without a kill, in a row, after which something is wrong.
const MOST_IDLE: u64 = 10;

/// What is asked for.
pub struct Campaign<'a> {
    /// How many kills, at least.
    pub kills: u64,
    pub seed: u64,
    /// Only this round.
    pub only: Option<u64>,
    /// Whether the first rounds go through the named points.
    pub points: bool,
    /// Where rounds are made; those that failed stay.
    pub folder: PathBuf,
    /// A ledger that nobody has used, for each round.
    pub new_ledger: &'a dyn Fn() -> String,
    /// The command that makes the same rounds again.
    pub again: String,
    /// Hears how it goes.
    pub say: &'a dyn Fn(&str),
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    pub kills: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Those of the reference do not count.
    pub runs: u64,
    /// How often a process died where.
    pub by_name: BTreeMap<&'static str, u64>,
    /// In words; whatever is lost or duplicated is among them.
    pub problems: Vec<String>,
}

impl Campaign<'_> {
    /// Makes all rounds.
    pub fn run(&self) -> Report {
        let mut report = Report::default();
        let started = Instant::now();
        let reference = match self.reference() {
            Ok(reference) => reference,
            Err(problem) => {
                report.problems.push(format!("without any kill: {problem}"));
                return report;
            }
        };
        (self.say)(&format!("two runs undisturbed: {:.1} s each", reference.typical.as_secs_f64()));
        let tally = Tally::default();
        let (mut round, mut idle) = (self.only.unwrap_or_default(), 0);
        loop {
            let before = tally.kills();
            let difference = self.round(round, &reference, &tally);
            report.runs += RUNS.len() as u64;
            self.judge(round, &difference, &mut report);
            report.lost += difference.lost;
            report.duplicated += difference.duplicated;
            let kills = tally.kills();
            (self.say)(&format!(
                "round {round}: {} kills, {kills} of {} in {:.0} s, {}",
                kills - before,
                self.kills,
                started.elapsed().as_secs_f64(),
                if difference.is_none() { "all is there once" } else { "FAILED" }
            ));
            idle = if kills == before { idle + 1 } else { 0 };
            if idle >= MOST_IDLE {
                report.problems.push(format!("no process was killed in {idle} rounds in a row"));
            }
            round += 1;
            let goes_through_points = self.points && round < FIRST_ROUNDS.len() as u64;
            if self.only.is_some()
                || idle >= MOST_IDLE
                || (kills >= self.kills && !goes_through_points)
            {
                break;
            }
        }
        self.end(&tally, report)
    }

    /// Two runs that nobody disturbs.
    fn reference(&self) -> Result<Reference, String> {
        let site = self.site();
        let tally = Tally::default();
        // Compiled plugins are kept from then on: only the second run tells how long one takes.
        let mut typical = Duration::ZERO;
        for (index, run) in RUNS.into_iter().enumerate() {
            if index > 0 {
                site.add_inputs();
            }
            let started = Instant::now();
            let driver = Driver { site: &site, run, tally: &tally };
            driver.drive(Way::Whole, Vec::new(), &mut Random::of_round(self.seed, 0))?;
            typical = started.elapsed();
        }
        let outputs = Outputs::read(&site)?;
        let itself = outputs.compare(&outputs);
        if !itself.is_none() {
            return Err(itself.problems.join("\n"));
        }
        Ok(Reference { outputs, typical })
    }

    /// Two runs whose processes are killed, compared with the reference.
    fn round(&self, round: u64, reference: &Reference, tally: &Tally) -> Difference {
        let mut random = Random::of_round(self.seed, round);
        let mut site = self.site();
        if random.one_in(COMPILED) {
            site.compile_anew();
        }
        // Some events wait in the outbox meanwhile.
        site.receiver.break_down_for(random.between(0, 4) as usize);
        match self.runs(round, &site, reference.typical, &mut random, tally) {
            Ok(outputs) => outputs.compare(&reference.outputs),
            Err(problem) => Difference { problems: vec![problem], ..Difference::default() },
        }
    }

    fn runs(
        &self,
        round: u64,
        site: &Site,
        typical: Duration,
        random: &mut Random,
        tally: &Tally,
    ) -> Result<Outputs, String> {
        for (index, run) in RUNS.into_iter().enumerate() {
            if index > 0 {
                site.add_inputs();
            }
            let (way, kills) = self.plan(round, index, typical, random);
            Driver { site, run, tally }.drive(way, kills, random)?;
        }
        // What no run could deliver.
        site.receiver.break_down_for(0);
        ask(site, &["outbox", "deliver", FILE])?;
        Outputs::read(site)
    }

    /// How a run goes, and where its processes are killed.
    fn plan(
        &self,
        round: u64,
        index: usize,
        typical: Duration,
        random: &mut Random,
    ) -> (Way, Vec<Kill>) {
        let round = usize::try_from(round).expect("there are not as many rounds");
        if let Some(first) = FIRST_ROUNDS.get(round).filter(|_| self.points) {
            return (Way::Whole, first[index].iter().copied().map(Kill::at).collect());
        }
        let way = if random.one_in(PARTITIONS) { Way::Partitions } else { Way::Whole };
        let number = random.between(1, MOST_KILLS);
        (way, (0..number).map(|_| Kill::anywhere(random, typical)).collect())
    }

    fn site(&self) -> Site {
        Site::build(&self.folder.join("site"), &(self.new_ledger)())
    }

    /// Keeps the folder of a round that failed, and says how to repeat it.
    fn judge(&self, round: u64, difference: &Difference, report: &mut Report) {
        if difference.is_none() {
            return;
        }
        let kept = self.folder.join(format!("failed-{round}"));
        drop(std::fs::remove_dir_all(&kept));
        let is_kept = std::fs::rename(self.folder.join("site"), &kept);
        let mut problem = format!("round {round}:");
        for line in &difference.problems {
            write!(problem, "\n  {line}").expect("a text takes it");
        }
        if is_kept.is_ok() {
            write!(problem, "\n  it is kept in {}", kept.display()).expect("a text takes it");
        }
        write!(problem, "\n  again: {} --only {round}", self.again).expect("a text takes it");
        (self.say)(&problem);
        report.problems.push(problem);
    }

    fn end(&self, tally: &Tally, mut report: Report) -> Report {
        let counts = tally.counts();
        report.kills = counts.kills.values().sum();
        report.by_name = counts.kills;
        let shown: Vec<String> =
            report.by_name.iter().map(|(name, kills)| format!("{name} {kills}")).collect();
        (self.say)(&format!(
            "{} kills of {} processes: {}; {} were planned where no process came",
            report.kills,
            counts.processes,
            shown.join(", "),
            counts.missed
        ));
        let goes_through_points = self.points && self.only.is_none();
        let unreached = POINTS.iter().filter(|(point, _)| !report.by_name.contains_key(point));
        let unreached: Vec<&str> = unreached.map(|(point, _)| *point).collect();
        if goes_through_points && !unreached.is_empty() {
            report.problems.push(format!("no process came to {}", unreached.join(", ")));
        }
        report
    }
}

/// What an undisturbed round gave, and how long a run of it took.
struct Reference {
    outputs: Outputs,
    typical: Duration,
}

impl Report {
    /// Whether nothing was lost, nothing was there twice, and everything came to its end.
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.problems.is_empty()
    }
}
