//! How a run is brought to its end while its processes are killed: as a whole, resumed until it is done; or as a scheduler does,
//! by partitions in processes of their own, repeated until they are done, and a commit.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::kill::Kill;
use super::random::Random;
use super::site::{FILE, Site};
use crate::process::{End, Ended};

/// How long a process may take.
pub const LIMIT: Duration = Duration::from_secs(120);
/// Exit codes: what is asked for does not exist; a temporary failure, such as a run that somebody else is at work on.
const NOT_FOUND: i32 = 66;
const TEMPORARY: i32 = 75;
/// What was asked for is wrong, such as a level that there is not.
const CONFIG: i32 = 78;
/// How often a temporary failure is answered by trying again: a database may take a while to see that somebody has died.
const PATIENCE: u32 = 50;
const WAIT: Duration = Duration::from_millis(200);
/// How much of what a process said is shown when it fails.
const SHOWN_LINES: usize = 20;

/// How a run is brought to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Whole,
    Partitions,
}

/// What has happened to processes, counted.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// By the kill's name; only those that happened.
    pub kills: BTreeMap<&'static str, u64>,
    /// Kills that were planned for a process that had ended before.
    pub missed: u64,
    pub processes: u64,
}

impl Tally {
    pub fn counts(&self) -> Counts {
        self.0.lock().expect("counting does not panic").clone()
    }

    pub fn kills(&self) -> u64 {
        self.counts().kills.values().sum()
    }

    fn note(&self, kill: Option<Kill>, end: End) {
        let mut counts = self.0.lock().expect("counting does not panic");
        counts.processes += 1;
        match kill {
            Some(kill) if end == End::Killed => *counts.kills.entry(kill.name()).or_default() += 1,
            Some(_) => counts.missed += 1,
            None => {}
        }
    }
}

/// A run that is brought to its end.
pub struct Driver<'a> {
    pub site: &'a Site,
    pub run: &'a str,
    pub tally: &'a Tally,
}

impl Driver<'_> {
    /// Brings the run to its end; a message when it does not come to a good one.
    pub fn drive(&self, way: Way, kills: Vec<Kill>, random: &mut Random) -> Result<(), String> {
        match way {
            Way::Whole => self.whole(kills),
            Way::Partitions => self.partitions(kills, random),
        }
    }

    /// One process after the other, each of which goes on with what the one before has left.
    fn whole(&self, kills: Vec<Kill>) -> Result<(), String> {
        let first = ["run", FILE, "--run-id", self.run, "--output", "json"];
        let resumed = ["run", FILE, "--resume", self.run, "--output", "json"];
        self.succeed(&first, &resumed, kills)
    }

    /// A plan, partitions of each level in any order and at once, a commit; each repeated until it is done. Levels that are left to
    /// the commit are done by it.
    fn partitions(&self, mut kills: Vec<Kill>, random: &mut Random) -> Result<(), String> {
        for level in 0.. {
            let level = level.to_string();
            let plan = ["plan", FILE, "--run-id", self.run, "--level", &level, "--output", "json"];
            let planned = self.end(&plan, &plan, take(&mut kills, 8, random));
            match planned.end {
                End::Exited(0) => {}
                End::Exited(CONFIG) if planned.outcome.stderr.contains("has no level") => break,
                _ => return Err(self.failed(&planned)),
            }
            let of = random.between(2, 4);
            let mut partitions: Vec<(String, Vec<Kill>)> = (0..of)
                .map(|index| (format!("{index}/{of}"), take(&mut kills, 3, random)))
                .collect();
            // What is done may be asked for again, as a scheduler does that did not hear back.
            if random.one_in(2) {
                let again = partitions[0].0.clone();
                partitions.push((again, Vec::new()));
            }
            random.shuffle(&mut partitions);
            self.level(&level, partitions, random.one_in(2))?;
            if random.one_in(3) {
                break;
            }
        }
        let commit = ["commit", FILE, "--run-id", self.run, "--output", "json"];
        self.succeed(&commit, &commit, kills)
    }

    /// The partitions of one level.
    fn level(
        &self,
        level: &str,
        partitions: Vec<(String, Vec<Kill>)>,
        at_once: bool,
    ) -> Result<(), String> {
        let work = |(partition, kills): (String, Vec<Kill>)| {
            let words = ["run", FILE, "--run-id", self.run, "--partition", &partition];
            let words = [&words[..], &["--level", level, "--output", "json"]].concat();
            self.succeed(&words, &words, kills)
        };
        if !at_once {
            return partitions.into_iter().try_for_each(work);
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                partitions.into_iter().map(|partition| scope.spawn(|| work(partition))).collect();
            let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            ended.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn succeed(&self, first: &[&str], again: &[&str], kills: Vec<Kill>) -> Result<(), String> {
        let ended = self.end(first, again, kills);
        if ended.end == End::Exited(0) { Ok(()) } else { Err(self.failed(&ended)) }
    }

    /// Runs the first command, then the second until one comes to its end, and kills them as planned.
    fn end(&self, first: &[&str], again: &[&str], kills: Vec<Kill>) -> Ended {
        let mut kills = kills.into_iter().peekable();
        let mut patience = PATIENCE;
        let mut arguments = first;
        loop {
            let kill = kills.peek().copied();
            let ended = self.process(arguments, kill);
            match ended.end {
                End::Killed if kill.is_some() => {
                    kills.next();
                    arguments = again;
                }
                // It was killed before the run was entered.
                End::Exited(NOT_FOUND) if arguments != first => arguments = first,
                End::Exited(TEMPORARY) if patience > 0 => {
                    patience -= 1;
                    std::thread::sleep(WAIT);
                }
                _ => return ended,
            }
        }
    }

    fn process(&self, arguments: &[&str], kill: Option<Kill>) -> Ended {
        let mut command = self.site.command(arguments);
        let kill_after = kill.and_then(|kill| kill.prepare(&mut command));
        let ended = self.site.start(command).wait(kill_after, LIMIT);
        self.tally.note(kill, ended.end);
        ended
    }

    fn failed(&self, ended: &Ended) -> String {
        let how = match ended.end {
            End::Exited(code) => format!("exit code {code}"),
            End::Killed => "was killed by somebody else".to_owned(),
            End::Signalled(signal) => format!("ended by signal {signal}"),
            End::TooLate => format!("was not done after {} s", LIMIT.as_secs()),
        };
        let lines: Vec<&str> = ended.outcome.stderr.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n    ");
        format!("run {}: `{}`: {how}:\n    {shown}", self.run, ended.shown)
    }
}

/// Takes some of the kills, one in so many of them, so that all stages have their share.
fn take(kills: &mut Vec<Kill>, one_in: u64, random: &mut Random) -> Vec<Kill> {
    let (taken, left) = kills.drain(..).partition(|_| random.one_in(one_in));
    *kills = left;
    taken
}
