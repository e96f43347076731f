//! The delivery form: its answers, and the notes below its fields.

use serde::Deserialize;
use telenor_auth::UserInfo;

/// The answers as a browser posts them. No `Debug`, here or below: this is personal data.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answers {
    name: String,
    street: String,
    postal_code: String,
    postal_place: String,
    phone: String,
    email: String,
}

/// The form as a page shows it.
pub(crate) struct DeliveryForm {
    pub(crate) name: Field,
    pub(crate) street: Field,
    pub(crate) postal_code: Field,
    pub(crate) postal_place: Field,
    pub(crate) phone: Field,
    pub(crate) email: Field,
}

pub(crate) struct Field {
    pub(crate) value: String,
    pub(crate) note: Note,
}

/// The note below a field.
pub(crate) enum Note {
    Nothing,
    FromTelenor,
    NotAtTelenor,
    Problem(&'static str),
}

impl DeliveryForm {
    pub(crate) fn blank() -> Self {
        Answers::default().into_form(|_, _| Note::Nothing)
    }

    /// With the answers that Telenor has. The other fields stay empty.
    pub(crate) fn prefilled(info: &UserInfo) -> Self {
        Answers::from(info).into_form(|value, _| match value {
            "" => Note::NotAtTelenor,
            _ => Note::FromTelenor,
        })
    }

    /// With the posted answers, and a note below each invalid one.
    pub(crate) fn checked(answers: Answers) -> Self {
        answers.into_form(|_, problem| problem.map_or(Note::Nothing, Note::Problem))
    }

    pub(crate) fn has_problem(&self) -> bool {
        self.any(|note| matches!(note, Note::Problem(_)))
    }

    /// Whether any field is filled in from Telenor.
    pub(crate) fn has_answer(&self) -> bool {
        self.any(|note| matches!(note, Note::FromTelenor))
    }

    /// Whether any field is missing at Telenor.
    pub(crate) fn has_gap(&self) -> bool {
        self.any(|note| matches!(note, Note::NotAtTelenor))
    }

    fn any(&self, wanted: impl Fn(&Note) -> bool) -> bool {
        [
            &self.name,
            &self.street,
            &self.postal_code,
            &self.postal_place,
            &self.phone,
            &self.email,
        ]
        .into_iter()
        .any(|field| wanted(&field.note))
    }
}

impl Answers {
    fn into_form(self, note: impl Fn(&str, Option<&'static str>) -> Note) -> DeliveryForm {
        let field = |answer: String, is_valid: fn(&str) -> bool, problem| {
            let value = answer.trim().to_owned();
            let note = note(&value, (!is_valid(&value)).then_some(problem));
            Field { value, note }
        };
        DeliveryForm {
            name: field(self.name, is_present, "Skriv navnet ditt."),
            street: field(self.street, is_present, "Skriv gate og nummer."),
            postal_code: field(self.postal_code, is_postal_code, "Skriv fire siffer."),
            postal_place: field(self.postal_place, is_present, "Skriv poststedet."),
            phone: field(self.phone, is_phone_number, "Skriv minst åtte siffer."),
            email: field(self.email, is_email_address, "Skriv navn@eksempel.no."),
        }
    }
}

impl From<&UserInfo> for Answers {
    fn from(info: &UserInfo) -> Self {
        let name = info.name();
        let address = info.address();
        Self {
            name: joined([
                name.and_then(|name| name.given_name()),
                name.and_then(|name| name.middle_name()),
                name.and_then(|name| name.family_name()),
            ]),
            street: joined([
                address.and_then(|address| address.street_address()),
                address.and_then(|address| address.street_number()),
                address.and_then(|address| address.entrance()),
            ]),
            postal_code: joined([address.and_then(|address| address.postal_code())]),
            postal_place: joined([address.and_then(|address| address.postal_location())]),
            phone: info
                .mobile_number()
                .map(|number| grouped(number.secret()))
                .unwrap_or_default(),
            email: joined([info.email_address()]),
        }
    }
}

fn joined<const N: usize>(parts: [Option<&str>; N]) -> String {
    let known: Vec<&str> = parts.into_iter().flatten().collect();
    known.join(" ")
}

/// Groups `4791234567` as Norwegians do: `912 34 567`. Other numbers keep their country code.
fn grouped(digits: &str) -> String {
    let national = digits
        .strip_prefix("47")
        .filter(|rest| rest.len() == 8)
        .and_then(|rest| Some((rest.get(..3)?, rest.get(3..5)?, rest.get(5..)?)));
    match national {
        Some((first, second, third)) => format!("{first} {second} {third}"),
        None => format!("+{digits}"),
    }
}

fn is_present(value: &str) -> bool {
    !value.is_empty()
}

fn is_postal_code(value: &str) -> bool {
    value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_phone_number(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 8
}

fn is_email_address(value: &str) -> bool {
    value
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        Answers {
            name: "Kari Nordmann".to_owned(),
            street: "Storgata 12 B".to_owned(),
            postal_code: " 2670 ".to_owned(),
            postal_place: "Otta".to_owned(),
            phone: "912 34 567".to_owned(),
            email: "kari@eksempel.no".to_owned(),
        }
    }

    #[test]
    fn complete_answers_have_no_problem_and_are_trimmed() {
        let form = DeliveryForm::checked(answers());
        assert!(!form.has_problem());
        assert_eq!(form.postal_code.value, "2670");
    }

    #[test]
    fn each_invalid_answer_is_a_problem() {
        let spoil: [fn(&mut Answers); 6] = [
            |answers| answers.name = " ".to_owned(),
            |answers| answers.street.clear(),
            |answers| answers.postal_code = "26700".to_owned(),
            |answers| answers.postal_place.clear(),
            |answers| answers.phone = "112".to_owned(),
            |answers| answers.email = "kari@".to_owned(),
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut answers = answers();
            spoil(&mut answers);
            assert!(DeliveryForm::checked(answers).has_problem(), "{index}");
        }
    }

    #[test]
    fn norwegian_numbers_are_grouped_and_others_keep_their_country() {
        assert_eq!(grouped("4791234567"), "912 34 567");
        assert_eq!(grouped("46701234567"), "+46701234567");
    }
}
