//! Speed of the CPU engine; see docs/PERFORMANCE.md for what the numbers mean.
fn main() {}
