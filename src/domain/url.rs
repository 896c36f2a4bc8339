//! Web addresses: absolute `http` and `https` URLs (RFC 3986), checked for shape, not for existence.

/// Longest URL that common servers and browsers take.
const LONGEST: usize = 2048;

/// The URL with scheme and host in lower case and the white space around it cut.
///
/// None when it is relative, has another scheme, no host, a bad port, credentials, or a letter that must be
/// percent-encoded. Letters beyond ASCII are taken as they are (RFC 3987).
pub fn url(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST || text.chars().any(must_be_encoded) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    is_authority(authority).then(|| format!("{scheme}://{}{tail}", authority.to_ascii_lowercase()))
}

fn must_be_encoded(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// `host [":" port]`; a password has no place in stored data.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let port_fits =
        port.is_empty() || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') || !c.is_ascii();
            !host.is_empty() && !host.starts_with('.') && !host.contains("..") && host.chars().all(letter)
        }
    };
    port_fits && host_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("https://Example.com/Path?q=A#f", "https://example.com/Path?q=A#f")]
    #[case("HTTP://example.com", "http://example.com")]
    #[case(" http://localhost:8080/ ", "http://localhost:8080/")]
    #[case("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]:443/x")]
    #[case("https://[::1]", "https://[::1]")]
    #[case("https://münchen.de/straße", "https://münchen.de/straße")]
    #[case("https://example.com?next=http://a:b@c", "https://example.com?next=http://a:b@c")]
    fn urls(#[case] sent: &str, #[case] stored: &str) {
        assert_eq!(url(sent).as_deref(), Some(stored));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("example.com")]
    #[case("/path")]
    #[case("ftp://example.com")]
    #[case("javascript:alert(1)")]
    #[case("https://")]
    #[case("https:///path")]
    #[case("https://user:secret@example.com")]
    #[case("https://example.com:99999")]
    #[case("https://example.com:+80")]
    #[case("https://exa mple.com")]
    #[case("https://a..b")]
    #[case("https://[zz]/")]
    fn other_texts(#[case] sent: &str) {
        assert_eq!(url(sent), None);
    }
}
