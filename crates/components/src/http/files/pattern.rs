//! Patterns of paths.

/// A pattern of paths: `?` is any character but a slash, `*` any number of those, `**` any number of
/// characters.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    One(char),
    AnyOne,
    Any,
    AnyDeep,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        for c in pattern.chars() {
            match (c, pieces.last()) {
                ('*', Some(Piece::Any)) => {
                    pieces.pop();
                    pieces.push(Piece::AnyDeep);
                }
                ('*', Some(Piece::AnyDeep)) => {}
                ('*', _) => pieces.push(Piece::Any),
                ('?', _) => pieces.push(Piece::AnyOne),
                (c, _) => pieces.push(Piece::One(c)),
            }
        }
        Self(pieces)
    }

    /// Whether the whole path is like this. It takes time in proportion to the product of both lengths,
    /// whatever they hold.
    pub(super) fn fits(&self, path: &str) -> bool {
        // `reached[i]`: the first i pieces can stand for all that was read so far.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip_stars(&mut reached);
        for c in path.chars() {
            let mut next = vec![false; reached.len()];
            for (i, piece) in self.0.iter().enumerate().filter(|(i, _)| reached[*i]) {
                match piece {
                    Piece::One(one) => next[i + 1] |= *one == c,
                    Piece::AnyOne => next[i + 1] |= c != '/',
                    Piece::Any => next[i] |= c != '/',
                    Piece::AnyDeep => next[i] = true,
                }
            }
            self.skip_stars(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    /// A star may stand for nothing.
    fn skip_stars(&self, reached: &mut [bool]) {
        for (i, piece) in self.0.iter().enumerate() {
            if matches!(piece, Piece::Any | Piece::AnyDeep) {
                reached[i + 1] |= reached[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_and_two_of_them_do_not() {
        for (pattern, path, fits) in [
            ("assets/*", "assets/a.js", true),
            ("assets/*", "assets/", true),
            ("assets/*", "assets/a/b.js", false),
            ("assets/**", "assets/a/b.js", true),
            ("**.js", "assets/a/b.js", true),
            ("*.js", "a/b.js", false),
            ("*-????????.js", "index-BbQ1x_7Z.js", true),
            ("*-????????.js", "index-BbQ1x_7.js", false),
            ("a?c", "a/c", false),
            ("a**c*e", "abbb/c/cde", true),
            ("", "", true),
            ("", "a", false),
            ("a", "ab", false),
            ("é?", "éü", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::new(&"*a".repeat(200));
        assert!(!pattern.fits(&"a".repeat(190)));
    }
}
