//! From checked steps to phases: which steps run in one pass over a split, and where rows are staged between.
//!
//! A **phase** ends at one step, whose rows are staged: for sinks, and for later phases. A step ends a phase when
//!
//! - nothing but sinks reads it, or
//! - several readers do, of which at least one is a step: it is computed once and read by all, or
//! - its reader needs all rows at once: a query with an aggregate, the small side of a join, a plugin that needs all rows of a
//!   key.
//!
//! The way from a source, or from staged rows, to the end of a phase is a **lane**. A phase has several where
//! a step reads several inputs. Each split of each lane is a task.

pub(crate) mod tasks;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::checked::{CheckedPipeline, Step, Work};
use wasmill_sandbox::contract::binding::Scope;

/// How rows flow through a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They come from outside.
    Source,
    /// Split by split, from each input alike.
    Through,
    /// Split by split from one input; the others are read whole by each task.
    Over(String),
    /// All rows of a key, of all inputs, meet one task.
    Shares(u32),
    /// All rows of all inputs meet one task.
    Whole,
}

/// A step as far as planning is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) flow: Flow,
}

/// Where the rows of a lane come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Source(String),
    /// What an earlier phase staged, part by part.
    Parts(String),
    /// All that earlier phases staged for the lane's first step, divided by key.
    Shares(u32),
    /// All that earlier phases staged for the lane's first step, which is a query.
    Whole,
}

/// A way to the end of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Unique in the phase.
    pub(crate) label: String,
    pub(crate) origin: Origin,
    /// The steps that work on the rows, first to last; without the source.
    pub(crate) steps: Vec<String>,
}

impl Lane {
    /// The source that it reads, unless it reads what was staged.
    pub(crate) fn source(&self) -> Option<&str> {
        match &self.origin {
            Origin::Source(name) => Some(name),
            Origin::Parts(_) | Origin::Shares(_) | Origin::Whole => None,
        }
    }
}

/// A pass over some splits that ends at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The step at its end.
    pub(crate) end: String,
    pub(crate) lanes: Vec<Lane>,
    /// Whether later phases read the rows.
    pub(crate) for_later: bool,
    pub(crate) sinks: Vec<String>,
    /// The phases whose staged rows it reads, by the step at their end.
    pub(crate) reads: Vec<String>,
    /// 0 for phases that read no staged rows, otherwise one more than the highest of those they read.
    pub(crate) level: usize,
}

/// The phases of a pipeline, each after those that it reads.
pub(crate) fn phases(pipeline: &CheckedPipeline) -> Vec<Phase> {
    let nodes: Vec<Node> = pipeline.steps.values().map(node).collect();
    let sinks: Vec<(&str, &[String])> =
        pipeline.sinks.iter().map(|(name, sink)| (name.as_str(), &sink.inputs[..])).collect();
    plan(&nodes, &sinks)
}

fn node(step: &Step) -> Node {
    Node { name: step.name.clone(), inputs: step.inputs.clone(), flow: flow(step) }
}

/// How rows flow through a step.
pub(crate) fn flow(step: &Step) -> Flow {
    match &step.work {
        Work::Source(_) => Flow::Source,
        Work::Validate(_) => Flow::Through,
        Work::Transform(work) => match work.binding.scope {
            Scope::Rows => Flow::Through,
            Scope::Keyed(_) => Flow::Shares(work.partitions),
            Scope::Single => Flow::Shares(1),
        },
        Work::Sql(work) => match &work.streamed {
            Some(input) => Flow::Over(input.clone()),
            None => Flow::Whole,
        },
    }
}

fn plan(nodes: &[Node], sinks: &[(&str, &[String])]) -> Vec<Phase> {
    let planner = Planner::new(nodes, sinks);
    let mut levels: HashMap<&str, usize> = HashMap::new();
    let mut phases = Vec::new();
    for node in nodes.iter().filter(|node| planner.ends_phase(node)) {
        let lanes = planner.lanes(node);
        let read: BTreeSet<&str> =
            lanes.iter().flat_map(|lane| planner.staged_inputs(lane)).collect();
        let level =
            read.iter().filter_map(|step| levels.get(step)).max().map_or(0, |level| level + 1);
        let reads = read.into_iter().map(str::to_owned).collect();
        levels.insert(&node.name, level);
        let readers = sinks.iter().filter(|(_, inputs)| inputs.contains(&node.name));
        phases.push(Phase {
            end: node.name.clone(),
            lanes,
            for_later: planner.is_staged_for_steps(&node.name),
            sinks: readers.map(|(name, _)| (*name).to_owned()).collect(),
            reads,
            level,
        });
    }
    phases
}

struct Planner<'a> {
    nodes: HashMap<&'a str, &'a Node>,
    /// How many steps read a step, and how many sinks.
    step_readers: HashMap<&'a str, usize>,
    sink_readers: HashMap<&'a str, usize>,
    /// Steps that some reader needs whole.
    needed_whole: HashSet<&'a str>,
}

impl<'a> Planner<'a> {
    fn new(nodes: &'a [Node], sinks: &[(&str, &'a [String])]) -> Self {
        let mut planner = Self {
            nodes: nodes.iter().map(|node| (node.name.as_str(), node)).collect(),
            step_readers: HashMap::new(),
            sink_readers: HashMap::new(),
            needed_whole: HashSet::new(),
        };
        for node in nodes {
            for input in &node.inputs {
                *planner.step_readers.entry(input).or_default() += 1;
                let streams = match &node.flow {
                    Flow::Source | Flow::Through => true,
                    Flow::Over(streamed) => streamed == input,
                    Flow::Shares(_) | Flow::Whole => false,
                };
                if !streams {
                    planner.needed_whole.insert(input);
                }
            }
        }
        for input in sinks.iter().flat_map(|(_, inputs)| *inputs) {
            *planner.sink_readers.entry(input).or_default() += 1;
        }
        planner
    }

    fn steps_reading(&self, name: &str) -> usize {
        self.step_readers.get(name).copied().unwrap_or(0)
    }

    /// Whether steps of later phases read the rows of this one.
    fn is_staged_for_steps(&self, name: &str) -> bool {
        let readers = self.steps_reading(name) + self.sink_readers.get(name).copied().unwrap_or(0);
        self.steps_reading(name) > 0 && (readers > 1 || self.needed_whole.contains(name))
    }

    fn ends_phase(&self, node: &Node) -> bool {
        self.steps_reading(&node.name) == 0 || self.is_staged_for_steps(&node.name)
    }

    fn lanes(&self, end: &Node) -> Vec<Lane> {
        let mut lanes = Vec::new();
        self.add_lanes(end, Vec::new(), &mut lanes);
        lanes
    }

    /// Adds the lanes through `node`, from which `rest` leads on to the end.
    fn add_lanes(&self, node: &Node, rest: Vec<String>, lanes: &mut Vec<Lane>) {
        let mut steps = vec![node.name.clone()];
        steps.extend(rest.iter().cloned());
        let first_label = node.name.clone();
        match &node.flow {
            Flow::Source => {
                lanes.push(Lane {
                    label: first_label,
                    origin: Origin::Source(node.name.clone()),
                    steps: rest,
                });
            }
            Flow::Shares(of) => {
                lanes.push(Lane { label: first_label, origin: Origin::Shares(*of), steps });
            }
            Flow::Whole => lanes.push(Lane { label: first_label, origin: Origin::Whole, steps }),
            Flow::Through => {
                for input in &node.inputs {
                    self.add_input(input, &steps, lanes);
                }
            }
            Flow::Over(input) => self.add_input(input, &steps, lanes),
        }
    }

    fn add_input(&self, input: &str, steps: &[String], lanes: &mut Vec<Lane>) {
        let node = self.nodes[input];
        if self.ends_phase(node) {
            let label = format!("{input}.{}", steps[0]);
            let origin = Origin::Parts(input.to_owned());
            lanes.push(Lane { label, origin, steps: steps.to_vec() });
        } else {
            self.add_lanes(node, steps.to_vec(), lanes);
        }
    }

    /// The steps whose staged rows a lane reads.
    fn staged_inputs<'b>(&'b self, lane: &'b Lane) -> Vec<&'b str> {
        let mut staged = Vec::new();
        if let Origin::Parts(step) = &lane.origin {
            staged.push(step.as_str());
        }
        for step in &lane.steps {
            let node = self.nodes[step.as_str()];
            let inputs = node.inputs.iter().map(String::as_str);
            match &node.flow {
                Flow::Source | Flow::Through => {}
                Flow::Over(streamed) => staged.extend(inputs.filter(|input| input != streamed)),
                Flow::Shares(_) | Flow::Whole => staged.extend(inputs),
            }
        }
        staged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, inputs: &[&str], flow: Flow) -> Node {
        let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
        Node { name: name.to_owned(), inputs, flow }
    }

    /// Each phase as `end@level: origin>step>step | …`, `*` where later phases read it.
    fn shown(nodes: &[Node], sinks: &[(&str, &[&str])]) -> Vec<String> {
        let inputs: Vec<Vec<String>> = sinks
            .iter()
            .map(|(_, inputs)| inputs.iter().map(|input| (*input).to_owned()).collect())
            .collect();
        let sinks: Vec<(&str, &[String])> =
            sinks.iter().zip(&inputs).map(|((name, _), inputs)| (*name, &inputs[..])).collect();
        plan(nodes, &sinks)
            .iter()
            .map(|phase| {
                let lanes = phase.lanes.iter().map(|lane| {
                    let origin = match &lane.origin {
                        Origin::Source(name) => name.clone(),
                        Origin::Parts(name) => format!("[{name}]"),
                        Origin::Shares(of) => format!("/{of}"),
                        Origin::Whole => "all".to_owned(),
                    };
                    let steps = lane.steps.iter().map(|step| format!(">{step}"));
                    format!("{origin}{}", steps.collect::<String>())
                });
                let star = if phase.for_later { "*" } else { "" };
                let lanes: Vec<String> = lanes.collect();
                format!("{}{star}@{}: {}", phase.end, phase.level, lanes.join(" | "))
            })
            .collect()
    }

    #[test]
    fn a_chain_is_one_phase() {
        let nodes = [
            node("a", &[], Flow::Source),
            node("b", &["a"], Flow::Through),
            node("c", &["b"], Flow::Through),
        ];
        assert_eq!(shown(&nodes, &[("s", &["c"]), ("t", &["c"])]), ["c@0: a>b>c"]);
    }

    #[test]
    fn a_step_that_several_read_is_computed_once() {
        let nodes = [
            node("a", &[], Flow::Source),
            node("b", &["a"], Flow::Through),
            node("c", &["a"], Flow::Through),
        ];
        let phases = shown(&nodes, &[("s", &["b"]), ("t", &["c"])]);
        assert_eq!(phases, ["a*@0: a", "b@1: [a]>b", "c@1: [a]>c"]);
        // A sink beside a step too.
        let phases = shown(&nodes[..2], &[("s", &["a"]), ("t", &["b"])]);
        assert_eq!(phases, ["a*@0: a", "b@1: [a]>b"]);
    }

    #[test]
    fn a_join_streams_one_side() {
        let nodes = [
            node("orders", &[], Flow::Source),
            node("customers", &[], Flow::Source),
            node("joined", &["orders", "customers"], Flow::Over("orders".to_owned())),
        ];
        let phases = shown(&nodes, &[("s", &["joined"])]);
        assert_eq!(phases, ["customers*@0: customers", "joined@1: orders>joined"]);
    }

    #[test]
    fn barriers_read_what_was_staged() {
        let nodes = [
            node("a", &[], Flow::Source),
            node("b", &[], Flow::Source),
            node("unique", &["a", "b"], Flow::Shares(4)),
            node("checked", &["unique"], Flow::Through),
            node("total", &["checked"], Flow::Whole),
        ];
        let phases = shown(&nodes, &[("rows", &["checked"]), ("sum", &["total"])]);
        assert_eq!(
            phases,
            ["a*@0: a", "b*@0: b", "checked*@1: /4>unique>checked", "total@2: all>total"]
        );
    }

    #[test]
    fn several_inputs_are_several_lanes() {
        let nodes = [
            node("a", &[], Flow::Source),
            node("b", &[], Flow::Source),
            node("clean_a", &["a"], Flow::Through),
            node("both", &["clean_a", "b"], Flow::Through),
            node("after", &["both"], Flow::Through),
        ];
        let phases = shown(&nodes, &[("s", &["after"])]);
        assert_eq!(phases, ["after@0: a>clean_a>both>after | b>both>after"]);
    }
}
