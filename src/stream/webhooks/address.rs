//! Where a webhook may go: which URLs are taken, and which addresses are dialled.
//!
//! A URL is judged when an endpoint is made, but what counts is the address that is dialled: a name may lead elsewhere by then. Numbers
//! in any spelling (`2130706433`, `0x7f.1`, `0177.0.0.1`) are read as the WHATWG URL standard reads them, which is an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::domain::address::Networks;

/// Longest URL that is taken, in bytes.
pub const LONGEST: usize = 2048;

/// The port of https.
const HTTPS: u16 = 443;

/// Names that are not of the public DNS, by their ends.
const INSIDE: [&str; 6] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa"];

/// Networks of IPv4 that are not the public internet, from the registry of special-purpose addresses (RFC 6890) and beyond it: first
/// address and length of the prefix.
const CLOSED_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // A virtual machine's own host answers there, on one of the large clouds.
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, what is reserved, and broadcast.
    ([224, 0, 0, 0], 3),
];

/// The same of IPv6, inside the one block that is given out (2000::/3): first segments and length of the prefix.
const CLOSED_V6: [([u16; 3], u32); 5] = [
    // Protocol assignments, among them Teredo, which holds an IPv4 address.
    ([0x2001, 0, 0], 23),
    ([0x2001, 0x0db8, 0], 32),
    // 6to4, which holds an IPv4 address.
    ([0x2002, 0, 0], 16),
    ([0x2620, 0x004f, 0x8000], 48),
    ([0x3fff, 0, 0], 20),
];

/// Whether an address is of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !CLOSED_V4
        .iter()
        .any(|(network, prefix)| (bits ^ Ipv4Addr::from(*network).to_bits()).leading_zeros() >= *prefix)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // NAT64 (RFC 6052): the address behind it counts.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [a, b] = segments[6].to_be_bytes();
        let [c, d] = segments[7].to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let bits = address.to_bits();
    let given_out = segments[0] >> 13 == 1;
    given_out
        && !CLOSED_V6.iter().any(|([a, b, c], prefix)| {
            let network = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0).to_bits();
            (bits ^ network).leading_zeros() >= *prefix
        })
}

/// A URL, taken apart. Its `Debug` and the errors about it do not show path and query, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is https.
    pub https: bool,
    /// The name or the address.
    pub host: Host<String>,
    /// The port.
    pub port: u16,
    /// What stands in the request line.
    pub path: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}://{}/…)", if self.https { "https" } else { "http" }, self.authority())
    }
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// The rule that it breaks, to be read after the field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WHOLE: &str = "must be a whole URL, such as https://hooks.example.com/tidegate";
        if text.len() > LONGEST {
            return Err(format!("must not be longer than {LONGEST} bytes"));
        }
        // The standard would silently cut or turn these.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err("must not hold white space, control characters or backslashes".into());
        }
        let url = Url::parse(text).map_err(|_| WHOLE.to_owned())?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(WHOLE.into()),
        };
        if !url.username().is_empty() || url.password().is_some() || text.contains("://@") {
            return Err("must not hold a user or a password; receivers know us by the signature".into());
        }
        if url.fragment().is_some() {
            return Err("must not have a fragment, which is never sent".into());
        }
        let host = url.host().map(|host| host.to_owned()).ok_or_else(|| WHOLE.to_owned())?;
        let port = url.port_or_known_default().filter(|port| *port > 0);
        let port = port.ok_or_else(|| "must have a port from 1 to 65535".to_owned())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self { https, host, port, path: format!("{}{query}", url.path()) })
    }

    /// The address, where the host is one.
    pub fn literal(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Ipv4(address) => Some((*address).into()),
            Host::Ipv6(address) => Some((*address).into()),
            Host::Domain(_) => None,
        }
    }

    /// Host and port as a `Host` header has them.
    pub fn authority(&self) -> String {
        let usual = if self.https { HTTPS } else { 80 };
        if self.port == usual { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Why an address is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// It is not of the public internet.
    #[error(
        "must not lead to a private, loopback, link-local or otherwise reserved address; whoever runs the server opens ranges with \
         --webhook-allow"
    )]
    Inside,
    /// Plain http to the public internet.
    #[error("must be https; plain http is for ranges that --webhook-allow of the server opens")]
    Plain,
    /// Another port on the public internet.
    #[error("must use port 443; other ports are for ranges that --webhook-allow of the server opens")]
    Port,
}

/// Decides which addresses are dialled.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    allowed: Networks,
}

impl Gate {
    /// One that lets through the public internet by https on port 443, and these networks in any way.
    pub const fn new(allowed: Networks) -> Self {
        Self { allowed }
    }

    /// Judges an address that is about to be dialled.
    ///
    /// # Errors
    /// [`Closed`] when it must not be.
    pub fn admit(&self, address: IpAddr, target: &Target) -> Result<(), Closed> {
        if self.allowed.contains(address) {
            return Ok(());
        }
        if !is_public(address) {
            return Err(Closed::Inside);
        }
        Self::public(target)
    }

    /// What can be said of a URL without asking for addresses.
    ///
    /// # Errors
    /// [`Closed`] when no address behind it would be dialled.
    pub fn judge(&self, target: &Target) -> Result<(), Closed> {
        match (&target.host, target.literal()) {
            (_, Some(address)) => self.admit(address, target),
            // The address behind the name may be one of those that were opened.
            (Host::Domain(_), None) if !self.allowed.is_empty() => Ok(()),
            (Host::Domain(name), None) if is_inside(name) => Err(Closed::Inside),
            _ => Self::public(target),
        }
    }

    fn public(target: &Target) -> Result<(), Closed> {
        match (target.https, target.port) {
            (false, _) => Err(Closed::Plain),
            (true, HTTPS) => Ok(()),
            (true, _) => Err(Closed::Port),
        }
    }
}

/// Whether a name is one of a machine or a house of one's own: without a dot, or below a name that no public server answers for.
fn is_inside(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let below =
        |end: &&str| name.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || INSIDE.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(gate: &Gate, url: &str) -> Result<(), String> {
        gate.judge(&Target::parse(url)?).map_err(|closed| closed.to_string())
    }

    /// Every spelling of an address that no message may go to.
    const FORBIDDEN: &[&str] = &[
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://１２７.０.０.１/",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://168.63.129.16/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.0.0.192/",
        "https://192.0.2.1/",
        "https://192.88.99.1/",
        "https://192.168.1.1/",
        "https://198.18.0.1/",
        "https://198.51.100.1/",
        "https://203.0.113.1/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::1]/",
        "https://[100::1]/",
        "https://[2001::1]/",
        "https://[2001:0:7f00:1::]/",
        "https://[2001:db8::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[3fff::1]/",
        "https://[5f00::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://intranet/",
    ];

    #[test]
    fn no_forbidden_address_passes_in_any_spelling() {
        for url in FORBIDDEN {
            assert_eq!(judged(&Gate::default(), url), Err(Closed::Inside.to_string()), "{url}");
        }
    }

    #[test]
    fn the_public_internet_passes_by_https_on_its_port() {
        for url in [
            "https://example.com/",
            "https://example.com:443/a?b=c",
            "https://93.184.215.14/",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::8.8.8.8]/",
            "https://internal.example.com/",
            "https://mylocalhost.example/",
        ] {
            assert_eq!(judged(&Gate::default(), url), Ok(()), "{url}");
        }
        for (url, closed) in [
            ("http://example.com/", Closed::Plain),
            ("http://example.com:443/", Closed::Plain),
            ("http://8.8.8.8/", Closed::Plain),
            ("https://example.com:8443/", Closed::Port),
            ("https://8.8.8.8:22/", Closed::Port),
        ] {
            assert_eq!(judged(&Gate::default(), url), Err(closed.to_string()), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_passes_in_any_way_and_nothing_beside_it() {
        let gate = Gate::new("127.0.0.0/8, fd00::/8".parse().unwrap());
        for url in
            ["http://127.0.0.1:8080/", "https://127.9.9.9/", "http://2130706433:1/", "http://[fd12::1]:99/"]
        {
            assert_eq!(judged(&gate, url), Ok(()), "{url}");
        }
        for url in ["http://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/"] {
            assert_eq!(judged(&gate, url), Err(Closed::Inside.to_string()), "{url}");
        }
        assert_eq!(judged(&gate, "http://8.8.8.8/"), Err(Closed::Plain.to_string()));
        // Whether it leads to what was allowed is known when it is dialled.
        assert_eq!(judged(&gate, "http://localhost:8080/"), Ok(()));
        let named = Target::parse("http://localhost:8080/").unwrap();
        assert_eq!(gate.admit("127.0.0.1".parse().unwrap(), &named), Ok(()));
        assert_eq!(gate.admit("::ffff:127.0.0.1".parse().unwrap(), &named), Ok(()));
        assert_eq!(gate.admit("::1".parse().unwrap(), &named), Err(Closed::Inside));
        assert_eq!(gate.admit("8.8.8.8".parse().unwrap(), &named), Err(Closed::Plain));
    }

    #[rstest::rstest]
    #[case("", "whole URL")]
    #[case("example.com", "whole URL")]
    #[case("/hook", "whole URL")]
    #[case("ftp://example.com/", "whole URL")]
    #[case("file:///etc/passwd", "whole URL")]
    #[case("gopher://127.0.0.1:6379/_x", "whole URL")]
    #[case("https://", "whole URL")]
    #[case("https://256.256.256.256/", "whole URL")]
    #[case("https://example.com:99999/", "whole URL")]
    #[case("https://example.com:0/", "port")]
    #[case("https://user@example.com/", "user")]
    #[case("https://user:secret@example.com/", "user")]
    #[case("https://@example.com/", "user")]
    #[case("https://example.com\\@127.0.0.1/", "backslashes")]
    #[case("https://exa mple.com/", "white space")]
    #[case("https://exa\tmple.com/", "white space")]
    #[case("https://example.com/#part", "fragment")]
    fn other_urls_are_refused(#[case] url: &str, #[case] word: &str) {
        let rule = Target::parse(url).unwrap_err();
        assert!(rule.contains(word), "{url}: {rule}");
    }

    #[test]
    fn a_target_is_what_the_request_needs_and_shows_no_secret() {
        let target = Target::parse("https://Hooks.Example.com/a/b?token=hidden").unwrap();
        assert_eq!(
            (target.authority().as_str(), target.path.as_str()),
            ("hooks.example.com", "/a/b?token=hidden")
        );
        assert!(!format!("{target:?}").contains("hidden"));
        let target = Target::parse("http://[::1]:8080").unwrap();
        assert_eq!((target.authority().as_str(), target.path.as_str()), ("[::1]:8080", "/"));
    }
}
