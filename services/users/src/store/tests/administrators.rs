//! Whatever only administrators do asks in its own transaction whether they still are.

use std::{fmt::Debug, time::Duration};

use database::testing::on_each_engine;

use super::{sessions::NOW, *};
use crate::{
    invitation::{NewInvitation, NewReset},
    secret::Secret,
    user::{Outcome, UserChange},
};

const NO_CHANGE: UserChange = UserChange {
    role: None,
    disabled: None,
};
const DISABLE: UserChange = UserChange {
    disabled: Some(true),
    ..NO_CHANGE
};
const DEMOTE: UserChange = UserChange {
    role: Some(Role::Member),
    ..NO_CHANGE
};

fn later() -> Timestamp {
    NOW + Duration::from_secs(60)
}

fn invitation(inviter: Actor) -> NewInvitation {
    NewInvitation {
        id: Clock::system().new_id(),
        digest: Secret::generate().unwrap().digest(),
        role: Role::Admin,
        inviter,
        create_time: NOW,
        expire_time: later(),
    }
}

/// Does everything that only administrators do, to somebody else and with somebody else's
/// invitation, and expects of all of it the same refusal.
async fn expect(store: &Store, by: Actor, whose: Uuid, invited: Uuid, refused: Outcome<()>) {
    fn without<T: Debug>(outcome: Outcome<T>) -> Outcome<()> {
        match outcome {
            Outcome::Done(done) => panic!("it was done: {done:?}"),
            Outcome::SessionOver => Outcome::SessionOver,
            Outcome::NotAdministrator => Outcome::NotAdministrator,
            Outcome::LastAdministrator => Outcome::LastAdministrator,
            Outcome::NotFound => Outcome::NotFound,
        }
    }
    let reset = NewReset {
        user_id: whose,
        digest: Secret::generate().unwrap().digest(),
        maker: by,
        create_time: NOW,
        expire_time: later(),
    };
    let eve = account("eve", Role::Admin, 9);
    let outcomes = [
        without(store.add_for(by, &eve, NOW).await.unwrap()),
        without(store.update_user(whose, DISABLE, by, NOW).await.unwrap()),
        without(store.delete_user(whose, by, NOW).await.unwrap()),
        without(store.add_invitation(&invitation(by)).await.unwrap()),
        without(store.remove_invitation(invited, by, NOW).await.unwrap()),
        without(store.add_reset(&reset).await.unwrap()),
    ];
    for outcome in outcomes {
        assert_eq!(outcome, refused);
    }
}

#[tokio::test]
async fn s06_what_administrators_do_takes_one_who_is_one_when_it_is_written() {
    on_each_engine(async |fresh| {
        let store = store(fresh).await;
        let [ada, grace, bruce] = [
            account("ada", Role::Admin, 1),
            account("grace", Role::Admin, 2),
            member("bruce", 3),
        ];
        for account in [&ada, &grace, &bruce] {
            store.add(account).await.unwrap();
        }
        let by = acting(&store, &ada).await;
        let (left, right) = (bruce.user.id, invitation(by));
        assert!(matches!(
            store.add_invitation(&right).await.unwrap(),
            Outcome::Done(_)
        ));
        let refuses = async |by, refused| expect(&store, by, left, right.id, refused).await;

        let demoted = acting(&store, &grace).await;
        let change = store.update_user(grace.user.id, DEMOTE, by, NOW).await;
        assert!(matches!(change.unwrap(), Outcome::Done(_)));
        let member = acting(&store, &bruce).await;
        let change = store.update_user(grace.user.id, NO_CHANGE, member, NOW);
        assert_eq!(change.await.unwrap(), Outcome::NotAdministrator);
        refuses(demoted, Outcome::NotAdministrator).await;

        store.set_role("grace", Role::Admin).await;
        let ended = acting(&store, &grace).await;
        let id = ended.session_id;
        assert!(store.close_session(grace.user.id, id, NOW).await.unwrap());
        let not_hers = Actor {
            user_id: grace.user.id,
            ..by
        };
        let disabled = acting(&store, &grace).await;
        let change = store.update_user(grace.user.id, DISABLE, by, NOW).await;
        assert!(matches!(change.unwrap(), Outcome::Done(_)));
        let gone = Actor {
            user_id: Uuid::nil(),
            ..by
        };
        for nobody in [ended, not_hers, disabled, gone] {
            refuses(nobody, Outcome::SessionOver).await;
        }

        let users = store.users_before(None, 10).await.unwrap();
        assert_eq!(names(&users), ["bruce", "grace", "ada"]);
        let removed = store.remove_invitation(right.id, by, NOW).await.unwrap();
        assert_eq!(removed, Outcome::Done(true));
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_who_demote_each_other_the_first_has_done_it() {
    on_each_engine(async |fresh| {
        let (one, other) = (store(fresh).await, store(fresh).await);
        let [ada, grace, heidi] =
            ["ada", "grace", "heidi"].map(|name| account(name, Role::Admin, 1));
        for account in [&ada, &grace, &heidi] {
            one.add(account).await.unwrap();
        }
        let heidi = acting(&one, &heidi).await;
        let (by_ada, by_grace) = (acting(&one, &ada).await, acting(&one, &grace).await);
        for _ in 0..10 {
            let (of_ada, of_grace) = tokio::join!(
                one.update_user(ada.user.id, DEMOTE, by_grace, NOW),
                other.update_user(grace.user.id, DEMOTE, by_ada, NOW),
            );
            let demoted = match (of_ada.unwrap(), of_grace.unwrap()) {
                (Outcome::Done(_), Outcome::NotAdministrator) => &ada,
                (Outcome::NotAdministrator, Outcome::Done(_)) => &grace,
                both => panic!("{both:?}"),
            };
            let promote = UserChange {
                role: Some(Role::Admin),
                ..NO_CHANGE
            };
            let again = one.update_user(demoted.user.id, promote, heidi, NOW).await;
            assert!(matches!(again.unwrap(), Outcome::Done(_)));
        }
    })
    .await;
}

#[tokio::test]
async fn its_owner_deletes_an_account_in_a_session_that_goes_on() {
    on_each_engine(async |fresh| {
        let (store, bruce) = sessions::with_bruce(fresh).await;
        let (id, ended) = (bruce.user.id, acting(&store, &bruce).await);
        let closed = store.close_session(id, ended.session_id, NOW).await;
        assert!(closed.unwrap());
        let refused = store.delete_user(id, ended, NOW).await.unwrap();
        assert_eq!(refused, Outcome::SessionOver);
        let himself = acting(&store, &bruce).await;
        let deleted = store.delete_user(id, himself, NOW).await.unwrap();
        assert_eq!(deleted, Outcome::Done(bruce.user));
    })
    .await;
}
