//! What a caller may hand on: nobody makes or shows a key that may do more than the key they came with.

use super::{
    caller::{Caller, Reach},
    scope::{Scope, ScopeSet},
};

/// The first scope by which a key of these scopes and this reach would do more than the caller; `None` where it would not.
pub fn exceeds(caller: &Caller, scopes: ScopeSet, reach: &Reach) -> Option<Scope> {
    let inside = holds(&caller.key().reach, reach);
    scopes.iter().find(|scope| !inside || !caller.may(*scope))
}

/// Whether one reach lies inside another. A datasource is taken for one of another project, as its row does not say.
fn holds(outer: &Reach, inner: &Reach) -> bool {
    match inner {
        Reach::Organization => *outer == Reach::Organization,
        Reach::Projects(projects) => projects.iter().all(|project| outer.holds_project(*project)),
        Reach::Project(project) => outer.holds_project(*project),
        Reach::Datasource(_) => *outer == Reach::Organization || outer == inner,
    }
}
