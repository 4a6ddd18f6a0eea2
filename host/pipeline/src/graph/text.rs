//! The graph for a terminal: boxes and lines, and below them the columns of each step.

use std::cmp::Reverse;

use crate::columns::ColumnFate;
use crate::graph::layout::{Drawable, Layout, Link, layout};
use crate::graph::{Graph, Node, NodeKind, column_line, mark};

/// Between two boxes.
const GAP: i32 = 2;
/// Between two lines at one box.
const PORT_GAP: i32 = 2;
/// What a box has around its text, on both sides together.
const FRAME: i32 = 4;

/// Draws the graph, no wider than `width` characters: where boxes need more, only the steps are listed.
pub fn render(graph: &Graph, width: usize) -> String {
    let mut text = format!("{}\n\n", graph.pipeline);
    let drawing = drawing(graph);
    let needed = drawing.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    if needed <= width {
        text.push_str(&drawing);
        text.push_str(legend(graph));
    } else {
        text.push_str(&format!(
            "The drawing is {needed} characters wide, and there are {width}: a wider terminal shows it, and so does an SVG.\n"
        ));
    }
    for node in &graph.nodes {
        text.push('\n');
        text.push_str(&listed(graph, node, width));
    }
    text
}

fn legend(graph: &Graph) -> &'static str {
    if graph.edges.iter().any(|edge| edge.is_staged) {
        "\n╎ all rows are staged before the first one is read: a new phase\n+ new columns   ~ changed   - gone\n"
    } else if graph.is_checked {
        "\n+ new columns   ~ changed   - gone\n"
    } else {
        ""
    }
}

/// What stands in a box.
fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![node.name.clone(), node.what()];
    if !node.columns.is_empty() {
        lines.push(counts(node));
    }
    lines.extend(node.notes.iter().cloned());
    lines
}

/// `11 columns +3 ~2 -1`.
fn counts(node: &Node) -> String {
    let count = node.columns_out();
    let mut text = format!("{count} column{}", if count == 1 { "" } else { "s" });
    // All columns of a source are new.
    if node.kind == NodeKind::Source {
        return text;
    }
    for sign in ['+', '~', '-'] {
        let signed = node.columns.iter().filter(|column| mark(column.fate) == sign).count();
        if signed > 0 {
            text.push_str(&format!(" {sign}{signed}"));
        }
    }
    text
}

fn drawing(graph: &Graph) -> String {
    let texts: Vec<Vec<String>> = graph.nodes.iter().map(lines).collect();
    let edges: Vec<(usize, usize)> = graph.edges.iter().map(|edge| edge.ends).collect();
    let width = |(node, lines): (usize, &Vec<String>)| {
        let longest = lines.iter().map(|line| line.chars().count() as i32).max().unwrap_or(0);
        let links = |end: fn(&(usize, usize)) -> usize| {
            edges.iter().filter(|edge| end(edge) == node).count() as i32
        };
        let most = links(|edge| edge.0).max(links(|edge| edge.1));
        // Odd, so that a middle is in the middle.
        (longest + FRAME).max(most * PORT_GAP + FRAME) | 1
    };
    let widths: Vec<i32> = texts.iter().enumerate().map(width).collect();
    let drawable = Drawable { widths: widths.clone(), edges, gap: GAP, port_gap: PORT_GAP };
    let layout = layout(&drawable);
    let mut canvas = Canvas::default();
    let mut top = 0;
    for (number, nodes) in layout.layers.iter().enumerate() {
        let heights = nodes.iter().map(|node| texts[*node].len() + 2);
        let bottom = top + heights.max().unwrap_or(0);
        for node in nodes {
            canvas.frame(layout.left[*node], top, widths[*node], &texts[*node]);
        }
        top = canvas.links(graph, &layout, number, &texts, (top, bottom));
    }
    canvas.text()
}

/// One line between two layers that is drawn.
struct Run {
    link: Link,
    is_staged: bool,
    /// The row from which it comes, below the box.
    start: usize,
    /// Whether it ends at a box, and not at a bend.
    ends: bool,
    track: usize,
}

/// A character cell: the directions in which lines leave it, or a character.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    lines: u8,
    is_dashed: bool,
    char: Option<char>,
}

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

#[derive(Default)]
struct Canvas {
    rows: Vec<Vec<Cell>>,
}

impl Canvas {
    fn cell(&mut self, column: i32, row: usize) -> &mut Cell {
        let column = usize::try_from(column).unwrap_or(0);
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
        }
        let cells = &mut self.rows[row];
        if cells.len() <= column {
            cells.resize(column + 1, Cell::default());
        }
        &mut cells[column]
    }

    fn frame(&mut self, left: i32, top: usize, width: i32, lines: &[String]) {
        let (right, bottom) = (left + width - 1, top + lines.len() + 1);
        for column in left + 1..right {
            self.cell(column, top).char = Some('─');
            self.cell(column, bottom).char = Some('─');
        }
        for (row, line) in (top + 1..).zip(lines) {
            self.cell(left, row).char = Some('│');
            self.cell(right, row).char = Some('│');
            for (column, char) in (left + 2..right).zip(line.chars()) {
                self.cell(column, row).char = Some(char);
            }
        }
        let corners =
            [(left, top, '┌'), (right, top, '┐'), (left, bottom, '└'), (right, bottom, '┘')];
        for (column, row, char) in corners {
            self.cell(column, row).char = Some(char);
        }
    }

    /// Draws the links that leave a layer, which lies between two rows. Returns the row at which the next layer begins.
    fn links(
        &mut self,
        graph: &Graph,
        layout: &Layout,
        layer: usize,
        texts: &[Vec<String>],
        (top, bottom): (usize, usize),
    ) -> usize {
        let mut runs = Vec::new();
        for (edge, route) in graph.edges.iter().zip(&layout.routes) {
            let Some(at) = route.iter().position(|link| link.layer == layer) else { continue };
            runs.push(Run {
                link: route[at],
                is_staged: edge.is_staged,
                // From its box, or from the bend above.
                start: if at == 0 { top + texts[edge.ends.0].len() + 1 } else { top },
                ends: at + 1 == route.len(),
                track: 0,
            });
        }
        if runs.is_empty() {
            return bottom + 1;
        }
        let tracks = assign_tracks(&mut runs);
        let last = bottom + tracks + 1;
        for run in &runs {
            self.run(run, bottom + 1 + run.track, last);
        }
        last + 1
    }

    fn run(&mut self, run: &Run, turn: usize, last: usize) {
        let Link { from, to, .. } = run.link;
        if self.cell(from, run.start).char.is_some() {
            self.cell(from, run.start).char = Some(if run.is_staged { '╥' } else { '┬' });
        }
        let turn = if from == to { last } else { turn };
        for row in run.start..turn {
            self.line(from, row, DOWN, run.is_staged);
            self.line(from, row + 1, UP, run.is_staged);
        }
        for column in from.min(to)..from.max(to) {
            self.line(column, turn, RIGHT, run.is_staged);
            self.line(column + 1, turn, LEFT, run.is_staged);
        }
        for row in turn..last {
            self.line(to, row, DOWN, run.is_staged);
            self.line(to, row + 1, UP, run.is_staged);
        }
        if run.ends {
            self.cell(to, last).char = Some('▼');
        } else {
            self.line(to, last, DOWN, run.is_staged);
        }
    }

    fn line(&mut self, column: i32, row: usize, direction: u8, is_dashed: bool) {
        let cell = self.cell(column, row);
        cell.lines |= direction;
        cell.is_dashed |= is_dashed;
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let line: String = row.iter().map(|cell| cell.drawn()).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Cell {
    fn drawn(self) -> char {
        const VERTICAL: u8 = UP | DOWN;
        const HORIZONTAL: u8 = LEFT | RIGHT;
        if let Some(char) = self.char {
            return char;
        }
        match self.lines {
            0 => ' ',
            UP | DOWN | VERTICAL if self.is_dashed => '╎',
            UP | DOWN | VERTICAL => '│',
            LEFT | RIGHT | HORIZONTAL if self.is_dashed => '╌',
            LEFT | RIGHT | HORIZONTAL => '─',
            lines => match (lines & VERTICAL, lines & HORIZONTAL) {
                (DOWN, RIGHT) => '┌',
                (DOWN, LEFT) => '┐',
                (UP, RIGHT) => '└',
                (UP, LEFT) => '┘',
                (DOWN, _) => '┬',
                (UP, _) => '┴',
                (_, RIGHT) => '├',
                (_, LEFT) => '┤',
                _ => '┼',
            },
        }
    }
}

/// Gives each run that turns a track of its own as far as it goes, and returns how many tracks there are.
///
/// Where one run leaves at the column at which another one arrives, the first turns above the second, so that they do not lie
/// upon each other.
fn assign_tracks(runs: &mut [Run]) -> usize {
    let mut left: Vec<usize> =
        (0..runs.len()).filter(|run| runs[*run].link.from != runs[*run].link.to).collect();
    left.sort_by_key(|run| Reverse(runs[*run].link.from.abs_diff(runs[*run].link.to)));
    let mut tracks = 0;
    while !left.is_empty() {
        let must_wait = |run: usize, left: &[usize]| {
            let mut others = left.iter().filter(|other| **other != run);
            others.any(|other| runs[*other].link.from == runs[run].link.to)
        };
        let mut placed: Vec<usize> = Vec::new();
        for &run in &left {
            let is_free = placed.iter().all(|other| !overlap(runs[run].link, runs[*other].link));
            if is_free && !must_wait(run, &left) {
                placed.push(run);
            }
        }
        if placed.is_empty() {
            // Two that wait for each other: one is as good as the other.
            placed.push(left[0]);
        }
        left.retain(|run| !placed.contains(run));
        for run in placed {
            runs[run].track = tracks;
        }
        tracks += 1;
    }
    tracks
}

fn overlap(one: Link, other: Link) -> bool {
    let (low, high) = (one.from.min(one.to), one.from.max(one.to));
    other.from.min(other.to) <= high && low <= other.from.max(other.to)
}

/// A node with its columns.
fn listed(graph: &Graph, node: &Node, width: usize) -> String {
    let mut head = vec![node.what()];
    let reads: Vec<&str> = graph
        .edges
        .iter()
        .filter(|edge| edge.to == node.name && graph.nodes[edge.ends.1].kind == node.kind)
        .map(|edge| edge.from.as_str())
        .collect();
    if !reads.is_empty() {
        head.push(format!("reads {}", reads.join(", ")));
    }
    head.extend(node.notes.iter().cloned());
    head.extend(node.phase.map(|phase| format!("phase {phase}")));
    let mut text = format!("{}: {}\n", node.name, head.join("; "));
    for fate in [
        ColumnFate::New,
        ColumnFate::Retyped,
        ColumnFate::Rewritten,
        ColumnFate::Renamed,
        ColumnFate::Gone,
        ColumnFate::Kept,
    ] {
        let lines = node.columns.iter().filter(|column| column.fate == fate).map(column_line);
        let words: Vec<String> = lines.map(|line| line.chars().skip(2).collect()).collect();
        // All columns of a source are new, and need not be marked.
        let mark = if node.kind == NodeKind::Source { ' ' } else { mark(fate) };
        text.push_str(&wrapped(mark, &words, width));
    }
    text
}

/// Words with commas between, in lines that begin with a mark.
fn wrapped(mark: char, words: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        if !line.is_empty() && line.chars().count() + word.chars().count() + 2 > width {
            text.push_str(&format!("{line}\n"));
            line.clear();
        }
        let start = if line.is_empty() { format!("  {mark}") } else { String::new() };
        line.push_str(&format!("{start} {word}{comma}"));
    }
    if !line.is_empty() {
        text.push_str(&format!("{line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Edge;

    /// A graph of sources and queries, of edges as `from>to`, dashed where they end with `!`.
    fn graph(names: &[&str], edges: &[&str]) -> Graph {
        let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
        let reads =
            |name: &str| edges.iter().any(|edge| edge.split(['>', '!']).nth(1) == Some(name));
        let node = |name: &&str| {
            let kind = if reads(name) { NodeKind::Sql } else { NodeKind::Source };
            Node::new(name, kind, "csv".to_owned())
        };
        let edge = |edge: &&str| {
            let (from, to) = edge.trim_end_matches('!').split_once('>').unwrap();
            let ends = (place(from), place(to));
            let (from, to) = (from.to_owned(), to.to_owned());
            Edge { ends, from, to, columns: Vec::new(), is_staged: edge.ends_with('!') }
        };
        Graph {
            pipeline: "test".to_owned(),
            is_checked: false,
            nodes: names.iter().map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            phases: Vec::new(),
        }
    }

    #[test]
    fn what_is_read_twice_has_two_lines() {
        let drawing = drawing(&graph(&["a", "b", "c", "d"], &["a>b", "a>c!", "b>d", "c>d"]));
        assert_eq!(drawing.trim_end(), DIAMOND.trim_matches('\n'));
    }

    const DIAMOND: &str = r"
 ┌─────────────┐
 │ a           │
 │ source csv  │
 └─────┬─╥─────┘
       │ ╎
    ┌──┘ └╌┐
    ▼      ▼
┌─────┐  ┌─────┐
│ b   │  │ c   │
│ sql │  │ sql │
└──┬──┘  └──┬──┘
   │        │
   └─┐   ┌──┘
     ▼   ▼
   ┌───────┐
   │ d     │
   │ sql   │
   └───────┘
";

    #[test]
    fn runs_that_would_lie_upon_each_other_have_tracks_of_their_own() {
        let run = |from, to| {
            let link = Link { layer: 0, from, to };
            Run { link, is_staged: false, start: 0, ends: true, track: 0 }
        };
        // The second leaves where the first arrives, and turns above it.
        let mut runs = vec![run(0, 10), run(10, 20), run(30, 40), run(50, 50)];
        assert_eq!(assign_tracks(&mut runs), 2);
        assert_eq!([0, 1, 2].map(|at| runs[at].track), [1, 0, 0]);
        // Each waits for the other.
        let mut runs = vec![run(0, 10), run(10, 0)];
        assert_eq!(assign_tracks(&mut runs), 2);
    }

    #[test]
    fn lists_are_wrapped() {
        let words = ["a Int64", "b Utf8", "c Date32"].map(str::to_owned);
        assert_eq!(wrapped('+', &words, 20), "  + a Int64, b Utf8,\n  + c Date32\n");
        assert_eq!(wrapped('+', &[], 20), "");
    }

    #[test]
    fn a_drawing_that_is_too_wide_is_left_out() {
        let graph = graph(&["a", "b"], &["a>b"]);
        assert!(render(&graph, 80).contains('▼'));
        let narrow = render(&graph, 10);
        assert!(!narrow.contains('▼') && narrow.contains("\nb: sql; reads a\n"), "{narrow}");
    }
}
