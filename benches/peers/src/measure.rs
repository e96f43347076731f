//! Measures in turn: in each round every case once, so that what else the machine does hits all.

use std::{hint::black_box, time::Instant};

use rustix::time::{ClockId, clock_gettime};
use telenor_auth_benches::send;

use crate::case::Case;

/// The medians of a case, in nanoseconds for one request.
pub struct Time {
    pub wall: f64,
    /// Of the thread that served.
    pub cpu: f64,
}

/// Times the cases.
pub fn time(cases: &mut [Case], rounds: usize, requests: usize) -> Vec<Time> {
    let mut walls = vec![Vec::with_capacity(rounds); cases.len()];
    let mut cpus = walls.clone();
    for round in 0..=rounds {
        for (at, case) in cases.iter_mut().enumerate() {
            let batch: Vec<_> = (0..requests).map(|_| case.request()).collect();
            let (cpu, wall) = (thread_cpu(), Instant::now());
            for request in black_box(batch) {
                send(&mut case.app, request);
            }
            let (wall, cpu) = (wall.elapsed().as_nanos() as f64, thread_cpu() - cpu);
            // The first round warms up.
            if round > 0 {
                walls[at].push(wall / requests as f64);
                cpus[at].push(cpu / requests as f64);
            }
        }
    }
    let pairs = walls.iter_mut().zip(&mut cpus);
    pairs
        .map(|(wall, cpu)| Time {
            wall: median(wall),
            cpu: median(cpu),
        })
        .collect()
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds that this thread has had a processor.
fn thread_cpu() -> f64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// Nanoseconds that all threads of this process have had a processor.
#[must_use]
pub fn process_cpu() -> f64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn nanoseconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
