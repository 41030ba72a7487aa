//! Which names the pages may be asked for by.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, Uri, header};

use crate::service_error::{ErrorKind, ServiceError};

/// Refuses a request for a host that this is not: a name that somebody else made lead here. An address
/// cannot be made to lead elsewhere; a request without a host comes from no browser.
pub(super) fn check(hosts: &[String], uri: &Uri, headers: &HeaderMap) -> Result<(), ServiceError> {
    let given = headers.get_all(header::HOST).iter();
    let given = given.map(|host| host.to_str().unwrap_or("?"));
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    for host in given.chain(authority).filter(|host| !host.is_empty()) {
        if !is_ours(hosts, host) {
            let message = "this host name is not one that is answered here; an address, \
                           `localhost` and the names in the setting `hosts` are";
            return Err(ServiceError::new(ErrorKind::Denied, message));
        }
    }
    Ok(())
}

fn is_ours(hosts: &[String], host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.split_once(']');
        return address.is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.parse::<Ipv4Addr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_are_ours_and_nothing_else() {
        let hosts = ["admin.internal".to_owned()];
        for (host, ours) in [
            ("127.0.0.1", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("10.1.2.3", true),
            ("localhost:1", true),
            ("LOCALHOST", true),
            ("admin.internal", true),
            ("Admin.Internal:9", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("[evil.example]", false),
            ("evil@127.0.0.1", false),
            ("?", false),
        ] {
            assert_eq!(is_ours(&hosts, host), ours, "{host}");
        }
    }
}
