//! Runs one model in many orders of its events.

use std::{
    io::{Write, stdout},
    panic::catch_unwind,
    time::Instant,
};

use shuttle::{
    Config, MaxSteps, Runner,
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler},
};

/// A few threads of the library, and the rule that holds in every order of their events.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    pub name: &'static str,
    pub search: Search,
    pub run: fn(),
}

#[derive(Clone, Copy)]
pub(crate) enum Search {
    /// All orders, for a model that is small enough.
    Every,
    /// As many orders, half of them chosen at each step, half with few changes between the threads,
    /// which finds more of what needs a certain change (Burckhardt and others, "A Randomized
    /// Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
    Some(usize),
}

/// A step is what runs between two places where another thread may go on. No model needs as many:
/// one that does never ends.
const MAX_STEPS: usize = 20_000;
/// Changes between threads: most bugs need two or three.
const CHANGES: usize = 3;
/// The orders of a quick run.
const QUICK: usize = 2_000;

impl Model {
    /// Returns whether the rule holds.
    pub(crate) fn explore(&self, quick: bool) -> bool {
        print!("{:55} ", self.name);
        let _ = stdout().flush();
        let started = Instant::now();
        let search = if quick {
            Search::Some(QUICK)
        } else {
            self.search
        };
        let orders = catch_unwind(|| match search {
            Search::Every => format!("all {}", self.under(DfsScheduler::new(None, false))),
            Search::Some(orders) => {
                let random = self.under(RandomScheduler::new(orders / 2));
                let few_changes = self.under(PctScheduler::new(CHANGES, orders / 2));
                format!("{}", random + few_changes)
            }
        });
        match &orders {
            Ok(orders) => println!("{orders} orders, {:.1} s", started.elapsed().as_secs_f32()),
            Err(_) => {
                tokio::runtime::abandon();
                println!("FAILED");
            }
        }
        orders.is_ok()
    }

    pub(crate) fn replay(&self, schedule: &str) {
        match schedule.parse() {
            Ok(seed) => self.under(RandomScheduler::new_from_seed(seed, 1)),
            Err(_) => self.under(ReplayScheduler::new_from_encoded(schedule)),
        };
    }

    fn under(&self, scheduler: impl Scheduler + 'static) -> usize {
        let mut config = Config::new();
        // The library seals on the stack, without optimization.
        config.stack_size = 1 << 18;
        config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
        config.silence_warnings = true;
        let run = self.run;
        Runner::new(scheduler, config).run(move || {
            tokio::runtime::reset();
            rand::reset();
            run();
            // While the scheduler still knows the tasks that sleep.
            tokio::runtime::reset();
        })
    }
}
