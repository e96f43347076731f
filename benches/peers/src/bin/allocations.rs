//! Prints what one request of each case allocates: `row,subject,allocations,bytes`.
//!
//! A program of its own: to count costs time.

use telenor_auth_benches::send;
use telenor_auth_peers::{provider, rows};
use tokio::runtime;

const REQUESTS: usize = 64;

fn main() -> std::io::Result<()> {
    let runtime = runtime::Runtime::new()?;
    let rows = runtime.block_on(async {
        let provider = provider::start().await?;
        std::io::Result::Ok(rows::all(&provider).await)
    })?;
    let _guard = runtime.enter();
    println!("row,subject,allocations,bytes");
    for row in rows {
        for mut case in row.cases {
            let requests: Vec<_> = (0..REQUESTS).map(|_| case.request()).collect();
            let counted = allocation_counter::measure(|| {
                for request in requests {
                    send(&mut case.app, request);
                }
            });
            let allocations = counted.count_total as f64 / REQUESTS as f64;
            let bytes = counted.bytes_total as f64 / REQUESTS as f64;
            println!("{},{},{allocations:.1},{bytes:.0}", row.name, case.subject);
        }
    }
    Ok(())
}
