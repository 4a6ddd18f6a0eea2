//! The graph in the language of [Mermaid](https://mermaid.js.org/syntax/flowchart.html), which Markdown on many forges shows.

use wasmill_sandbox::contract::finding::bounded_text;

use crate::graph::{Graph, NodeKind};

/// Writes a flowchart.
pub fn render(graph: &Graph) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, node) in graph.nodes.iter().enumerate() {
        let notes = node.notes.iter().map(|note| format!("<br/>{}", escaped(note)));
        let label = format!(
            "<b>{}</b><br/>{}{}",
            escaped(&node.name),
            escaped(&node.what()),
            notes.collect::<String>()
        );
        let (open, close) = match node.kind {
            NodeKind::Source | NodeKind::Sink => ("[(", ")]"),
            NodeKind::Validator => ("{{", "}}"),
            NodeKind::Notifier => ("([", "])"),
            NodeKind::Transform | NodeKind::Sql => ("[", "]"),
        };
        text.push_str(&format!("    n{at}{open}\"{label}\"{close}\n"));
    }
    for edge in &graph.edges {
        let (from, to) = edge.ends;
        let arrow = if edge.is_staged { "-.->" } else { "-->" };
        let label = match edge.columns.len() {
            0 => String::new(),
            1 => "|1 column|".to_owned(),
            count => format!("|{count} columns|"),
        };
        text.push_str(&format!("    n{from} {arrow}{label} n{to}\n"));
    }
    text
}

/// Text in quotes, in which Mermaid reads HTML and its own entities.
fn escaped(text: &str) -> String {
    let text = bounded_text(text.to_owned());
    let escape = |char: char| match char {
        '&' => "#amp;".to_owned(),
        '"' => "#quot;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        '#' => "#35;".to_owned(),
        '\n' | '\t' => " ".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
