//! The shape of `src/`: which file may import which, and the length of its comment lines.

mod imports;
mod levels;
mod prose;
