//! An address as the admin pages show it.

/// Returns an address without what may be a secret in it: without the user and password before its host
/// (`***` stands for them), and without its query and fragment.
///
/// # Examples
///
/// ```
/// use byname_components::http::admin::shown_address;
///
/// let address = shown_address("https://user:password@a.example/v1?key=secret");
/// assert_eq!(address, "https://***@a.example/v1");
/// ```
#[must_use]
pub fn shown_address(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (authority, path) = rest
        .find(['/', '\\'])
        .map_or((rest, ""), |at| rest.split_at(at));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_scheme_host_and_path_are_shown() {
        for (address, shown) in [
            ("http://10.0.0.1:80/a@b", "http://10.0.0.1:80/a@b"),
            ("http://user:secret@host/a", "http://***@host/a"),
            ("http://us@er:secret@host", "http://***@host"),
            (
                "https://u:p@a.example/v1?key=s#t",
                "https://***@a.example/v1",
            ),
            ("https://a.example?u:p@b", "https://a.example"),
            ("a.example/x?y", "a.example/x"),
            ("host", "host"),
        ] {
            assert_eq!(shown_address(address), shown);
        }
    }
}
