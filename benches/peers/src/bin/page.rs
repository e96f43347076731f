//! Fills `docs/performance.md` and draws its charts: `page DOCS`.

use std::{env, fs, io, path::Path};

use telenor_auth_peers::report::{
    bars::{self, Bar, Group},
    figures::{self, Figure, added},
    growth::{self, CHARTS},
    machine, page, tables,
};

fn main() -> io::Result<()> {
    let docs = env::args().nth(1).unwrap_or_else(|| "docs".to_owned());
    let docs = Path::new(&docs);
    let folder = docs.join("performance");
    let read = |name| figures::read(&folder, name);
    let times = read("time.csv")?;
    let allocations = read("allocations.csv")?;
    let logins = read("logins.csv")?;
    let heap = read("heap.csv")?;
    let counts = read("instructions.csv")?;

    let requests = [
        ("memory", "signed in, session in memory"),
        ("cookie", "signed in, session in a sealed cookie"),
    ];
    let visitors = [
        ("public", "a visitor on a page that needs no login"),
        ("challenge", "a visitor is sent to the gateway"),
    ];
    let points = growth::read(&folder.join("growth.csv"))?;
    let blocks = [
        ("machine", machine::describe()),
        (
            "requests",
            tables::requests(&times, &allocations, &requests),
        ),
        (
            "visitors",
            tables::requests(&times, &allocations, &visitors),
        ),
        ("logins", tables::logins(&logins)),
        ("facts", tables::facts()),
        ("wire", tables::wire(&read("wire.csv")?)),
        ("growth", growth::table(&points)),
        ("instructions", tables::instructions(&counts, &heap)),
        ("misses", tables::misses(&counts)),
        ("session", tables::session(&heap)),
    ];
    for chart in CHARTS {
        if let Some(drawing) = chart.draw(&points) {
            fs::write(folder.join(chart.file), drawing)?;
        }
    }
    let path = docs.join("performance.md");
    let mut text = fs::read_to_string(&path)?;
    for (name, content) in blocks {
        text = page::replace(&text, name, &content)?;
    }
    fs::write(path, text)?;

    let chart = bars::draw(
        "What a login layer adds to a request",
        "Time that each layer adds to a request of a signed-in user. The table has the figures. A bar \
         with a gap is cut off.",
        &requests.map(|(row, title)| group(&times, row, title)),
    );
    fs::write(folder.join("requests.svg"), chart)?;
    let login = tables::second_values(&logins);
    let chart = bars::draw(
        "What a login costs",
        "Time of the 303 to the gateway, and processor time of a whole login, for each layer.",
        &[
            group(&times, "challenge", visitors[1].1),
            group(&login, "login", "a whole login"),
        ],
    );
    fs::write(folder.join("logins.svg"), chart)
}

fn group(figures: &[Figure], row: &str, title: &str) -> Group {
    let bars = added(figures, row).into_iter();
    let bars = bars.map(|(subject, time)| Bar {
        name: subject.to_owned(),
        value: time,
        label: tables::nanoseconds(time),
    });
    Group {
        name: format!("{title}: adds"),
        bars: bars.collect(),
    }
}
