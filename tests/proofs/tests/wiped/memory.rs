//! An allocator that keeps what a thread frees, and a search in it.
//!
//! Blocks of the heap alone are seen: no stack, and nothing that C code allocates, such as aws-lc.
//! Where a value is moved, the bytes that it leaves behind are seen if they are in a block.
//!
//! A block never grows in place here. So each text that grows leaves its old block behind.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt, ptr, slice,
    sync::atomic::{AtomicBool, Ordering},
};

/// A secret counts as found by so many bytes of it.
const PIECE: usize = size_of::<u64>();

#[global_allocator]
static KEEPER: Keeper = Keeper;

struct Keeper;

/// Stands in front of each block.
struct Header {
    /// The kept block before this one.
    next: *mut Header,
    size: usize,
    is_kept: bool,
    is_freed: AtomicBool,
}

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    /// The last block that this thread keeps.
    static LAST: Cell<*mut Header> = const { Cell::new(ptr::null_mut()) };
}

/// A layout with room for the header, and where the block begins in it.
fn with_header(layout: Layout) -> Option<(Layout, usize)> {
    Layout::new::<Header>().extend(layout).ok()
}

// SAFETY: Each block is a part of one of the system's, at the alignment that it asks for. None is
// given back while the list of a thread has it.
unsafe impl GlobalAlloc for Keeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((whole, offset)) = with_header(layout) else {
            return ptr::null_mut();
        };
        // With zeros, so that nothing of an older block is found in this one.
        // SAFETY: It is not empty, since it has a header.
        let start = unsafe { System.alloc_zeroed(whole) };
        if start.is_null() {
            return start;
        }
        // SAFETY: The block is in the whole. The header fits in front of it, and is aligned as the
        // size of a header is a multiple of its alignment.
        unsafe {
            let block = start.add(offset);
            let header = block.cast::<Header>().sub(1);
            let is_kept = IS_WATCHED.get();
            header.write(Header {
                next: if is_kept {
                    LAST.replace(header)
                } else {
                    ptr::null_mut()
                },
                size: layout.size(),
                is_kept,
                is_freed: AtomicBool::new(false),
            });
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((whole, offset)) = with_header(layout) else {
            return;
        };
        let header = block.cast::<Header>().wrapping_sub(1);
        // SAFETY: `alloc` wrote the header of this block. Its owner alone frees it.
        unsafe {
            if IS_WATCHED.get() && !(*header).is_kept {
                (*header).next = LAST.replace(header);
                (*header).is_kept = true;
            }
            if (*header).is_kept {
                (*header).is_freed.store(true, Ordering::Release);
            } else {
                System.dealloc(block.sub(offset), whole);
            }
        }
    }
}

/// The memory that this thread uses from now on.
pub struct Memory {
    secrets: Vec<Secret>,
}

impl Memory {
    /// Keeps the blocks of this thread from here on.
    pub fn watch() -> Self {
        LAST.set(ptr::null_mut());
        IS_WATCHED.set(true);
        Self {
            secrets: Vec::new(),
        }
    }

    /// Runs something that makes texts with secrets for the test itself. What this frees later is
    /// kept all the same.
    pub fn aside<T>(run: impl FnOnce() -> T) -> T {
        let before = IS_WATCHED.replace(false);
        let result = run();
        IS_WATCHED.set(before);
        result
    }

    /// What to look for.
    pub fn secret(&mut self, name: &'static str, secret: impl AsRef<[u8]>) {
        self.add(name, secret.as_ref(), usize::MAX, PIECE);
    }

    /// What to look for, all of it in one place. It passes over the stack, and where a value is
    /// moved from there, a few old bytes stand between its fields.
    pub fn whole_secret(&mut self, name: &'static str, secret: &str) {
        self.add(name, secret.as_bytes(), usize::MAX, secret.len());
    }

    /// What to look for in blocks of less than a kilobyte. It passes over the stack, which is not
    /// wiped. A future that is moved from there into a block of its own takes old bytes along in
    /// the parts that are not in use yet. No other value of the layer is so large.
    pub fn secret_in_small_blocks(&mut self, name: &'static str, secret: impl AsRef<[u8]>) {
        self.add(name, secret.as_ref(), 1023, PIECE);
    }

    fn add(&mut self, name: &'static str, secret: &[u8], largest_block: usize, found_by: usize) {
        assert!(secret.len() >= 2 * PIECE, "{name} is too short to be found");
        Self::aside(|| {
            self.secrets.push(Secret {
                name,
                bytes: secret.to_vec(),
                largest_block,
                found_by,
            });
        });
    }

    /// Keeps no more blocks.
    pub fn stop(&self) {
        IS_WATCHED.set(false);
    }

    /// Asserts that no block which was freed since the start holds a secret.
    #[track_caller]
    pub fn assert_wiped(&self) {
        Self::aside(|| {
            let found = self.find(|header| header.is_freed.load(Ordering::Acquire));
            assert!(found.is_empty(), "in freed memory: {found:#?}");
        });
    }

    /// The secrets that stand in blocks which are in use.
    pub fn in_use(&self) -> BTreeSet<&'static str> {
        Self::aside(|| {
            let found = self.find(|header| !header.is_freed.load(Ordering::Acquire));
            found.iter().map(|found| found.name).collect()
        })
    }

    fn find(&self, which: impl Fn(&Header) -> bool) -> Vec<Found> {
        let mut pieces = BTreeMap::new();
        for secret in &self.secrets {
            for piece in secret.bytes.chunks_exact(PIECE) {
                pieces.insert(u64::from_be_bytes(piece.try_into().unwrap()), secret);
            }
        }
        let (mut found, mut blocks, mut next) = (BTreeSet::new(), 0, LAST.get());
        while !next.is_null() {
            // SAFETY: What is in the list of this thread is never given back. A block was
            // filled with zeros at its start, and no other thread writes to it.
            let (header, bytes) = unsafe {
                let block = next.add(1).cast::<u8>();
                (&*next, slice::from_raw_parts(block, (*next).size))
            };
            blocks += 1;
            next = header.next;
            if which(header) && !is_of_hyper(bytes) {
                found.extend(secrets_in(bytes, &pieces));
            }
        }
        assert!(blocks > 0, "the allocator of this test is in use");
        found.into_iter().collect()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        IS_WATCHED.set(false);
    }
}

/// Whether this is a buffer in which hyper puts a request together. It begins with the first line
/// of a request, and nothing of the layer does.
fn is_of_hyper(block: &[u8]) -> bool {
    block.starts_with(b"POST /") || block.starts_with(b"GET /")
}

fn secrets_in(block: &[u8], pieces: &BTreeMap<u64, &Secret>) -> Vec<Found> {
    let (mut last, mut found) = (0_u64, Vec::new());
    for (at, byte) in block.iter().enumerate() {
        last = last << 8 | u64::from(*byte);
        if at + 1 >= PIECE
            && let Some(secret) = pieces.get(&last)
            && block.len() <= secret.largest_block
            && (secret.found_by == PIECE || block[at + 1 - PIECE..].starts_with(&secret.bytes))
        {
            let from = (at + 1 - PIECE).saturating_sub(24);
            let around = &block[from..block.len().min(at + 24)];
            found.push(Found {
                name: secret.name,
                size: block.len(),
                around: around.escape_ascii().to_string(),
            });
            break;
        }
    }
    found
}

struct Secret {
    name: &'static str,
    bytes: Vec<u8>,
    largest_block: usize,
    /// So many bytes of it, from the start of a piece.
    found_by: usize,
}

/// A block with a secret in it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    name: &'static str,
    size: usize,
    around: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, size, around } = self;
        write!(f, "{name} in a block of {size} bytes: {around}")
    }
}

#[test]
fn text_that_is_not_wiped_is_found() {
    let mut memory = Memory::watch();
    memory.secret("text", "text of a secret");
    drop("this is the text of a secret".to_owned());
    assert_eq!(Memory::aside(|| memory.find(|_| true).len()), 1);
    let kept = "another text of a secret".to_owned();
    assert!(!memory.in_use().is_empty());
    drop(kept.into_boxed_str().into_string());
    assert!(memory.in_use().is_empty());
}
