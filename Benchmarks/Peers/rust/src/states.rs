// SPDX-License-Identifier: Apache-2.0

//! W5 and leads.

use crate::{rayon_pool, Sample};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Instant;

/// Adds `value` to the first word of every cache line.
fn update(state: &mut [u64], value: u64) {
    for word in state.iter_mut().step_by(8) {
        *word = word.wrapping_add(value);
    }
}

fn sum_of_lines(state: &[u64]) -> u64 {
    state.iter().step_by(8).fold(0, |sum, word| sum.wrapping_add(*word))
}

/// W5: a task an update in a scope, a mutex a state.
pub fn updates(numbers: &[u64]) -> Sample {
    let (states, words, count) = (numbers[0] as usize, numbers[1] as usize, numbers[2] as usize);
    let pool = rayon_pool();
    let memory: Vec<Mutex<Vec<u64>>> = (0..states).map(|_| Mutex::new(vec![0; words])).collect();
    let work = |count: usize| {
        pool.in_place_scope(|scope| {
            for index in 0..count {
                let state = &memory[index % states];
                scope.spawn(move |_| update(&mut state.lock().expect("never poisoned"), index as u64 + 1));
            }
        });
    };
    work(count / 4);
    memory.iter().for_each(|state| state.lock().expect("never poisoned").fill(0));
    let begin = Instant::now();
    work(count);
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    let sum = memory
        .iter()
        .fold(0u64, |sum, state| sum.wrapping_add(sum_of_lines(&state.lock().expect("never poisoned"))));
    (sum, vec![rate])
}

/// Leads: a scope of leads, each with a scope of children.
pub fn leads(numbers: &[u64]) -> Sample {
    let (sets, words, rounds, children) = (numbers[0] as usize, numbers[1] as usize, numbers[2], numbers[3]);
    let pool = rayon_pool();
    let mut memory = vec![0u64; sets * words];
    let work = |memory: &mut [u64], rounds: u64| {
        let total = AtomicU64::new(0);
        for round in 0..rounds {
            pool.in_place_scope(|leads| {
                for working in memory.chunks_mut(words) {
                    let total = &total;
                    leads.spawn(move |_| {
                        update(working, round + 1);
                        let working = &*working;
                        rayon::scope(|scope| {
                            for child in 0..children {
                                scope.spawn(move |_| {
                                    total.fetch_add(sum_of_lines(working).wrapping_add(child), Ordering::Relaxed);
                                });
                            }
                        });
                    });
                }
            });
        }
        total.into_inner()
    };
    work(&mut memory, rounds / 4 + 1);
    memory.fill(0);
    let begin = Instant::now();
    let checksum = work(&mut memory, rounds);
    (checksum, vec![sets as f64 * rounds as f64 / begin.elapsed().as_secs_f64()])
}
