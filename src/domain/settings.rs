//! What of a project and of a datasource can be changed, and the rules for it.

use std::{collections::BTreeMap, fmt};

use super::{
    budget::{Class, PER_MINUTE, Plan},
    country::Country,
    declare::DESCRIPTION,
    language::language,
    rejection::{Fault, Faults},
};

/// Places of a datasource among those that know the same person; lower first.
pub const PRIORITY: std::ops::RangeInclusive<i64> = 0..=1_000_000;

/// For how many days a project may keep what it received.
pub const RETENTION: std::ops::RangeInclusive<i64> = 1..=36_500;

/// Longest display name, in characters.
pub const NAME: usize = 200;

/// Budgets to set (requests per minute) or to take back (`None`), by class.
pub type LimitPatch = BTreeMap<Class, Option<u32>>;

/// What is to change of a project; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectPatch {
    /// Display name.
    pub name: Option<String>,
    /// BCP 47 tag.
    pub locale: Option<String>,
    /// IANA name of a time zone.
    pub timezone: Option<String>,
    /// Days for which it keeps what it received; `Some(None)` is for ever.
    pub retention: Option<Option<i32>>,
    /// Its budgets.
    pub limits: LimitPatch,
}

/// What is to change of a datasource; what is `None` stays, `Some(None)` goes back to the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasourcePatch {
    /// Display name.
    pub name: Option<String>,
    /// Its own plan.
    pub plan: Option<Option<Plan>>,
    /// Whether undeclared event types are refused.
    pub strict: Option<bool>,
    /// Completes national phone numbers.
    pub default_country: Option<Option<Country>>,
    /// See [`PRIORITY`].
    pub priority: Option<i32>,
    /// Its budgets.
    pub limits: LimitPatch,
}

/// What changes, by name and for the audit; never more than a setting holds.
struct Listed(Vec<String>);

impl Listed {
    fn add(&mut self, setting: &str, value: Option<impl fmt::Display>) {
        self.0.extend(value.map(|value| format!("{setting} = {value}")));
    }

    fn add_limits(&mut self, limits: &LimitPatch) {
        for (class, number) in limits {
            let number = number.map_or_else(|| "default".to_owned(), |number| format!("{number}/min"));
            self.0.push(format!("{class} = {number}"));
        }
    }
}

/// A value, or the word for going back to the default.
fn or_default(value: &Option<impl fmt::Display>) -> String {
    value.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string)
}

impl fmt::Display for ProjectPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut listed = Listed(Vec::new());
        listed.add("name", self.name.as_ref());
        listed.add("locale", self.locale.as_ref());
        listed.add("timezone", self.timezone.as_ref());
        let days = |days: i32| format!("{days} days");
        listed.add("retention", self.retention.map(|kept| kept.map_or_else(|| "for ever".to_owned(), days)));
        listed.add_limits(&self.limits);
        f.write_str(&listed.0.join(", "))
    }
}

impl fmt::Display for DatasourcePatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut listed = Listed(Vec::new());
        listed.add("name", self.name.as_ref());
        listed.add("plan", self.plan.as_ref().map(or_default));
        listed.add("strict", self.strict);
        listed.add("default country", self.default_country.as_ref().map(or_default));
        listed.add("priority", self.priority);
        listed.add_limits(&self.limits);
        f.write_str(&listed.0.join(", "))
    }
}

/// Reads a display name: 1 to 200 characters, none of them a control character; white space around it goes.
///
/// # Errors
/// The rule.
pub fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME || text.chars().any(char::is_control) {
        return Err(format!("must have 1 to {NAME} characters, none of them a control character"));
    }
    Ok(text.to_owned())
}

/// Reads a description that has to be there: 1 to 1 000 characters, none of them a control character; white space around it goes.
///
/// # Errors
/// The rule.
pub fn description(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > DESCRIPTION || text.chars().any(char::is_control) {
        return Err(format!("must have 1 to {DESCRIPTION} characters, none of them a control character"));
    }
    Ok(text.to_owned())
}

/// Reads a locale, a BCP 47 tag such as `de-AT`.
///
/// # Errors
/// The rule.
pub fn locale(text: &str) -> Result<String, String> {
    language(text).ok_or_else(|| "is not a BCP 47 language tag, such as de or de-AT".into())
}

/// Reads the IANA name of a time zone, such as `Europe/Vienna`.
///
/// # Errors
/// The rule.
pub fn timezone(text: &str) -> Result<String, String> {
    let zone = jiff::tz::db().get(text).ok();
    let name = zone.and_then(|zone| zone.iana_name().map(str::to_owned));
    name.ok_or_else(|| "is not an IANA time zone, such as Europe/Vienna".into())
}

/// Reads a country, ISO 3166-1 alpha-2.
///
/// # Errors
/// The rule.
pub fn country(text: &str) -> Result<Country, String> {
    Country::parse(text).ok_or_else(|| "is not an ISO 3166-1 alpha-2 country code, such as ES".into())
}

/// Reads a priority.
///
/// # Errors
/// The rule.
pub fn priority(number: i64) -> Result<i32, String> {
    let inside = i32::try_from(number).ok().filter(|_| PRIORITY.contains(&number));
    inside.ok_or_else(|| format!("must be from {} to {}", PRIORITY.start(), PRIORITY.end()))
}

/// Reads for how many days a project keeps what it received.
///
/// # Errors
/// The rule.
pub fn retention(days: i64) -> Result<i32, String> {
    let inside = i32::try_from(days).ok().filter(|_| RETENTION.contains(&days));
    inside.ok_or_else(|| {
        format!("must be from {} to {} days, or null for ever", RETENTION.start(), RETENTION.end())
    })
}

/// Reads budgets by class; `null` takes one back. Faults are noted under `limits`.
pub fn limits(sent: &BTreeMap<String, Option<u64>>, faults: &mut Faults) -> LimitPatch {
    let mut patch = LimitPatch::new();
    for (name, number) in sent {
        let class = name.parse::<Class>().map_err(|_| {
            let known: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
            format!("is no endpoint class; the classes are {}", known.join(", "))
        });
        let number = number.map(|number| {
            let inside = u32::try_from(number).ok().filter(|number| PER_MINUTE.contains(number));
            inside.ok_or_else(|| {
                format!("must be from {} to {} requests a minute", PER_MINUTE.start(), PER_MINUTE.end())
            })
        });
        match (class, number.transpose()) {
            (Ok(class), Ok(number)) => {
                patch.insert(class, number);
            }
            (Err(rule), _) | (_, Err(rule)) => faults.add(Fault::at(["limits", name.as_str()], rule)),
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name(" Shop "), Ok("Shop".into()));
        for text in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn places_and_times_are_looked_up() {
        assert_eq!(timezone("europe/vienna"), Ok("Europe/Vienna".into()));
        assert!(timezone("Mars/Base").is_err());
        assert_eq!(locale("de_at"), Ok("de-AT".into()));
        assert!(locale("x y").is_err());
        assert!(country("XX").is_err());
        assert_eq!((priority(0), priority(1_000_000)), (Ok(0), Ok(1_000_000)));
        assert!(priority(-1).is_err() && priority(1_000_001).is_err());
        assert_eq!((retention(1), retention(36_500)), (Ok(1), Ok(36_500)));
        assert!(retention(0).is_err() && retention(36_501).is_err() && retention(-7).is_err());
    }

    #[test]
    fn limits_name_what_is_wrong() {
        let mut faults = Faults::up_to(20);
        let sent = [("meta", Some(7)), ("manage", None), ("nope", Some(1)), ("events.write", Some(0))];
        let sent = sent.into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
        assert_eq!(
            limits(&sent, &mut faults),
            LimitPatch::from([(Class::Meta, Some(7)), (Class::Manage, None)])
        );
        let rejection = faults.verdict().unwrap_err();
        let pointers: Vec<_> = rejection.faults().iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limits/events.write", "/limits/nope"]);
    }
}
