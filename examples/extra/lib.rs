//! The examples beside this file need a package, and a package needs a library.
