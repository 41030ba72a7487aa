//! What a service is about.

use super::english;

/// What a service is about: one user, several users.
///
/// Both are words in small letters, joined by hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    singular: String,
    plural: String,
}

impl Resource {
    /// Takes the singular; the plural is made by the rules of English, with its exceptions.
    #[must_use]
    pub fn new(singular: &str) -> Self {
        let singular = words(singular).join("-");
        Self {
            plural: inflect(&singular, english::plural),
            singular,
        }
    }

    /// Takes the plural as it is said.
    #[must_use]
    pub fn with_plural(mut self, plural: &str) -> Self {
        self.plural = words(plural).join("-");
        self
    }

    /// Takes the name of a trait: `Users` and `UserService` are about a `user`, `OrderLines` is about an
    /// `order-line`.
    pub(super) fn of_trait(name: &str) -> Self {
        let mut words = words(name);
        let said = words.last().map_or("", String::as_str);
        if words.len() > 1 && matches!(said, "service" | "api") {
            words.pop();
        }
        Self::new(&inflect(&words.join("-"), english::singular))
    }

    /// Returns what one is called: `order-line`.
    #[must_use]
    pub fn singular(&self) -> &str {
        &self.singular
    }

    /// Returns what several are called: `order-lines`.
    #[must_use]
    pub fn plural(&self) -> &str {
        &self.plural
    }
}

/// Inflects the last of several words.
fn inflect(words: &str, last: impl Fn(&str) -> String) -> String {
    match words.rsplit_once('-') {
        Some((before, word)) => format!("{before}-{}", last(word)),
        None => last(words),
    }
}

/// The words of a name in any case, in small letters: `OrderLines`, `order_lines`, `order-lines`;
/// `HTTPRoutes` has two.
pub(super) fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let small_before = before.is_some_and(|one| one.is_lowercase() || one.is_numeric());
        let small_behind = letters.get(at + 1).is_some_and(|one| one.is_lowercase());
        let capital_before = before.is_some_and(char::is_uppercase);
        let begins = letter.is_uppercase() && (small_before || (capital_before && small_behind));
        if !letter.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_says_what_it_is_about() {
        for (name, singular, plural) in [
            ("Users", "user", "users"),
            ("User", "user", "users"),
            ("UserService", "user", "users"),
            ("UsersApi", "user", "users"),
            ("Service", "service", "services"),
            ("OrderLines", "order-line", "order-lines"),
            ("Categories", "category", "categories"),
            ("HTTPRoutes", "http-route", "http-routes"),
            ("Addresses", "address", "addresses"),
            ("People", "person", "people"),
            ("Status", "status", "statuses"),
            ("V2Users", "v2-user", "v2-users"),
        ] {
            let resource = Resource::of_trait(name);
            assert_eq!((resource.singular(), resource.plural()), (singular, plural));
        }
    }

    #[test]
    fn a_plural_that_is_given_is_taken() {
        let resource = Resource::new("octopus").with_plural("octopodes");
        assert_eq!(resource.plural(), "octopodes");
        assert_eq!(Resource::new("order_line").plural(), "order-lines");
    }
}
