//! Asks the app whether it accepts a login, between the token and the session.

use std::{
    future::pending,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use axum_core::body::Body;
use http::{Request, Response, Uri};
use tokio::{runtime::Handle, time::timeout};
use tracing::Instrument;

use super::{Flow, Refusal, login_outcome::AppWords};
use crate::{
    access_token::AccessToken,
    boxed::BoxFuture,
    browser::{pending_login::PendingLogin, request::RequestInfo},
    failure::FailureCause,
    gateway::error::TransportError,
    session::{Session, SessionId, SessionToken},
    user::{
        CurrentSession, LoginOptions, NewLogin, RefreshOutcome, TelenorUser, Unconfirmed,
        UserBackend, UserInfoCache,
    },
};

/// In characters. Other instances get the words by way of the store.
const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 2000;

/// Why a login has no session: the cause, the app's own words for it, and details for the log.
pub(super) struct NotAccepted {
    pub cause: FailureCause,
    pub words: Option<AppWords>,
    pub detail: String,
}

impl NotAccepted {
    fn failed(detail: &str) -> Self {
        Self {
            cause: FailureCause::LoginHookFailed,
            words: None,
            detail: detail.to_owned(),
        }
    }
}

impl Flow {
    /// The session with what the app has added to it. Without a hook, the app accepts every login.
    ///
    /// The hook runs in a task of its own, so that a panic ends this login and nothing else.
    pub(super) async fn ask_app(
        self: &Arc<Self>,
        info: &RequestInfo,
        login: &PendingLogin,
        session: Session,
    ) -> Result<Session, NotAccepted> {
        let Some(hook) = self.on_login.clone() else {
            return Ok(session);
        };
        let current = CurrentSession {
            // The session has no token yet, and this one opens nothing.
            token: SessionToken::random(),
            session: session.clone(),
            seen_at: 0,
        };
        let backend = Arc::new(BeforeSession(Arc::clone(self)));
        let user = TelenorUser::new(current, backend, info.clone());
        let new = NewLogin::new(user, login.return_to());
        let asked = async move { hook.ask(new).await };
        let mut asked = Handle::current().spawn(asked.in_current_span());
        let limit = self.deadlines.hook;
        let answer = match timeout(limit, &mut asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => return Err(NotAccepted::failed("the on_login hook panicked")),
            Err(_) => {
                asked.abort();
                return Err(took_too_long(limit));
            }
        };
        match answer {
            Ok(accepted) => accepted.add_to(&session).ok_or_else(|| {
                NotAccepted::failed("the on_login hook returned another login than it got")
            }),
            Err(error) => Err(NotAccepted {
                cause: error.cause(),
                words: error.words().map(|(title, text)| AppWords {
                    title: title.chars().take(MAX_TITLE).collect(),
                    text: text.chars().take(MAX_TEXT).collect(),
                }),
                detail: error.detail(),
            }),
        }
    }
}

fn took_too_long(limit: Duration) -> NotAccepted {
    NotAccepted::failed(&format!(
        "the on_login hook took longer than {limit:?}: let it do less, or set on_login_timeout"
    ))
}

/// The layer, for a user without a session: calls return errors and start no login.
struct BeforeSession(Arc<Flow>);

impl UserBackend for BeforeSession {
    fn challenge(&self, info: &RequestInfo) -> Response<Body> {
        self.refuse(info, FailureCause::ProviderError)
    }

    fn begin_login(&self, info: &RequestInfo, _: LoginOptions) -> Response<Body> {
        self.refuse(info, FailureCause::Internal)
    }

    fn require_recent_login(&self, info: &RequestInfo, _: Duration) -> Response<Body> {
        self.refuse(info, FailureCause::Internal)
    }

    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn login_path(&self, return_to: &str) -> String {
        UserBackend::login_path(&*self.0, return_to)
    }

    fn refuse(&self, info: &RequestInfo, cause: FailureCause) -> Response<Body> {
        Flow::refuse(&self.0, info, Refusal::because(cause))
    }

    /// A new token that is rejected is no case for another one.
    fn refresh<'g>(
        self: Arc<Self>,
        _: &'g CurrentSession,
    ) -> BoxFuture<'g, Option<RefreshOutcome>> {
        Box::pin(async { None })
    }

    fn end_session(self: Arc<Self>, _: CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn ended(&self, _: &CurrentSession) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }

    /// No store has the session yet.
    fn confirm<'g>(
        &'g self,
        current: &'g CurrentSession,
        _: &'g AtomicU64,
    ) -> BoxFuture<'g, Result<Session, Unconfirmed>> {
        Box::pin(async { Ok(current.session.clone()) })
    }

    fn base(&self) -> &str {
        self.0.base()
    }

    fn user_info_endpoint(&self) -> Uri {
        self.0.user_info_endpoint()
    }

    fn device_info_endpoint(&self) -> Uri {
        self.0.device_info_endpoint()
    }

    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<Response<Vec<u8>>, TransportError>> {
        self.0.call(request, token)
    }

    fn info_cache(&self) -> Option<(&UserInfoCache, u64)> {
        None
    }

    fn logout_path(&self) -> &str {
        self.0.logout_path()
    }

    fn session_id(&self, _: &CurrentSession) -> Option<SessionId> {
        None
    }
}
