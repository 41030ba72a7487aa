//! Who has which key.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// A key under its hash, so that nothing that is compared is as long as the key.
type Hash = [u8; 32];

/// Keys, and whose each is.
#[derive(Default)]
pub(super) struct Keys(Vec<(Arc<str>, Hash)>);

/// The longest key that is looked at, in bytes.
const LONGEST: usize = 4096;

impl Keys {
    /// Reads keys, one a line: `NAME:KEY`, `NAME:sha256:HEX` with the hash of the key, or a `KEY`
    /// alone. Empty lines and those that begin with `#` say nothing. An error tells the line, and
    /// nothing that stands in it.
    pub(super) fn read(&mut self, text: &str) -> Result<(), String> {
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = read_line(line).map_err(|why| format!("line {}: {why}", at + 1))?;
            self.0.push(key);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names of these that have no key.
    pub(super) fn lack<'a>(&self, names: &'a [String]) -> Vec<&'a str> {
        let has = |name: &str| self.0.iter().any(|(known, _)| **known == *name);
        let names = names.iter().map(String::as_str);
        names.filter(|name| !has(name)).collect()
    }

    /// Returns whose key it is. Every key is compared, in the same time whatever the outcome.
    pub(super) fn whose(&self, key: &[u8]) -> Option<Arc<str>> {
        if key.is_empty() || key.len() > LONGEST {
            return None;
        }
        let hash = hash(key);
        let (mut found, mut at) = (Choice::from(0), 0);
        for (index, (_, known)) in (0_u64..).zip(&self.0) {
            let same = known.ct_eq(&hash);
            at = u64::conditional_select(&at, &index, same);
            found |= same;
        }
        let at = usize::try_from(at).ok()?;
        bool::from(found).then(|| Arc::clone(&self.0[at].0))
    }
}

fn hash(key: &[u8]) -> Hash {
    Sha256::digest(key).into()
}

fn read_line(line: &str) -> Result<(Arc<str>, Hash), &'static str> {
    let Some((name, key)) = line.split_once(':') else {
        let hash = hash(checked(line)?);
        let [a, b, c, d, ..] = hash;
        let name = format!("sha256:{a:02x}{b:02x}{c:02x}{d:02x}");
        return Ok((name.into(), hash));
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/+".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err("the name before `:` is not of letters, digits and `-_.@/+`");
    }
    let hash = match key.strip_prefix("sha256:") {
        Some(hex) => {
            read_hex(hex).ok_or("`sha256:` is not followed by 64 digits in hexadecimal")?
        }
        None => hash(checked(key)?),
    };
    Ok((name.into(), hash))
}

/// A key that a header can say.
fn checked(key: &str) -> Result<&[u8], &'static str> {
    if key.is_empty() {
        return Err("there is no key");
    }
    if key.len() > LONGEST {
        return Err("the key is longer than 4096 bytes");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the key has letters that no header can say, or spaces");
    }
    Ok(key.as_bytes())
}

fn read_hex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Keys, String> {
        let mut keys = Keys::default();
        keys.read(text).map(|()| keys)
    }

    #[test]
    fn keys_are_plain_or_hashed_and_may_have_a_name() {
        let number = hash(b"hush").map(|byte| format!("{byte:02x}"));
        let computed = number.concat();
        let text = format!(
            "# who\n\n  ann:one:two \nben:sha256:{}\nben:second\nlone\r\n",
            computed.to_uppercase()
        );
        let keys = keys(&text).expect("they can be read");
        let whose = |key: &str| keys.whose(key.as_bytes()).map(|name| name.to_string());
        assert_eq!(whose("one:two").as_deref(), Some("ann"));
        assert_eq!(whose("hush").as_deref(), Some("ben"));
        assert_eq!(whose("second").as_deref(), Some("ben"));
        assert!(whose("lone").is_some_and(|name| name.starts_with("sha256:") && name.len() == 15));
        let long = "x".repeat(LONGEST + 1);
        for other in [
            "",
            "one",
            "ann:one:two",
            "Second",
            "second ",
            &computed,
            &long,
        ] {
            assert_eq!(whose(other), None, "{other}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4, the example of one block.
        let abc = "abc:sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let keys = keys(abc).expect("it can be read");
        assert_eq!(keys.whose(b"abc").as_deref(), Some("abc"));
    }

    #[test]
    fn what_cannot_be_read_is_told_without_what_stands_there() {
        let long = format!("a:{}", "x".repeat(LONGEST + 1));
        for line in [
            "a:",
            ":hush",
            "a b:hush",
            "a:hush hush",
            "a:sha256:hush",
            "hush hush",
            "a:hüsh",
            &long,
        ] {
            let error = keys(&format!("fine:fine\n{line}")).err().expect(line);
            assert!(
                error.starts_with("line 2: ") && !error.contains("hush"),
                "{error}"
            );
        }
    }
}
