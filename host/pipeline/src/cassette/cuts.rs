//! Delta debugging (ddmin, A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): which things to leave out
//! next, of things that are numbered.

/// Delta debugging over the numbers below some number: which to keep next, given whether those before still failed.
pub struct Cuts {
    kept: Vec<usize>,
    parts: usize,
    /// Which part, or whose complement, is tried next.
    next: usize,
    guess: Option<Vec<usize>>,
    trying: Vec<usize>,
    done: bool,
}

impl Cuts {
    /// `guess` is tried first.
    pub fn new(count: usize, guess: Vec<usize>) -> Self {
        let guess = (!guess.is_empty() && guess.len() < count).then_some(guess);
        let kept = (0..count).collect();
        // Nothing at all is tried first: for calls that may all be left out.
        Self { kept, parts: 1, next: 0, guess, trying: Vec::new(), done: count == 0 }
    }

    /// What to keep next, in order; none when nothing can be left out any more.
    pub fn to_keep(&mut self) -> Option<Vec<usize>> {
        if self.done {
            return None;
        }
        self.trying = match &self.guess {
            Some(guess) => guess.clone(),
            None if self.parts == 1 => Vec::new(),
            None => {
                let (part, complement) = (self.next % self.parts, self.next >= self.parts);
                let range =
                    self.kept.len() * part / self.parts..self.kept.len() * (part + 1) / self.parts;
                if complement {
                    [&self.kept[..range.start], &self.kept[range.end..]].concat()
                } else {
                    self.kept[range].to_vec()
                }
            }
        };
        Some(self.trying.clone())
    }

    /// Takes note of whether what [`Self::to_keep`] said fails.
    pub fn tried(&mut self, fails: bool) {
        let was_guess = self.guess.take().is_some();
        if fails {
            let was_complement = self.next >= self.parts && self.parts > 1;
            self.kept = std::mem::take(&mut self.trying);
            self.parts = if was_complement { (self.parts - 1).max(2) } else { 2 };
            self.next = 0;
        } else if was_guess {
            return;
        } else if self.parts == 1 {
            self.parts = 2;
        } else {
            self.next += 1;
            // Of two parts, the complements are the parts.
            let all = if self.parts == 2 { 2 } else { 2 * self.parts };
            if self.next == all {
                self.done = self.parts >= self.kept.len();
                self.parts = (self.parts * 2).min(self.kept.len());
                self.next = 0;
            }
        }
        self.done |= self.kept.len() < 2 && self.parts != 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left where all of `needed` must be there, with the number of trials.
    fn shrunk(count: usize, needed: &[usize], guess: &[usize]) -> (Vec<usize>, u32) {
        let mut cuts = Cuts::new(count, guess.to_vec());
        let (mut smallest, mut trials) = ((0..count).collect(), 0);
        while let Some(kept) = cuts.to_keep() {
            trials += 1;
            assert!(kept.is_sorted() && kept.len() < count, "{kept:?}");
            let fails = needed.iter().all(|row| kept.contains(row));
            if fails {
                smallest = kept;
            }
            cuts.tried(fails);
        }
        (smallest, trials)
    }

    #[test]
    fn what_is_left_is_what_is_needed() {
        for needed in [&[][..], &[0], &[999], &[13], &[0, 999], &[3, 500, 501, 998]] {
            let (left, trials) = shrunk(1_000, needed, &[]);
            assert_eq!(left, needed);
            assert!(trials < 300, "{trials} trials for {needed:?}");
        }
        assert_eq!(shrunk(1, &[0], &[]).0, [0]);
        assert_eq!(shrunk(2, &[1], &[]).0, [1]);
        assert_eq!(shrunk(0, &[], &[]), (Vec::new(), 0));
    }

    #[test]
    fn a_guess_that_holds_saves_the_search() {
        let (left, trials) = shrunk(65_536, &[4_711], &[4_711]);
        assert_eq!((left, trials), (vec![4_711], 1));
        assert_eq!(shrunk(100, &[7, 9], &[7]).0, [7, 9]);
    }
}
