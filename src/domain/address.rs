//! Where a client is: its address, which is never shown whole, and networks of addresses.
//!
//! An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`, RFC 4291, section 2.5.5.2) is the IPv4 address.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net};

/// The address of a client. What it prints is a network that many share, so that no log can hold the address by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address in its one form.
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address itself: to compare, to count by, to store where somebody agreed to it. Not for a log.
    pub const fn whole(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one: `192.0.2.0/24`, `2001:db8:7::/48`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                write!(f, "{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                write!(f, "{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        }
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAddress({self})")
    }
}

/// A set of addresses, written as addresses and networks with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// A text that is no set of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A part that cannot be read.
    #[error("{0:?} is neither an address nor a network; they look like 10.0.0.1, 10.0.0.0/8 or fd00::/8")]
    Unreadable(String),
    /// A network that names one address inside it: was the address meant, or the network?
    #[error("{0} has bits behind its prefix; write {1} for the whole network, or the address alone")]
    Ambiguous(String, IpNet),
    /// A network of all addresses.
    #[error("{0} is everybody; name the addresses themselves")]
    Everybody(String),
}

impl Networks {
    /// Those of all of these.
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }

    /// Whether no address is one of them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is one of them. IPv4 addresses are only in IPv4 networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    /// Reads `10.0.0.0/8, 192.0.2.7, fd00::/8`; an empty text names nobody.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, NetworkError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network: IpNet = text.parse().map_err(|_| NetworkError::Unreadable(text.to_owned()))?;
    let network = canonical(network);
    if network != network.trunc() {
        return Err(NetworkError::Ambiguous(text.to_owned(), network.trunc()));
    }
    if network.prefix_len() == 0 {
        return Err(NetworkError::Everybody(text.to_owned()));
    }
    Ok(network)
}

/// A network of IPv4 addresses that are written as IPv6 ones is a network of IPv4 addresses.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(network) => network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("203.0.113.77", "203.0.113.0/24")]
    #[case("::ffff:203.0.113.77", "203.0.113.0/24")]
    #[case("2001:db8:77:1:2:3:4:5", "2001:db8:77::/48")]
    #[case("::1", "::/48")]
    fn an_address_is_shown_as_its_prefix(#[case] whole: &str, #[case] shown: &str) {
        let address = ClientAddress::new(whole.parse().unwrap());
        assert_eq!(address.to_string(), shown);
        assert_eq!(format!("{address:?}"), format!("ClientAddress({shown})"));
    }

    #[test]
    fn both_ways_to_write_an_address_are_one() {
        let address = |text: &str| ClientAddress::new(text.parse().unwrap());
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(address("::ffff:192.0.2.1").whole(), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[rstest::rstest]
    #[case(
        "10.0.0.0/8, 192.0.2.7,fd00::/8",
        "10.255.0.1 192.0.2.7 fd12::1 ::ffff:10.0.0.1",
        "11.0.0.1 192.0.2.8 fe80::1"
    )]
    #[case("::ffff:10.0.0.0/104", "10.1.2.3 ::ffff:10.1.2.3", "11.0.0.1 ::a01:203")]
    #[case("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2")]
    #[case("8000::/1", "ffff::1", "1.2.3.4 200.2.3.4")]
    #[case(" ", "", "127.0.0.1 ::1")]
    fn networks_contain(#[case] text: &str, #[case] inside: &str, #[case] outside: &str) {
        let networks: Networks = text.parse().unwrap();
        for (addresses, wanted) in [(inside, true), (outside, false)] {
            for address in addresses.split(' ').filter(|text| !text.is_empty()) {
                assert_eq!(networks.contains(address.parse().unwrap()), wanted, "{text}: {address}");
            }
        }
    }

    #[rstest::rstest]
    #[case("10.0.0.0/33", "neither")]
    #[case("proxy.example", "neither")]
    #[case("10.0.0.1:80", "neither")]
    #[case("10.0.0.1,", "neither")]
    #[case("10.1.2.3/8", "10.0.0.0/8")]
    #[case("fd00::1/8", "fd00::/8")]
    #[case("0.0.0.0/0", "everybody")]
    #[case("::/0", "everybody")]
    #[case("::ffff:0.0.0.0/96", "everybody")]
    fn other_texts_are_refused(#[case] text: &str, #[case] word: &str) {
        let error = text.parse::<Networks>().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
