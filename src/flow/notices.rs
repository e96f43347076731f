//! What is logged once: mountings and settings that cannot work, as far as requests show it.
//!
//! Each would repeat with every visitor, and most cannot be known before the first one.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// After so many logins without any callback, the callback probably does not arrive here. Some
/// visitors change their mind at Telenor.
const LOGINS_WITHOUT_CALLBACK: u32 = 3;

/// What one layer has seen, and what it has said about it.
#[derive(Default)]
pub(crate) struct Notices {
    logins: AtomicU32,
    callback_arrived: AtomicBool,
    misplaced: AtomicBool,
    foreign_host: AtomicBool,
    second_layer: AtomicBool,
    foreign_cookie: AtomicBool,
    other_app: AtomicBool,
    stray_start_page: AtomicBool,
    guarded_way_out: AtomicBool,
    guarded_home: AtomicBool,
}

impl Notices {
    /// Counts a login that starts now.
    pub(super) fn login_started(&self, callback: &str) {
        if self.callback_arrived.load(Ordering::Relaxed) {
            return;
        }
        let logins = self.logins.fetch_add(1, Ordering::Relaxed) + 1;
        if logins != LOGINS_WITHOUT_CALLBACK {
            return;
        }
        tracing::warn!(
            logins,
            callback,
            "logins have started, and no callback has arrived at this process yet. If that goes \
             on, no user can log in: let requests to the callback's path reach this layer. Check \
             the table \"Where to put the layer\" of the manual (docs/mounting.md), and that the \
             proxy passes this path on unchanged (stripped_prefix is for a proxy that takes a \
             prefix away)"
        );
    }

    /// Notes that a callback can arrive.
    pub(super) fn callback_arrived(&self) {
        self.callback_arrived.store(true, Ordering::Relaxed);
    }

    /// A login starts at a place that no callback reaches. Another clone of the layer may receive
    /// it.
    pub(super) fn misplaced(&self, mistake: &str) {
        if !self.callback_arrived.load(Ordering::Relaxed) && first(&self.misplaced) {
            tracing::warn!(
                "{mistake}. This does not matter if another clone of the layer receives the callback"
            );
        }
    }

    /// A login starts on another host than the redirect URI's.
    pub(super) fn foreign_host(&self, host: &str, registered: &str) {
        if first(&self.foreign_host) {
            tracing::warn!(
                host,
                registered,
                "a request names another host than the redirect URI's. If browsers are at that \
                 host, they come back without their cookie: redirect them to the registered host \
                 before they reach this layer. If the proxy names its own, let it pass the \
                 browser's Host header on"
            );
        }
    }

    /// Another layer has admitted this request already.
    pub(super) fn second_layer(&self) {
        if first(&self.second_layer) {
            tracing::warn!(
                "two layers that were built apart are around the same route: one receives the \
                 callbacks of both, and cookies of one name end each other's logins. Use one layer, \
                 and clones of it"
            );
        }
    }

    /// A cookie of this name was sealed by another app, or under keys that are gone.
    pub(super) fn foreign_cookie(&self, name: &str) {
        if first(&self.foreign_cookie) {
            tracing::warn!(
                cookie = name,
                "a cookie with this layer's name cannot be opened: another app on this host uses \
                 the same name, or the cookie keys have changed. Two apps on one host need two \
                 names (cookie_name), or each ends the logins of the other"
            );
        }
    }

    /// A session cookie is of an app that shares the store.
    pub(super) fn other_app(&self, name: &str) {
        if first(&self.other_app) {
            tracing::warn!(
                cookie = name,
                "a session cookie names a session of another app, with another client, gateway or \
                 redirect URI: a login at one ends the other's. Give each app on this host a \
                 `cookie_name` of its own"
            );
        }
    }

    /// The start page was asked for at another path than its own.
    pub(super) fn stray_start_page(&self, arrived_at: &str, expected: &str) {
        if first(&self.stray_start_page) {
            tracing::error!(
                arrived_at,
                expected,
                "the start page was asked for at another path: what is in front of the app changes \
                 the path. Let it pass the path on unchanged, or set stripped_prefix to what it \
                 takes away"
            );
        }
    }

    /// A page that works without a login is behind this layer.
    pub(super) fn guarded_way_out(&self, path: &str) {
        if first(&self.guarded_way_out) {
            tracing::warn!(
                path,
                "continue_without, or continue_without_at, leads to a page that this layer guards, so \
                 it leads to a login: add its route after the layer, or let it be optional"
            );
        }
    }

    /// The home that the app has set is behind this layer.
    pub(super) fn guarded_home(&self, path: &str) {
        if first(&self.guarded_home) {
            tracing::warn!(
                path,
                "home leads to a page that this layer guards, so it leads to a login. If visitors \
                 without a login should reach it, set home to a public page, or add its route \
                 after the layer"
            );
        }
    }
}

fn first(said: &AtomicBool) -> bool {
    !said.swap(true, Ordering::Relaxed)
}
