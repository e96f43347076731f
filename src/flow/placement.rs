//! The place of the layer in an app, and whether a callback can reach it there.

use std::sync::Arc;
#[cfg(feature = "axum")]
use std::sync::{Mutex, Weak};

#[cfg(feature = "axum")]
use crate::sync::lock;

/// The place of the layer in an app.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// The path at which its router is nested, as the app set it. `None` without nesting: a service
    /// is cloned for each request, and then counts nothing here.
    nested_at: Option<Arc<str>>,
    /// Whether it is on the routes of a router, its own among them, or around a whole service.
    on_routes: bool,
}

/// Which router has the routes of a layer, of those that have a clone of it.
#[cfg(feature = "axum")]
#[derive(Default)]
pub(crate) struct RouteOwner(Mutex<Weak<()>>);

#[cfg(feature = "axum")]
impl RouteOwner {
    /// Returns a claim to the routes, unless another router holds it.
    pub(crate) fn claim(&self) -> Option<Arc<()>> {
        let mut owner = lock(&self.0);
        if owner.upgrade().is_some() {
            return None;
        }
        let claim = Arc::new(());
        *owner = Arc::downgrade(&claim);
        Some(claim)
    }

    pub(crate) fn is_claimed(&self) -> bool {
        lock(&self.0).strong_count() > 0
    }
}

impl Placement {
    pub(crate) fn wrapping(nested_at: &str) -> Self {
        Self {
            nested_at: (!nested_at.is_empty()).then(|| nested_at.into()),
            on_routes: false,
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn on_routes(self) -> Self {
        Self {
            on_routes: true,
            ..self
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn is_on_routes(&self) -> bool {
        self.on_routes
    }

    /// Returns a path of the app as the nested router sees it.
    #[cfg(feature = "axum")]
    pub(crate) fn inner<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.nested_at()).unwrap_or(path)
    }

    /// Empty without nesting.
    fn nested_at(&self) -> &str {
        self.nested_at.as_deref().unwrap_or_default()
    }

    /// Returns what is wrong with this place, if no other clone of the layer receives the callback.
    /// The path of the request was `original` before nesting made it `path`.
    pub(crate) fn check(&self, original: &str, path: &str, callback: &str) -> Option<String> {
        // Nesting makes "/" of its own root, where the original may have no slash at the end.
        let prefix = original
            .strip_suffix(path)
            .unwrap_or(original)
            .trim_end_matches('/');
        let below = callback.strip_prefix(prefix);
        if !prefix.is_empty() && !below.is_some_and(|rest| rest.starts_with('/')) {
            return Some(format!(
                "the layer is nested at {prefix:?}, where the callback {callback} never arrives: \
                 put it on the outer router, or register a redirect URI below {prefix:?}"
            ));
        }
        let nested_at = self.nested_at();
        (self.on_routes && nested_at != prefix).then(|| {
            format!(
                "the router is nested at {prefix:?}, but its routes were registered for \
                 {nested_at:?}: set nested_at({prefix:?}) on the builder of the layer"
            )
        })
    }
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::*;

    const CALLBACK: &str = "/app/telenor/callback";

    fn routed(nested_at: &str) -> Placement {
        Placement::wrapping(nested_at).on_routes()
    }

    #[test]
    fn place_without_nesting_is_fine() {
        let wrapped = Placement::wrapping("");
        assert_eq!(wrapped.check("/a/b", "/a/b", CALLBACK), None);
        assert_eq!(routed("").check("/a/b", "/a/b", CALLBACK), None);
        assert_eq!(routed("").check("/", "/", CALLBACK), None);
    }

    #[test]
    fn nest_that_holds_the_callback_is_fine() {
        let wrapped = Placement::wrapping("");
        assert_eq!(wrapped.check("/app/a", "/a", CALLBACK), None);
        assert_eq!(routed("/app").check("/app/a", "/a", CALLBACK), None);
        assert_eq!(routed("/app").check("/app", "/", CALLBACK), None);
        assert_eq!(routed("/app").check("/app/", "/", CALLBACK), None);
    }

    #[test]
    fn nest_away_from_the_callback_is_a_mistake() {
        let wrapped = Placement::wrapping("");
        assert!(wrapped.check("/other/a", "/a", CALLBACK).is_some());
        assert!(wrapped.check("/other", "/", CALLBACK).is_some());
        assert!(wrapped.check("/ap/a", "/a", CALLBACK).is_some());
    }

    #[test]
    fn routes_registered_for_another_place_are_a_mistake() {
        let mistake = routed("").check("/app/a", "/a", CALLBACK).unwrap();
        assert!(mistake.contains("nested_at(\"/app\")"), "{mistake}");
        assert!(
            routed("/app")
                .check("/app/telenor/a", "/a", CALLBACK)
                .is_some()
        );
    }
}
