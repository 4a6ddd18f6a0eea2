//! A pipeline as a graph: what reads what, which columns go along, and where rows wait for all others.
//!
//! ```text
//!   text ─▶ sections ─▶ nodes, edges ┐
//!             └─ check ─▶ columns,   ├─▶ Graph ─▶ layout ─▶ text | svg
//!                         phases ────┘     └──▶ JSON | mermaid
//! ```
//!
//! The shape is that of the file; columns and phases are those of the check. Of a pipeline that does not check, the shape alone
//! is drawn, beside what was found.
//!
//! [`layout`] says where nodes are; [`text`], [`svg`] and [`mermaid`] write.

mod layout;
pub mod mermaid;
pub mod svg;
pub mod text;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;
use wasmill_sandbox::contract::binding::Scope;
use wasmill_sandbox::contract::finding::bounded_text;

use crate::check::{CheckFailed, Pipeline};
use crate::checked::{CheckedPipeline, Work};
use crate::columns::columns_of;
pub use crate::columns::{ColumnFate, ColumnUse};
use crate::file::diagnostic::Diagnostic;
use crate::file::sections::{
    GateSection, NotifierSection, PipelineFile, PluginUse, SinkKind, SourceKind, TransformKind,
    ViolationPolicy,
};
use crate::plan::{Flow, flow, phases};

/// A pipeline as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    pub pipeline: String,
    /// Whether columns and phases are known.
    pub is_checked: bool,
    /// Sources, transforms, validators, sinks and notifiers, in the order of the file.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub phases: Vec<PhaseNode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    Source,
    Transform,
    Sql,
    Validator,
    Sink,
    Notifier,
}

impl NodeKind {
    /// As it is called in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Transform => "transform",
            Self::Sql => "sql",
            Self::Validator => "validator",
            Self::Sink => "sink",
            Self::Notifier => "notifier",
        }
    }
}

/// A part of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub name: String,
    pub kind: NodeKind,
    /// The plugin at work, or the type of a source or a sink.
    pub with: String,
    /// What else there is to know: gates, keys, events.
    pub notes: Vec<String>,
    /// What it does with its columns; empty where that is not known, and of sinks and notifiers.
    pub columns: Vec<ColumnUse>,
    /// The number of the phase that it is worked on in, from 1 on.
    pub phase: Option<usize>,
}

/// Rows that go from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The places of both among the nodes.
    #[serde(skip)]
    pub(crate) ends: (usize, usize),
    pub from: String,
    pub to: String,
    /// Empty where they are not known.
    pub columns: Vec<Column>,
    /// Whether all rows are staged before the first one is read, so that a new phase begins.
    pub is_staged: bool,
}

/// A column that goes along an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    pub column: String,
    #[serde(rename = "type")]
    pub data_type: String,
}

/// A pass over rows that ends where they are staged or go into sinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseNode {
    pub number: usize,
    /// The step at its end.
    pub end: String,
    pub steps: Vec<String>,
}

/// A graph, and what the check found.
#[derive(Debug)]
pub struct Drawn {
    pub graph: Graph,
    /// Why columns and phases are not known.
    pub failed: Option<CheckFailed>,
    /// What is worth knowing and no error.
    pub warnings: Vec<Diagnostic>,
}

impl Pipeline {
    /// Checks the pipeline but for the sinks and notifiers themselves, so that nothing is touched, and draws it as far as that
    /// goes.
    ///
    /// # Errors
    ///
    /// When the sections of the file cannot be read, so that there is nothing to draw.
    pub async fn graph(self) -> Result<Drawn, CheckFailed> {
        let outline = self.outline();
        let checked = self.without_effects().check().await;
        let Some(file) = outline else {
            return Err(checked.err().unwrap_or(CheckFailed(Vec::new())));
        };
        let mut graph = Graph::outline(&file);
        match checked {
            Ok(checked) => {
                graph.fill_in(&checked);
                Ok(Drawn { graph, failed: None, warnings: checked.warnings().to_vec() })
            }
            Err(failed) => Ok(Drawn { graph, failed: Some(failed), warnings: Vec::new() }),
        }
    }
}

impl Graph {
    /// What the sections tell. What reads something that is not there has no edge for it.
    fn outline(file: &PipelineFile) -> Self {
        let mut nodes = Vec::new();
        let mut reads: Vec<(usize, &str)> = Vec::new();
        let mut add = |node: Node| {
            nodes.push(node);
            nodes.len() - 1
        };
        for (name, source) in &file.sources {
            let with = match &source.kind {
                SourceKind::Csv(_) => "csv".to_owned(),
                SourceKind::Jsonl(_) => "jsonl".to_owned(),
                SourceKind::Parquet(_) => "parquet".to_owned(),
                SourceKind::Arrow(_) => "arrow".to_owned(),
                SourceKind::Sqlite(_) => "sqlite".to_owned(),
                SourceKind::Plugin(plugin) => plugin.plugin.clone(),
            };
            add(Node::new(name, NodeKind::Source, with));
        }
        for (name, transform) in &file.transforms {
            let (kind, with) = match &transform.kind {
                TransformKind::Plugin(plugin, _) => (NodeKind::Transform, plugin.plugin.clone()),
                TransformKind::Sql(_) => (NodeKind::Sql, "sql".to_owned()),
            };
            let at = add(Node::new(name, kind, with));
            reads.extend(transform.inputs.iter().map(|input| (at, input.as_str())));
        }
        for (name, validator) in &file.validators {
            let mut node = Node::new(name, NodeKind::Validator, validator.plugin.plugin.clone());
            node.notes.extend(gate(&validator.options.gate));
            node.notes.extend(violation(validator.options.on_violation));
            let at = add(node);
            reads.extend(validator.inputs.iter().map(|input| (at, input.as_str())));
        }
        for (name, sink) in &file.sinks {
            let at = add(Node::new(name, NodeKind::Sink, sink_type(&sink.kind)));
            reads.extend(sink.inputs.iter().map(|input| (at, input.as_str())));
        }
        for (name, notifier) in &file.notifiers {
            add(self::notifier(name, notifier));
        }
        let place: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| !matches!(node.kind, NodeKind::Sink | NodeKind::Notifier))
            .map(|(at, node)| (node.name.as_str(), at))
            .collect();
        let edges = reads.into_iter().filter_map(|(to, input)| {
            let from = *place.get(input)?;
            Some(Edge {
                ends: (from, to),
                from: input.to_owned(),
                to: nodes[to].name.clone(),
                columns: Vec::new(),
                is_staged: false,
            })
        });
        let edges = edges.collect();
        Self {
            pipeline: file.pipeline.name.clone(),
            is_checked: false,
            nodes,
            edges,
            phases: Vec::new(),
        }
    }

    /// What the check tells.
    fn fill_in(&mut self, checked: &CheckedPipeline) {
        self.is_checked = true;
        let phases = phases(checked);
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, phase) in phases.iter().enumerate() {
            let mut steps: Vec<String> = Vec::new();
            for lane in &phase.lanes {
                let of_lane =
                    lane.source().into_iter().chain(lane.steps.iter().map(String::as_str));
                for step in of_lane {
                    numbers.insert(step, index + 1);
                    if !steps.iter().any(|known| known == step) {
                        steps.push(step.to_owned());
                    }
                }
            }
            for sink in &phase.sinks {
                numbers.insert(sink, index + 1);
            }
            self.phases.push(PhaseNode { number: index + 1, end: phase.end.clone(), steps });
        }
        for node in &mut self.nodes {
            node.phase = numbers.get(node.name.as_str()).copied();
            let Some(step) = checked.steps.get(&node.name) else { continue };
            if matches!(node.kind, NodeKind::Sink | NodeKind::Notifier) {
                continue;
            }
            node.columns = columns_of(step, &checked.steps);
            let (Flow::Shares(_), Work::Transform(work)) = (flow(step), &step.work) else {
                continue;
            };
            let input = &work.binding.input;
            node.notes.push(match &work.binding.scope {
                Scope::Keyed(key) => {
                    let names = key.iter().map(|column| input.field(*column).name().as_str());
                    format!("by {}", names.collect::<Vec<_>>().join(", "))
                }
                _ => "all rows at once".to_owned(),
            });
        }
        for edge in &mut self.edges {
            let Some(step) = checked.steps.get(&edge.from) else { continue };
            let columns = step.schema.fields().iter().map(|field| Column {
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            });
            edge.columns = columns.collect();
            let (from, to) = (&self.nodes[edge.ends.0], &self.nodes[edge.ends.1]);
            edge.is_staged = from.phase != to.phase;
        }
    }
}

impl Node {
    fn new(name: &str, kind: NodeKind, with: String) -> Self {
        let (notes, columns) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), kind, with, notes, columns, phase: None }
    }

    /// How many columns come out of it.
    fn columns_out(&self) -> usize {
        self.columns.iter().filter(|column| column.fate != ColumnFate::Gone).count()
    }

    /// `source csv`, `transform clean`, `sql`: what it is, in two words.
    fn what(&self) -> String {
        if self.kind == NodeKind::Sql {
            return "sql".to_owned();
        }
        // A plugin may be named by its file.
        let with = Path::new(&self.with).file_stem().unwrap_or_default();
        format!("{} {}", self.kind.name(), with.to_string_lossy())
    }
}

fn gate(gate: &GateSection) -> Option<String> {
    Some(format!("gate: at most {} rejected", gate.max_quarantined?))
}

fn violation(policy: ViolationPolicy) -> Option<String> {
    let told = match policy {
        ViolationPolicy::Quarantine => return None,
        ViolationPolicy::Drop => "drops what it rejects",
        ViolationPolicy::Fail => "fails the run on a bad row",
        ViolationPolicy::Warn => "only warns",
    };
    Some(told.to_owned())
}

fn sink_type(kind: &SinkKind) -> String {
    match kind {
        SinkKind::Parquet(_) => "parquet".to_owned(),
        SinkKind::Csv(_) => "csv".to_owned(),
        SinkKind::Jsonl(_) => "jsonl".to_owned(),
        SinkKind::Sqlite(_) => "sqlite".to_owned(),
        SinkKind::Plugin(plugin) => plugin.plugin.clone(),
        SinkKind::Discard(name) => name.clone(),
    }
}

fn notifier(name: &str, notifier: &NotifierSection) -> Node {
    let PluginUse { plugin, .. } = &notifier.plugin;
    let mut node = Node::new(name, NodeKind::Notifier, plugin.clone());
    node.notes.extend(notifier.options.on.iter().map(|event| format!("on {}", event.name())));
    node
}

/// The mark of a column, as in a difference of two files.
fn mark(fate: ColumnFate) -> char {
    match fate {
        ColumnFate::Kept => ' ',
        ColumnFate::Renamed | ColumnFate::Rewritten | ColumnFate::Retyped => '~',
        ColumnFate::New => '+',
        ColumnFate::Gone => '-',
    }
}

/// What a column was, and is: `~ day Utf8 → Date32`.
fn column_line(column: &ColumnUse) -> String {
    let old_name = column.old_name.as_ref().map_or(String::new(), |old| format!("{old} → "));
    let old_type = column.old_type.as_ref().map_or(String::new(), |old| format!("{old} → "));
    let name = bounded_text(column.column.clone());
    format!("{} {old_name}{name} {old_type}{}", mark(column.fate), column.data_type)
}
