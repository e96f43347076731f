//! The shop's customers: its own table, as axum-login reads it.
//!
//! The key of a customer is the shop's own number. Telenor's answers have no id of a user, and a
//! phone number is none: it belongs to a line, and a line can get another owner.

use std::{
    convert::Infallible,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive, verify};
use axum_login::{AuthUser, AuthnBackend};
use serde::Deserialize;
use telenor_auth::{Clock, MobileNumber};

/// How long a number counts after its customer has verified it. Choose it shorter than the time
/// after which a number that was given up gets a new owner.
pub(crate) const VERIFIED_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("not zero");

#[derive(Clone)]
pub(crate) struct Customer {
    id: u32,
    email: String,
    /// PBKDF2, with the e-mail address as the salt. A real shop has a random salt for each.
    password: [u8; 32],
    line: Option<Line>,
}

#[derive(Clone)]
struct Line {
    number: MobileNumber,
    verified_at: SystemTime,
}

/// What the login form of the shop sends.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    email: String,
    password: String,
}

/// The table. A clone is the same table.
#[derive(Clone)]
pub(crate) struct Customers {
    rows: Arc<Mutex<Vec<Customer>>>,
    clock: Clock,
}

impl Customers {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            rows: Arc::default(),
            clock,
        }
    }

    pub(crate) fn add(&self, id: u32, email: &str, password: &str) {
        let mut hash = [0; 32];
        let (salt, secret) = (email.as_bytes(), password.as_bytes());
        derive(PBKDF2_HMAC_SHA256, ITERATIONS, salt, secret, &mut hash);
        self.rows().push(Customer {
            id,
            email: email.to_owned(),
            password: hash,
            line: None,
        });
    }

    /// Notes that a customer, known by other means, has shown that this line is theirs. The line no
    /// longer counts for any other customer.
    pub(crate) fn verify_line(&self, id: u32, number: &MobileNumber) {
        let verified_at = self.clock.now();
        for customer in self.rows().iter_mut() {
            if customer.id == id {
                let number = number.clone();
                customer.line = Some(Line {
                    number,
                    verified_at,
                });
            } else if customer.has_line(number) {
                customer.line = None;
            }
        }
    }

    /// Returns the customer whose line this is, as long as that is still verified.
    ///
    /// A login by the line does not verify it again: a new owner of the number would log in just
    /// as well. A shop that knows the birth date of a customer can compare it with
    /// `user.info().birth_date()` too.
    pub(crate) fn by_verified_line(&self, number: &MobileNumber) -> Option<Customer> {
        let now = self.clock.now();
        let rows = self.rows();
        let mut owners = rows.iter().filter(|customer| customer.has_line(number));
        let is_verified = |line: &Line| now < line.verified_at + VERIFIED_FOR;
        owners
            .find(|customer| customer.line.as_ref().is_some_and(is_verified))
            .cloned()
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Customer>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Customer {
    fn has_line(&self, number: &MobileNumber) -> bool {
        self.line
            .as_ref()
            .is_some_and(|line| line.number == *number)
    }
}

/// axum-login writes this into the log, at DEBUG, so it shows nothing of the person.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AuthUser for Customer {
    type Id = u32;

    fn id(&self) -> u32 {
        self.id
    }

    /// A new password ends all sessions of the customer, also those that began with the line.
    fn session_auth_hash(&self) -> &[u8] {
        &self.password
    }
}

impl AuthnBackend for Customers {
    type User = Customer;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, sent: Credentials) -> Result<Option<Customer>, Infallible> {
        let rows = self.rows();
        let customer = rows.iter().find(|customer| customer.email == sent.email);
        let customer = customer.filter(|customer| {
            let (salt, secret) = (customer.email.as_bytes(), sent.password.as_bytes());
            verify(
                PBKDF2_HMAC_SHA256,
                ITERATIONS,
                salt,
                secret,
                &customer.password,
            )
            .is_ok()
        });
        Ok(customer.cloned())
    }

    async fn get_user(&self, id: &u32) -> Result<Option<Customer>, Infallible> {
        let rows = self.rows();
        Ok(rows.iter().find(|customer| customer.id == *id).cloned())
    }
}
