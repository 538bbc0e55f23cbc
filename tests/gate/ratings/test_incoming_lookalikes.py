"""New pictures that resemble a requested or sealed picture share its state."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.ops.clock import monotonic
from gate.contract.reasons import Reason
from gate.contract.states import RemovalRequestState
from gate.contract.units import Medium
from gate.copies import live_copies
from gate.ratings import inspections, ratings, seals
from gate.removal import removal_requests
from tests.gate.assets.test_derivations import verdict
from tests.gate.builders import World, picture, publish_unit, unit, world
from tests.gate.removal_builders import process_removal_request, submit_removal_request

LOOK, NEAR, FAR = "0f0f0f0f0f0f0f0f", "0f0f0f0f0f0f0f0e", "ffff0000ffff0000"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def come(here: World, look: str) -> Medium:
    """Record a new picture as the studio does."""
    with here.scope() as scope:
        medium = picture(scope, here, phash=look)
        inspections.record_file_inspection(scope, medium.sha256, hidden=False)
    return medium


def state(scope: Scope, medium: Medium) -> str:
    found: str = scope.run(
        "SELECT state FROM renditions WHERE sha256 = :sha", sha=medium.sha256
    ).scalar_one()
    return found


FROZEN = ("B", {Reason.COMPLAINT_FREEZE})
FREE = ("A", frozenset[Reason]())


@pytest.mark.parametrize("called", [False, True], ids=["undecided", "by deadline"])
def test_lookalike_is_frozen_with_requested_picture(here: World, called: bool) -> None:
    first = come(here, LOOK)
    wish = submit_removal_request(here, first.sha256, category="shown")
    process_removal_request(here, wish)
    if called:
        with here.scope() as scope:
            removal_requests.recall_named_bytes(scope, wish)
    anew, other = come(here, NEAR), come(here, FAR)
    assert verdict(here, anew) == FROZEN
    assert verdict(here, other) == FREE
    with here.scope() as scope:
        assert set(removal_requests.get_removal_request(scope, wish).digests) == {
            first.sha256,
            anew.sha256,
        }
        removal_requests.uphold_removal_request(scope, wish)
        assert (state(scope, anew), state(scope, other)) == ("removed", "made")


def test_rejected_request_releases_lookalikes(here: World) -> None:
    first = come(here, LOOK)
    wish = submit_removal_request(here, first.sha256, category="shown")
    anew = come(here, NEAR)  # before the workers have frozen the named picture
    assert verdict(here, anew) == FROZEN
    process_removal_request(here, wish)
    with here.scope() as scope:
        removal_requests.reject_removal_request(scope, wish)
    assert verdict(here, first) == verdict(here, anew) == verdict(here, come(here, LOOK)) == FREE


def test_slow_request_covers_named_picture_only(here: World) -> None:
    first = come(here, LOOK)
    process_removal_request(here, submit_removal_request(here, first.sha256, category="other"))
    assert verdict(here, first) == FROZEN
    assert verdict(here, come(here, NEAR)) == FREE


def test_lookalike_of_sealed_picture_is_sealed(here: World) -> None:
    first = come(here, LOOK)
    with here.scope() as scope:
        seals.seal_bytes(scope, first.sha256, by=f"member:{here.rob}")
    anew, other = come(here, NEAR), come(here, FAR)
    with here.scope() as scope:
        assert seals.sealed_digests(scope, [first.sha256, anew.sha256, other.sha256]) == {
            first.sha256,
            anew.sha256,
        }
        assert ratings.display_ratings(scope, [anew.sha256])[anew.sha256].is_withheld


@pytest.mark.parametrize("by", ["member", "deadline"])
def test_decision_covers_current_lookalikes(here: World, by: str) -> None:
    first = come(here, LOOK)
    wish = submit_removal_request(here, first.sha256, category="shown")
    with here.scope() as scope:
        unread = picture(scope, here, phash=NEAR)  # recorded before lookalikes were searched
    jti = publish_unit(here, unit(here, media=[unread]))
    with here.scope() as scope:
        called = (
            removal_requests.uphold_removal_request
            if by == "member"
            else removal_requests.recall_named_bytes
        )(scope, wish)
        assert called == [jti]
        # just published
        assert live_copies.find_copy(scope, jti).recalled_at is not None  # type: ignore[union-attr]  # see above


def test_concurrent_deadline_does_not_freeze_released_picture(here: World) -> None:
    first = come(here, LOOK)
    wish = submit_removal_request(here, first.sha256, category="shown")
    process_removal_request(here, wish)
    ended = threading.Event()

    def strikes() -> None:
        process_removal_request(here, wish)
        ended.set()

    with ThreadPoolExecutor(1) as pool:
        with here.scope() as scope:
            removal_requests.reject_removal_request(scope, wish)
            struck = pool.submit(strikes)
            until = monotonic() + 30
            while not ended.is_set() and monotonic() < until:
                waits = scope.run("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").scalar()
                if waits:
                    break
        struck.result(30)
    with here.scope() as scope:
        assert (
            removal_requests.get_removal_request(scope, wish).state == RemovalRequestState.REJECTED
        )
        assert state(scope, first) == "made"
