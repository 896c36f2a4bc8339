//! Nobody gives more than they have: who may make, rotate, reveal or regenerate a key.

use super::{
    caller::{Caller, Reach},
    scope::{Scope, ScopeSet},
};

/// The first scope that a key with these scopes and this reach would have and the caller has not, there; `None` when the caller
/// may do all that the key may. For a key to a datasource, `reach` is the project around it, unless the caller's is that very
/// datasource.
pub fn exceeds(caller: &Caller, scopes: ScopeSet, reach: &Reach) -> Option<Scope> {
    beyond(caller.key().scopes, &caller.key().reach, scopes, reach)
}

fn beyond(own: ScopeSet, own_reach: &Reach, scopes: ScopeSet, reach: &Reach) -> Option<Scope> {
    // Outside of its reach, a caller has no scope at all.
    let inside = own_reach.holds(reach);
    scopes.iter().find(|scope| !inside || !own.contains(*scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &[Scope] = &[Scope::ProjectRead];
    const MORE: &[Scope] = &[Scope::ProjectRead, Scope::ProjectManage];

    #[rstest::rstest]
    #[case::the_same(MORE, Reach::Project(1), MORE, Reach::Project(1), None)]
    #[case::less(MORE, Reach::Organization, READ, Reach::Project(1), None)]
    #[case::more(READ, Reach::Organization, MORE, Reach::Project(1), Some(Scope::ProjectManage))]
    #[case::elsewhere(MORE, Reach::Project(2), READ, Reach::Project(1), Some(Scope::ProjectRead))]
    #[case::everywhere(MORE, Reach::Project(1), READ, Reach::Organization, Some(Scope::ProjectRead))]
    #[case::one_of_some(MORE, Reach::Projects([1, 2].into()), READ, Reach::Project(2), None)]
    #[case::some(MORE, Reach::Projects([1, 2].into()), READ, Reach::Projects([2].into()), None)]
    #[case::one_too_many(MORE, Reach::Project(1), READ, Reach::Projects([1, 2].into()), Some(Scope::ProjectRead))]
    #[case::inlet(READ, Reach::Datasource(1), READ, Reach::Datasource(1), None)]
    #[case::other_inlet(READ, Reach::Datasource(1), READ, Reach::Datasource(2), Some(Scope::ProjectRead))]
    #[case::around_the_inlet(READ, Reach::Datasource(1), READ, Reach::Project(1), Some(Scope::ProjectRead))]
    fn nobody_gives_more_than_they_have(
        #[case] own: &[Scope],
        #[case] own_reach: Reach,
        #[case] scopes: &[Scope],
        #[case] reach: Reach,
        #[case] wanted: Option<Scope>,
    ) {
        assert_eq!(beyond(ScopeSet::of(own), &own_reach, ScopeSet::of(scopes), &reach), wanted);
    }
}
