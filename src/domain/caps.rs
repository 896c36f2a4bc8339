//! Every limit that a client can meet, each with its reason. All are configurable; these are the defaults.

/// The limits of one server. Sizes are bytes after content decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// Items in one body. A batch is one unit of pacing and one answer; 100 keeps both small.
    pub items: usize,
    /// Bytes of one body after decoding. Bounds the memory of a request, and what a compressed bomb can cost.
    pub body_bytes: usize,
    /// Bytes of one item's own text. Keeps one item from filling a lot that others wait for.
    pub item_bytes: usize,
    /// Objects and arrays inside one another, the item itself being the first. Bounds recursion everywhere.
    pub depth: usize,
    /// Decoded bytes of any member name. Names become columns and keys at the consumers' side.
    pub name_bytes: usize,
    /// Decoded bytes of `_user_id` and `_event_id`. They are index keys, and must fit a B-tree entry.
    pub id_bytes: usize,
    /// Decoded bytes of `_event_type`. It is shown, filtered by and hashed.
    pub type_bytes: usize,
    /// Bytes of a number's text. PostgreSQL's `numeric` would take far more, at a cost that grows with it.
    pub number_bytes: usize,
    /// Largest magnitude of a number's exponent: the range of an IEEE 754 double, which consumers read into.
    pub number_exponent: u32,
    /// Decoded bytes of a value of type `string` whose spec names no length: a label, not a document.
    pub string_bytes: usize,
    /// Decoded bytes of a value of type `text` whose spec names no length; half of an item.
    pub text_bytes: usize,
    /// Values in one multi-value attribute or parameter.
    pub values: usize,
    /// Faults listed for one item. Finding the nearest name costs time that a hostile item could multiply.
    pub faults: usize,
    /// Bytes of a stored contact after a merge: eight full items, so that a contact cannot grow without end.
    pub contact_bytes: usize,
    /// Attributes, event types and parameters together that one project may declare; every server holds them in memory.
    pub declared: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            items: 100,
            body_bytes: 1024 * 1024,
            item_bytes: 32 * 1024,
            depth: 32,
            name_bytes: 256,
            id_bytes: 255,
            type_bytes: 128,
            number_bytes: 64,
            number_exponent: 308,
            string_bytes: 4096,
            text_bytes: 16 * 1024,
            values: 100,
            faults: 20,
            contact_bytes: 256 * 1024,
            declared: 2_000,
        }
    }
}
