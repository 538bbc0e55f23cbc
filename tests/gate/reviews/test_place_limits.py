"""Stricter limits of an agency on destinations: set by one member, ended by two, never looser than
the policy."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.facts import EvidenceSnapshot, PlaceLimitFacts
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Subject, Text, Unit, Verdict
from gate.decision.case import Case
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import bundle
from gate.reviews import place_limits
from gate.reviews.events import PlaceLimitRequested
from gate.reviews.handlers import handle_place_limit
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.gate.builders import KEY, Step, World, unit, world

PLACE = "sandbox.post"
RATED = (Rating.G, Rating.S, Rating.N, Rating.E)
WHOLE = bundle.shipped_bundle()


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def keep(
    here: World, rating: Rating = Rating.G, verdict: Verdict = Verdict.H, **changes: str
) -> None:
    with here.scope(f"member:{here.ann}") as scope:
        place_limits.set_place_limit(
            scope,
            changes.get("place", PLACE),
            rating,
            verdict,
            why=changes.get("why", "quiet week"),
        )


def end(here: World, who: UUID) -> bool:
    with here.scope(f"member:{who}") as scope:
        return place_limits.end_place_limit(scope, PLACE, Rating.G, Verdict.H)


def leaves(here: World, whole: Unit) -> frozenset[Reason]:
    try:
        with here.scope() as scope:
            issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    except PermitDenied as denied:
        with here.scope() as scope:
            issuance.record_denial(scope, denied)
        return frozenset(denied.decision.reasons)
    return frozenset()


def test_limit_is_set_by_one_member_and_ended_by_two(here: World, tenant: OpenScope) -> None:
    post = unit(here)
    assert leaves(here, replace(post, subject=Subject("delivery", uuid7()))) == frozenset()
    keep(here)
    assert leaves(here, post) == {Reason.RATING_EXCEEDS_SURFACE}
    elsewhere = world(tenant, uuid7())
    assert leaves(elsewhere, unit(elsewhere)) == frozenset()
    assert leaves(here, unit(here, surface="sandbox.as_x", account="mia-x")) == frozenset()
    for _ in range(2):
        assert not end(here, here.ann)
        assert leaves(here, post) == {Reason.RATING_EXCEEDS_SURFACE}
    assert end(here, here.rob)
    assert leaves(here, post) == frozenset()
    with here.scope() as scope:
        assert {one.replay for one in subject_history.list_decisions(scope, post.subject)} == {
            ReplayOutcome.SAME
        }
        assert place_limits.list_place_limits(scope) == []
    with pytest.raises(NotFound):
        end(here, here.rob)


def test_repeated_limit_cancels_pending_end(here: World) -> None:
    keep(here)
    end(here, here.ann)
    keep(here)
    assert not end(here, here.rob)
    with here.scope() as scope:
        [one] = place_limits.list_place_limits(scope)
    assert (one.ending, one.why) == (True, "quiet week")


def test_looser_or_invalid_limit_is_refused(here: World) -> None:
    for rating, verdict, changes in (
        (Rating.G, Verdict.A, {}),
        (Rating.X, Verdict.B, {}),
        (Rating.G, Verdict.B, {"place": "nowhere.post"}),
        (Rating.G, Verdict.B, {"why": " "}),
    ):
        with pytest.raises(BadInput):
            keep(here, rating, verdict, **changes)
    with here.scope() as scope:
        guest = agencies.add_member(
            scope, name="g", email="g@example.test", role=Role.GUEST, language="en", zone="UTC"
        )
    with pytest.raises(Refused), here.scope(f"member:{guest}") as scope:
        place_limits.set_place_limit(scope, PLACE, Rating.G, Verdict.B, why="x")
    with pytest.raises(Refused), here.scope() as scope:
        place_limits.set_place_limit(scope, PLACE, Rating.G, Verdict.B, why="x")
    with pytest.raises(DBAPIError), here.open(here.tenant_id, "system:test", role="gate") as scope:
        scope.run(
            "INSERT INTO place_limits (tenant_id, id, place, rating, verdict, by, why, open)"
            " VALUES (:t, :t, 'x', 'G', 'A', '', '', true)",
            t=here.tenant_id,
        )


def test_workers_process_limit_and_report_refusal(here: World, tenant: OpenScope) -> None:
    asked = PlaceLimitRequested(
        here.tenant_id, uuid7(), PLACE, "G", "H", "x", end=False, by=f"member:{here.ann}"
    )
    handle_place_limit(asked, tenant=tenant)
    assert leaves(here, unit(here)) == {Reason.RATING_EXCEEDS_SURFACE}
    handle_place_limit(replace(asked, rating="N", end=True), tenant=tenant)
    with here.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == ["limit.no_such_place"]


@given(
    name=st.sampled_from([(row.platform, row.id) for row in WHOLE.rows.values()]),
    kept=st.lists(
        st.builds(PlaceLimitFacts, st.sampled_from(RATED), st.sampled_from(Verdict)), max_size=4
    ),
)
def test_no_limit_allows_more_than_policy(
    name: tuple[str, str], kept: list[PlaceLimitFacts]
) -> None:
    platform, surface = name
    whole = Unit(
        uuid7(),
        uuid7(),
        Subject("delivery", uuid7()),
        platform,
        surface,
        uuid7(),
        "a",
        "public",
        (Text("body", "x"),),
    )
    facts = EvidenceSnapshot(whole.tenant_id, "", None, Rating.E)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    free, tight = (
        Case(facts, whole, WHOLE, now).row,
        Case(replace(facts, limits=tuple(kept)), whole, WHOLE, now).row,
    )
    for rating in RATED:
        assert tight.verdict(rating).rank >= free.verdict(rating).rank
        for limit in kept:
            if limit.rating.rank <= rating.rank:
                assert tight.verdict(rating).rank >= limit.verdict.rank
