//! Prints what one request of each case allocates: `row,subject,allocations,bytes`.
//!
//! The rows `session` are what a session in memory holds, in a store of so many: it has a token of
//! 28 characters, and no data of the app.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use telenor_auth_benches::{
    cases::{REQUESTS, ROWS, filled},
    token_endpoint,
};

fn main() {
    if std::env::args().nth(1).as_deref() == Some(token_endpoint::ARGUMENT) {
        return token_endpoint::serve();
    }
    println!("row,subject,allocations,bytes");
    for row in ROWS {
        for (subject, case) in row.subjects {
            let mut case = case();
            let counted = allocation_counter::measure(|| case.run());
            let part = |total: u64| total as f64 / REQUESTS as f64;
            let (count, bytes) = (part(counted.count_total), part(counted.bytes_total));
            println!("{},{subject},{count:.1},{bytes:.0}", row.name);
        }
    }
    for sessions in [10_000, 100_000, 1_000_000] {
        let mut store = None;
        let counted = allocation_counter::measure(|| store = Some(filled(sessions)));
        let part = |total: i64| total as f64 / sessions as f64;
        let (count, bytes) = (part(counted.count_current), part(counted.bytes_current));
        println!("session,{sessions},{count:.1},{bytes:.1}");
    }
}
