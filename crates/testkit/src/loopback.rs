//! An address that a test has for itself.

use std::net::Ipv4Addr;

/// Returns an address of this machine that no other process of the tests uses, so that a port of it that
/// is given up stays free.
///
/// On Linux every address of 127.0.0.0/8 is this machine's (RFC 1122, section 3.2.1.3); elsewhere it is
/// 127.0.0.1, which everybody shares.
#[must_use]
pub fn own_loopback() -> Ipv4Addr {
    if cfg!(target_os = "linux") {
        // A process has a number below 2^22: none is 127.0.0.1.
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, 0x40 | high & 0x3f, middle, low)
    } else {
        Ipv4Addr::LOCALHOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_was_given_up_is_free() {
        let own = own_loopback();
        assert!(own.is_loopback());
        let first = std::net::TcpListener::bind((own, 0)).expect("a port");
        let address = first.local_addr().expect("bound");
        drop(first);
        std::net::TcpListener::bind(address).expect("the same port");
    }
}
