//! Addresses that have their first bits in common.

use std::net::IpAddr;
use std::str::FromStr;

/// A network: an address, and how many of its bits count (CIDR, RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is in it. An IPv4 address that is written as one of IPv6 is one of IPv4.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == Some(self.first)
            && address.to_canonical().is_ipv4() == self.first.is_ipv4()
    }
}

/// An address with all but its first bits off; none if it has fewer.
pub(in crate::http::middleware) fn masked(address: IpAddr, bits: u32) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let off = 32_u32.checked_sub(bits)?;
            let mask = u32::MAX.checked_shl(off).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let off = 128_u32.checked_sub(bits)?;
            let mask = u128::MAX.checked_shl(off).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    })
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| "that is no address")?;
        if address.to_canonical() != address {
            return Err("that is an address of IPv4; write it as one");
        }
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => all,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| "that is no number of bits")?
            }
            Some(_) => return Err("that is no number of bits"),
        };
        let first = masked(address, bits).ok_or("an address has fewer bits")?;
        if first != address {
            return Err("the address has bits behind those that count");
        }
        Ok(Self { first, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(network: &str, address: &str) -> bool {
        let network: Network = network.parse().expect("a network");
        network.has(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_with_its_bits() {
        assert!(has("10.0.0.0/8", "10.255.255.255") && !has("10.0.0.0/8", "11.0.0.0"));
        assert!(has("10.1.2.3", "10.1.2.3") && !has("10.1.2.3", "10.1.2.2"));
        assert!(has("10.1.2.2/31", "10.1.2.3") && !has("10.1.2.2/31", "10.1.2.4"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "::1"));
        assert!(has("::/0", "2001:db8::1") && !has("::/0", "127.0.0.1"));
        assert!(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe00::1"));
        assert!(has("127.0.0.1", "::ffff:127.0.0.1") && !has("::/0", "::ffff:127.0.0.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "::/129",
            "::1/64",
            "::ffff:10.0.0.0/104",
            "localhost",
            "10.0.0.0/8/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
