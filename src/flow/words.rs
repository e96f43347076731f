//! The app's own words on the pages: what a login is for, and the way to go on without one, in
//! general and for a place of the app.

use percent_encoding::percent_decode_str;

use crate::browser::{language::Language, return_to::ReturnTo};

/// What the app says of its logins. Of several places, the one with the longest path counts.
#[derive(Default)]
pub(crate) struct Words {
    purposes: Vec<(Place, (Language, String))>,
    ways_out: Vec<(Place, ReturnTo)>,
}

/// A path of the app as browsers see it, and what lies below that path.
///
/// It is kept by decoded segments, so that all spellings of a path are one place.
#[derive(Default)]
pub(crate) struct Place(Vec<Vec<u8>>);

impl Place {
    /// The place of a path without dot segments. A slash at its end makes no difference.
    pub(crate) fn below(path: &str) -> Self {
        let segments = path.trim_end_matches('/').split('/').skip(1);
        Self(
            segments
                .map(|segment| percent_decode_str(segment).collect())
                .collect(),
        )
    }

    pub(crate) fn everywhere() -> Self {
        Self::default()
    }

    fn covers(&self, path: &str) -> bool {
        let mut segments = path.split('/').skip(1);
        let mut is_next = |own: &Vec<u8>| {
            let segment = segments.next().map(percent_decode_str);
            segment.is_some_and(|segment| segment.eq(own.iter().copied()))
        };
        self.0.iter().all(&mut is_next)
    }
}

impl Words {
    pub(crate) fn add_purpose(&mut self, place: Place, language: Language, purpose: String) {
        self.purposes.push((place, (language, purpose)));
    }

    pub(crate) fn add_way_out(&mut self, place: Place, way_out: ReturnTo) {
        self.ways_out.push((place, way_out));
    }

    /// What a login is for at this path.
    pub(crate) fn purpose(&self, language: Language, path: &str) -> Option<&str> {
        let known = |(known, _): &(Language, String)| *known == language;
        let (_, purpose) = closest(&self.purposes, path, known)?;
        Some(purpose)
    }

    /// Where a user goes on without a login from this path.
    pub(crate) fn way_out(&self, path: &str) -> Option<&ReturnTo> {
        closest(&self.ways_out, path, |_| true)
    }

    /// The beginning of an address that decides which words it has. Empty where the general ones
    /// are all.
    pub(crate) fn place_of<'p>(&self, target: &'p str) -> &'p str {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let purposes = self.purposes.iter().map(|(place, _)| place);
        let places = purposes.chain(self.ways_out.iter().map(|(place, _)| place));
        let covering = places.filter(|place| place.covers(path));
        let depth = covering
            .map(|place| place.0.len())
            .max()
            .unwrap_or_default();
        if depth == 0 {
            return "";
        }
        // A path begins with a slash.
        let end = path.match_indices('/').nth(depth);
        &path[..end.map_or(path.len(), |(end, _)| end)]
    }

    pub(crate) fn ways_out(&self) -> impl Iterator<Item = &ReturnTo> {
        self.ways_out.iter().map(|(_, way_out)| way_out)
    }
}

/// The value of the longest place that covers a path, and the last of those that are as long.
fn closest<'w, T>(
    values: &'w [(Place, T)],
    path: &str,
    is_wanted: impl Fn(&T) -> bool,
) -> Option<&'w T> {
    let values = values.iter().filter(|(_, value)| is_wanted(value));
    let covering = values.filter(|(place, _)| place.covers(path));
    let closest = covering.max_by_key(|(place, _)| place.0.len());
    closest.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn place_of(path: &str) -> Place {
        Place::below(target(path).path())
    }

    fn target(path: &str) -> ReturnTo {
        let origin = Url::parse("https://shop.example/").unwrap();
        ReturnTo::parse(path, &origin).unwrap()
    }

    #[test]
    fn place_covers_its_path_and_what_lies_below_it_by_segments() {
        for (place, covered, other) in [
            (
                "/checkout",
                &["/checkout", "/checkout/", "/checkout/x/y", "/checkout?a=/b"][..],
                &["/checkout-old", "/checkou", "/", "/x/checkout", "/Checkout"][..],
            ),
            ("/", &["/", "/a", "/a/b"], &[]),
            ("/a/b/", &["/a/b", "/a/b/c"], &["/a", "/a/bc", "/a/c/b"]),
        ] {
            for path in covered {
                let path = target(path);
                assert!(place_of(place).covers(path.path()), "{place} {path:?}");
            }
            for path in other {
                let path = target(path);
                assert!(!place_of(place).covers(path.path()), "{place} {path:?}");
            }
        }
    }

    #[test]
    fn all_spellings_of_a_path_are_one_place() {
        let spellings = [
            "/kasse/rød",
            "/kasse/r%C3%B8d",
            "/kasse/r%c3%b8d",
            "/%6basse/r%C3%B8d/",
            "/x/../kasse/./rød#del",
            "/kasse/rød?x=/../y",
            "/x/%2e%2e/kasse/rød",
        ];
        for place in &spellings[..6] {
            let place = place.split(['?', '#']).next().unwrap();
            for path in spellings {
                assert!(
                    place_of(place).covers(target(path).path()),
                    "{place} {path}"
                );
            }
        }
        let other = target("/kasse%2Frød");
        assert!(!place_of("/kasse").covers(other.path()), "no separator");
    }

    #[test]
    fn place_of_an_address_has_the_same_words() {
        let mut words = Words::default();
        assert_eq!(words.place_of("/a/b?c"), "");
        words.add_purpose(Place::everywhere(), Language::Bokmal, "general".to_owned());
        words.add_purpose(place_of("/a"), Language::Bokmal, "short".to_owned());
        words.add_way_out(place_of("/a/b"), target("/form"));
        for (address, place) in [
            ("/", ""),
            ("/x/a/b", ""),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a/c/d?e=/f", "/a"),
            ("/a/%62/d/e#f", "/a/%62"),
            ("/a/b?c", "/a/b"),
        ] {
            assert_eq!(words.place_of(address), place, "{address}");
        }
    }

    #[test]
    fn longest_place_counts_and_each_word_falls_back_by_itself() {
        let mut words = Words::default();
        let purposes = [
            (Place::everywhere(), Language::Bokmal, "general"),
            (Place::everywhere(), Language::English, "general en"),
            (place_of("/a/b/c"), Language::Bokmal, "long"),
            (place_of("/a"), Language::Bokmal, "short"),
            (place_of("/a"), Language::English, "short en"),
            (place_of("/"), Language::English, "root en"),
            (place_of("/a/"), Language::Bokmal, "short, set again"),
        ];
        for (place, language, purpose) in purposes {
            words.add_purpose(place, language, purpose.to_owned());
        }
        words.add_way_out(place_of("/a/b"), target("/form"));
        for (path, bokmal, english, way_out) in [
            ("/", "general", "root en", None),
            ("/a", "short, set again", "short en", None),
            ("/a/b", "short, set again", "short en", Some("/form")),
            ("/a/b/c/d", "long", "short en", Some("/form")),
        ] {
            assert_eq!(
                words.purpose(Language::Bokmal, path),
                Some(bokmal),
                "{path}"
            );
            assert_eq!(
                words.purpose(Language::English, path),
                Some(english),
                "{path}"
            );
            assert_eq!(words.purpose(Language::Nynorsk, path), None, "{path}");
            assert_eq!(words.way_out(path).map(ReturnTo::as_str), way_out, "{path}");
        }
    }
}
