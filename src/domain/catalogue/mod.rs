//! The catalogue: which attributes and event types are known, and what is expected of them.
//!
//! Promises one spec for each name; a later spec of the same name replaces an earlier one, so that a project's own can
//! be laid over the built-in set. Must not know where a project's specs are kept.

mod attributes;
mod events;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use super::spec::{AttributeSpec, Declared, EventSpec};

/// Attributes and event types, in the order they are listed.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    attributes: Vec<AttributeSpec>,
    events: Vec<EventSpec>,
    attribute_places: HashMap<String, usize>,
    event_places: HashMap<String, usize>,
}

impl Catalogue {
    /// The set that every project has. No parameter in it is required.
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: LazyLock<Arc<Catalogue>> =
            LazyLock::new(|| Arc::new(Catalogue::default().with(attributes::all(), events::all())));
        &BUILTIN
    }

    /// The built-in set with what a project declared laid over it; shared where it declared nothing.
    pub fn of_project(declared: &[Declared]) -> Arc<Self> {
        if declared.is_empty() {
            return Self::builtin().clone();
        }
        let mut catalogue = Self::clone(Self::builtin());
        for one in declared {
            catalogue = match one {
                Declared::Attribute(spec) => catalogue.with([spec.clone()], []),
                Declared::Event(spec) => catalogue.with([], [spec.clone()]),
                Declared::Parameter { .. } => catalogue,
            };
        }
        // Afterwards, because a parameter may come before its type.
        for one in declared {
            if let Declared::Parameter { event_type, spec } = one
                && let Some(event) = catalogue.event_mut(event_type)
            {
                event.parameters.push(spec.clone());
            }
        }
        Arc::new(catalogue)
    }

    fn event_mut(&mut self, event_type: &str) -> Option<&mut EventSpec> {
        self.events.get_mut(*self.event_places.get(event_type)?)
    }

    /// This catalogue with more specs; one whose name is known replaces the known one in its place.
    #[must_use]
    pub fn with(
        mut self,
        attributes: impl IntoIterator<Item = AttributeSpec>,
        events: impl IntoIterator<Item = EventSpec>,
    ) -> Self {
        for spec in attributes {
            lay(&mut self.attributes, &mut self.attribute_places, spec.uid.clone(), spec);
        }
        for spec in events {
            lay(&mut self.events, &mut self.event_places, spec.uid.clone(), spec);
        }
        self
    }

    /// Every attribute of a contact, in listing order.
    pub fn attributes(&self) -> &[AttributeSpec] {
        &self.attributes
    }

    /// Every event type, in listing order.
    pub fn events(&self) -> &[EventSpec] {
        &self.events
    }

    /// The attribute of exactly this name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeSpec> {
        self.attributes.get(*self.attribute_places.get(name)?)
    }

    /// The event type of exactly this name.
    pub fn event(&self, event_type: &str) -> Option<&EventSpec> {
        self.events.get(*self.event_places.get(event_type)?)
    }

    /// The writable attribute that a mistyped name most likely meant; none only when there are no attributes.
    pub fn nearest_attribute(&self, name: &str) -> Option<&str> {
        nearest(name, self.attributes.iter().filter(|spec| !spec.read_only).map(|spec| spec.uid.as_str()))
    }

    /// The event type that a mistyped name most likely meant; none only when there are no types.
    pub fn nearest_event(&self, event_type: &str) -> Option<&str> {
        nearest(event_type, self.events.iter().map(|spec| spec.uid.as_str()))
    }
}

fn lay<S>(specs: &mut Vec<S>, places: &mut HashMap<String, usize>, name: String, spec: S) {
    let place = *places.entry(name).or_insert(specs.len());
    match specs.get_mut(place) {
        Some(known) => *known = spec,
        None => specs.push(spec),
    }
}

/// Characters of a mistyped name that are compared: the time this takes grows with them.
const COMPARED: usize = 64;

/// The name among `known` that is most like `name` (Jaro-Winkler, without case); none only when nothing is known.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed: String =
        name.trim_start_matches('_').chars().take(COMPARED).collect::<String>().to_lowercase();
    let scored =
        known.into_iter().map(|one| (strsim::jaro_winkler(&typed, one.trim_start_matches('_')), one));
    scored.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_built_in_attributes_are_sound() {
        let catalogue = Catalogue::builtin();
        assert!(catalogue.attributes().len() >= 25);
        let names: HashSet<_> = catalogue.attributes().iter().map(|spec| &spec.uid).collect();
        assert_eq!(names.len(), catalogue.attributes().len());
        for spec in catalogue.attributes() {
            assert!(spec.uid.starts_with('_') && !spec.custom, "{}", spec.uid);
            assert!(!spec.display_label.is_empty() && spec.description.ends_with('.'), "{}", spec.uid);
            assert_eq!(catalogue.attribute(&spec.uid), Some(spec));
        }
        for name in ["_contact_id", "_created_at", "_updated_at"] {
            assert!(catalogue.attribute(name).unwrap().read_only);
        }
    }

    #[test]
    fn the_built_in_events_are_sound() {
        let catalogue = Catalogue::builtin();
        assert!(catalogue.events().len() >= 20);
        for spec in catalogue.events() {
            assert_eq!(catalogue.event(&spec.uid), Some(spec));
            assert!(
                !spec.emoji.is_empty() && !spec.icon.is_empty() && !spec.category.is_empty(),
                "{}",
                spec.uid
            );
            assert!(!spec.name.is_empty() && spec.description.ends_with('.'), "{}", spec.uid);
            let names: HashSet<_> = spec.parameters.iter().map(|parameter| &parameter.parameter).collect();
            assert_eq!(names.len(), spec.parameters.len(), "{}", spec.uid);
            assert!(
                spec.parameters.iter().all(|p| !p.required && p.description.ends_with('.')),
                "{}",
                spec.uid
            );
        }
        for kind in ["conversation_opened", "conversation_message", "conversation_closed"] {
            assert!(catalogue.event(kind).unwrap().parameter("conversation_id").is_some());
        }
    }

    #[test]
    fn a_purchase_is_as_the_contract_says() {
        let spec = Catalogue::builtin().event("purchase").unwrap();
        let shape: Vec<_> = spec
            .parameters
            .iter()
            .map(|p| (p.parameter.as_str(), p.data_type.as_str(), p.multi_value))
            .collect();
        let wanted = [
            ("order_id", "string", false),
            ("amount", "decimal", false),
            ("currency", "currency", false),
            ("sku", "string", true),
            ("channel", "string", false),
        ];
        assert_eq!(shape, wanted);
    }

    #[rstest::rstest]
    #[case("_emial", "_email")]
    #[case("_Email", "_email")]
    #[case("_firstname", "_first_name")]
    #[case("_phone", "_phone_mobile")]
    #[case("_lang", "_language")]
    fn typing_mistakes_find_their_name(#[case] typed: &str, #[case] meant: &str) {
        assert_eq!(Catalogue::builtin().nearest_attribute(typed), Some(meant));
    }

    #[test]
    fn even_nonsense_has_a_nearest_name() {
        for typed in ["_", "", "_zzzzzz", "_日本語", &"_x".repeat(9_999)] {
            assert!(Catalogue::builtin().nearest_attribute(typed).is_some());
        }
        assert_eq!(Catalogue::default().nearest_event("purchase"), None);
    }

    #[test]
    fn a_projects_own_specs_lie_on_top() {
        let mut own = Catalogue::builtin().attribute("_email").unwrap().clone();
        own.display_label = "Work e-mail".to_owned();
        let mut shoe = own.clone();
        shoe.uid = "shoe_size".to_owned();
        let catalogue = Catalogue::clone(Catalogue::builtin()).with([own, shoe], []);
        assert_eq!(catalogue.attribute("_email").unwrap().display_label, "Work e-mail");
        assert_eq!(catalogue.attributes().len(), Catalogue::builtin().attributes().len() + 1);
        assert!(catalogue.attribute("shoe_size").is_some());
    }
}
