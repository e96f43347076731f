//! The customers of the insurer, under numbers of its own.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use telenor_auth::MobileNumber;

/// What the session keeps of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) number: u64,
}

/// By the mobile number that the customer has confirmed. In a real app this is a database, which
/// also knows when that was: numbers change hands.
#[derive(Clone, Default)]
pub(crate) struct Customers(Arc<HashMap<String, Customer>>);

impl Customers {
    pub(crate) fn add(&mut self, number: u64, mobile: &MobileNumber) {
        let customers = Arc::make_mut(&mut self.0);
        customers.insert(mobile.secret().to_owned(), Customer { number });
    }

    pub(crate) fn find(&self, mobile: &MobileNumber) -> Option<Customer> {
        self.0.get(mobile.secret()).cloned()
    }
}
