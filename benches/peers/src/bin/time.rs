//! Prints the time of one request of each case: `row,subject,wall_ns,cpu_ns`.

use telenor_auth_peers::{measure, provider, rows};
use tokio::runtime;

fn main() -> std::io::Result<()> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    // So few requests at once stay in the caches of a processor, as those of a server do.
    let (rounds, requests) = if is_quick { (51, 64) } else { (1_501, 64) };
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let rows = runtime.block_on(async {
        let provider = provider::start().await?;
        std::io::Result::Ok(rows::all(&provider).await)
    })?;
    let _guard = runtime.enter();
    println!("row,subject,wall_ns,cpu_ns");
    for mut row in rows {
        let times = measure::time(&mut row.cases, rounds, requests);
        for (case, time) in row.cases.iter().zip(times) {
            let (wall, cpu) = (time.wall, time.cpu);
            println!("{},{},{wall:.0},{cpu:.0}", row.name, case.subject);
        }
    }
    Ok(())
}
