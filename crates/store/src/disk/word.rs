//! The shared generation word: a number in memory that all processes of the machine share.
//!
//! # The file
//!
//! It is one page of 4,096 bytes, mapped by every process. All numbers are 64 bits wide, aligned, and
//! in the order of bytes of the machine, which all who map it have in common; a file from a machine
//! of the other order fails the test of its first eight bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `0x6279_6E61_776F_7264`, "bynaword": it is such a file |
//! | 8..16 | the version of this layout: 1 |
//! | 16..48 | the id of the registry: 32 hexadecimal digits as ASCII |
//! | 48..64 | zeros |
//! | 64..72 | the word: the newest acknowledged revision; all ones when another file has taken its place |
//! | 72..128 | zeros: the word has a cache line to itself |
//! | 128..136 | seal: the revision |
//! | 136..144 | seal: the checksum of the document |
//! | 144..152, 152..160 | seal: device and inode of the document |
//! | 160..168 | seal: its size in bytes |
//! | 168..184 | seal: when its content was changed, in nanoseconds since 1970, the low half first |
//! | 184..200 | seal: when anything about it was changed, likewise |
//! | 200..208 | seal: its mode, and bit 32 when it is a regular file |
//! | 208..216 | seal: its owner, and its group from bit 32 |
//! | 216..224 | seal: how many names it has |
//! | 224..232 | XXH3-64 of the bytes 128..224 |
//! | 232..256 | zeros |
//! | 256..260 | how often the turnstile's bell has rung: 32 bits, as the kernel's futex wants them |
//! | 260..320 | zeros: each bell has a cache line to itself |
//! | 320..324 | how often the lock's bell has rung |
//! | 324..4096 | zeros |
//!
//! # What holds
//!
//! - The word never sinks: it is changed by `fetch_max` alone, or set to the highest number there is.
//! - The seal is written by one process at a time, the holder of the file lock, and read by anyone at
//!   any time. A reader takes the twelve numbers and their checksum one by one and believes them only
//!   if they fit: a mixture of two seals, or one whose writer was killed half-way, does not, and is no
//!   seal. No order between the thirteen loads is needed for that, and a killed writer leaves nothing
//!   that has to be repaired.
//! - The file is never truncated and never written but through the mapping: a new one is written
//!   whole under another name and renamed to the path. So no page of a mapping ever loses its file's
//!   bytes, and no process sees half a header. (A program that is not of this house and truncates
//!   it makes its readers fail with SIGBUS, as with any mapped file.) It has no holes either: where a
//!   file system writes in place, writing to the mapping needs no space on the disk.
//! - The bells only spare those who wait for a lock from asking all the time. Whoever rings may be
//!   killed before, whoever is woken may be stopped, and the page may have been replaced: every wait
//!   ends by itself, and then the lock itself is asked.
//! - Nothing in it has to outlive a power cut, so it is never made durable: the revision inside the
//!   document is the truth. What a power cut leaves is a whole page of an earlier moment, which is
//!   raised to what the document says, or no valid page, which is as good as none: it is made anew.
//!   It is never ahead of the document, because it is raised after the document is durable.
#![allow(
    unsafe_code,
    reason = "the one place of this crate: memory that processes share"
)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::fs::Timespec;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
#[cfg(target_os = "linux")]
use rustix::thread::futex;
use xxhash_rust::xxh3::xxh3_64;

use super::real::{Opening, create_file, open_file, stat_of};
use super::{Access, Bell, Seal, Stat, Word};

const PAGE: usize = 4_096;
const CELLS: usize = PAGE / 8;
const MAGIC: u64 = 0x6279_6E61_776F_7264;
const LAYOUT: u64 = 1;

/// Places in the page, counted in numbers of eight bytes.
const AT_MAGIC: usize = 0;
const AT_LAYOUT: usize = 1;
const AT_ID: usize = 2;
const AT_WORD: usize = 8;
const AT_SEAL: usize = 16;
const AT_TURN: usize = 32;
const AT_LOCK: usize = 40;
const SEAL: usize = 12;

type Cells = [AtomicU64; CELLS];

/// One page of a file, mapped into this process and into others.
struct Page {
    cells: NonNull<Cells>,
    writable: bool,
}

// SAFETY: the page belongs to no thread: it stays mapped until `Page` is dropped, whoever does that,
// and all access goes through atomics.
unsafe impl Send for Page {}
// SAFETY: a shared reference gives out `&Cells`, which is `Sync`, and nothing else.
unsafe impl Sync for Page {}

impl Page {
    /// Maps the first page of a file, which must have 4,096 bytes.
    fn map(file: &File, writable: bool) -> io::Result<Self> {
        let mut protection = ProtFlags::READ;
        if writable {
            protection |= ProtFlags::WRITE;
        }
        // SAFETY: the address is left to the system, so no memory of ours is replaced. The memory is
        // reached as `Cells` only, whose atomics allow that others change it at any time.
        let cells = unsafe { mmap(ptr::null_mut(), PAGE, protection, MapFlags::SHARED, file, 0) }?;
        let cells = NonNull::new(cells.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { cells, writable })
    }

    fn cells(&self) -> &Cells {
        // SAFETY: `map` got this address for 4,096 readable bytes, aligned to a page and so to eight
        // bytes; it stays mapped while `self` lives; any bytes are a valid `AtomicU64`. In a mapping
        // that is for reading only nothing is stored (every store below asks for `writable`), and the
        // loads are relaxed ones of at most the width of a pointer, which the standard library allows
        // on memory that cannot be written.
        unsafe { self.cells.as_ref() }
    }

    fn get(&self, at: usize) -> u64 {
        self.cells()[at].load(Ordering::Relaxed)
    }

    /// The counter of a bell, if it may be written.
    fn bell(&self, bell: Bell) -> Option<&AtomicU32> {
        let at = match bell {
            Bell::Turn => AT_TURN,
            Bell::Lock => AT_LOCK,
        };
        let cell = self.cell_to_write(at)?;
        // SAFETY: the first four bytes of this cell, which is aligned to eight; they live as long as
        // `self`. No other access to this cell takes all eight bytes: it is reached through here
        // alone, and its file was written before it was mapped.
        Some(unsafe { &*ptr::from_ref(cell).cast::<AtomicU32>() })
    }

    /// The place, if it may be written.
    fn cell_to_write(&self, at: usize) -> Option<&AtomicU64> {
        self.writable.then(|| &self.cells()[at])
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: `map` got exactly these bytes from the system, nobody else unmaps them, and no
        // reference to them is left: all borrow `self`.
        let unmapped = unsafe { munmap(self.cells.as_ptr().cast(), PAGE) };
        debug_assert_eq!(unmapped, Ok(()), "a page that was mapped can be unmapped");
    }
}

/// The word in a file of this machine.
pub(super) struct RealWord {
    page: Page,
    file: File,
}

/// Opens the word of this registry; `None` when what is at the path is not one.
pub(super) fn open(path: &Path, registry: &str) -> io::Result<Option<RealWord>> {
    let Some(id) = id_of(registry) else {
        return Ok(None);
    };
    let opened = match open_file(path, Opening::ReadingAndWriting) {
        Err(error) if may_be_readable(&error) => {
            open_file(path, Opening::Reading).map(|f| (f, false))
        }
        result => result.map(|file| (file, true)),
    };
    let (file, writable) = match opened {
        Err(error) if is_no_file(&error) => return Ok(None),
        result => result?,
    };
    // A page beyond a file's end cannot be read: this comes before the mapping.
    if file.metadata()?.len() != PAGE as u64 {
        return Ok(None);
    }
    let page = Page::map(&file, writable)?;
    let is_ours = page.get(AT_MAGIC) == MAGIC
        && page.get(AT_LAYOUT) == LAYOUT
        && id.iter().zip(AT_ID..).all(|(&id, at)| page.get(at) == id);
    Ok(is_ours.then_some(RealWord { page, file }))
}

/// Whether it may be that only writing is refused.
fn may_be_readable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Whether the path was refused because there is nothing, or no regular file.
fn is_no_file(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput
    ) || matches!(
        Errno::from_io_error(error),
        // A symbolic link (which some systems call ELOOP, some EMLINK), a socket.
        Some(Errno::LOOP | Errno::MLINK | Errno::NXIO)
    )
}

/// Writes a new word at `scratch` and renames it to `path`.
pub(super) fn create(
    path: &Path,
    scratch: &Path,
    access: Access,
    registry: &str,
    revision: u64,
) -> io::Result<RealWord> {
    let id = id_of(registry).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{registry}` is no registry's id: expected 32 hexadecimal digits"),
        )
    })?;
    let mut cells = [0; CELLS];
    cells[AT_MAGIC] = MAGIC;
    cells[AT_LAYOUT] = LAYOUT;
    cells[AT_ID..AT_ID + id.len()].copy_from_slice(&id);
    cells[AT_WORD] = revision;
    let mut file = create_file(scratch, access)?;
    let placed = (|| {
        file.write_all(&bytes_of(&cells))?;
        let page = Page::map(&file, true)?;
        fs::rename(scratch, path)?;
        Ok(page)
    })();
    match placed {
        Ok(page) => Ok(RealWord { page, file }),
        Err(error) => {
            // The first error is the one to tell; a file that cannot be removed is swept later.
            let _ = fs::remove_file(scratch);
            Err(error)
        }
    }
}

/// The id as it stands in the page.
fn id_of(registry: &str) -> Option<[u64; 4]> {
    let bytes = <&[u8; 32]>::try_from(registry.as_bytes()).ok()?;
    if !bytes.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (eights, _) = bytes.as_chunks::<8>();
    let mut id = [0; 4];
    for (number, &eight) in id.iter_mut().zip(eights) {
        *number = u64::from_ne_bytes(eight);
    }
    Some(id)
}

fn bytes_of(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

/// Both halves of a time, the low one first.
fn halves(time: i128) -> [u64; 2] {
    let bytes = time.to_le_bytes();
    let (eights, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(eights[0]), u64::from_le_bytes(eights[1])]
}

fn whole(low: u64, high: u64) -> i128 {
    ((u128::from(high) << 64) | u128::from(low)).cast_signed()
}

/// Two numbers of 32 bits in one.
fn pair(low: u32, high: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

fn parts(pair: u64) -> (u32, u32) {
    let low = u32::try_from(pair & 0xFFFF_FFFF).unwrap_or(u32::MAX);
    (low, u32::try_from(pair >> 32).unwrap_or(u32::MAX))
}

fn numbers_of(seal: &Seal) -> [u64; SEAL] {
    let Seal {
        revision,
        checksum,
        stat,
    } = *seal;
    let (modified, changed) = (halves(stat.modified), halves(stat.changed));
    [
        revision,
        checksum,
        stat.device,
        stat.inode,
        stat.size,
        modified[0],
        modified[1],
        changed[0],
        changed[1],
        pair(stat.mode, u32::from(stat.is_file)),
        pair(stat.owner, stat.group),
        stat.links,
    ]
}

fn seal_of(numbers: &[u64; SEAL]) -> Seal {
    let (mode, is_file) = parts(numbers[9]);
    let (owner, group) = parts(numbers[10]);
    Seal {
        revision: numbers[0],
        checksum: numbers[1],
        stat: Stat {
            device: numbers[2],
            inode: numbers[3],
            size: numbers[4],
            modified: whole(numbers[5], numbers[6]),
            changed: whole(numbers[7], numbers[8]),
            mode,
            owner,
            group,
            links: numbers[11],
            is_file: is_file == 1,
        },
    }
}

impl Word for RealWord {
    fn load(&self) -> u64 {
        let word = self.page.get(AT_WORD);
        // Acquire: pairs with the Release of `raise` and `retire`. Every change of the word after
        // the file was made is one of these; a raise is a read-modify-write, so the one that is read
        // here also continues the release sequences of those before it. What a process did before
        // it raised the word to this number or a lower one (it renamed the document) is done before
        // what follows here (the document is opened). A fence and not an Acquire load, because the
        // page may be mapped for reading only.
        fence(Ordering::Acquire);
        word
    }

    fn raise(&self, revision: u64) -> bool {
        let Some(word) = self.page.cell_to_write(AT_WORD) else {
            return false;
        };
        // Release: pairs with the fence in `load`. fetch_max: of several that raise at once the
        // highest stays, and a retired word stays retired, since no number is above `u64::MAX`.
        word.fetch_max(revision, Ordering::Release);
        true
    }

    fn seal(&self) -> Option<Seal> {
        // Relaxed: the checksum tells whether these belong together, in whatever order they were
        // loaded. A seal says nothing about other memory.
        let mut numbers = [0; SEAL];
        for (number, at) in numbers.iter_mut().zip(AT_SEAL..) {
            *number = self.page.get(at);
        }
        let is_whole = self.page.get(AT_SEAL + SEAL) == xxh3_64(&bytes_of(&numbers));
        is_whole.then(|| seal_of(&numbers))
    }

    fn set_seal(&self, seal: &Seal) {
        let numbers = numbers_of(seal);
        let checksum = xxh3_64(&bytes_of(&numbers));
        // Relaxed: see `seal`.
        for (number, at) in numbers.into_iter().chain([checksum]).zip(AT_SEAL..) {
            if let Some(cell) = self.page.cell_to_write(at) {
                cell.store(number, Ordering::Relaxed);
            }
        }
    }

    fn retire(&self) {
        if let Some(word) = self.page.cell_to_write(AT_WORD) {
            // Release: pairs with the fence in `load`; whoever reads this finds the other file at
            // the path. Against a raise at the same time: either order ends with `u64::MAX`.
            word.store(u64::MAX, Ordering::Release);
        }
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.metadata().map(|metadata| stat_of(&metadata))
    }

    #[cfg(target_os = "linux")]
    fn rung(&self, bell: Bell) -> Option<u32> {
        // Relaxed: it is compared with itself, and the kernel compares it again under its own lock.
        Some(self.page.bell(bell)?.load(Ordering::Relaxed))
    }

    #[cfg(target_os = "linux")]
    fn wait(&self, bell: Bell, rung: u32, at_most: Duration) {
        let timeout = Timespec {
            tv_sec: at_most.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        if let Some(counter) = self.page.bell(bell) {
            // However it ends, the lock is asked next.
            let _ = futex::wait(counter, futex::Flags::empty(), rung, Some(&timeout));
        }
    }

    #[cfg(target_os = "linux")]
    fn ring(&self, bell: Bell) {
        if let Some(counter) = self.page.bell(bell) {
            // Relaxed: whoever is woken learns from the lock, and not from this, whether it is free.
            counter.fetch_add(1, Ordering::Relaxed);
            let _ = futex::wake(counter, futex::Flags::empty(), 1);
        }
    }
}
