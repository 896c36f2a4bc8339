//! Who is at the other end: the peer of the connection, or the client whom proxies that are trusted name in a header.
//!
//! A client can write any header, so names are believed from the right: what the last proxy wrote stands there, then what
//! the one before it wrote, for as long as each of them is trusted. What cannot be read as an address ends the walk.

use std::net::IpAddr;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName},
};

use crate::domain::address::{ClientAddress, Networks};

/// Proxies that are looked at; a longer chain of trusted ones ends there.
const MOST_HOPS: usize = 32;

/// Which proxies are believed, and what they write.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Their addresses. Default: none.
    pub trusted: Networks,
    /// The header that they write. Default: `X-Forwarded-For`.
    pub header: ForwardedHeader,
}

/// The header in which proxies name the client. One only: the other passes through them as the client wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses with commas between them.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedHeader {
    const fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => header::X_FORWARDED_FOR,
            Self::Forwarded => header::FORWARDED,
        }
    }

    /// The addresses that a line names, the last one first; `None` for each hop without one.
    fn hops(self, line: &[u8]) -> Box<dyn Iterator<Item = Option<IpAddr>> + '_> {
        match self {
            Self::XForwardedFor => Box::new(line.rsplit(|byte| *byte == b',').map(node)),
            Self::Forwarded => Box::new(Backwards::over(line, b',').map(named_for)),
        }
    }
}

impl Proxies {
    /// The client of a connection from `peer` whose request has these lines of the header, in their order.
    fn client<'a>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'a [u8]>) -> ClientAddress {
        let mut client = peer;
        let mut hops = lines.rev().flat_map(|line| self.header.hops(line)).take(MOST_HOPS);
        while self.trusted.contains(client) {
            // A hop that names nobody: the one that wrote it is the last that is known.
            let Some(before) = hops.next().flatten() else { break };
            client = before;
        }
        ClientAddress::new(client)
    }
}

/// Finds the client of a request; `None` when the connection was gone before it could be asked.
pub(super) fn find(request: &HttpRequest, proxies: &Proxies) -> Option<ClientAddress> {
    let peer = request.peer_addr()?.ip();
    let lines: Vec<&[u8]> =
        request.headers().get_all(proxies.header.name()).map(|value| value.as_bytes()).collect();
    Some(proxies.client(peer, lines.into_iter()))
}

/// The address of an element such as `for="[2001:db8::1]:4711";proto=https`. Two of them in one element name nobody.
fn named_for(element: &[u8]) -> Option<IpAddr> {
    let mut named = Backwards::over(element, b';').filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        let (name, value) = pair.split_once('=')?;
        name.trim_matches(BLANK).eq_ignore_ascii_case("for").then_some(value)
    });
    let value = named.next()?.trim_matches(BLANK);
    if named.next().is_some() {
        return None;
    }
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    node(quoted.unwrap_or(value).as_bytes())
}

const BLANK: [char; 2] = [' ', '\t'];

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. `unknown` and hidden
/// names (`_gazonk`) are none.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches(BLANK);
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse().ok().filter(|_| fits).map(IpAddr::V6);
    }
    match text.split_once(':') {
        Some((address, port)) if is_port(port) => address.parse().ok().map(IpAddr::V4),
        _ => text.parse().ok(),
    }
}

/// A number, or a name that hides it (`_p8`).
fn is_port(text: &str) -> bool {
    let hidden = text.strip_prefix('_').is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    hidden || (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok())
}

/// Parts between separators outside of quotes, the last one first. Read from the right, because a quote that a client left
/// open must not swallow what a proxy wrote behind it.
struct Backwards<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Backwards<'a> {
    const fn over(text: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'a> Iterator for Backwards<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let mut quoted = false;
        for at in (0..rest.len()).rev() {
            let byte = rest[at];
            if byte == b'"' {
                // Inside, a quote behind a backslash is part of the text.
                let backslashes = rest[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                quoted = !quoted || backslashes % 2 == 1;
            } else if byte == self.separator && !quoted {
                self.rest = Some(&rest[..at]);
                return Some(&rest[at + 1..]);
            }
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client of a connection from `peer` when 10.0.0.0/8 and fd00::/8 are trusted; lines are divided by `|`.
    fn client(header: ForwardedHeader, peer: &str, lines: &str) -> String {
        let proxies = Proxies { trusted: "10.0.0.0/8, fd00::/8".parse().unwrap(), header };
        let lines: Vec<&[u8]> = lines.split('|').map(str::as_bytes).collect();
        proxies.client(peer.parse().unwrap(), lines.into_iter()).whole().to_string()
    }

    #[rstest::rstest]
    #[case::nobody("10.0.0.1", "", "10.0.0.1")]
    #[case::one_hop("10.0.0.1", "192.0.2.1", "192.0.2.1")]
    #[case::mapped_peer("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1")]
    #[case::mapped_hops("10.0.0.1", "::ffff:192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1")]
    #[case::two_proxies("10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1")]
    #[case::version_6("fd00::1", "2001:db8::1,fd00::2", "2001:db8::1")]
    #[case::ports("10.0.0.1", "192.0.2.1:4711, [fd00::2]:80, [fd00::3]", "192.0.2.1")]
    #[case::tabs("10.0.0.1", "\t192.0.2.1\t", "192.0.2.1")]
    #[case::lines_count_as_one("10.0.0.1", "192.0.2.9, 192.0.2.1|10.0.0.3|10.0.0.2", "192.0.2.1")]
    #[case::from_inside("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    #[case::forged_by_a_client("10.0.0.1", "198.51.100.66, 192.0.2.1", "192.0.2.1")]
    #[case::forged_as_a_proxy("10.0.0.1", "198.51.100.66, 10.0.0.9, 192.0.2.1, 10.0.0.2", "192.0.2.1")]
    #[case::forged_line("10.0.0.1", "198.51.100.66|192.0.2.1", "192.0.2.1")]
    #[case::not_trusted("192.0.2.7", "198.51.100.66, 10.0.0.2", "192.0.2.7")]
    #[case::unknown("10.0.0.1", "198.51.100.66, unknown, 10.0.0.2", "10.0.0.2")]
    #[case::nothing_between("10.0.0.1", "198.51.100.66, , 10.0.0.2", "10.0.0.2")]
    #[case::nothing_last("10.0.0.1", "198.51.100.66,", "10.0.0.1")]
    #[case::names("10.0.0.1", "client.example", "10.0.0.1")]
    #[case::octal("10.0.0.1", "0300.0.2.1", "10.0.0.1")]
    #[case::too_short("10.0.0.1", "192.0.2", "10.0.0.1")]
    #[case::zone("10.0.0.1", "fe80::1%eth0", "10.0.0.1")]
    #[case::port_too_large("10.0.0.1", "192.0.2.1:65536", "10.0.0.1")]
    #[case::port_missing("10.0.0.1", "192.0.2.1:", "10.0.0.1")]
    #[case::bracket_open("10.0.0.1", "[2001:db8::1", "10.0.0.1")]
    #[case::bracket_around_4("10.0.0.1", "[192.0.2.1]", "10.0.0.1")]
    #[case::after_the_bracket("10.0.0.1", "[2001:db8::1]x", "10.0.0.1")]
    #[case::quotes("10.0.0.1", "\"192.0.2.1\"", "10.0.0.1")]
    #[case::the_other_syntax("10.0.0.1", "for=192.0.2.1", "10.0.0.1")]
    #[case::beyond_ascii("10.0.0.1", "192.0.2.1, ünknown", "10.0.0.1")]
    fn x_forwarded_for(#[case] peer: &str, #[case] lines: &str, #[case] wanted: &str) {
        assert_eq!(client(ForwardedHeader::XForwardedFor, peer, lines), wanted);
    }

    #[rstest::rstest]
    #[case::nobody("10.0.0.1", "", "10.0.0.1")]
    #[case::one_hop("10.0.0.1", "for=192.0.2.1", "192.0.2.1")]
    #[case::letter_case("10.0.0.1", "Proto=https; FOR=192.0.2.1 ;by=10.0.0.1", "192.0.2.1")]
    #[case::quoted("10.0.0.1", "for=\"192.0.2.1:4711\"", "192.0.2.1")]
    #[case::version_6("10.0.0.1", "for=\"[2001:db8::1]:4711\";proto=http", "2001:db8::1")]
    #[case::hidden_port("10.0.0.1", "for=\"[2001:db8::1]:_p-8\"", "2001:db8::1")]
    #[case::two_proxies("10.0.0.1", "for=192.0.2.1, for=10.0.0.3|for=\"[fd00::2]\"", "192.0.2.1")]
    #[case::forged("10.0.0.1", "for=198.51.100.66, for=192.0.2.1", "192.0.2.1")]
    #[case::forged_with_an_open_quote("10.0.0.1", "for=\"198.51.100.66, for=192.0.2.1", "192.0.2.1")]
    #[case::forged_inside_quotes("10.0.0.1", "for=192.0.2.1;host=\"x, for=198.51.100.66;a\"", "192.0.2.1")]
    #[case::escaped_quotes("10.0.0.1", r#"for=192.0.2.1;host="x\", for=198.51.100.66""#, "192.0.2.1")]
    #[case::escaped_backslash("10.0.0.1", r#"for=198.51.100.66, for=192.0.2.1;host="x\\""#, "192.0.2.1")]
    #[case::not_trusted("192.0.2.7", "for=198.51.100.66", "192.0.2.7")]
    #[case::unknown("10.0.0.1", "for=198.51.100.66, for=unknown, for=10.0.0.2", "10.0.0.2")]
    #[case::hidden_name("10.0.0.1", "for=198.51.100.66, for=_gazonk", "10.0.0.1")]
    #[case::no_for("10.0.0.1", "for=198.51.100.66, proto=https", "10.0.0.1")]
    #[case::two_for("10.0.0.1", "for=198.51.100.66;for=192.0.2.1", "10.0.0.1")]
    #[case::half_quoted("10.0.0.1", "for=192.0.2.1\"", "10.0.0.1")]
    #[case::the_other_syntax("10.0.0.1", "192.0.2.1", "10.0.0.1")]
    fn forwarded(#[case] peer: &str, #[case] lines: &str, #[case] wanted: &str) {
        assert_eq!(client(ForwardedHeader::Forwarded, peer, lines), wanted);
    }

    #[test]
    fn long_chains_end() {
        let chain = |proxies: usize| format!("192.0.2.1{}", ", 10.0.0.2".repeat(proxies));
        let of = |proxies| client(ForwardedHeader::XForwardedFor, "10.0.0.1", &chain(proxies));
        assert_eq!(of(MOST_HOPS - 1), "192.0.2.1");
        assert_eq!(of(MOST_HOPS), "10.0.0.2");
        assert_eq!(of(10_000), "10.0.0.2");
    }

    #[test]
    fn bytes_that_are_no_text_end_the_walk() {
        let proxies = Proxies { trusted: "10.0.0.0/8".parse().unwrap(), ..Proxies::default() };
        let lines = [&b"192.0.2.1, \xff\xfe"[..]];
        let found = proxies.client("10.0.0.1".parse().unwrap(), lines.into_iter());
        assert_eq!(found.whole().to_string(), "10.0.0.1");
    }
}
