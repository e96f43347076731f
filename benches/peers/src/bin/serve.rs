//! Serves one case on a free port: `serve ROW SUBJECT` prints the port, and then the cookie.
//! `serve provider` serves the provider instead, and prints its base URL.

use std::{env, future, io, net::SocketAddr};

use axum::serve::ListenerExt;
use telenor_auth_peers::{provider, rows};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let provider = provider::start().await?;
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [row, subject] = arguments.as_slice() else {
        println!("{provider}");
        return future::pending().await;
    };
    let case = rows::one(&provider, row, subject).await;
    let case = case.unwrap_or_else(|| panic!("no {subject} in the row {row}"));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?.port());
    println!("{}", case.session);
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, case.app).await
}
