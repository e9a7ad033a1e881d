//! tbw
