//! The basket, its items and prices.

use std::fmt;

/// Every visitor has the same basket: this demo shows logins, not carts.
pub(crate) static BASKET: Basket = Basket {
    items: &[
        Item {
            name: "Anorakk Rabben",
            detail: "Rød, str. M",
            count: 1,
            price: Kroner(1895),
            picture: include_str!("pictures/anorak.svg"),
        },
        Item {
            name: "Ullgenser Seter",
            detail: "Blågrå, str. M",
            count: 1,
            price: Kroner(1295),
            picture: include_str!("pictures/sweater.svg"),
        },
        Item {
            name: "Termos Gløtt",
            detail: "Stål, 0,75 liter",
            count: 2,
            price: Kroner(395),
            picture: include_str!("pictures/flask.svg"),
        },
    ],
};

pub(crate) struct Basket {
    pub(crate) items: &'static [Item],
}

pub(crate) struct Item {
    pub(crate) name: &'static str,
    pub(crate) detail: &'static str,
    pub(crate) count: u32,
    price: Kroner,
    /// Inline SVG, so that it has the page's colors.
    pub(crate) picture: &'static str,
}

impl Basket {
    pub(crate) fn count(&self) -> u32 {
        self.items.iter().map(|item| item.count).sum()
    }

    pub(crate) fn total(&self) -> Kroner {
        Kroner(self.items.iter().map(|item| item.total().0).sum())
    }

    /// The part of the total that is value added tax: 25 percent on top of the net price.
    pub(crate) fn tax(&self) -> Kroner {
        Kroner(self.total().0 / 5)
    }
}

impl Item {
    pub(crate) fn total(&self) -> Kroner {
        Kroner(self.count * self.price.0)
    }
}

/// Whole kroner, written the Norwegian way: `1 895 kr` with spaces that do not break.
#[derive(Clone, Copy)]
pub(crate) struct Kroner(u32);

impl fmt::Display for Kroner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1000, self.0 % 1000) {
            (0, rest) => write!(f, "{rest}\u{a0}kr"),
            (thousands, rest) => write!(f, "{thousands}\u{a0}{rest:03}\u{a0}kr"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_the_norwegian_way() {
        assert_eq!(Kroner(395).to_string(), "395\u{a0}kr");
        assert_eq!(Kroner(3980).to_string(), "3\u{a0}980\u{a0}kr");
        assert_eq!(Kroner(12_005).to_string(), "12\u{a0}005\u{a0}kr");
    }
}
