//! The code that requests run through, from a profile of callgrind.

use std::collections::{HashMap, HashSet};

/// In bytes, as most processors have it.
const CACHE_LINE: u64 = 64;

/// Parts of programs and libraries, each as long as a line of a processor's cache.
pub struct Code(HashSet<(String, u64)>);

impl Code {
    /// What each of so many requests runs through, by a profile with `--dump-instr=yes`. What ran
    /// less often is left out, like the slow paths of an allocator.
    ///
    /// A line of the profile that stands for an instruction is `address line count`. An address may
    /// be relative to that of the line before. `ob` names the library of the lines that follow, once
    /// in full and later by a number. The line after `calls` is about the function that is called.
    #[must_use]
    pub fn of_each(requests: u64, profile: &str) -> Self {
        let mut names = HashMap::new();
        let mut counts = HashMap::new();
        let (mut object, mut address, mut is_of_call) = ("", 0, false);
        for line in profile.lines() {
            if let Some((id, name)) = library(line) {
                let name = *names.entry(id).or_insert(name);
                if line.starts_with("ob") {
                    object = name;
                }
            } else if line.starts_with("calls=") {
                is_of_call = true;
            } else if let Some((next, count)) = instruction(line, address) {
                address = next;
                if !is_of_call {
                    *counts.entry((object, address / CACHE_LINE)).or_insert(0) += count;
                }
                is_of_call = false;
            }
        }
        let of_each = counts.into_iter().filter(|(_, count)| *count >= requests);
        Self(
            of_each
                .map(|((object, line), _)| (object.to_owned(), line))
                .collect(),
        )
    }

    /// How many bytes of this are not in another one.
    #[must_use]
    pub fn bytes_beyond(&self, other: &Self) -> u64 {
        self.0.difference(&other.0).count() as u64 * CACHE_LINE
    }
}

/// The number of a library, and its name where it stands first.
fn library(line: &str) -> Option<(&str, &str)> {
    let named = line.strip_prefix("ob=").or(line.strip_prefix("cob="))?;
    Some(named.split_once(' ').unwrap_or((named, "")))
}

/// The address of an instruction, and how often it ran.
fn instruction(line: &str, last: u64) -> Option<(u64, u64)> {
    let mut fields = line.split(' ');
    let position = fields.next()?;
    let number = |text: &str| text.parse::<u64>().ok();
    let address = if let Some(digits) = position.strip_prefix("0x") {
        u64::from_str_radix(digits, 16).ok()?
    } else if let Some(far) = position.strip_prefix('+') {
        last + number(far)?
    } else if let Some(far) = position.strip_prefix('-') {
        last - number(far)?
    } else {
        (position == "*").then_some(last)?
    };
    Some((address, fields.nth(1).and_then(number).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_counted_in_lines_of_a_cache() {
        let profile = "\
ob=(1) /bin/app
fn=(1) main
0x1000 5 2
+4 * 2
+60 * 1
cob=(2) /lib/libc.so
cfn=(2) malloc
calls=2 0x1000 1
* * 40
+64 6 2

ob=(2)
fn=(2)
0x1000 1 2
-64 1 2
";
        let code = Code::of_each(2, profile);
        let expected = [
            ("/bin/app", 0x1000),
            ("/bin/app", 0x1080),
            ("/lib/libc.so", 0x1000),
            ("/lib/libc.so", 0xfc0),
        ];
        let expected = expected.map(|(object, address)| (object.to_owned(), address / CACHE_LINE));
        assert_eq!(code.0, HashSet::from(expected));
        let shorter = Code::of_each(2, "ob=(9) /bin/app\n0x1004 5 9\n");
        assert_eq!(code.bytes_beyond(&shorter), 3 * CACHE_LINE);
    }
}
