//! E-mail addresses: one plain address (RFC 5321) that a public mail server could reach.

use email_address::{EmailAddress, Options};

/// Longest address that fits an SMTP path (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;
const OPTIONS: Options =
    Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };

/// The address with its domain in lower case and the white space around it cut; the local part stays as sent, because
/// only its own server may say that case does not matter there (RFC 5321, section 2.4).
///
/// None when it is no such address: display names, address literals, domains without a dot and comments are refused.
pub fn email(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return None;
    }
    EmailAddress::parse_with_options(text, OPTIONS).ok()?;
    let (local, domain) = text.rsplit_once('@')?;
    let domain = domain.to_lowercase();
    let address = format!("{local}@{domain}");
    (is_host(&domain) && address.len() <= LONGEST).then_some(address)
}

/// Letters, digits and hyphens, the last label not a number: the parser also takes `a_b!.com` and `127.0.0.1`.
fn is_host(domain: &str) -> bool {
    let clean = domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || !c.is_ascii());
    let named = domain.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
    clean && named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("Ann.Smith@Example.COM", "Ann.Smith@example.com")]
    #[case(" a@b.de ", "a@b.de")]
    #[case("a+tag@sub.example.org", "a+tag@sub.example.org")]
    #[case("\"a b\"@example.org", "\"a b\"@example.org")]
    #[case("jörg@MÜNCHEN.de", "jörg@münchen.de")]
    fn addresses(#[case] sent: &str, #[case] stored: &str) {
        assert_eq!(email(sent).as_deref(), Some(stored));
        assert_eq!(email(stored).as_deref(), Some(stored));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("not-an-email")]
    #[case("@example.com")]
    #[case("a@")]
    #[case("a@localhost")]
    #[case("a@[127.0.0.1]")]
    #[case("a@127.0.0.1")]
    #[case("Ann <a@example.com>")]
    #[case("a@b@example.com")]
    #[case("a b@example.com")]
    #[case("a@exa mple.com")]
    #[case("a@example..com")]
    #[case("a@.example.com")]
    #[case("a@ex_ample.com")]
    #[case("a.@example.com")]
    #[case("a@example.com\u{7f}")]
    fn other_texts(#[case] sent: &str) {
        assert_eq!(email(sent), None);
    }

    #[test]
    fn the_length_is_bounded() {
        let label = "d".repeat(60);
        let long = format!("a@{label}.{label}.{label}.{label}.{label}.com");
        assert_eq!(email(&long), None);
    }
}
