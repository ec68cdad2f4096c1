// SPDX-License-Identifier: Apache-2.0

//! The Rust contenders: `rust-peer WORKLOAD CONTENDER NUMBER…` warms up, measures once, prints the checksum and the
//! metrics.

mod latency;
mod states;
mod tasks;

use std::time::Instant;

/// What a contender gives: the checksum and one value for each of the workload's metrics.
pub type Sample = (u64, Vec<f64>);

/// CPUs that the process may use.
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}

/// A rayon pool of one thread a CPU.
pub fn rayon_pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(cpus()).build().expect("rayon pool")
}

/// A tokio runtime of one worker a CPU, and as many blocking threads.
pub fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cpus())
        .max_blocking_threads(cpus())
        .enable_time()
        .build()
        .expect("tokio runtime")
}

/// Does the work twice and times the second: nanoseconds an item.
pub fn timed(items: usize, mut work: impl FnMut() -> u64) -> Sample {
    work();
    let begin = Instant::now();
    let checksum = work();
    (checksum, vec![begin.elapsed().as_nanos() as f64 / items as f64])
}

/// The same loop as in every other language: each multiplication waits for the one before it.
pub fn churn(seed: u64, steps: u64) -> u64 {
    let mut x = seed;
    for _ in 0..steps {
        x = (x ^ (x >> 29)).wrapping_mul(0xBF58476D1CE4E5B9).wrapping_add(1);
    }
    x
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() < 2 {
        fail("usage: rust-peer WORKLOAD CONTENDER NUMBER…");
    }
    let numbers: Vec<u64> = arguments[2..]
        .iter()
        .map(|text| text.parse().unwrap_or_else(|_| fail(&format!("not a number: {text}"))))
        .collect();
    let (checksum, values) = match (arguments[0].as_str(), arguments[1].as_str()) {
        ("w1", "rayon-scope") => tasks::noops_rayon_scope(numbers[0] as usize),
        ("w1", "rayon-spawn") => tasks::noops_rayon_spawn(numbers[0] as usize),
        ("w1", "tokio-spawn") => tasks::noops_tokio_spawn(numbers[0] as usize),
        ("w1", "tokio-blocking") => tasks::noops_tokio_blocking(numbers[0] as usize),
        ("w1b", "par-iter") => tasks::batch(numbers[0], numbers[1]),
        ("w2", "tokio-blocking") => latency::round_trips_tokio(numbers[0] as usize, numbers[1]),
        ("w2", "rayon-spawn") => latency::round_trips_rayon(numbers[0] as usize, numbers[1]),
        ("w4", "tokio-blocking") => latency::mixed(&numbers),
        ("w5", "rayon-scope") => states::updates(&numbers),
        ("leads", "rayon-scope") => states::leads(&numbers),
        (workload, contender) => fail(&format!("unknown contender: {workload} {contender}")),
    };
    print!("{checksum}");
    for value in values {
        print!(" {value}");
    }
    println!();
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(2);
}
