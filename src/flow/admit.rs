//! Decides on a request to the app: it is forwarded with its user, or without one where that is
//! allowed, or it gets a response.

use std::sync::Arc;

use axum_core::body::Body;
use http::{Request, Response, header};

use super::{Flow, Refusal, placement::Placement, refresh::Freshness};
use crate::{
    boxed::BoxFuture,
    browser::{msisdn_headers, request::RequestInfo, request_kind::RequestKind},
    clock::system_time,
    detached, response,
    session::{SessionToken, erased::Loaded},
    session_refusal::SessionRefusal,
    user::{CurrentSession, Identity, RefreshOutcome, TelenorUser, Visitor},
};

/// The decision on a request.
pub(crate) enum Admission {
    /// It goes on to the app, whose response is finished by this.
    Forward(OnResponse),
    Respond(Response<Body>),
    /// It waits for another access token.
    Refresh(CurrentSession),
    /// It waits for a store that may lag.
    LookAgain(SessionToken),
}

/// What the store returned for a session token.
pub(crate) struct Answer {
    pub loaded: Loaded,
    pub look: Look,
}

/// Which answer of the store it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The store had it at hand.
    AtHand,
    First,
    Again,
}

/// What the app's response still needs.
pub(crate) enum OnResponse {
    User,
    /// The session was not used for a while, and the store has to know.
    Touch(Box<SessionTouch>),
    Anonymous,
}

/// A use of a session, to be written when its request has a response.
pub(crate) struct SessionTouch {
    flow: Arc<Flow>,
    current: CurrentSession,
    now: u64,
}

impl Flow {
    /// Decides on a request with a session cookie, by what the store returned for it.
    pub(crate) fn admit<B>(
        self: &Arc<Self>,
        placement: &Placement,
        request: &mut Request<B>,
        info: RequestInfo,
        token: SessionToken,
        answer: Answer,
        now: u64,
    ) -> Admission {
        let session = match self.judge(&token, answer.loaded, now) {
            Ok(Ok(session)) => session,
            Ok(Err(refusal)) => {
                if self.is_worth_another_look(answer.look, refusal)
                    && self.has_just_logged_in(&info)
                {
                    return Admission::LookAgain(token);
                }
                return self.admit_anonymous(placement, request, info, refusal);
            }
            Err(error) => return Admission::Respond(self.store_failed(&info, &error)),
        };
        // Before the token is refreshed for it, and after the session is known to be good: without
        // one it has nothing of the user's, and gets the response of any anonymous request.
        if let Some(foreign) = self.cross_origin(&info, request.method(), request.headers()) {
            return Admission::Respond(self.refuse_of_other_origin(&info, &foreign));
        }
        let current = CurrentSession {
            token,
            session,
            seen_at: now,
        };
        match self.freshness(&current.session, now) {
            Freshness::Fresh => {}
            Freshness::Expiring => self.start_refresh(&current),
            Freshness::Expired => return Admission::Refresh(current),
        }
        self.admit_user(request, info, current, now)
    }

    /// Decides on a request whose access token had expired.
    pub(crate) fn admit_refreshed<B>(
        self: &Arc<Self>,
        placement: &Placement,
        request: &mut Request<B>,
        token: SessionToken,
        outcome: RefreshOutcome,
        now: u64,
    ) -> Admission {
        let info = RequestInfo::of_request(request);
        match outcome {
            RefreshOutcome::Refreshed(session) => {
                let current = CurrentSession {
                    token,
                    session,
                    seen_at: now,
                };
                self.admit_user(request, info, current, now)
            }
            RefreshOutcome::Ended => {
                self.admit_anonymous(placement, request, info, SessionRefusal::TokenExpired)
            }
            RefreshOutcome::Unavailable(cause) => {
                Admission::Respond(self.refuse(&info, Refusal::because(cause)))
            }
        }
    }

    /// Decides on a request without a session.
    pub(crate) fn admit_anonymous<B>(
        self: &Arc<Self>,
        placement: &Placement,
        request: &mut Request<B>,
        info: RequestInfo,
        refusal: SessionRefusal,
    ) -> Admission {
        self.session_refused(refusal);
        let paths = &self.config.paths;
        let (path, callback) = (request.uri().path(), paths.received(&paths.callback));
        if let Some(mistake) = placement.check(info.uri.path(), path, callback)
            && !self.is_mounted_elsewhere(placement)
        {
            self.notices.misplaced(&mistake);
        }
        if info.uri.query().is_some()
            && let Some(response) = self.stray(&info)
        {
            return Admission::Respond(response);
        }
        if let Some(outer) = request.extensions().get() {
            self.notice_second_layer(outer);
        }
        if !self.config.optional {
            return Admission::Respond(self.challenge(&info.refused(refusal)));
        }
        if info.claims_number {
            msisdn_headers::remove(request.headers_mut());
        }
        let visitor = Visitor {
            backend: Arc::clone(self) as _,
            cross_origin: self.cross_origin(&info, request.method(), request.headers()),
            info: info.refused(refusal),
        };
        self.insert_identity(request, Identity::Visitor(Arc::new(visitor)));
        Admission::Forward(OnResponse::Anonymous)
    }

    /// Inlined, so that the facts of the request are not copied once more.
    #[inline(always)]
    fn admit_user<B>(
        self: &Arc<Self>,
        request: &mut Request<B>,
        info: RequestInfo,
        current: CurrentSession,
        now: u64,
    ) -> Admission {
        let touch = self.touch_if_due(&current, now);
        if info.claims_number {
            msisdn_headers::remove(request.headers_mut());
        }
        let user = TelenorUser::new(current, Arc::clone(self) as _, info);
        self.insert_identity(request, Identity::User(user));
        Admission::Forward(touch.map_or(OnResponse::User, OnResponse::Touch))
    }

    fn insert_identity<B>(self: &Arc<Self>, request: &mut Request<B>, identity: Identity) {
        if let Some(outer) = request.extensions_mut().insert(identity) {
            self.notice_second_layer(&outer);
        }
    }

    /// The response to a request for one of the layer's routes that arrived at another path.
    fn stray(&self, info: &RequestInfo) -> Option<Response<Body>> {
        // What is loaded ahead of the user has no effect.
        if info.kind == RequestKind::Prefetch {
            return None;
        }
        let callback = self.stray_callback(info);
        callback.or_else(|| self.stray_start_page(info))
    }

    /// Whether another router surely has the layer's own routes.
    #[cfg(feature = "axum")]
    fn is_mounted_elsewhere(&self, placement: &Placement) -> bool {
        !placement.is_on_routes() && self.route_owner.is_claimed()
    }

    #[cfg(not(feature = "axum"))]
    fn is_mounted_elsewhere(&self, _: &Placement) -> bool {
        false
    }

    fn notice_second_layer(self: &Arc<Self>, outer: &Identity) {
        if !std::ptr::addr_eq(Arc::as_ptr(self), Arc::as_ptr(outer.backend())) {
            self.notices.second_layer();
        }
    }

    /// With an idle timeout, a use is written once in each tenth of it.
    fn touch_if_due(
        self: &Arc<Self>,
        current: &CurrentSession,
        now: u64,
    ) -> Option<Box<SessionTouch>> {
        let idle = self.config.idle_timeout?;
        let due = current.session.is_idle(now, (idle / 10).max(1));
        due.then(|| {
            Box::new(SessionTouch {
                flow: Arc::clone(self),
                current: current.clone(),
                now,
            })
        })
    }
}

impl OnResponse {
    pub(crate) fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }

    /// Marks the app's response, so that no cache hands it to another visitor, and writes the use
    /// of the session.
    pub(crate) fn finish_response(self, response: &mut Response<Body>) {
        match self {
            Self::User => response::keep_private(response.headers_mut()),
            Self::Touch(touch) => {
                response::keep_private(response.headers_mut());
                touch.write(response);
            }
            Self::Anonymous => response::vary_by_cookie(response.headers_mut()),
        }
    }
}

impl SessionTouch {
    /// Written now and not before the handler ran: a session that ended in the meantime does not
    /// come back.
    fn write(self, response: &mut Response<Body>) {
        if self.flow.store.has_stable_token() {
            // A store in this process is done at once. The response waits for no other.
            detached::now_or_spawn(Box::pin(async move {
                self.update().await;
            }));
        } else if response::is_cookie_safe(response) {
            self.write_to_cookie(response);
        }
    }

    /// Where it is not known at once whether the session goes on, the next request writes its use.
    fn write_to_cookie(self, response: &mut Response<Body>) {
        let flow = Arc::clone(&self.flow);
        let seconds = self.current.session.seconds_left(self.now);
        let mut update: BoxFuture<'static, _> = Box::pin(self.update());
        if let Some(Some(token)) = detached::now(&mut update) {
            response::forbid_caching(response.headers_mut());
            let names = &flow.names;
            let cookie = names.set(&names.session, token.secret(), seconds);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    async fn update(self) -> Option<SessionToken> {
        let Self { flow, current, now } = self;
        let now = system_time(now);
        let touched = current.session.touched_at(now);
        let updated = flow.store.update(&current.token, touched, now).await;
        updated.unwrap_or_else(|error| {
            flow.events.store_failed(&error);
            None
        })
    }
}
