//! Verifications under verify services: one for a number at a time, found by number or id, and by nobody else.

use domain::id::{VerificationId, VerifyServiceId};
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::code::{Code, CodeLength};
use domain::verification::fixed_lines::FixedLines;
use domain::verification::state::State;
use domain::verification::template::last_line::LastLine;
use engine::rows::ActRule;
use engine::{
    Caller, CheckError, CheckRequest, LookupError, ResendError, ServedCheck, ServedCheckError,
    ServedView, ServiceSort, ServiceStart, ServiceStartError, Sought, VERIFY_SERVICES_MAX,
    VerifyServiceError, VerifyServiceView, VerifyServiceWish,
};
use ledger::Kind;
use testkit::TestGateway;
use testkit::gateway::{everything, handset};
use testkit::settings::usual;

use super::rebuild::assert_rebuilt;
use super::stage::running;
use super::verifications::{all, code, entries, later, other_than, view};

/// A wish for a service of this name.
fn named(name: &str) -> VerifyServiceWish {
    VerifyServiceWish {
        name: Some(name.to_owned()),
        ..VerifyServiceWish::default()
    }
}

/// Makes a service.
pub fn made(test: &TestGateway, name: &str) -> VerifyServiceId {
    make(test, named(name)).unwrap().id
}

fn make(
    test: &TestGateway,
    wish: VerifyServiceWish,
) -> Result<VerifyServiceView, VerifyServiceError> {
    let caller = test.caller();
    test.settle(test.gateway.create_verify_service(&caller, wish))
}

/// The service that the client has without making it.
fn standing(test: &TestGateway) -> VerifyServiceId {
    standing_of(test, &test.caller())
}

fn standing_of(test: &TestGateway, caller: &Caller) -> VerifyServiceId {
    test.gateway.verify_services(caller).unwrap()[0].id
}

fn request(to: u16, binding: Binding) -> ServiceStart {
    ServiceStart {
        to: handset(to),
        locales: Vec::new(),
        last_line: LastLine::None,
        binding,
    }
}

/// Begins a verification of a handset under a service, or sends its code once more.
pub fn begin(
    test: &TestGateway,
    service: VerifyServiceId,
    to: u16,
) -> Result<ServedView, ServiceStartError> {
    begin_for(test, service, to, Binding::default())
}

fn begin_for(
    test: &TestGateway,
    service: VerifyServiceId,
    to: u16,
    binding: Binding,
) -> Result<ServedView, ServiceStartError> {
    let caller = test.caller();
    let request = request(to, binding);
    test.settle(test.gateway.start_in_service(&caller, service, request))
}

fn show(
    test: &TestGateway,
    (caller, service): (&Caller, VerifyServiceId),
    sought: Sought,
    (code, binding): (&Code, Binding),
) -> Result<ServedCheck, ServedCheckError> {
    let request = CheckRequest {
        code: code.clone().into(),
        binding,
    };
    let checking = test
        .gateway
        .check_in_service(caller, service, sought, request);
    test.settle(checking)
}

/// The client shows a code.
fn check(
    test: &TestGateway,
    service: VerifyServiceId,
    sought: Sought,
    code: &Code,
) -> Result<State, ServedCheckError> {
    let caller = test.caller();
    let whose = (&caller, service);
    let shown = show(test, whose, sought, (code, Binding::default()));
    shown.map(|checked| checked.answer.state)
}

const NONE: Result<State, ServedCheckError> = Err(ServedCheckError::Check(CheckError::NotFound));

fn paying(amount: &str) -> Binding {
    let parts = BindingParts {
        amount: Some(amount),
        payee: Some("Example"),
        session: None,
    };
    Binding::parse(&parts).unwrap()
}

#[test]
fn a_code_is_checked_by_number_or_by_id_and_verifies_once() {
    let test = running();
    let service = standing(&test);
    for by_number in [true, false] {
        let to = if by_number { 1 } else { 2 };
        let begun = begin(&test, service, to).unwrap();
        assert_eq!(begun.to, Some(handset(to)));
        let (number, id) = (Sought::Number(handset(to)), Sought::Id(begun.view.id));
        let sought = if by_number { number } else { id };
        let code = code(&test);
        let wrong = check(&test, service, sought, &other_than(&code));
        assert_eq!(wrong, Ok(State::Pending));
        assert_eq!(
            check(&test, service, sought, &code),
            Ok(State::Verified),
            "{sought:?}"
        );
        for sought in [number, id] {
            assert_eq!(check(&test, service, sought, &code), NONE, "{sought:?}");
        }
        let caller = test.caller();
        let reading = test
            .gateway
            .verification_in_service(&caller, service, begun.view.id);
        let shown = test.settle(reading).unwrap();
        assert_eq!(
            (shown.view.state, shown.to),
            (State::Verified, Some(handset(to)))
        );
    }
    assert_rebuilt(&test);
}

#[test]
fn what_is_another_clients_or_services_or_unknown_is_not_found() {
    let test = running();
    let (service, own) = (standing(&test), made(&test, "Example Shop"));
    let begun = begin(&test, service, 1).unwrap();
    let code = code(&test);
    let (_, key) = test.add_client(everything("other"));
    let (caller, other) = (test.caller(), test.caller_with(&key));
    let theirs = standing_of(&test, &other);
    let (id, unknown) = (begun.view.id, VerificationId::new(7, 7));
    for (who, under) in [
        (&caller, own),
        (&caller, theirs),
        (&caller, VerifyServiceId::new(7, 7)),
        (&other, service),
        (&other, theirs),
        (&other, own),
    ] {
        for sought in [
            Sought::Number(handset(1)),
            Sought::Id(id),
            Sought::Id(unknown),
        ] {
            let none = show(&test, (who, under), sought, (&code, Binding::default()));
            assert_eq!(none.map(|checked| checked.answer.state), NONE, "{sought:?}");
        }
        let reading = test.gateway.verification_in_service(who, under, id);
        assert_eq!(test.settle(reading), Err(LookupError::NotFound));
        let cancelling = test.gateway.cancel_in_service(who, under, id);
        assert!(test.settle(cancelling).is_err());
    }
    let beginning = test
        .gateway
        .start_in_service(&other, service, request(1, Binding::default()));
    assert_eq!(
        test.settle(beginning),
        Err(ServiceStartError::NoService),
        "another client's service is none"
    );
    let right = check(&test, service, Sought::Number(handset(1)), &code);
    assert_eq!(right, Ok(State::Verified), "no check was lost to anybody");
    assert_eq!(entries(&test, Kind::VerificationStarted), 1);
}

#[test]
fn what_began_without_a_service_is_found_under_none() {
    let test = running();
    let started = super::verifications::start(&test, 1).unwrap();
    let code = code(&test);
    let service = standing(&test);
    for sought in [Sought::Number(handset(1)), Sought::Id(started.id)] {
        assert_eq!(check(&test, service, sought, &code), NONE);
    }
}

#[test]
fn to_begin_again_is_to_send_the_same_code_within_its_waits() {
    let test = running();
    let service = standing(&test);
    let begun = begin(&test, service, 1).unwrap();
    let first = code(&test);
    let early = begin(&test, service, 1).unwrap_err();
    assert!(
        matches!(early, ServiceStartError::Resend(ResendError::NotYet(_))),
        "{early:?}"
    );
    later(&test, 30);
    let again = begin(&test, service, 1).unwrap();
    assert_eq!(again.view.id, begun.view.id);
    assert_eq!(again.view.messages.len(), 2);
    assert_eq!(code(&test).reveal(), first.reveal());
    // Another service of the client has codes of its own, and the same waits.
    let own = made(&test, "Example Shop");
    assert!(begin(&test, own, 1).is_err(), "too early");
    later(&test, 300);
    let other = begin(&test, own, 1).unwrap();
    assert_ne!(other.view.id, begun.view.id);
    assert_ne!(code(&test).reveal(), first.reveal());
    let right = check(&test, service, Sought::Number(handset(1)), &first);
    assert_eq!(right, Ok(State::Verified));
}

#[test]
fn of_two_that_begin_at_once_one_sends_a_code_and_the_other_waits() {
    let test = running();
    let (service, caller) = (standing(&test), test.caller());
    let begin = || {
        let request = request(1, Binding::default());
        test.gateway.start_in_service(&caller, service, request)
    };
    let (one, other) = test.settle(async { tokio::join!(begin(), begin()) });
    let begun = [&one, &other].into_iter().filter(|each| each.is_ok());
    assert_eq!(begun.count(), 1, "{one:?} {other:?}");
    assert_eq!(test.carriers.take().len(), 1);
    assert_eq!(entries(&test, Kind::VerificationEnded), 0);
}

#[test]
fn a_code_for_another_act_takes_the_place_of_the_one_before() {
    let test = running();
    let (service, caller) = (standing(&test), test.caller());
    let first = begin_for(&test, service, 1, paying("10.00 EUR")).unwrap();
    let before = code(&test);
    later(&test, 30);
    let second = begin_for(&test, service, 1, paying("90.00 EUR")).unwrap();
    assert_ne!(second.view.id, first.view.id);
    assert_eq!(view(&test, first.view.id).state, State::Cancelled);
    let code = code(&test);
    let number = Sought::Number(handset(1));
    let shown = |code: &Code, amount| {
        let checked = show(&test, (&caller, service), number, (code, paying(amount)));
        checked.map(|checked| checked.answer.state)
    };
    assert_eq!(shown(&before, "10.00 EUR"), Ok(State::Pending));
    assert_eq!(shown(&code, "10.00 EUR"), Ok(State::Pending));
    assert_eq!(check(&test, service, number, &code), Ok(State::Pending));
    assert_eq!(shown(&code, "90.00 EUR"), Ok(State::Verified));
    assert_eq!(entries(&test, Kind::VerificationEnded), 2);
}

#[test]
fn one_whose_time_is_over_makes_room_for_another() {
    let test = running();
    let service = standing(&test);
    let first = begin(&test, service, 1).unwrap();
    let before = code(&test);
    later(&test, 600);
    let second = begin(&test, service, 1).unwrap();
    assert_ne!(second.view.id, first.view.id);
    let code = code(&test);
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(view(&test, first.view.id).state, State::Expired);
    assert_eq!(
        check(&test, service, Sought::Id(first.view.id), &before),
        NONE
    );
    let right = check(&test, service, Sought::Number(handset(1)), &code);
    assert_eq!(right, Ok(State::Verified));
}

#[test]
fn used_up_checks_are_told_until_the_code_would_have_ended_or_another_begins() {
    let test = running();
    let service = standing(&test);
    let begun = begin(&test, service, 1).unwrap();
    let code = code(&test);
    let (number, id) = (Sought::Number(handset(1)), Sought::Id(begun.view.id));
    for left in (0..5).rev() {
        let state = check(&test, service, number, &other_than(&code)).unwrap();
        assert_eq!(state == State::Failed, left == 0);
    }
    for sought in [number, id] {
        let right = check(&test, service, sought, &code);
        assert_eq!(right, Err(ServedCheckError::UsedUp), "{sought:?}");
    }
    let other = Sought::Number(handset(2));
    assert_eq!(check(&test, service, other, &code), NONE);
    let own = made(&test, "Example Shop");
    for sought in [number, id] {
        assert_eq!(check(&test, own, sought, &code), NONE);
    }
    later(&test, 100);
    begin(&test, service, 1).unwrap();
    let fresh = super::verifications::code(&test);
    assert_eq!(check(&test, service, number, &fresh), Ok(State::Verified));
    assert_eq!(
        check(&test, service, number, &fresh),
        NONE,
        "the last one was approved"
    );
    later(&test, 600);
    assert_eq!(check(&test, service, id, &code), NONE);
}

#[test]
fn services_and_what_began_under_them_survive_a_crash() {
    let test = running();
    let service = made(&test, "Example Shop");
    let begun = begin(&test, service, 1).unwrap();
    let code = code(&test);
    let number = Sought::Number(handset(1));
    let wrong = check(&test, service, number, &other_than(&code));
    assert_eq!(wrong, Ok(State::Pending));
    let test = test.crash_and_restart(usual(), 2);
    later(&test, 30);
    let again = begin(&test, service, 1).unwrap();
    assert_eq!(again.view.id, begun.view.id);
    assert_eq!(check(&test, service, number, &code), Ok(State::Verified));
    assert_rebuilt(&test);
}

#[test]
fn a_service_is_made_changed_and_removed_by_its_client_and_the_ledger_tells_all_of_it() {
    let test = running();
    let caller = test.caller();
    let service = make(
        &test,
        VerifyServiceWish {
            length: Some(CodeLength::EIGHT),
            ..named("Example Shop")
        },
    )
    .unwrap();
    assert_eq!(
        (service.sort, service.acts),
        (ServiceSort::Own, ActRule::Optional)
    );
    begin(&test, service.id, 1).unwrap();
    let handed = test.carriers.take().pop().unwrap();
    let text = String::from_utf8(handed.submission.payload.to_vec()).unwrap();
    assert!(text.contains("Example Shop"), "{text}");
    let digits = text.chars().filter(char::is_ascii_digit).count();
    assert!(digits >= 8, "{text}");
    later(&test, 60);
    let wish = VerifyServiceWish {
        acts: Some(ActRule::Required),
        ..VerifyServiceWish::default()
    };
    let changing = test
        .gateway
        .change_verify_service(&caller, service.id, wish);
    let changed = test.settle(changing).unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.length),
        ("Example Shop", CodeLength::EIGHT)
    );
    assert!(changed.updated > changed.created);
    let actless = begin(&test, service.id, 2);
    assert_eq!(actless, Err(ServiceStartError::ActMissing));
    begin_for(&test, service.id, 2, paying("10.00 EUR")).unwrap();
    assert_rebuilt(&test);
    let removing = test.gateway.remove_verify_service(&caller, service.id);
    test.settle(removing).unwrap();
    let code = Code::parse("12345678").unwrap();
    let gone = check(&test, service.id, Sought::Number(handset(1)), &code);
    assert_eq!(gone, NONE);
    assert_eq!(
        begin(&test, service.id, 3),
        Err(ServiceStartError::NoService)
    );
    for kind in [
        Kind::VerifyServiceCreated,
        Kind::VerifyServiceChanged,
        Kind::VerifyServiceRemoved,
    ] {
        assert_eq!(entries(&test, kind), 1, "{kind:?}");
    }
    assert_rebuilt(&test);
    let test = test.crash_and_restart(usual(), 2);
    let left = test.gateway.verify_services(&test.caller()).unwrap();
    assert_eq!(left.len(), 1, "the one that nobody makes");
}

#[test]
fn nobody_changes_the_standing_service_or_another_clients() {
    let test = running();
    let own = made(&test, "Example Shop");
    let (_, key) = test.add_client(everything("other"));
    let (caller, other) = (test.caller(), test.caller_with(&key));
    let of_us = standing(&test);
    for (who, service, expected) in [
        (&caller, of_us, VerifyServiceError::Standing),
        (&other, of_us, VerifyServiceError::NotFound),
        (&other, own, VerifyServiceError::NotFound),
    ] {
        let changing = test
            .gateway
            .change_verify_service(who, service, named("Mine"));
        assert_eq!(test.settle(changing).unwrap_err(), expected);
        let removing = test.gateway.remove_verify_service(who, service);
        assert_eq!(test.settle(removing).unwrap_err(), expected);
    }
    let seen = test.gateway.verify_service(&other, own);
    assert_eq!(seen, Err(VerifyServiceError::NotFound));
}

#[test]
fn a_name_that_could_be_a_line_a_link_or_a_code_is_refused_and_so_are_weak_codes() {
    let test = running();
    for name in [
        "",
        "see evil.example",
        "Code 482913",
        "a\nb",
        "{code}",
        &"x".repeat(33),
    ] {
        let refused = make(&test, named(name)).unwrap_err();
        assert!(
            matches!(refused, VerifyServiceError::Name(_)),
            "{name}: {refused:?}"
        );
    }
    let weak = VerifyServiceWish {
        length: Some(CodeLength::new(4).unwrap()),
        ..named("Example")
    };
    assert_eq!(make(&test, weak), Err(VerifyServiceError::TooFewDigits));
    let lines = VerifyServiceWish {
        fixed_lines: Some(FixedLines::Send),
        ..named("Example")
    };
    assert_eq!(make(&test, lines), Err(VerifyServiceError::FixedLines));
    let nameless = make(&test, VerifyServiceWish::default());
    assert_eq!(nameless, Err(VerifyServiceError::Nameless));
    assert_eq!(entries(&test, Kind::VerifyServiceCreated), 0);
}

#[test]
fn a_client_has_so_many_services_and_no_more() {
    let test = running();
    for n in 0..VERIFY_SERVICES_MAX {
        made(&test, &format!("Shop {n}"));
    }
    let more = make(&test, named("One more"));
    assert_eq!(more, Err(VerifyServiceError::TooMany));
    let image = test.store.image();
    let client = image.clients().next().unwrap();
    assert_eq!(client.services.len(), VERIFY_SERVICES_MAX);
}

/// What came of fifty checks at once, by number and by id, half of them right.
fn race(test: &TestGateway) -> (usize, usize) {
    let (service, caller) = (standing(test), test.caller());
    let begun = begin(test, service, 1).unwrap();
    let code = code(test);
    let checks = (0..50).map(|n| {
        let sought = if n % 3 == 0 {
            Sought::Number(handset(1))
        } else {
            Sought::Id(begun.view.id)
        };
        let code = if n % 2 == 0 {
            other_than(&code)
        } else {
            code.clone()
        };
        let (code, binding) = (code.into(), Binding::default());
        let request = CheckRequest { code, binding };
        test.gateway
            .check_in_service(&caller, service, sought, request)
    });
    let answers = test.settle(all(checks.collect()));
    let evaluated = answers.iter().flatten();
    let approved = evaluated
        .clone()
        .filter(|checked| checked.answer.state == State::Verified);
    (evaluated.count(), approved.count())
}

#[cfg(not(feature = "racy-checks"))]
#[test]
fn checks_at_once_by_number_and_by_id_are_evaluated_one_after_the_other() {
    let test = running();
    for _ in 0..10 {
        let (evaluated, approved) = race(&test);
        assert!(evaluated <= 5, "{evaluated}");
        assert!(approved <= 1, "{approved}");
        later(&test, 4_000);
    }
}

/// The test above is worth something only if it sees the race where there is one.
#[cfg(feature = "racy-checks")]
#[test]
fn a_build_that_reads_and_then_writes_is_seen_through_this_door_too() {
    let (evaluated, approved) = race(&running());
    assert!(evaluated > 5, "{evaluated}");
    assert!(approved > 1, "{approved}");
}
