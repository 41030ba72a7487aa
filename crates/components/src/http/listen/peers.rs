//! How many connections each peer has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bound::PeerAddress;

/// How many connections each peer has now. A clone is the same.
///
/// It is locked when a connection begins and ends, and has no more entries than there are connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of the connections of a peer, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    peers: Peers,
    whose: IpAddr,
}

/// A peer has as many connections as it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Peers {
    /// Counts one more of a peer, unless it has `most` of them; who came through a socket file is not
    /// counted.
    pub(super) fn take(
        &self,
        peer: PeerAddress,
        most: Option<NonZeroUsize>,
    ) -> Result<Option<Seat>, TooMany> {
        let PeerAddress::Tcp(address) = peer else {
            return Ok(None);
        };
        let whose = network(address.ip());
        let mut counts = self.counts();
        let has = counts.get(&whose).copied().unwrap_or_default();
        if most.is_some_and(|most| has >= most.get()) {
            return Err(TooMany);
        }
        counts.insert(whose, has + 1);
        drop(counts);
        Ok(Some(Seat {
            peers: self.clone(),
            whose,
        }))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.peers.counts();
        if let Some(count) = counts.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

/// Who has an address of IPv6 has all of its network of 64 bits (RFC 4291, section 2.5.1).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(own) => Ipv6Addr::from(u128::from(own) >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn peer(address: &str) -> PeerAddress {
        PeerAddress::Tcp(address.parse().unwrap())
    }

    #[test]
    fn each_peer_has_as_many_as_it_may_and_those_that_ended_are_forgotten() {
        let peers = Peers::default();
        let two = NonZeroUsize::new(2);
        let take = |address| peers.take(peer(address), two);
        let (first, second) = (take("192.0.2.1:1").unwrap(), take("192.0.2.1:2").unwrap());
        assert_eq!(take("192.0.2.1:3").unwrap_err(), TooMany);
        let other = take("192.0.2.2:1").unwrap();
        drop(first);
        let third = take("192.0.2.1:4").unwrap();
        assert_eq!(take("192.0.2.1:5").unwrap_err(), TooMany);
        assert!(third.is_some() && other.is_some());
        drop((second, third, other));
        assert!(peers.counts().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_a_socket_file_is_none() {
        let peers = Peers::default();
        let one = NonZeroUsize::new(1);
        let kept = peers.take(peer("[2001:db8:1:2::1]:1"), one).unwrap();
        let same = peers.take(peer("[2001:db8:1:2:ffff::]:1"), one);
        assert_eq!(same.unwrap_err(), TooMany);
        assert!(peers.take(peer("[2001:db8:1:3::1]:1"), one).is_ok());
        for _ in 0..3 {
            assert!(peers.take(PeerAddress::Unix, one).unwrap().is_none());
        }
        drop(kept);
    }
}
