#![doc = include_str!("links.md")]
#![doc = include_str!("../../docs/README.md")]

/// Makes a page of each file in `docs/`.
///
/// The first definition of a link counts in Markdown. So the links of `links.md`, which lead to
/// pages of the documentation, stand before those of the file, which lead to its neighbors.
macro_rules! chapters {
    ($($(#[$pictures:meta])* $chapter:ident)+) => {
        $(
            #[doc = include_str!("links.md")]
            $(#[$pictures])*
            #[doc = include_str!(concat!("../../docs/", stringify!($chapter), ".md"))]
            pub mod $chapter {}
        )+
    };
}

chapters! {
    #[doc = include_str!("pictures/how_it_works.md")]
    how_it_works
    to_production
    mounting
    requests
    #[doc = include_str!("pictures/failures.md")]
    #[doc = include_str!("pictures/failures_2.md")]
    #[doc = include_str!("pictures/failures_3.md")]
    failures
    stores
    keys
    proxy
    customers
    phones
    browsers
    start_page
    javascript
    native
    privacy
    monitoring
    testing
    upgrading
    coming_from
    defaults
    security
    #[doc = include_str!("pictures/performance.md")]
    performance
}
