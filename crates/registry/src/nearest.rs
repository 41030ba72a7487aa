//! Names that are like one that is not there.

/// How many are told.
const MOST: usize = 3;

/// Returns the names most like `asked`, the nearest first, at most three.
///
/// A name is like another if one begins with the other, or if few letters have to be inserted,
/// deleted, replaced or swapped with the next: one in three of what was asked for.
///
/// # Examples
///
/// ```
/// use byname_registry::nearest;
///
/// assert_eq!(nearest(["db-main", "cache", "bd"].iter(), "db"), ["bd", "db-main"]);
/// ```
#[must_use]
pub fn nearest(names: impl Iterator<Item = impl AsRef<str>>, asked: &str) -> Vec<String> {
    let asked = asked.to_lowercase();
    let most = asked.chars().count().div_ceil(3).max(1);
    let mut found: Vec<(usize, String)> = names
        .filter_map(|name| {
            let name = name.as_ref();
            let begins = asked.len() > 1 && (name.starts_with(&asked) || asked.starts_with(name));
            let apart = distance(&asked, name);
            (begins || apart <= most).then(|| (apart, name.to_owned()))
        })
        .collect();
    found.sort_unstable();
    found.truncate(MOST);
    found.into_iter().map(|(_, name)| name).collect()
}

/// Writes "; did you mean …?" if there is anything to mean, to be put behind a message.
///
/// # Examples
///
/// ```
/// assert_eq!(byname_registry::suggestion(&["db".into()]), "; did you mean `db`?");
/// assert_eq!(byname_registry::suggestion(&[]), "");
/// ```
#[must_use]
pub fn suggestion(nearest: &[String]) -> String {
    let quoted: Vec<_> = nearest.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", quoted.join(" or "))
    }
}

/// The number of characters to insert, delete, replace or swap with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let replaced = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (a, b, apart) in [
            ("", "", 0),
            ("alpha", "alpha", 0),
            ("alpha", "alhpa", 1),
            ("alpha", "alph", 1),
            ("alpha", "beta", 4),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(a, b), apart, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["gpu-1", "gpu-2", "gpu-10", "gpu-3", "web"];
        assert_eq!(
            nearest(names.into_iter(), "gpu-11"),
            ["gpu-1", "gpu-10", "gpu-2"]
        );
        assert_eq!(nearest(names.into_iter(), "database"), [""; 0]);
    }
}
