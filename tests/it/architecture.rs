//! The shape of the repository: which file may import which, how comments read, and what is written
//! for contributors.

mod conditions;
mod contributing;
mod dependencies;
mod doc_comments;
pub mod imports;
mod levels;
mod marked;
mod promises;
mod prose;
