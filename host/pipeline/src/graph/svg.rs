//! The graph as an SVG: one file, without script or fonts of its own, light or dark as the reader wants it.

use wasmill_sandbox::contract::finding::bounded_text;

use crate::columns::{ColumnFate, ColumnUse};
use crate::graph::layout::{Drawable, Layout, layout};
use crate::graph::{Edge, Graph, Node, NodeKind, column_line, mark};

/// Pixels of one character: about six tenths of the size of a font whose characters are equally wide.
const CHAR: f64 = 7.3;
const FONT: i32 = 12;
const LINE: i32 = 17;
const PADDING: i32 = 10;
const MARGIN: i32 = 24;
/// Between two boxes.
const GAP: i32 = 36;
/// Between two layers.
const RISE: i32 = 78;
const PORT_GAP: i32 = 22;
/// More columns of a step are counted.
const MAX_COLUMNS: usize = 24;
/// The same of those that go away.
const MAX_GONE: usize = 6;
/// Longer lines are cut, in characters.
const MAX_CHARS: usize = 44;

const STYLE: &str = "\
.page { fill: #ffffff; }
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; }
.name { font-weight: 700; }
.dim { fill: #656d76; }
.node rect { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1; }
.node .bar { stroke: none; }
.source .bar { fill: #1a7f37; } .transform .bar { fill: #0969da; } .sql .bar { fill: #8250df; }
.validator .bar { fill: #9a6700; } .sink .bar { fill: #cf222e; } .notifier .bar { fill: #6e7781; }
.new { fill: #1a7f37; } .changed { fill: #9a6700; } .gone { fill: #cf222e; }
.edge path { fill: none; stroke: #656d76; stroke-width: 1.5; }
.staged path { stroke-dasharray: 5 4; }
.edge text { fill: #656d76; paint-order: stroke; stroke: #ffffff; stroke-width: 5; }
#tip path { fill: #656d76; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; }
text { fill: #e6edf3; }
.dim { fill: #9198a1; }
.node rect { fill: #161b22; stroke: #6e7681; }
.source .bar { fill: #3fb950; } .transform .bar { fill: #4493f8; } .sql .bar { fill: #ab7df8; }
.validator .bar { fill: #d29922; } .sink .bar { fill: #f85149; } .notifier .bar { fill: #9198a1; }
.new { fill: #3fb950; } .changed { fill: #d29922; } .gone { fill: #f85149; }
.edge path { stroke: #9198a1; }
.edge text { fill: #9198a1; stroke: #0d1117; }
#tip path { fill: #9198a1; }
}
";

/// A line of a box, with its class.
type Line = (String, &'static str);

/// Draws the graph.
pub fn render(graph: &Graph) -> String {
    let boxes: Vec<Vec<Line>> = graph.nodes.iter().map(lines).collect();
    let drawable = Drawable {
        widths: graph
            .nodes
            .iter()
            .enumerate()
            .map(|(at, _)| width(graph, at, &boxes[at]))
            .collect(),
        edges: graph.edges.iter().map(|edge| edge.ends).collect(),
        gap: GAP,
        port_gap: PORT_GAP,
    };
    let layout = layout(&drawable);
    let height = |node: usize| boxes[node].len() as i32 * LINE + 2 * PADDING;
    // The top of each layer, and the bottom.
    let mut rows: Vec<(i32, i32)> = Vec::new();
    let mut top = MARGIN + LINE + PADDING;
    for nodes in &layout.layers {
        let bottom = top + nodes.iter().map(|node| height(*node)).max().unwrap_or(0);
        rows.push((top, bottom));
        top = bottom + RISE;
    }
    let has_staged = graph.edges.iter().any(|edge| edge.is_staged);
    let bottom = rows.last().map_or(top, |(_, bottom)| *bottom) + MARGIN + LINE;
    let title = format!("Pipeline {}", graph.pipeline);
    let legend = legend(graph, has_staged);
    let wide = (layout.width + 2 * MARGIN).max(text_width(legend.chars().count()) + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{bottom}\" \
         viewBox=\"0 0 {wide} {bottom}\" role=\"img\" aria-label=\"{label}\">\n\
         <title>{label}</title>\n<style>\n{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0 10 5 0 10z\"/></marker></defs>\n\
         <rect class=\"page\" width=\"{wide}\" height=\"{bottom}\"/>\n\
         <text class=\"name\" x=\"{MARGIN}\" y=\"{MARGIN}\">{label}</text>\n",
        label = escaped(&title),
    );
    for (number, edge) in graph.edges.iter().enumerate() {
        let leaves = |other: usize| layout.routes[other].first().map(|link| link.from);
        let mut beside =
            (0..graph.edges.len()).filter(|other| graph.edges[*other].ends.0 == edge.ends.0);
        let is_rightmost = beside.all(|other| leaves(other) <= leaves(number));
        svg.push_str(&edge_svg(edge, &layout, number, is_rightmost, &rows, |node| {
            rows[layer_of(&layout, node)].0 + height(node)
        }));
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        let top = rows[layer_of(&layout, at)].0;
        let place = (MARGIN + layout.left[at], top, drawable.widths[at], height(at));
        svg.push_str(&node_svg(node, &boxes[at], place));
    }
    svg.push_str(&format!(
        "<text class=\"dim\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n</svg>\n",
        bottom - PADDING,
        escaped(&legend)
    ));
    svg
}

fn legend(graph: &Graph, has_staged: bool) -> String {
    if !graph.is_checked {
        return "The pipeline does not check: columns and phases are not known.".to_owned();
    }
    let marks = "+ new column · ~ changed · - gone";
    if has_staged {
        return format!("{marks} · dashed: all rows are staged before the first one is read");
    }
    marks.to_owned()
}

fn text_width(chars: usize) -> i32 {
    (chars as f64 * CHAR).ceil() as i32
}

fn width(graph: &Graph, node: usize, lines: &[Line]) -> i32 {
    let longest = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let links = |end: fn(&Edge) -> usize| {
        graph.edges.iter().filter(|edge| end(edge) == node).count() as i32
    };
    let most = links(|edge| edge.ends.0).max(links(|edge| edge.ends.1));
    (text_width(longest) + 2 * PADDING + 4).max(most * PORT_GAP + 2 * PADDING)
}

fn layer_of(layout: &Layout, node: usize) -> usize {
    layout.layers.iter().position(|layer| layer.contains(&node)).unwrap_or(0)
}

/// What stands in a box: columns that the step passes are only counted.
fn lines(node: &Node) -> Vec<Line> {
    let mut lines = vec![(node.name.clone(), "name")];
    let phase = node.phase.map_or(String::new(), |phase| format!(" · phase {phase}"));
    lines.push((format!("{}{phase}", node.what()), "dim"));
    lines.extend(node.notes.iter().map(|note| (note.clone(), "")));
    let mut shown: Vec<&ColumnUse> =
        node.columns.iter().filter(|column| column.fate != ColumnFate::Kept).collect();
    shown.sort_by_key(|column| column.fate == ColumnFate::Gone);
    let gone = |column: &&ColumnUse| column.fate == ColumnFate::Gone;
    let more_gone = shown.iter().copied().filter(gone).count().saturating_sub(MAX_GONE);
    shown.truncate(shown.len() - more_gone);
    let more = shown.len().saturating_sub(MAX_COLUMNS);
    for column in shown.into_iter().take(MAX_COLUMNS) {
        let class = match mark(column.fate) {
            '+' => "new",
            '-' => "gone",
            _ => "changed",
        };
        // All columns of a source are new.
        let class = if node.kind == NodeKind::Source { "" } else { class };
        let line = column_line(column);
        let line = if class.is_empty() { line.replacen('+', " ", 1) } else { line };
        lines.push((line, class));
    }
    if more_gone > 0 {
        lines.push((format!("- {more_gone} more"), "gone"));
    }
    if more > 0 {
        lines.push((format!("  … {more} more"), "dim"));
    }
    let kept = node.columns.iter().filter(|column| column.fate == ColumnFate::Kept).count();
    match kept {
        0 => {}
        1 => lines.push(("  1 column as it is".to_owned(), "dim")),
        kept => lines.push((format!("  {kept} columns as they are"), "dim")),
    }
    for (line, _) in &mut lines {
        if let Some((end, _)) = line.char_indices().nth(MAX_CHARS) {
            line.truncate(end);
            line.push('…');
        }
    }
    lines
}

fn node_svg(node: &Node, lines: &[Line], (x, y, width, height): (i32, i32, i32, i32)) -> String {
    let name = escaped(&node.name);
    let columns: Vec<String> = node.columns.iter().map(column_line).collect();
    let about = format!("{}: {}\n{}", node.name, node.what(), columns.join("\n"));
    let mut svg = format!(
        "<g class=\"node {kind}\" data-node=\"{name}\"><title>{about}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\"/>\
         <rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"4\" height=\"{height}\" rx=\"2\"/>",
        kind = node.kind.name(),
        about = escaped(about.trim_end()),
    );
    for (index, (line, class)) in lines.iter().enumerate() {
        let baseline = y + PADDING + FONT + index as i32 * LINE;
        let indent = x + PADDING + 2;
        svg.push_str(&format!(
            "<text class=\"{class}\" x=\"{indent}\" y=\"{baseline}\" xml:space=\"preserve\">{}</text>",
            escaped(line)
        ));
    }
    svg.push_str("</g>\n");
    svg
}

fn edge_svg(
    edge: &Edge,
    layout: &Layout,
    number: usize,
    // All edges that leave a box have the same columns: only one of them says how many.
    is_rightmost: bool,
    rows: &[(i32, i32)],
    bottom_of: impl Fn(usize) -> i32,
) -> String {
    let route = &layout.routes[number];
    let Some(first) = route.first() else { return String::new() };
    let mut path = format!("M{} {}", MARGIN + first.from, bottom_of(edge.ends.0));
    for link in route {
        let (from, to) = (MARGIN + link.from, MARGIN + link.to);
        // Straight at first, where the label is.
        let (top, bottom) = (rows[link.layer].1 + LINE + 6, rows[link.layer + 1].0);
        let half = (top + bottom) / 2;
        path.push_str(&format!(" V{top} C{from} {half} {to} {half} {to} {bottom}"));
    }
    let (from, to) = (edge.from.as_str(), edge.to.as_str());
    let columns =
        edge.columns.iter().map(|column| format!("\n{} {}", column.column, column.data_type));
    let about = format!("{from} → {to}{}", columns.collect::<String>());
    let label = match edge.columns.len() {
        _ if !is_rightmost => String::new(),
        0 => String::new(),
        1 => "1 column".to_owned(),
        count => format!("{count} columns"),
    };
    let (x, y) = (MARGIN + first.from + 6, rows[first.layer].1 + LINE);
    format!(
        "<g class=\"edge{staged}\" data-from=\"{from}\" data-to=\"{to}\"><title>{about}</title>\
         <path d=\"{path}\" marker-end=\"url(#tip)\"/>\
         <text x=\"{x}\" y=\"{y}\">{label}</text></g>\n",
        staged = if edge.is_staged { " staged" } else { "" },
        from = escaped(from),
        to = escaped(to),
        about = escaped(&about),
    )
}

/// Text as XML has it, in which most control characters cannot be written at all.
fn escaped(text: &str) -> String {
    let escape = |char: char| match char {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\u{fffe}' | '\u{ffff}' => "?".to_owned(),
        other => other.to_string(),
    };
    bounded_text(text.to_owned()).chars().map(escape).collect()
}
