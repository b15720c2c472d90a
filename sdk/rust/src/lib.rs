//! Host calls of Nexus Functions for Rust: docs/host-api.md says what each does. No dependencies; without its
//! feature `std` it needs `alloc` alone.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a call was not done: an errno of WASI preview 1, and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub errno: i32,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (errno {})", self.message, self.errno)
    }
}

#[cfg(feature = "std")]
impl std::error::Error for Error {}

pub type Result<T> = core::result::Result<T, Error>;

const NOENT: i32 = 44;
const NOSPC: i32 = 51;
const STALE: i32 = 72;

mod raw {
    #[link(wasm_import_module = "nexus")]
    extern "C" {
        pub fn emit(at: *const u8, length: usize) -> i32;
        pub fn log(level: i32, at: *const u8, length: usize) -> i32;
        pub fn kv_get(
            key: *const u8,
            key_length: usize,
            at: *mut u8,
            capacity: usize,
            size: *mut usize,
            revision: *mut u64,
        ) -> i32;
        pub fn kv_set(
            key: *const u8,
            key_length: usize,
            value: *const u8,
            value_length: usize,
            expect: i64,
            ttl_ms: i64,
            revision: *mut u64,
        ) -> i32;
        pub fn kv_delete(key: *const u8, key_length: usize, expect: i64) -> i32;
        pub fn kv_list(
            prefix: *const u8,
            prefix_length: usize,
            after: *const u8,
            after_length: usize,
            limit: u32,
            at: *mut u8,
            capacity: usize,
            size: *mut usize,
        ) -> i32;
        pub fn fetch(
            head: *const u8,
            head_length: usize,
            body: *const u8,
            body_length: usize,
            at: *mut u8,
            capacity: usize,
            size: *mut usize,
        ) -> i32;
        pub fn secret_get(
            name: *const u8,
            name_length: usize,
            at: *mut u8,
            capacity: usize,
            size: *mut usize,
        ) -> i32;
        pub fn answer_read(at: *mut u8, capacity: usize, size: *mut usize) -> i32;
    }
}

const FIRST_BYTES: usize = 1024;

/// Makes the call with a buffer; where that was too small, the answer is fetched into one that is not.
fn answer(call: impl FnOnce(*mut u8, usize, *mut usize) -> i32) -> Result<Vec<u8>> {
    let mut bytes = alloc::vec![0; FIRST_BYTES];
    let mut size = 0;
    match call(bytes.as_mut_ptr(), bytes.len(), &mut size) {
        0 => bytes.truncate(size),
        NOSPC => bytes = last_answer(size),
        errno => return Err(failure(errno)),
    }
    Ok(bytes)
}

fn done(errno: i32) -> Result<()> {
    match errno {
        0 => Ok(()),
        _ => Err(failure(errno)),
    }
}

fn last_answer(mut size: usize) -> Vec<u8> {
    let mut bytes = alloc::vec![0; size];
    // SAFETY: pointer and length are those of `bytes`.
    let errno = unsafe { raw::answer_read(bytes.as_mut_ptr(), bytes.len(), &mut size) };
    bytes.truncate(if errno == 0 { size } else { 0 });
    bytes
}

fn failure(errno: i32) -> Error {
    let mut size = 0;
    // SAFETY: with a capacity of 0 nothing but the size is written.
    let asked = unsafe { raw::answer_read(core::ptr::NonNull::dangling().as_ptr(), 0, &mut size) };
    let text = if asked == NOSPC { last_answer(size) } else { Vec::new() };
    Error { errno, message: String::from_utf8_lossy(&text).into_owned() }
}

fn malformed() -> Error {
    Error { errno: 9, message: "the platform's answer is none".to_owned() }
}

/// Emits an event: a CloudEvent as JSON text, in which only `type` has to be there. It is appended when this
/// invocation succeeds, and not otherwise.
pub fn emit(event: &str) -> Result<()> {
    // SAFETY: pointer and length are those of `event`.
    match unsafe { raw::emit(event.as_ptr(), event.len()) } {
        0 => Ok(()),
        errno => Err(Error { errno, message: "the platform did not take the event".to_owned() }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// A line of the invocation's log.
pub fn log(level: Level, text: &str) {
    // SAFETY: pointer and length are those of `text`; with a level that is there it cannot fail.
    unsafe { raw::log(level as i32, text.as_ptr(), text.len()) };
}

/// A secret that nexus.yaml grants; `None`: the platform was not given it, or does not grant it.
pub fn secret(name: &str) -> Result<Option<Vec<u8>>> {
    // SAFETY: every pointer comes with its own length.
    let value = answer(|at, capacity, size| unsafe {
        raw::secret_get(name.as_ptr(), name.len(), at, capacity, size)
    });
    absent_as_none(value)
}

fn absent_as_none<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.errno == NOENT => Ok(None),
        Err(error) => Err(error),
    }
}

/// Values by key, this function's own.
pub mod kv {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        pub key: String,
        pub value: Vec<u8>,
        pub revision: u64,
    }

    /// What an entry has to be for a change to be made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Expect {
        Anything,
        Absent,
        Revision(u64),
    }

    impl Expect {
        fn number(self) -> i64 {
            match self {
                Expect::Anything => -1,
                Expect::Absent => 0,
                Expect::Revision(revision) => revision as i64,
            }
        }
    }

    pub fn get(key: &str) -> Result<Option<Entry>> {
        let mut revision = 0;
        // SAFETY: every pointer comes with its own length; a revision is a u64.
        let value = answer(|at, capacity, size| unsafe {
            raw::kv_get(key.as_ptr(), key.len(), at, capacity, size, &mut revision)
        });
        let value = absent_as_none(value)?;
        Ok(value.map(|value| Entry { key: key.to_owned(), value, revision }))
    }

    /// The new revision; `None`: the entry is not as expected, and nothing was changed. `ttl_ms`: how long it
    /// is kept; 0: it stays.
    pub fn set(key: &str, value: &[u8], expect: Expect, ttl_ms: u64) -> Result<Option<u64>> {
        let mut revision = 0;
        // SAFETY: every pointer comes with its own length; a revision is a u64.
        let errno = unsafe {
            raw::kv_set(
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                expect.number(),
                ttl_ms as i64,
                &mut revision,
            )
        };
        match errno {
            STALE => Ok(None),
            _ => done(errno).map(|()| Some(revision)),
        }
    }

    /// Whether an entry was removed: false where there was none, or not the one expected.
    pub fn delete(key: &str, expect: Expect) -> Result<bool> {
        // SAFETY: pointer and length are those of `key`.
        match unsafe { raw::kv_delete(key.as_ptr(), key.len(), expect.number()) } {
            NOENT | STALE => Ok(false),
            errno => done(errno).map(|()| true),
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Page {
        pub entries: Vec<Entry>,
        /// Whether others follow: list again, after the last key of this page.
        pub more: bool,
    }

    /// Entries whose keys begin with `prefix` and come behind `after`, in order of their bytes; 1 to 1,000.
    pub fn list(prefix: &str, after: &str, limit: u32) -> Result<Page> {
        // SAFETY: every pointer comes with its own length.
        let page = answer(|at, capacity, size| unsafe {
            raw::kv_list(
                prefix.as_ptr(),
                prefix.len(),
                after.as_ptr(),
                after.len(),
                limit,
                at,
                capacity,
                size,
            )
        })?;
        read_page(&page).ok_or_else(malformed)
    }

    fn read_page(bytes: &[u8]) -> Option<Page> {
        let more = u32_at(bytes, 0)? != 0;
        let mut entries = Vec::new();
        let mut at = 8;
        for _ in 0..u32_at(bytes, 4)? {
            let key_end = (at + 16usize).checked_add(u32_at(bytes, at)? as usize)?;
            let end = key_end.checked_add(u32_at(bytes, at + 4)? as usize)?;
            entries.push(Entry {
                key: String::from_utf8_lossy(bytes.get(at + 16..key_end)?).into_owned(),
                value: bytes.get(key_end..end)?.to_vec(),
                revision: u64::from(u32_at(bytes, at + 8)?) | u64::from(u32_at(bytes, at + 12)?) << 32,
            });
            at = end;
        }
        Some(Page { entries, more })
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        let mut number = [0; 4];
        number.copy_from_slice(bytes.get(at..at + 4)?);
        Some(u32::from_le_bytes(number))
    }
}

/// A request over HTTP, to a host that nexus.yaml allows.
#[derive(Clone, Debug)]
pub struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, url: &str) -> Self {
        let mut head = String::from(method);
        head.push(' ');
        head.push_str(url);
        head.push('\n');
        Request { head, body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(name);
        self.head.push_str(": ");
        self.head.push_str(value);
        self.head.push('\n');
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// An answer of any status is one; an error: there was none.
    pub fn send(&self) -> Result<Response> {
        let (head, body) = (&self.head, &self.body);
        // SAFETY: every pointer comes with its own length.
        let bytes = answer(|at, capacity, size| unsafe {
            raw::fetch(head.as_ptr(), head.len(), body.as_ptr(), body.len(), at, capacity, size)
        })?;
        Response::read(&bytes).ok_or_else(malformed)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(its, _)| its == name);
        found.map(|(_, value)| value.as_str())
    }

    fn read(bytes: &[u8]) -> Option<Response> {
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        let head = core::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split('\n');
        let status = lines.next()?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        Some(Response {
            status,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: bytes[end + 2..].to_vec(),
        })
    }
}
