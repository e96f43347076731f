//! The shape of the repository: which file may import which, how comments read, and what is written
//! for contributors.

mod contributing;
pub mod imports;
mod levels;
mod prose;
