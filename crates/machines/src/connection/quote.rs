/// Writes a text as one word of a POSIX shell, which takes it as it is.
///
/// Between single quotes a POSIX shell gives no character a meaning (POSIX.1-2024, Shell Command
/// Language, 2.2.2) but the closing quote; so everything stands between them, and each single quote
/// of the text closes them, is written as `\'`, and opens them again. Nothing is left out when it
/// might be: every text, the empty one too, becomes a quoted word. A NUL cannot be passed to a
/// program and must not be in the text.
///
/// # Examples
///
/// ```
/// assert_eq!(byname_machines::quote("it's $HOME"), r"'it'\''s $HOME'");
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for (index, part) in text.split('\'').enumerate() {
        if index > 0 {
            quoted.push_str(r"'\''");
        }
        quoted.push_str(part);
    }
    quoted.push('\'');
    quoted
}
