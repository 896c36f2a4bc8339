//! Who is calling, and where they may go: key texts, the keyring, the directory of projects, callers and scopes.
//!
//! Promises that a `Caller` was authenticated and that a project or datasource it is given lies inside its reach, from memory alone: no request
//! waits for the database here. Must not know budgets, HTTP statuses, or what a request wants to store.

pub mod scope;

pub mod text;

pub mod caller;

mod credentials;

mod directory;

mod keyring;

mod authority;

mod uses;

pub mod mint;

pub mod personal;

pub mod password;

pub mod grant;

pub mod life;

pub mod seal;

pub mod vault;

pub mod single;

pub use authority::{Authority, Options};
pub use caller::{Caller, Key, Reach};
pub use credentials::{Presented, Refusal};
pub use directory::{Datasource, Organization, Project};
pub use keyring::Keyring;
pub use uses::{Seen, Uses};
pub use vault::Vault;
