//! Stores that break one rule each: the suite names the method and the rule.

mod defect;
mod leases;
mod store;

pub(super) use self::{defect::Defect, store::Store};
use super::check_store;

/// What the suite says about the stores with these defects.
const NOTICED: &[(&[Defect], &str)] = {
    use Defect::*;
    &[
        (
            &[MakesTokensThatCanBeGuessed],
            "`save` broke a rule: a token holds at least 128 bits",
        ),
        (
            &[MakesTokensThatACookieCannotCarry],
            "`save` broke a rule: a token passes through a cookie unchanged",
        ),
        (
            &[MakesTheSameTokenTwice],
            "`save` broke a rule: no two sessions have the same token",
        ),
        (
            &[FailsToSave],
            "`save` broke a rule: a session can be saved",
        ),
        (
            &[
                LosesTheRefreshToken,
                LosesTheSubject,
                LosesTheData,
                LosesTheNote,
            ],
            "`save` broke a rule: the whole session is kept",
        ),
        (
            &[MixesUpConcurrentSessions],
            "`save` broke a rule: sessions that are saved at the same time are kept apart",
        ),
        (
            &[FailsToLoadTheUnknown],
            "`load` broke a rule: a look-up is not an error",
        ),
        (
            &[LoadsWhatHasExpired],
            "`load` broke a rule: an expired session is not loaded",
        ),
        (
            &[UpdatesWhatHasExpired],
            "`update` broke a rule: an expired session is not updated",
        ),
        (
            &[ExpiresByItsOwnClock],
            "`load` broke a rule: a session expires by the time that is handed in",
        ),
        (
            &[ExpiresByItsOwnClockAsWell],
            "`try_load` broke a rule: a session expires by the time that is handed in",
        ),
        (
            &[TriesToLoadWhatItSaw],
            "`try_load` broke a rule: it returns what `load` returns",
        ),
        (
            &[LoadsFreshWhatItSaw],
            "`load_fresh` broke a rule: it returns the state at this moment",
        ),
        (
            &[CannotBeReached],
            "`ping` broke a rule: a store that works can be reached",
        ),
        (
            &[ChangesItsTokens],
            "`update` broke a rule: the token stays the same",
        ),
        (
            &[UpdatesNothing],
            "`update` broke a rule: a later state takes the place of the one before it",
        ),
        (
            &[IgnoresTheVersion],
            "`update` broke a rule: a state of the same version, or two ahead, is not taken",
        ),
        (
            &[LosesWhatItDoesNotUpdate],
            "`update` broke a rule: a session that is not updated stays as it is",
        ),
        (
            &[UpdatesInTwoSteps],
            "`update` broke a rule: of many who update the same state one succeeds",
        ),
        (
            &[RevivesWhatItUpdates],
            "`update` broke a rule: a session that was ended does not come back",
        ),
        (
            &[RevivesWhatIsRemovedInBetween],
            "`update` broke a rule: a session that is removed and updated at the same time is gone",
        ),
        (
            &[RemovesNothing],
            "`remove` broke a rule: a removed session is gone",
        ),
        (
            &[RemovesOthersToo],
            "`remove` broke a rule: no other session is gone",
        ),
        (
            &[RevokesNothing],
            "`revoke` broke a rule: a revoked session is gone",
        ),
        (
            &[RevokesAnotherSession],
            "`revoke` broke a rule: an unknown id ends no session",
        ),
        (
            &[RevokesOthersToo],
            "`revoke` broke a rule: no other session is gone",
        ),
        (
            &[FailsToRevokeTheUnknown],
            "`revoke` broke a rule: an unknown id is not an error",
        ),
        (
            &[NamesASessionByItsVersion],
            "`id` broke a rule: it stays the same when the session is updated",
        ),
        (
            &[RevokesNoSubject, RevokesOneSessionOfASubject],
            "`revoke_subject` broke a rule: every session of the subject that was saved before is gone",
        ),
        (
            &[RevokesEverySubject, RevokesAllWithASubject],
            "`revoke_subject` broke a rule: no session of another subject, or of none, is gone",
        ),
        (
            &[RevokesLaterSessionsOfASubject],
            "`revoke_subject` broke a rule: a session that is saved afterwards lives",
        ),
        (
            &[FailsToRevokeAnUnknownSubject],
            "`revoke_subject` broke a rule: an unknown subject is not an error",
        ),
        (
            &[ListsNothing, ListsEverySubject, ListsWhatHasEnded],
            "`sessions_of` broke a rule: it lists exactly the live sessions of the subject",
        ),
        (
            &[RevokesAllOfThemLater],
            "`revoke_all` broke a rule: a session that is saved afterwards lives",
        ),
        (
            &[RevokesNoneOfThem],
            "`revoke_all` broke a rule: every session that was saved before is gone",
        ),
        (
            &[
                FindsNothingEnded,
                FindsEverythingEnded,
                FindsTheUpdatedEnded,
                FindsTheEndedTwice,
                FindsNothingExpired,
                FindsNothingRemoved,
                FindsNothingRevoked,
                FindsNoRevokedSubject,
            ],
            "`find_ended` broke a rule: it names exactly the sessions that have ended",
        ),
        (
            &[FindsNothingAfterAllWereRevoked],
            "`find_ended` broke a rule: it names every session after all were revoked",
        ),
        (
            &[FailsToFindAmongNone],
            "`find_ended` broke a rule: a session that has ended is not an error",
        ),
        (
            &[LetsEveryoneAcquireALease, LetsTwoAcquireALease],
            "`acquire` broke a rule: a lease has one holder at a time",
        ),
        (
            &[MixesUpLeases],
            "`acquire` broke a rule: a lease that no instance holds is free",
        ),
        (
            &[HoldsLeasesForever, ProlongsLeases],
            "`acquire` broke a rule: a lease expires after its ttl",
        ),
        (
            &[LosesTheResult, CutsTheResult],
            "`complete` broke a rule: every instance gets the result, as it was",
        ),
        (
            &[KeepsTheResultForever],
            "`complete` broke a rule: the result expires after its ttl",
        ),
        (
            &[NeverReleasesALease],
            "`release` broke a rule: the lease is free again",
        ),
        (
            &[ReleasesEveryLease],
            "`release` broke a rule: no other lease is free",
        ),
        (
            &[FailsToReleaseTheUnknown],
            "`release` broke a rule: a lease that no instance holds is not an error",
        ),
    ]
};

/// What the suite says about a store, where it breaks a rule.
pub(super) async fn failure(suite: impl Future<Output = ()> + Send + 'static) -> Option<String> {
    let ended = tokio::spawn(suite).await;
    let panic = ended.err()?.into_panic().downcast::<String>();
    Some(*panic.expect("the suite says as text what is broken"))
}

#[tokio::test(start_paused = true)]
async fn suite_names_the_method_and_the_rule_that_a_store_breaks() {
    let sound = check_store(Store::new(Defect::None));
    assert_eq!(failure(sound).await, Option::None);
    let mut unnoticed = Vec::new();
    for (defects, expected) in NOTICED {
        for defect in *defects {
            let failure = failure(check_store(Store::new(*defect))).await;
            let as_expected = failure
                .as_ref()
                .is_some_and(|text| text.starts_with(expected));
            if !as_expected {
                unnoticed.push((defect, failure));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}
