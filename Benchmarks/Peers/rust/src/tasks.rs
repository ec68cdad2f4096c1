// SPDX-License-Identifier: Apache-2.0

//! W1 and W1b.

use crate::{churn, rayon_pool, timed, tokio_runtime, Sample};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc};

pub fn noops_rayon_scope(count: usize) -> Sample {
    let pool = rayon_pool();
    timed(count, || {
        let mut results = vec![0u64; count];
        pool.in_place_scope(|scope| {
            for (index, slot) in results.iter_mut().enumerate() {
                scope.spawn(move |_| *slot = index as u64 + 1);
            }
        });
        results.iter().sum()
    })
}

pub fn noops_rayon_spawn(count: usize) -> Sample {
    let pool = rayon_pool();
    timed(count, || {
        let results: Arc<Vec<AtomicU64>> = Arc::new((0..count).map(|_| AtomicU64::new(0)).collect());
        let left = Arc::new(AtomicUsize::new(count));
        let (done, finished) = mpsc::sync_channel(1);
        for index in 0..count {
            let (results, left, done) = (results.clone(), left.clone(), done.clone());
            pool.spawn(move || {
                results[index].store(index as u64 + 1, Ordering::Relaxed);
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    done.send(()).expect("the submitter waits");
                }
            });
        }
        finished.recv().expect("one task is the last");
        results.iter().map(|result| result.load(Ordering::Relaxed)).sum()
    })
}

pub fn noops_tokio_spawn(count: usize) -> Sample {
    let runtime = tokio_runtime();
    timed(count, || {
        let handles: Vec<_> = (0..count).map(|index| runtime.spawn(async move { index as u64 + 1 })).collect();
        runtime.block_on(async {
            let mut total = 0;
            for handle in handles {
                total += handle.await.expect("no task fails");
            }
            total
        })
    })
}

pub fn noops_tokio_blocking(count: usize) -> Sample {
    let runtime = tokio_runtime();
    timed(count, || {
        let handles: Vec<_> = (0..count).map(|index| runtime.spawn_blocking(move || index as u64 + 1)).collect();
        runtime.block_on(async {
            let mut total = 0;
            for handle in handles {
                total += handle.await.expect("no task fails");
            }
            total
        })
    })
}

pub fn batch(count: u64, steps: u64) -> Sample {
    let pool = rayon_pool();
    timed(count as usize, || {
        let results: Vec<u64> =
            pool.install(|| (0..count).into_par_iter().map(|index| churn(index, steps)).collect());
        // Each times its position, counted from 1: two that change places change the sum.
        results.iter().zip(1u64..).fold(0, |sum, (result, weight)| sum.wrapping_add(result.wrapping_mul(weight)))
    })
}
