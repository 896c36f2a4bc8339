//! What flows: identifiers, contacts, events, their specs, batches, rejections, limits and time.
//!
//! Promises that a value of these types is safe to store and to send out again.
//! Must not know HTTP, SQL, files or the network.

pub mod clock;

pub mod ids;

pub mod budget;

pub mod caps;

pub mod rejection;

pub mod json;

pub mod scan;

pub mod canon;

pub mod number;

pub mod date;

pub mod country;

pub mod currency;

pub mod language;

pub mod email;

pub mod phone;

pub mod url;

pub mod value;

pub mod spec;

pub mod catalogue;

pub mod declare;

pub mod settings;

pub mod excerpt;

pub mod batch;

pub mod event;

pub mod contact;

pub mod claim;

pub mod cursor;

pub mod pattern;

pub mod mark;

pub mod overlap;

pub mod address;
