// SPDX-License-Identifier: Apache-2.0

//! W2 and W4.

use crate::{churn, rayon_pool, tokio_runtime, Sample};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

/// A percentile in microseconds.
fn percentile(sorted: &[u64], share: f64) -> f64 {
    let index = ((share * sorted.len() as f64).ceil() as usize).max(1) - 1;
    sorted[index] as f64 / 1000.0
}

fn trips(count: usize, pause: u64, trip: impl Fn(usize) -> u64) -> Sample {
    if pause == 0 {
        (0..count / 10 + 1).for_each(|index| {
            trip(index);
        });
    }
    let mut latencies = Vec::with_capacity(count);
    let mut total = 0;
    for index in 0..count {
        if pause > 0 {
            std::thread::sleep(Duration::from_nanos(pause));
        }
        let begin = Instant::now();
        total += trip(index);
        latencies.push(begin.elapsed().as_nanos() as u64);
    }
    latencies.sort_unstable();
    (total, vec![percentile(&latencies, 0.5), percentile(&latencies, 0.99)])
}

pub fn round_trips_tokio(count: usize, pause: u64) -> Sample {
    let runtime = tokio_runtime();
    trips(count, pause, |index| {
        runtime.block_on(runtime.spawn_blocking(move || index as u64 + 1)).expect("no task fails")
    })
}

pub fn round_trips_rayon(count: usize, pause: u64) -> Sample {
    let pool = rayon_pool();
    trips(count, pause, |index| {
        let (done, result) = mpsc::sync_channel(1);
        pool.spawn(move || done.send(index as u64 + 1).expect("the caller waits"));
        result.recv().expect("the task answers")
    })
}

/// What the heavy tasks share.
struct Heavies {
    steps: u64,
    expected: u64,
    stopping: AtomicBool,
    wrong: AtomicBool,
    finished: AtomicU64,
    alive: AtomicU64,
}

fn heavy(shared: Arc<Heavies>, handle: tokio::runtime::Handle) {
    let next = (shared.clone(), handle.clone());
    handle.spawn_blocking(move || {
        if churn(1, shared.steps) != shared.expected {
            shared.wrong.store(true, Ordering::Relaxed);
        }
        if shared.stopping.load(Ordering::Relaxed) {
            shared.alive.fetch_sub(1, Ordering::AcqRel);
        } else {
            shared.finished.fetch_add(1, Ordering::Relaxed);
            heavy(next.0, next.1);
        }
    });
}

/// spawn_blocking knows no priorities: light and heavy share one queue.
pub fn mixed(numbers: &[u64]) -> Sample {
    let (lights, period, outstanding, steps) = (numbers[0], numbers[1], numbers[2], numbers[3]);
    let runtime = tokio_runtime();
    let shared = Arc::new(Heavies {
        steps,
        expected: churn(1, steps),
        stopping: AtomicBool::new(false),
        wrong: AtomicBool::new(false),
        finished: AtomicU64::new(0),
        alive: AtomicU64::new(outstanding),
    });
    for _ in 0..outstanding {
        heavy(shared.clone(), runtime.handle().clone());
    }
    std::thread::sleep(Duration::from_millis(100));
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let (begin, before) = (Instant::now(), shared.finished.load(Ordering::Relaxed));
    let mut handles = Vec::new();
    for index in 0..lights {
        let due = begin + Duration::from_nanos(index * period);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let latencies = latencies.clone();
        let submitted = Instant::now();
        handles.push(runtime.spawn_blocking(move || {
            let latency = submitted.elapsed().as_nanos() as u64;
            latencies.lock().expect("never poisoned").push(latency);
            index + 1
        }));
    }
    let rate = (shared.finished.load(Ordering::Relaxed) - before) as f64 / begin.elapsed().as_secs_f64();
    shared.stopping.store(true, Ordering::Relaxed);
    let mut total = 0;
    for handle in handles {
        total += runtime.block_on(handle).expect("no task fails");
    }
    while shared.alive.load(Ordering::Acquire) > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    if shared.wrong.load(Ordering::Relaxed) {
        total = 0;
    }
    let mut latencies = latencies.lock().expect("never poisoned").clone();
    latencies.sort_unstable();
    let longest = latencies.last().map_or(0.0, |&latency| latency as f64 / 1000.0);
    (total, vec![percentile(&latencies, 0.5), percentile(&latencies, 0.99), longest, rate])
}
