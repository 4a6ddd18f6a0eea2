//! Where nodes and edges are drawn: layers from top to bottom, after Sugiyama, Tagawa and Toda, "Methods for Visual
//! Understanding of Hierarchical System Structures" (1981).
//!
//! 1. Each node is in the layer behind the last of those that it reads: the longest path. What reads nothing moves down, next
//!    to its first reader; what nobody reads either, such as a notifier, is in the last layer.
//! 2. An edge over several layers gets a bend in each layer between, so that each link leads from one layer to the next.
//! 3. Within layers, nodes are ordered by the mean place of their neighbours, down and up again; the order with the fewest
//!    crossings stays.
//! 4. Each node is moved to the mean of its neighbours, as far as order and distances allow.
//! 5. Links are divided along the edges of the boxes, straight down where that is possible.
//!
//! Lengths are whole numbers of whatever the caller draws with: characters, or pixels.

/// What is drawn, and with what distances.
pub(super) struct Drawable {
    /// The width of each node.
    pub(super) widths: Vec<i32>,
    pub(super) edges: Vec<(usize, usize)>,
    /// Between two boxes of a layer.
    pub(super) gap: i32,
    /// Between two links at one box.
    pub(super) port_gap: i32,
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    /// The nodes of each layer, from left to right.
    pub(super) layers: Vec<Vec<usize>>,
    /// The left side of each node.
    pub(super) left: Vec<i32>,
    /// The links of each edge, from layer to layer; none of an edge that leads back.
    pub(super) routes: Vec<Vec<Link>>,
    pub(super) width: i32,
}

/// A piece of an edge, from the bottom of a layer to the top of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The layer that it leaves.
    pub(super) layer: usize,
    pub(super) from: i32,
    pub(super) to: i32,
}

/// How often the order of nodes is improved, and their places.
const ROUNDS: usize = 12;

/// A node or a bend.
#[derive(Debug, Clone)]
struct Vertex {
    layer: usize,
    width: i32,
    /// None of a bend.
    node: Option<usize>,
    left: i32,
    above: Vec<usize>,
    below: Vec<usize>,
}

impl Vertex {
    fn middle(&self) -> i32 {
        self.left + self.width / 2
    }
}

/// Lays a graph out.
pub(super) fn layout(drawable: &Drawable) -> Layout {
    let count = drawable.widths.len();
    let edges = forward_edges(count, &drawable.edges);
    let layer_of = layers(count, &edges);
    let mut vertices: Vec<Vertex> = (0..count)
        .map(|node| Vertex {
            layer: layer_of[node],
            width: drawable.widths[node],
            node: Some(node),
            left: 0,
            above: Vec::new(),
            below: Vec::new(),
        })
        .collect();
    let chains = chains(&mut vertices, &edges);
    let mut order = first_order(&vertices);
    reduce_crossings(&vertices, &mut order);
    place(&mut vertices, &order, drawable.gap);
    let routes = routes(&vertices, &order, &chains, drawable.port_gap);
    let left = vertices[..count].iter().map(|vertex| vertex.left).collect();
    let width = vertices.iter().map(|vertex| vertex.left + vertex.width).max().unwrap_or(0);
    let layers = order.iter().map(|layer| {
        let nodes = layer.iter().filter_map(|vertex| vertices[*vertex].node);
        nodes.collect()
    });
    Layout { layers: layers.collect(), left, routes, width }
}

/// The edges, without those that lead back into what has led to them: a pipeline that does not check may have such.
fn forward_edges(count: usize, edges: &[(usize, usize)]) -> Vec<Option<(usize, usize)>> {
    let mut rank = vec![usize::MAX; count];
    let mut next = 0;
    loop {
        let is_ready = |node: usize| {
            let mut inputs = edges.iter().filter(|(_, to)| *to == node);
            rank[node] == usize::MAX && inputs.all(|(from, _)| rank[*from] != usize::MAX)
        };
        let unranked = (0..count).find(|node| rank[*node] == usize::MAX);
        let Some(node) = (0..count).find(|node| is_ready(*node)).or(unranked) else { break };
        rank[node] = next;
        next += 1;
    }
    let forward = |&(from, to): &(usize, usize)| (rank[from] < rank[to]).then_some((from, to));
    edges.iter().map(forward).collect()
}

fn layers(count: usize, edges: &[Option<(usize, usize)>]) -> Vec<usize> {
    let mut layer = vec![0; count];
    // No path is longer than there are nodes.
    for _ in 0..count {
        for &(from, to) in edges.iter().flatten() {
            layer[to] = layer[to].max(layer[from] + 1);
        }
    }
    let last = layer.iter().copied().max().unwrap_or(0);
    for node in 0..count {
        if edges.iter().flatten().any(|(_, to)| *to == node) {
            continue;
        }
        let readers = edges.iter().flatten().filter(|(from, _)| *from == node);
        let first = readers.map(|(_, to)| layer[*to]).min();
        layer[node] = first.map_or(last, |first| first - 1);
    }
    layer
}

/// The vertices that each edge leads through, with bends where it passes a layer by.
fn chains(vertices: &mut Vec<Vertex>, edges: &[Option<(usize, usize)>]) -> Vec<Vec<usize>> {
    let mut chains = Vec::with_capacity(edges.len());
    for edge in edges {
        let Some((from, to)) = *edge else {
            chains.push(Vec::new());
            continue;
        };
        let mut chain = vec![from];
        for layer in vertices[from].layer + 1..vertices[to].layer {
            chain.push(vertices.len());
            let (above, below) = (Vec::new(), Vec::new());
            vertices.push(Vertex { layer, width: 1, node: None, left: 0, above, below });
        }
        chain.push(to);
        for pair in chain.windows(2) {
            vertices[pair[0]].below.push(pair[1]);
            vertices[pair[1]].above.push(pair[0]);
        }
        chains.push(chain);
    }
    chains
}

/// Layer by layer, in the order in which a walk from the top meets the vertices.
fn first_order(vertices: &[Vertex]) -> Vec<Vec<usize>> {
    let layers = vertices.iter().map(|vertex| vertex.layer + 1).max().unwrap_or(0);
    let mut order = vec![Vec::new(); layers];
    let mut is_met = vec![false; vertices.len()];
    let mut roots: Vec<usize> = (0..vertices.len()).collect();
    roots.sort_by_key(|root| vertices[*root].layer);
    for root in roots {
        let mut stack = vec![root];
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut is_met[vertex], true) {
                continue;
            }
            order[vertices[vertex].layer].push(vertex);
            stack.extend(vertices[vertex].below.iter().rev());
        }
    }
    order
}

fn reduce_crossings(vertices: &[Vertex], order: &mut Vec<Vec<usize>>) {
    let mut best = (crossings(vertices, order), order.clone());
    for round in 0..ROUNDS {
        let downward = round % 2 == 0;
        let count = order.len();
        for step in 1..count {
            let (fixed, moved) =
                if downward { (step - 1, step) } else { (count - step, count - step - 1) };
            let place = places(vertices.len(), &order[fixed]);
            let mean = |position: usize, vertex: usize| {
                let vertex = &vertices[vertex];
                let neighbours = if downward { &vertex.above } else { &vertex.below };
                if neighbours.is_empty() {
                    return position as f64;
                }
                let sum: usize = neighbours.iter().map(|neighbour| place[*neighbour]).sum();
                sum as f64 / neighbours.len() as f64
            };
            let mut keyed: Vec<(f64, usize)> = order[moved]
                .iter()
                .enumerate()
                .map(|(position, vertex)| (mean(position, *vertex), *vertex))
                .collect();
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            order[moved] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
        }
        let found = crossings(vertices, order);
        if found < best.0 {
            best = (found, order.clone());
        }
    }
    *order = best.1;
}

/// The place of each vertex of a layer; of others, 0.
fn places(vertices: usize, layer: &[usize]) -> Vec<usize> {
    let mut places = vec![0; vertices];
    for (place, vertex) in layer.iter().enumerate() {
        places[*vertex] = place;
    }
    places
}

fn crossings(vertices: &[Vertex], order: &[Vec<usize>]) -> usize {
    let mut found = 0;
    for pair in order.windows(2) {
        let place = places(vertices.len(), &pair[1]);
        let links: Vec<(usize, usize)> = pair[0]
            .iter()
            .enumerate()
            .flat_map(|(at, vertex)| vertices[*vertex].below.iter().map(move |below| (at, *below)))
            .map(|(at, below)| (at, place[below]))
            .collect();
        for (index, one) in links.iter().enumerate() {
            let crosses = |other: &&(usize, usize)| {
                (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1)
            };
            found += links[index + 1..].iter().filter(crosses).count();
        }
    }
    found
}

fn place(vertices: &mut [Vertex], order: &[Vec<usize>], gap: i32) {
    for layer in order {
        let mut left = 0;
        for vertex in layer {
            vertices[*vertex].left = left;
            left += vertices[*vertex].width + gap;
        }
    }
    for round in 0..ROUNDS {
        let downward = round % 2 == 0;
        let layers: Vec<&Vec<usize>> =
            if downward { order.iter().collect() } else { order.iter().rev().collect() };
        for layer in layers {
            let mut wanted: Vec<f64> = Vec::with_capacity(layer.len());
            for (at, vertex) in layer.iter().enumerate() {
                let beside = match at {
                    0 => 0.0,
                    _ => wanted[at - 1] + f64::from(vertices[layer[at - 1]].width + gap),
                };
                wanted.push(wanted_left(vertices, *vertex, downward).unwrap_or(beside));
            }
            let widths: Vec<i32> =
                layer.iter().map(|vertex| vertices[*vertex].width + gap).collect();
            for (vertex, left) in layer.iter().zip(nearest(&wanted, &widths)) {
                vertices[*vertex].left = left;
            }
        }
    }
    let least = vertices.iter().map(|vertex| vertex.left).min().unwrap_or(0);
    for vertex in vertices {
        vertex.left -= least;
    }
}

/// Where a vertex would be below, or above, the middle of its neighbours; none where it has none.
fn wanted_left(vertices: &[Vertex], vertex: usize, downward: bool) -> Option<f64> {
    let own = &vertices[vertex];
    let (near, far) = if downward { (&own.above, &own.below) } else { (&own.below, &own.above) };
    let neighbours = if near.is_empty() { far } else { near };
    if neighbours.is_empty() {
        return None;
    }
    let middles = neighbours.iter().map(|neighbour| f64::from(vertices[*neighbour].middle()));
    Some(middles.sum::<f64>() / neighbours.len() as f64 - f64::from(own.width / 2))
}

/// The places nearest to those that are wanted, in the sum of squares, each at least as far behind the last as that is wide:
/// isotonic regression, by pooling neighbours that would overlap.
fn nearest(wanted: &[f64], widths: &[i32]) -> Vec<i32> {
    let mut offset = 0.0;
    // Each block is moved as one: the sum of where its members want it, how many they are.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(wanted.len());
    for (wanted, width) in wanted.iter().zip(widths) {
        offsets.push(offset);
        blocks.push((wanted - offset, 1));
        offset += f64::from(*width);
        while let [.., before, last] = &blocks[..] {
            if before.0 / before.1 as f64 <= last.0 / last.1 as f64 {
                break;
            }
            let pooled = (before.0 + last.0, before.1 + last.1);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    let starts = blocks
        .iter()
        .flat_map(|(sum, count)| std::iter::repeat_n((sum / *count as f64).round(), *count));
    starts.zip(offsets).map(|(start, offset)| (start + offset) as i32).collect()
}

fn routes(
    vertices: &[Vertex],
    order: &[Vec<usize>],
    chains: &[Vec<usize>],
    gap: i32,
) -> Vec<Vec<Link>> {
    let mut routes = vec![Vec::new(); chains.len()];
    for layer in 0..order.len().saturating_sub(1) {
        // The edges that cross from this layer to the next, with their ends.
        let crossing: Vec<(usize, usize, usize)> = chains
            .iter()
            .enumerate()
            .filter_map(|(edge, chain)| {
                let at = chain.iter().position(|vertex| vertices[*vertex].layer == layer)?;
                Some((edge, chain[at], *chain.get(at + 1)?))
            })
            .collect();
        let mut leaving = vec![0; chains.len()];
        for vertex in &order[layer] {
            let mut edges: Vec<(usize, usize)> = crossing
                .iter()
                .filter(|(_, from, _)| from == vertex)
                .map(|(edge, _, to)| (*edge, *to))
                .collect();
            edges.sort_by_key(|(_, to)| vertices[*to].middle());
            let own = &vertices[*vertex];
            let half = (edges.len() as i32 - 1) * gap / 2;
            for (index, (edge, _)) in edges.iter().enumerate() {
                leaving[*edge] = own.middle() - half + index as i32 * gap;
            }
        }
        for vertex in &order[layer + 1] {
            let mut edges: Vec<usize> = crossing
                .iter()
                .filter(|(_, _, to)| to == vertex)
                .map(|(edge, _, _)| *edge)
                .collect();
            edges.sort_by_key(|edge| leaving[*edge]);
            let own = &vertices[*vertex];
            let count = edges.len() as i32;
            let mut least = if own.node.is_some() { own.left + gap / 2 + 1 } else { own.middle() };
            let last =
                if own.node.is_some() { own.left + own.width - gap / 2 - 2 } else { own.middle() };
            for (index, edge) in edges.iter().enumerate() {
                let most = (last - (count - 1 - index as i32) * gap).max(least);
                let wanted = leaving[*edge].clamp(least, most);
                // A link that comes down where another one leaves would be taken for it.
                let is_taken = |place: i32| {
                    crossing.iter().any(|(other, ..)| other != edge && leaving[*other] == place)
                };
                let free = [0, 1, -1, 2, -2].into_iter().map(|by| wanted + by);
                let mut free =
                    free.filter(|place| (least..=most).contains(place) && !is_taken(*place));
                let to = free.next().unwrap_or(wanted);
                least = to + gap;
                routes[*edge].push(Link { layer, from: leaving[*edge], to });
            }
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn laid_out(widths: &[i32], edges: &[(usize, usize)]) -> Layout {
        let (widths, edges) = (widths.to_vec(), edges.to_vec());
        layout(&Drawable { widths, edges, gap: 3, port_gap: 2 })
    }

    #[test]
    fn a_chain_is_a_straight_line() {
        let layout = laid_out(&[10, 21, 8], &[(0, 1), (1, 2)]);
        assert_eq!(layout.layers, [[0], [1], [2]]);
        assert!(layout.routes.iter().flatten().all(|link| link.from == link.to), "{layout:?}");
    }

    #[test]
    fn what_reads_nothing_is_next_to_its_reader() {
        // 3 is read by the last of a chain only.
        let layout = laid_out(&[9; 4], &[(0, 1), (1, 2), (3, 2)]);
        assert_eq!(layout.layers, [vec![0], vec![1, 3], vec![2]]);
    }

    #[test]
    fn what_is_not_connected_is_last_and_makes_nothing_wider() {
        let layout = laid_out(&[9, 9, 9, 9], &[(0, 1), (0, 2)]);
        assert_eq!(layout.layers, [vec![0], vec![1, 2, 3]]);
        assert_eq!((layout.left[3] - layout.left[2], layout.width), (12, 33));
    }

    #[test]
    fn edges_are_untangled() {
        // Each of the lower three is read across.
        let layout = laid_out(&[9; 6], &[(0, 5), (1, 4), (2, 3)]);
        let place = |node: usize| layout.left[node];
        assert!(place(0) < place(1) && place(1) < place(2));
        assert!(place(5) < place(4) && place(4) < place(3), "{layout:?}");
    }

    #[test]
    fn what_leads_back_is_not_drawn() {
        let layout = laid_out(&[9; 3], &[(0, 1), (1, 2), (2, 1)]);
        assert_eq!(layout.routes.iter().filter(|route| route.is_empty()).count(), 1);
    }

    #[test]
    fn overlapping_places_are_pooled() {
        assert_eq!(nearest(&[0.0, 0.0, 100.0], &[10, 10, 10]), [-5, 5, 100]);
        assert_eq!(nearest(&[], &[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn boxes_do_not_overlap_and_links_meet(
            widths in prop::collection::vec(9..30_i32, 1..14),
            ends in prop::collection::vec((0..14_usize, 0..14_usize), 0..24),
        ) {
            let count = widths.len();
            let edges: Vec<(usize, usize)> = ends
                .into_iter()
                .map(|(from, to)| (from % count, to % count))
                .filter(|(from, to)| from < to)
                .collect();
            let layout = laid_out(&widths, &edges);
            for layer in &layout.layers {
                for pair in layer.windows(2) {
                    let right = layout.left[pair[0]] + widths[pair[0]];
                    prop_assert!(right < layout.left[pair[1]], "{layout:?}");
                }
            }
            prop_assert_eq!(layout.layers.iter().flatten().count(), count);
            for ((from, to), route) in edges.iter().zip(&layout.routes) {
                let inside = |node: usize, place: i32| {
                    let left = layout.left[node];
                    // A box with more links than fit is what the caller makes wider.
                    let room = 2 * edges.len() as i32;
                    (left - room..left + widths[node] + room).contains(&place)
                };
                prop_assert!(inside(*from, route[0].from) && inside(*to, route[route.len() - 1].to));
                for pair in route.windows(2) {
                    prop_assert_eq!(pair[0].to, pair[1].from);
                    prop_assert_eq!(pair[0].layer + 1, pair[1].layer);
                }
            }
        }
    }
}
