//! The shape of `src/`: which file may import which, and how long its lines of prose are.

mod imports;
mod levels;
mod prose;
