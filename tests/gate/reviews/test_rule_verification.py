"""Verification of expired policy rules: two members read a rule again; it is valid for 90 days, for
that rule, and never looser."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, GreenroomError, Refused
from foundation.ids import uuid7
from gate.contract.facts import RuleVerification
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Unit, Verdict
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.permits.issuance import Decision
from gate.policy import active_policy, bundle
from gate.policy.bundle import Bundle
from gate.policy.queries import rule_verifications
from gate.reviews import content_reviews, rule_expiry, rule_verification
from gate.reviews.events import RuleReminderDue, RuleVerified
from gate.reviews.handlers import handle_rule_verified
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tenants.notices.queries import list_open_notices
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, picture, synthetic_person, unit, world
from tests.gate.policy_releases import install_rules, sign_release, trusting
from tests.tenants import totp_app

RULE, PLACE = "x.post", ("x", "x.post")
WHOLE = bundle.shipped_bundle()
ROW = WHOLE.rows[RULE]
URL = ROW.source_url[0]
LAST = ROW.review_by or date.min
LATER = LAST + timedelta(days=1)
RATED = (Rating.G, Rating.S, Rating.N, Rating.E)


@pytest.fixture(autouse=True)
def _trusted(cluster: Cluster) -> Iterator[None]:
    with trusting(cluster):
        yield


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    """A tenant whose policy rules expired on the tenth."""
    found = world(tenant, tenant_id)
    install_rules(tenant, sign_release("2026.12.01-1", read_by="2026-11-10"))
    return found


def attest(here: World, who: UUID, **changes: object) -> bool:
    with here.scope(f"member:{who}") as scope:
        asked = {"read_on": scope.now.date(), "url": URL, "name": RULE, **changes}
        # keywords of several types
        return rule_verification.verify_rule(scope, **asked)  # type: ignore[arg-type]  # see above


def adult(here: World) -> Unit:
    with here.scope(f"member:{here.rob}") as scope:
        shown: Medium = picture(scope, here, Rating.N, person=synthetic_person(scope, here))
        whole = unit(here, media=[shown], platform="x", surface=RULE, account="mia-x")
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole), seen=())
    return whole


def judged(here: World, whole: Unit) -> Decision:
    with here.scope(f"member:{here.rob}") as scope:
        marked = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        issuance.judge_unit(scope, marked, author=f"member:{here.ann}")
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, marked.digest(), verdict="approve")
        return issuance.judge_unit(scope, marked, author=f"member:{here.ann}")


def test_two_members_renew_expired_rule(here: World) -> None:
    post = adult(here)
    assert judged(here, post).reasons == (Reason.POLICY_STALE,)
    assert not attest(here, here.rob)
    assert judged(here, post).reasons == (Reason.POLICY_STALE,)
    assert attest(here, here.ann)
    allowed = judged(here, post)
    assert (allowed.verdict, allowed.reasons) == (Verdict.F, ())
    with here.scope() as scope:
        marked = replace(post, flags=issuance.required_flags_of_unit(scope, post))
        issuance.mint_permit(scope, marked, Step(), key=KEY, author=f"member:{here.ann}")
        [shown] = issuance.preview_everywhere(
            scope,
            [[post]],
            author=f"member:{here.ann}",
            line=lambda: "",
            by=active_policy.current_policy(scope),
        )
        assert Reason.POLICY_STALE not in shown[1].reasons
        found = subject_history.list_decisions(scope, post.subject)
    assert {one.replay for one in found} == {ReplayOutcome.SAME}
    assert {one.decision.verdict for one in found} == {Verdict.H, Verdict.F}


def test_owner_begins_verification_and_another_human_completes_it(here: World) -> None:
    with pytest.raises(Refused, match="rules"):
        attest(here, here.ann)
    assert not attest(here, here.rob)
    assert not attest(here, here.rob)
    with here.scope() as scope:
        chatter = agencies.add_member(
            scope, name="cy", email="cy@example.test", role=Role.CHATTER, language="en", zone="UTC"
        )
        guest = agencies.add_member(
            scope, name="gil", email="gil@example.test", role=Role.GUEST, language="en", zone="UTC"
        )
    with pytest.raises(Refused, match="review"):
        attest(here, chatter)
    with pytest.raises(GreenroomError), here.scope("system:test") as scope:
        rule_verification.verify_rule(scope, RULE, URL, read_on=scope.now.date())
    with here.scope() as scope:
        for one in (here.rob, guest):
            device_fingerprints.record_device(
                scope,
                totp_app.KEY,
                tenant_reads.get_member(scope, one),
                address="203.0.113.7",
                device="",
            )
    with pytest.raises(Refused, match="rules"):  # linked to the owner, so not a second human
        attest(here, guest)


def test_owner_and_guest_can_verify_rule(here: World) -> None:
    with here.scope() as scope:
        guest = agencies.add_member(
            scope, name="gil", email="gil@example.test", role=Role.GUEST, language="en", zone="UTC"
        )
    assert not attest(here, here.rob)
    assert attest(here, guest)


def test_looser_unread_or_outdated_verification_is_refused(here: World) -> None:
    for verdicts in ({Rating.N: Verdict.A}, {Rating.X: Verdict.A}):
        with pytest.raises(Refused, match="ATTESTATION_INVALID"):
            attest(here, here.rob, verdicts=verdicts)
    with here.scope() as scope:
        today = scope.now.date()
    for wrong in (
        {"url": "https://elsewhere.example/"},
        {"read_on": today - rule_verification.SECOND_READING_WINDOW},
        {"read_on": today + timedelta(days=1)},
        {"read_on": date(2030, 1, 1)},
        {"name": "sandbox.post"},
        {"name": "nowhere.post"},
    ):
        with pytest.raises(BadInput):
            attest(here, here.rob, **wrong)
    with here.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM attestations WHERE tenant_id = :t", t=here.tenant_id
            ).scalar_one()
            == 0
        )
    assert not attest(
        here, here.rob, read_on=today - rule_verification.SECOND_READING_WINDOW + timedelta(days=1)
    )


def test_stricter_verification_requires_both_members(here: World) -> None:
    stricter = {Rating.N: Verdict.B}
    assert not attest(here, here.rob, verdicts=stricter)
    with pytest.raises(Refused):
        attest(here, here.ann)
    assert attest(here, here.ann, verdicts=stricter)
    assert judged(here, adult(here)).verdict is Verdict.B


def test_verification_ends_with_its_rule(here: World, tenant: OpenScope) -> None:
    attest(here, here.rob)
    attest(here, here.ann)
    install_rules(tenant, sign_release("2026.12.01-2", read_by="2026-11-11"))
    assert judged(here, adult(here)).reasons == (Reason.ATTESTATION_INVALID, Reason.POLICY_STALE)


def test_database_enforces_limits_of_verification(here: World) -> None:
    attest(here, here.rob)
    for change in ("until = read_on + 91", "second = by", "state = 'active'"):
        with (
            pytest.raises(DBAPIError),
            here.open(here.tenant_id, "system:test", role="gate") as scope,
        ):
            scope.run(f"UPDATE attestations SET {change} WHERE tenant_id = :t", t=here.tenant_id)
    with pytest.raises(DBAPIError), here.scope() as scope:  # the app role has no right to it
        scope.run("UPDATE attestations SET state = 'ended' WHERE tenant_id = :t", t=here.tenant_id)


def reading(rules: Bundle = WHOLE, **changes: object) -> RuleVerification:
    whole = RuleVerification(
        RULE, rules.rows[RULE].digest(), LAST, LAST + bundle.VERIFICATION_PERIOD
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # passed by keyword


def test_verification_is_valid_for_ninety_days() -> None:
    def letters(on: date) -> str:
        place = WHOLE.row(*PLACE, on=on, again=[reading()])
        return "".join(place.verdict(rating) for rating in RATED)

    assert letters(LATER) == letters(LAST + timedelta(days=89)) == "AAFF"
    assert letters(LAST + timedelta(days=90)) == "AHHH"
    assert WHOLE.row(*PLACE, on=LAST + timedelta(days=90), again=[reading()]).misread


@given(
    until=st.integers(-3, 200),
    day=st.integers(-10, 200),
    written=st.sampled_from([ROW.digest(), "0" * 64]),
    said=st.dictionaries(st.sampled_from(RATED), st.sampled_from(Verdict)),
)
def test_verification_is_never_looser_than_signed_rule(
    until: int, day: int, written: str, said: dict[Rating, Verdict]
) -> None:
    on = LAST + timedelta(days=day)
    again = reading(written=written, until=LAST + timedelta(days=until), verdicts=said)
    with_it, without, fresh = (
        WHOLE.row(*PLACE, on=when, again=told)
        for when, told in ((on, [again]), (on, []), (LAST, []))
    )
    for rating in RATED:
        assert with_it.verdict(rating).rank >= fresh.verdict(rating).rank
        if not WHOLE.is_verification_valid(again, on):
            assert with_it.verdict(rating) is without.verdict(rating)


def test_borrowed_rule_is_renewed_by_verifying_its_source() -> None:
    own = next(row for row in WHOLE.rows.values() if RULE in row.same_as)
    names = WHOLE.overdue_rows(own.platform, own.id, on=LATER)
    assert set(names) == set(own.same_as)
    stale, read = (
        WHOLE.row(own.platform, own.id, on=LATER, again=told) for told in ([], [reading()])
    )
    assert stale.stale
    assert not read.stale
    assert WHOLE.row(
        own.platform, own.id, on=LATER, place="text", again=[reading()]
    ).stale  # a different rule


# ------------------------------------------------------------------ reminders
def test_members_are_reminded_step_by_step_once(here: World, tenant: OpenScope) -> None:
    def told() -> list[str]:
        rule_expiry.send_rule_reminders(
            RuleReminderDue(uuid7(), uuid7()), tenant=tenant, places=lambda _: [PLACE]
        )
        with here.scope() as scope:
            return sorted(
                one.cause for one in list_open_notices(scope) if one.cause.startswith("rules:")
            )

    with here.scope() as scope:
        today = scope.now.date()
    days = {31: None, 30: 30, 14: 14, 13: 14, 7: 7, 0: 7, -1: "past"}
    for number, (left, step) in enumerate(days.items()):
        last = today + timedelta(days=left)
        install_rules(tenant, sign_release(f"2026.12.02-{number + 1}", read_by=last.isoformat()))
        for _ in range(1 + (step == 14)):  # a second run must not repeat the reminder
            assert told() == ([f"rules:{last}:{step}"] if step else [])
    words = {"name": "x.text", "url": WHOLE.rows["x.text"].source_url[0]}
    attest(here, here.rob)
    with here.scope() as scope:
        assert [
            (one.name, one.waiting is not None)
            for one in rule_expiry.list_expiring_rules(scope, [PLACE])
        ] == [
            (RULE, True),
            ("x.text", False),
        ]
    attest(here, here.ann)
    attest(here, here.rob, **words)
    assert len(told()) == 1
    attest(here, here.ann, **words)
    assert told() == []


def test_demo_agency_is_not_reminded(tenant: OpenScope) -> None:
    shown = uuid7()
    with tenant(shown, "system:test") as scope:
        agencies.create_agency(scope, name="Show", language="fr", zone="Europe/Paris", demo=True)
        past = scope.now.date() - timedelta(days=1)
    install_rules(tenant, sign_release("2026.12.03-1", read_by=past.isoformat()))
    rule_expiry.send_rule_reminders(
        RuleReminderDue(uuid7(), uuid7()), tenant=tenant, places=lambda _: [PLACE]
    )
    with tenant(shown, "system:test") as scope:
        assert rule_expiry.list_expiring_rules(scope, [PLACE])
        assert list_open_notices(scope) == []


def test_unauthorized_verification_is_reported(here: World, tenant: OpenScope) -> None:
    with here.scope() as scope:
        today = scope.now.date().isoformat()
    for who in (here.ann, here.rob, here.ann):
        handle_rule_verified(
            RuleVerified(here.tenant_id, uuid7(), RULE, URL, today, f"member:{who}"), tenant=tenant
        )
    with here.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == ["role.forbidden.rules"]
        assert len(rule_verifications(scope, (RULE,))) == 1
        assert active_policy.current_bundle(scope).version == "2026.12.01-1"
