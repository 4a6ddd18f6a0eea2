//! Regular expressions as automata, over ASCII.
//!
//! What is understood is what regular expressions of Python and JavaScript have in common and automata can do: literals, classes,
//! groups, alternatives, repetitions. Everything else (references, assertions, flags, anything beyond ASCII) is left to the
//! languages themselves, whole patterns and texts alike, so that a pattern means here what it means there.
//!
//! A pattern is matched against whole texts, so neither greed nor the order of alternatives matters, and a text takes one step
//! for each byte, whatever the pattern.

use std::collections::{BTreeMap, BTreeSet};

use crate::bits::bitmap;
use crate::text::Texts;

/// Whose regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Python,
    JavaScript,
}

/// How many states an automaton may have. Beyond, it would take longer to make than to use.
const MAX_STATES: usize = 1_000;
/// How often something that is repeated is written out.
const MAX_REPEATS: u32 = 100;

/// A set of ASCII bytes.
type Class = u128;

/// All that is ASCII.
const ANY: Class = u128::MAX;

/// A pattern that is ready to match.
#[derive(Debug)]
pub struct Automaton {
    /// For each state and each ASCII byte, the next state. The first state is the one without a way out, the second the start.
    next: Vec<[u16; 128]>,
    accepts: Vec<bool>,
}

const DEAD: u16 = 0;
const START: u16 = 1;

/// The texts that match, and the positions of those that are not ASCII.
pub fn matches(automaton: Option<&Automaton>, texts: Texts<'_>) -> (Vec<u8>, Vec<u32>) {
    let mut unknown = Vec::new();
    let found = bitmap((0..).zip(texts.iter()).map(|(at, text)| {
        match automaton.map_or(Match::Unknown, |automaton| automaton.matches(text)) {
            Match::Yes => true,
            Match::No => false,
            Match::Unknown => {
                unknown.push(at);
                false
            }
        }
    }));
    (found, unknown)
}

/// Whether a text matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    No,
    Yes,
    /// It is not ASCII.
    Unknown,
}

impl Automaton {
    /// None of a pattern that is for the language itself.
    pub fn new(pattern: &str, dialect: Dialect, ignore_case: bool) -> Option<Self> {
        if !pattern.is_ascii() {
            return None;
        }
        let mut parser = Parser { rest: pattern.as_bytes(), dialect, ignore_case, depth: 0 };
        let parsed = parser.alternatives()?;
        if !parser.rest.is_empty() {
            return None;
        }
        let mut states = States::default();
        let end = states.add()?;
        let start = states.before(&parsed, end)?;
        deterministic(&states, start, end)
    }

    /// Whether a text matches as a whole.
    pub fn matches(&self, text: &[u8]) -> Match {
        let mut state = START;
        for &byte in text {
            let Some(next) = self.next[usize::from(state)].get(usize::from(byte)) else {
                return Match::Unknown;
            };
            state = *next;
        }
        if self.accepts[usize::from(state)] { Match::Yes } else { Match::No }
    }
}

// ---- from text to syntax ------------------------------------------------------------------------------------------

enum Syntax {
    /// One byte of these.
    One(Class),
    Sequence(Vec<Syntax>),
    Alternatives(Vec<Syntax>),
    Repeated {
        what: Box<Syntax>,
        least: u32,
        most: Option<u32>,
    },
}

struct Parser<'a> {
    rest: &'a [u8],
    dialect: Dialect,
    ignore_case: bool,
    /// How many groups are open.
    depth: u32,
}

impl Parser<'_> {
    fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn takes(&mut self, wanted: &[u8]) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        self.rest = rest;
        true
    }

    fn alternatives(&mut self) -> Option<Syntax> {
        let mut alternatives = vec![self.sequence()?];
        while self.takes(b"|") {
            alternatives.push(self.sequence()?);
        }
        Some(Syntax::Alternatives(alternatives))
    }

    fn sequence(&mut self) -> Option<Syntax> {
        // Of a whole text, the start is the start and the end is the end.
        if self.depth == 0 {
            self.takes(b"^");
        }
        let mut parts = Vec::new();
        loop {
            match self.rest {
                [] | [b'|' | b')', ..] => break,
                [b'$'] | [b'$', b'|', ..] if self.depth == 0 => {
                    self.take();
                    break;
                }
                _ => {}
            }
            let part = self.part()?;
            parts.push(self.repeated(part)?);
        }
        Some(Syntax::Sequence(parts))
    }

    fn part(&mut self) -> Option<Syntax> {
        let one = |class| Some(Syntax::One(class));
        match self.take()? {
            b'(' => {
                if !self.takes(b"?:") && self.rest.starts_with(b"?") {
                    return None;
                }
                self.depth += 1;
                // Whoever nests deeper has the language match.
                let group = if self.depth < 50 { self.alternatives() } else { None };
                self.depth -= 1;
                group.filter(|_| self.takes(b")"))
            }
            b'[' => one(self.class()?),
            b'.' => one(match self.dialect {
                Dialect::Python => ANY & !of(b'\n'),
                Dialect::JavaScript => ANY & !of(b'\n') & !of(b'\r'),
            }),
            b'\\' => one(self.escaped()?),
            b'^' | b'$' | b'|' | b'?' | b'*' | b'+' | b')' | b']' | b'{' | b'}' => None,
            literal => one(self.folded(of(literal))),
        }
    }

    fn repeated(&mut self, what: Syntax) -> Option<Syntax> {
        let (least, most) = match self.rest {
            [b'*', ..] => (0, None),
            [b'+', ..] => (1, None),
            [b'?', ..] => (0, Some(1)),
            [b'{', ..] => {
                self.take();
                let least = self.number()?;
                let most = if self.takes(b",") {
                    if self.rest.starts_with(b"}") { None } else { Some(self.number()?) }
                } else {
                    Some(least)
                };
                if !self.rest.starts_with(b"}") || most.is_some_and(|most| most < least) {
                    return None;
                }
                (least, most)
            }
            _ => return Some(what),
        };
        self.take();
        // Lazy or not is the same to a whole text; possessive is not.
        self.takes(b"?");
        if matches!(self.rest, [b'*' | b'+' | b'?' | b'{', ..]) {
            return None;
        }
        Some(Syntax::Repeated { what: Box::new(what), least, most })
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        (number <= MAX_REPEATS).then_some(number)
    }

    /// What is between `[` and `]`.
    fn class(&mut self) -> Option<Class> {
        let is_negated = self.takes(b"^");
        // What an empty class is, and what `]` is at the start, differs.
        if self.rest.starts_with(b"]") {
            return None;
        }
        let mut class = 0;
        loop {
            let first = match self.take()? {
                b']' => break,
                b'\\' => self.escaped()?,
                // Sets of sets, and what may become such.
                b'[' => return None,
                byte @ (b'&' | b'|' | b'~' | b'-') if self.rest.first() == Some(&byte) => {
                    return None;
                }
                byte => of(byte),
            };
            match self.rest {
                [b'-', last, ..] if *last != b']' => {
                    self.take();
                    let last = match self.take()? {
                        b'\\' => self.escaped()?,
                        b'[' | b'-' => return None,
                        byte => of(byte),
                    };
                    if first.count_ones() != 1 || last.count_ones() != 1 || last < first {
                        return None;
                    }
                    class |= last | (last - first);
                }
                _ => class |= first,
            }
        }
        let class = self.folded(class);
        Some(if is_negated { !class } else { class })
    }

    /// What is behind a backslash.
    fn escaped(&mut self) -> Option<Class> {
        let range = |from: u8, to: u8| (from..=to).map(of).fold(0, |all, one| all | one);
        let digits = range(b'0', b'9');
        let words = digits | range(b'a', b'z') | range(b'A', b'Z') | of(b'_');
        let spaces = match self.dialect {
            Dialect::Python => range(9, 13) | range(0x1c, 0x1f) | of(b' '),
            Dialect::JavaScript => range(9, 13) | of(b' '),
        };
        Some(match self.take()? {
            b'd' => digits,
            b'D' => !digits,
            b'w' => words,
            b'W' => !words,
            b's' => spaces,
            b'S' => !spaces,
            b't' => of(b'\t'),
            b'n' => of(b'\n'),
            b'v' => of(0x0b),
            b'f' => of(0x0c),
            b'r' => of(b'\r'),
            byte if byte.is_ascii_punctuation() || byte == b' ' => of(byte),
            _ => return None,
        })
    }

    fn folded(&self, class: Class) -> Class {
        if !self.ignore_case {
            return class;
        }
        let letters = (b'a'..=b'z')
            .filter(|letter| class & (of(*letter) | of(letter.to_ascii_uppercase())) != 0);
        letters.fold(class, |class, letter| class | of(letter) | of(letter.to_ascii_uppercase()))
    }
}

fn of(byte: u8) -> Class {
    1 << byte
}

// ---- from syntax to states ----------------------------------------------------------------------------------------

/// An automaton that may be in several states at once.
#[derive(Default)]
struct States {
    /// With one of these bytes to that state.
    steps: Vec<Option<(Class, usize)>>,
    /// At any time also in these.
    also: Vec<Vec<usize>>,
}

impl States {
    fn add(&mut self) -> Option<usize> {
        self.steps.push(None);
        self.also.push(Vec::new());
        (self.steps.len() <= 8 * MAX_STATES).then(|| self.steps.len() - 1)
    }

    /// The state from which, through what is described, `end` is reached.
    fn before(&mut self, syntax: &Syntax, end: usize) -> Option<usize> {
        Some(match syntax {
            Syntax::One(class) => {
                let state = self.add()?;
                self.steps[state] = Some((*class, end));
                state
            }
            Syntax::Sequence(parts) => {
                parts.iter().rev().try_fold(end, |end, part| self.before(part, end))?
            }
            Syntax::Alternatives(alternatives) => {
                let state = self.add()?;
                for alternative in alternatives {
                    let start = self.before(alternative, end)?;
                    self.also[state].push(start);
                }
                state
            }
            Syntax::Repeated { what, least, most } => {
                let mut state = end;
                match most {
                    None => {
                        state = self.add()?;
                        let again = self.before(what, state)?;
                        self.also[state].extend([again, end]);
                    }
                    Some(most) => {
                        for _ in *least..*most {
                            let start = self.before(what, state)?;
                            state = self.add()?;
                            self.also[state].extend([start, end]);
                        }
                    }
                }
                for _ in 0..*least {
                    state = self.before(what, state)?;
                }
                state
            }
        })
    }

    /// These states, and all in which the automaton then also is.
    fn closed(&self, states: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut closed = BTreeSet::new();
        let mut open: Vec<usize> = states.into_iter().collect();
        while let Some(state) = open.pop() {
            if closed.insert(state) {
                open.extend(&self.also[state]);
            }
        }
        closed
    }
}

/// The automaton whose states are the sets of states that the other one can be in.
fn deterministic(states: &States, start: usize, end: usize) -> Option<Automaton> {
    let alike = alike(states);
    let mut numbers = BTreeMap::from([(BTreeSet::new(), DEAD)]);
    let mut automaton = Automaton { next: vec![[DEAD; 128]], accepts: vec![false] };
    let start = states.closed([start]);
    numbers.insert(start.clone(), START);
    let mut open = vec![start];
    automaton.next.push([DEAD; 128]);
    automaton.accepts.push(false);
    while let Some(set) = open.pop() {
        let number = usize::from(numbers[&set]);
        automaton.accepts[number] = set.contains(&end);
        let steps: Vec<(Class, usize)> =
            set.iter().filter_map(|&state| states.steps[state]).collect();
        for &class in &alike {
            let reached = steps.iter().filter(|(wanted, _)| wanted & class != 0);
            let reached = states.closed(reached.map(|(_, state)| *state));
            let next = match numbers.get(&reached) {
                Some(&known) => known,
                None => {
                    let number = automaton.next.len() as u16;
                    if automaton.next.len() >= MAX_STATES {
                        return None;
                    }
                    automaton.next.push([DEAD; 128]);
                    automaton.accepts.push(false);
                    numbers.insert(reached.clone(), number);
                    open.push(reached);
                    number
                }
            };
            for (byte, to) in automaton.next[number].iter_mut().enumerate() {
                if class & of(byte as u8) != 0 {
                    *to = next;
                }
            }
        }
    }
    Some(automaton)
}

/// All bytes, divided into sets whose members no step tells apart.
fn alike(states: &States) -> Vec<Class> {
    let mut divided = vec![ANY];
    let classes: BTreeSet<Class> = states.steps.iter().flatten().map(|(class, _)| *class).collect();
    for class in classes {
        let parts = divided.into_iter().flat_map(|set| [set & class, set & !class]);
        divided = parts.filter(|set| *set != 0).collect();
    }
    divided
}

#[cfg(test)]
mod tests {
    use super::*;

    fn automaton(pattern: &str) -> Option<Automaton> {
        Automaton::new(pattern, Dialect::Python, false)
    }

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let automaton = automaton(pattern).unwrap_or_else(|| panic!("{pattern} is understood"));
        for text in matching {
            assert_eq!(automaton.matches(text.as_bytes()), Match::Yes, "{pattern} on {text:?}");
        }
        for text in others {
            assert_eq!(automaton.matches(text.as_bytes()), Match::No, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn patterns_match_whole_texts() {
        check("abc", &["abc"], &["", "ab", "abcd", "xabc"]);
        check("", &[""], &["a"]);
        check("^a|b$", &["a", "b"], &["ab", "a\n"]);
        check("a*b+c?", &["b", "aabbc", "bc"], &["a", "c", "bcc"]);
        check("(?:ab|cd){2,3}", &["abcd", "cdcdab"], &["ab", "abcdabcd", "abc"]);
        check("a{2}|b{2,}", &["aa", "bb", "bbbb"], &["a", "aaa", "b"]);
        check("(a|)(b?)x", &["x", "ax", "abx", "bx"], &["bax"]);
        check("(a*)*b", &["b", "aaab"], &["a"]);
        check("a+?b??", &["a", "aab"], &["b"]);
        check("[a-c_.-]+", &["a-b_.", "c"], &["d", ""]);
        check(
            "[^@]+@[^@][^@]*\\.[^@]+",
            &["a.b@c.de", "x@yz.a"],
            &["a@b", "@a.b", "a@b@c.d", "a@.b", "a@bb."],
        );
        check("\\d{3}-\\w+\\s\\S", &["123-a_B x", "000-0\tx"], &["12-a x", "123-a  "]);
        check("[\\d.]+\\.[^\\W\\d]", &["1.2.a", "1..b"], &["1.2.3"]);
        check(".", &["a", "\r"], &["\n", "", "ab"]);
        check("\\x\\y".replace(['x', 'y'], ".").as_str(), &[".."], &["ab"]);
    }

    #[test]
    fn letters_match_in_either_case_where_that_is_wanted() {
        let automaton = Automaton::new("[a-c]X\\.", Dialect::Python, true).unwrap();
        assert_eq!(automaton.matches(b"Bx."), Match::Yes);
        assert_eq!(automaton.matches(b"dx."), Match::No);
        let others = Automaton::new("[^a]", Dialect::Python, true).unwrap();
        assert_eq!((others.matches(b"A"), others.matches(b"b")), (Match::No, Match::Yes));
    }

    #[test]
    fn dialects_differ_where_the_languages_do() {
        let of = |dialect| Automaton::new(".\\s", dialect, false).unwrap();
        assert_eq!(of(Dialect::Python).matches(b"\r\x1c"), Match::Yes);
        assert_eq!(of(Dialect::JavaScript).matches(b"\r "), Match::No);
        assert_eq!(of(Dialect::JavaScript).matches(b"a\x1c"), Match::No);
    }

    #[test]
    fn what_automata_cannot_do_or_languages_see_differently_is_left_to_them() {
        for pattern in [
            "(a)\\1",
            "a(?=b)",
            "(?P<name>a)",
            "(?i)a",
            "\\bword",
            "a^b",
            "a$b",
            "(^a)",
            "x*+",
            "x{,3}",
            "x{3",
            "]",
            "a}",
            "[]a]",
            "[^]",
            "[[a]",
            "[a&&b]",
            "[a--b]",
            "\\x41",
            "\\u0041",
            "ä",
            "[z-a]",
            "\\A",
            "a{2000}",
            "a**",
            "((((a{99}){99}){99}){99})",
            "(.{0,50}a.{0,50}){3}",
        ] {
            assert!(automaton(pattern).is_none(), "{pattern}");
        }
        assert_eq!(automaton("[^@]+").unwrap().matches("ä".as_bytes()), Match::Unknown);
    }
}
