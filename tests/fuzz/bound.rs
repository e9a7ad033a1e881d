//! Runs cases one at a time, each within bounds of memory and of time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a case may hold at once beyond what stood before it: far more than any sound input of this size
/// takes, far less than a claimed size can ask for.
const MOST_BYTES: usize = 256 << 20;
/// A case that takes longer hangs. They take milliseconds.
const HANGS: Duration = Duration::from_secs(240);
/// Larger requests fail, which aborts: the machine is not to be brought down by a test.
const LARGEST: usize = 4 << 30;

#[global_allocator]
static MEMORY: Counted = Counted;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Odd while a case runs; another number for each, so that the watchman sees one that does not end.
static CASES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting.
struct Counted;

// SAFETY: every call is passed on to the system's allocator with what it was given.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST {
            return std::ptr::null_mut();
        }
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Says which case it was if it panics.
struct Named<'a>(&'a str, u64);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            CASES.fetch_add(1, Ordering::Relaxed);
            eprintln!(
                "{}: SWEEP_FUZZ_SEED={} begins with this case",
                self.0, self.1
            );
        }
    }
}

/// Runs `case` with `count` numbers, or for as long as `SWEEP_FUZZ_SECONDS` says. Gives how many were
/// run, and of how many `case` said yes.
pub fn cases(name: &str, count: u64, mut case: impl FnMut(u64) -> bool) -> (u64, u64) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    watch();
    let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let first: u64 = variable("SWEEP_FUZZ_SEED").unwrap_or(1);
    let seconds: Option<u64> = variable("SWEEP_FUZZ_SECONDS");
    let (begin, mut run, mut yes) = (Instant::now(), 0, 0);
    loop {
        match seconds {
            Some(seconds) if begin.elapsed() >= Duration::from_secs(seconds) => break,
            None if run >= count => break,
            _ => {}
        }
        let seed = first.wrapping_add(run);
        let named = Named(name, seed);
        CASES.fetch_add(1, Ordering::Relaxed);
        let held = HELD.load(Ordering::Relaxed);
        PEAK.store(held, Ordering::Relaxed);
        yes += u64::from(case(seed));
        let most = PEAK.load(Ordering::Relaxed).saturating_sub(held);
        assert!(most <= MOST_BYTES, "{most} bytes were held at once");
        drop(named);
        CASES.fetch_add(1, Ordering::Relaxed);
        run += 1;
    }
    if seconds.is_some() {
        println!("{name}: {run} cases from {first} on, {yes} taken");
    }
    (run, yes)
}

/// Aborts when no case has begun for too long.
fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        thread::spawn(|| {
            let mut last = (CASES.load(Ordering::Relaxed), Instant::now());
            loop {
                thread::sleep(Duration::from_secs(1));
                let now = CASES.load(Ordering::Relaxed);
                if now != last.0 {
                    last = (now, Instant::now());
                } else if now % 2 == 1 && last.1.elapsed() > HANGS {
                    eprintln!("a case has run for {} s: it hangs", HANGS.as_secs());
                    std::process::abort();
                }
            }
        });
    });
}
