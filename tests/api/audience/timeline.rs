//! What happened to one contact.
