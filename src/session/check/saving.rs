//! What is saved is found again, by its own token and by no other.

use super::{
    checked::{Checked, at_once, new_subject, next},
    rule::Rule,
};
use crate::{
    app_value::AppValue,
    session::{Session, SessionStore, SessionToken},
};

const WHOLE: Rule = Rule::of("save", "the whole session is kept");
/// The most bytes of a note that traveled with a login.
const NOTE: usize = 512;

pub(super) async fn saved_session_is_loaded_whole<Store: SessionStore>(store: &Checked<Store>) {
    let whole = store.save(next(&store.session("whole"), "whole")).await;
    WHOLE.session(&whole.session, &store.load(&whole.token).await);
    WHOLE.session(&whole.session, &store.load_fresh(&whole.token).await);
}

pub(super) async fn app_part_comes_back_unchanged<Store: SessionStore>(store: &Checked<Store>) {
    let session = store.session("first").with_subject(new_subject());
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(Session::MAX_DATA).collect();
    let session = session.with_data(bytes).expect("it fits exactly");
    // As JSON, with the quotes.
    let note = AppValue::of(&"n".repeat(NOTE - 2), NOTE).expect("it fits exactly");
    let first = store.save(session.with_note(note)).await;
    WHOLE.session(&first.session, &store.load(&first.token).await);
    let later = store.update_to(&first, "later").await;
    let whole = Rule::of("update", "the whole of the later state is kept");
    whole.session(&later.session, &store.load(&later.token).await);
}

pub(super) async fn tokens_are_long_and_never_the_same<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let session = store.session("same");
    let mut values = Vec::new();
    for _ in 0..100 {
        let token = store.save(session.clone()).await.token;
        let value = token.secret().to_owned();
        if value.len() < 22 {
            let rule = Rule::of("save", "a token holds at least 128 bits");
            rule.is_broken("at least 22 characters", value.len());
        }
        let safe = |character: &char| {
            character.is_ascii_alphanumeric() || ['-', '_', '.'].contains(character)
        };
        if let Some(other) = value.chars().find(|character| !safe(character)) {
            let rule = Rule::of("save", "a token passes through a cookie unchanged");
            rule.is_broken(
                "letters, digits, '-', '_' and '.' only",
                format_args!("{other:?}"),
            );
        }
        if values.contains(&value) {
            let rule = Rule::of("save", "no two sessions have the same token");
            rule.is_broken("a token that is new", "one that another session has");
        }
        values.push(value);
    }
}

pub(super) async fn store_that_works_can_be_reached<Store: SessionStore>(store: &Checked<Store>) {
    let rule = Rule::of("ping", "a store that works can be reached");
    rule.ok(store.store().ping(store.now).await);
}

pub(super) async fn unknown_tokens_are_not_an_error<Store: SessionStore>(store: &Checked<Store>) {
    let known = store.save_new("known").await;
    let value = known.token.secret();
    let long = "a".repeat(4000);
    let last = if value.ends_with('A') { 'B' } else { 'A' };
    let altered = format!("{}{last}", &value[..value.len() - 1]);
    for unknown in [
        "",
        "-",
        "*",
        "' OR 1=1 --",
        "\r\nDEL x",
        &long,
        &altered,
        &value[1..],
    ] {
        let unknown = SessionToken::new(unknown);
        let rule = Rule::of("load", "a token that the store did not make is unknown");
        rule.no_session(&store.load(&unknown).await);
        let later = next(&store.session("unknown"), "unknown later");
        let text = "a token that the store did not make updates nothing";
        Rule::of("update", text).no_token(store.update(&unknown, &later).await);
        store.remove(&unknown).await;
    }
    let rule = Rule::of("remove", "a token that the store did not make ends nothing");
    rule.session(&known.session, &store.load(&known.token).await);
}

pub(super) async fn concurrent_sessions_are_kept_apart<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let saves = (0..50).map(|number| {
        let store = store.clone();
        async move {
            let saved = store.save_new(&format!("concurrent {number}")).await;
            (store.load(&saved.token).await, saved.session)
        }
    });
    for (loaded, session) in at_once(saves).await {
        let text = "sessions that are saved at the same time are kept apart";
        Rule::of("save", text).session(&session, &loaded);
    }
}
