"""Confirmations of platform rules by an owner: who may give one, for what, and what it changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, GreenroomError, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Unit, Verdict
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.permits.issuance import Decision
from gate.policy import active_policy, bundle
from gate.policy.bundle import CONFIRMATION_PERIOD, GRACE
from gate.policy.queries import list_confirmations
from gate.reviews import content_reviews, platform_confirmations, rule_expiry
from gate.reviews.events import PlatformConfirmed, PlatformRulesRead, RuleReminderDue
from gate.reviews.handlers import handle_rules_read
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, picture, synthetic_person, unit, world
from tests.gate.policy_releases import install_rules, sign_release, trusting

PLATFORM, RULE, PLACE = "x", "x.post", ("x", "x.post")
WHOLE = bundle.shipped_bundle()
PAGES = platform_confirmations.platform_pages(WHOLE, PLATFORM)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _trusted(cluster: Cluster) -> Iterator[None]:
    with trusting(cluster):
        yield


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def expire(here: World, tenant: OpenScope, days: int, number: int = 1) -> date:
    """Install rules whose last day was `days` ago, and return that day."""
    with here.scope() as scope:
        last = scope.now.date() - days * DAY
    install_rules(tenant, sign_release(f"2026.12.02-{number}", read_by=last.isoformat()))
    return last


def confirm(here: World, who: UUID, **changes: object) -> bool:
    with here.scope(f"member:{who}") as scope:
        asked = {"read_on": scope.now.date(), "platform": PLATFORM, "urls": PAGES, **changes}
        # keywords of several types
        return platform_confirmations.confirm_platform(scope, **asked)  # type: ignore[arg-type]  # see above


def adult(here: World) -> Unit:
    with here.scope(f"member:{here.rob}") as scope:
        shown: Medium = picture(scope, here, Rating.N, person=synthetic_person(scope, here))
        whole = unit(here, media=[shown], platform="x", surface=RULE, account="mia-x")
        return replace(whole, flags=issuance.required_flags_of_unit(scope, whole), seen=())


def judged(here: World, whole: Unit) -> Decision:
    with here.scope(f"member:{here.rob}") as scope:
        marked = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        issuance.judge_unit(scope, marked, author=f"member:{here.ann}")
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, marked.digest(), verdict="approve")
        return issuance.judge_unit(scope, marked, author=f"member:{here.ann}")


def test_one_confirmation_by_an_owner_releases_what_was_held(
    here: World, tenant: OpenScope
) -> None:
    expire(here, tenant, GRACE[Rating.N].days)
    post = adult(here)
    assert judged(here, post).verdict is Verdict.F, "content continues"
    expire(here, tenant, GRACE[Rating.N].days + 1, 2)
    assert judged(here, post).reasons == (Reason.POLICY_STALE,)
    assert confirm(here, here.rob)
    with here.scope() as scope:
        assert outbox.is_pending(scope, here.principal(scope, here.rob), PlatformConfirmed.kind)
    allowed = judged(here, post)
    assert (allowed.verdict, allowed.reasons) == (Verdict.F, ())
    with here.scope() as scope:
        marked = replace(post, flags=issuance.required_flags_of_unit(scope, post))
        issuance.mint_permit(scope, marked, Step(), key=KEY, author=f"member:{here.ann}")
        found = subject_history.list_decisions(scope, post.subject)
    assert {one.replay for one in found} == {ReplayOutcome.SAME}


def test_only_an_owner_confirms(here: World, tenant: OpenScope) -> None:
    expire(here, tenant, 1)
    with pytest.raises(Refused, match="rules"):
        confirm(here, here.ann)
    with pytest.raises(GreenroomError), here.scope("system:test") as scope:
        platform_confirmations.confirm_platform(scope, PLATFORM, PAGES, read_on=scope.now.date())
    with here.scope() as scope:
        rules = active_policy.current_bundle(scope)
        row = {"urls": [], "read_on": scope.now.date(), "by": here.principal(scope, here.ann)}
    with pytest.raises(DBAPIError), here.scope() as scope:
        platform_confirmations.store_confirmation(scope, rules, PLATFORM, **row)


@pytest.mark.parametrize(
    "changes",
    [
        {"urls": PAGES[1:]},
        {"urls": ()},
        {"platform": "nowhere"},
        {"platform": "sandbox"},
        {"platform": "page"},
    ],
)
def test_unread_pages_and_unknown_platforms_are_refused(
    here: World, tenant: OpenScope, changes: dict[str, object]
) -> None:
    expire(here, tenant, 1)
    with pytest.raises(BadInput):
        confirm(here, here.rob, **changes)


@pytest.mark.parametrize(("days", "counts"), [(-1, False), (0, True), (6, True), (7, False)])
def test_reading_of_the_last_week_counts(
    here: World, tenant: OpenScope, days: int, counts: bool
) -> None:
    expire(here, tenant, 1)
    with here.scope() as scope:
        read_on = scope.now.date() - days * DAY
    if counts:
        assert confirm(here, here.rob, read_on=read_on)
    else:
        with pytest.raises(BadInput, match="not_read_so"):
            confirm(here, here.rob, read_on=read_on)


@pytest.mark.parametrize(("left", "is_due"), [(61, False), (60, True), (0, True), (-200, True)])
def test_platform_can_be_confirmed_from_sixty_days_before(
    here: World, tenant: OpenScope, left: int, is_due: bool
) -> None:
    expire(here, tenant, -left)
    if is_due:
        assert confirm(here, here.rob)
        assert not confirm(here, here.rob), "recorded before"
    else:
        with pytest.raises(BadInput, match="not_due"):
            confirm(here, here.rob)


def test_changed_rules_must_be_confirmed_again(here: World, tenant: OpenScope) -> None:
    expire(here, tenant, 61)
    post = adult(here)
    assert confirm(here, here.rob)
    assert judged(here, post).verdict is Verdict.F
    expire(here, tenant, 62, 2)
    assert judged(here, post).reasons == (Reason.POLICY_STALE,)


def test_borrowed_rule_is_renewed_with_its_platform(here: World, tenant: OpenScope) -> None:
    own = next(row for row in WHOLE.rows.values() if RULE in row.same_as)
    last = WHOLE.rows[RULE].review_by
    assert last is not None
    late = last + GRACE[Rating.S] + DAY
    with here.scope() as scope:
        assert list_confirmations(scope, ()) == ()
    row = WHOLE.row(own.platform, own.id, on=late)
    assert row.stale == frozenset(GRACE)
    confirmation = bundle.PlatformConfirmation(
        PLATFORM, WHOLE.platform_digest(PLATFORM), late, late + CONFIRMATION_PERIOD
    )
    assert not WHOLE.row(own.platform, own.id, on=late, confirmations=[confirmation]).stale


# ------------------------------------------------------------------ warnings
def warn(here: World, tenant: OpenScope) -> list[tuple[str, str]]:
    """Send the reminders, and return the causes and codes of the open ones."""
    rule_expiry.send_rule_reminders(
        RuleReminderDue(uuid7(), uuid7()), tenant=tenant, places=lambda _: [PLACE]
    )
    with here.scope() as scope:
        return [
            (notice.cause, notice.message.code)
            for notice in list_open_notices(scope)
            if notice.cause.startswith(f"{rule_expiry.CAUSE}:")
        ]


def test_members_are_warned_step_by_step_and_daily_afterwards(
    here: World, tenant: OpenScope
) -> None:
    with here.scope() as scope:
        today = scope.now.date()
    steps = {
        61: None,
        60: (60, "rule.due"),
        31: (60, "rule.due"),
        30: (30, "rule.due"),
        7: (7, "rule.due"),
        0: (7, "rule.due"),
        -1: (today, "rule.overdue"),
        -60: (today, "rule.overdue"),
        -61: (today, "rule.holds_adult"),
        -180: (today, "rule.holds_adult"),
        -181: (today, "rule.holds_suggestive"),
    }
    for number, (left, wanted) in enumerate(steps.items(), 1):
        last = expire(here, tenant, -left, number)
        for _ in range(2):  # a second run must not repeat the warning
            assert warn(here, tenant) == (
                [(f"rules:{PLATFORM}:{last}:{wanted[0]}", wanted[1])] if wanted else []
            )
    assert confirm(here, here.rob)
    assert warn(here, tenant) == []
    with here.scope() as scope:
        told = [one.message.code for one in list_open_notices(scope)]
    assert told == []


def test_demo_agency_is_not_warned(tenant: OpenScope) -> None:
    shown = uuid7()
    with tenant(shown, "system:test") as scope:
        agencies.create_agency(scope, name="Show", language="fr", zone="Europe/Paris", demo=True)
        past = scope.now.date() - DAY
    install_rules(tenant, sign_release("2026.12.03-1", read_by=past.isoformat()))
    rule_expiry.send_rule_reminders(
        RuleReminderDue(uuid7(), uuid7()), tenant=tenant, places=lambda _: [PLACE]
    )
    with tenant(shown, "system:test") as scope:
        assert rule_expiry.list_due_platforms(scope, [PLACE])
        assert list_open_notices(scope) == []


def test_refused_reading_is_reported_to_its_member(here: World, tenant: OpenScope) -> None:
    expire(here, tenant, 1)
    with here.scope() as scope:
        today = scope.now.date().isoformat()
    for who in (here.ann, here.rob):
        handle_rules_read(
            PlatformRulesRead(
                here.tenant_id, uuid7(), PLATFORM, " ".join(PAGES), today, f"member:{who}"
            ),
            tenant=tenant,
        )
    with here.scope() as scope:
        codes = [one.message.code for one in list_open_notices(scope)]
        assert len(list_confirmations(scope, {PLATFORM})) == 1
    assert codes == ["role.forbidden.rules"]


def test_report_of_looser_rules_changes_nothing(here: World, tenant: OpenScope) -> None:
    expire(here, tenant, 61)
    post = adult(here)
    with here.scope() as scope:
        guest = agencies.add_member(
            scope, name="gil", email="gil@example.test", role=Role.GUEST, language="en", zone="UTC"
        )
    with here.scope(f"member:{here.ann}") as scope:
        platform_confirmations.report_looser_rules(scope, PLATFORM, "nudity in profiles")
        for words in ("", " ", "x" * 501):
            with pytest.raises(BadInput):
                platform_confirmations.report_looser_rules(scope, PLATFORM, words)
    with pytest.raises(Refused), here.scope(f"member:{guest}") as scope:
        platform_confirmations.report_looser_rules(scope, PLATFORM, "nudity in profiles")
    assert judged(here, post).reasons == (Reason.POLICY_STALE,)
