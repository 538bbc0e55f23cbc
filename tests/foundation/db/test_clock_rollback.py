"""A clock that is put back is seen by whoever looks regularly, and remembered for as long as it
matters."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from foundation.db import clock_rollback
from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def moved(tenant: OpenScope, by: timedelta) -> timedelta | None:
    """Set the machine's clock and look at it; what was seen."""
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=by)
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        return clock_rollback.observe_clock(scope)


def since(tenant: OpenScope, tenant_id: UUID, at: datetime) -> timedelta:
    with tenant(tenant_id, "system:test") as scope:
        return clock_rollback.rollback_since(scope, at)


def now(tenant: OpenScope, tenant_id: UUID) -> datetime:
    with tenant(tenant_id, "system:test") as scope:
        return scope.now


def near(found: timedelta | None, meant: timedelta) -> bool:
    """Some time passes between two looks."""
    return found is not None and meant - 10 * SECOND < found <= meant


def test_what_is_put_back_is_seen_once_and_counts_for_what_was_before(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    assert moved(tenant, 6 * HOUR) is None, "forward is no fall"
    before = now(tenant, tenant_id)
    assert since(tenant, tenant_id, before) == timedelta()
    assert near(moved(tenant, -HOUR), HOUR)
    assert moved(tenant, timedelta()) is None
    assert near(moved(tenant, -2 * HOUR), 2 * HOUR)
    assert near(since(tenant, tenant_id, before), HOUR), "the second began at an earlier hour"
    assert near(since(tenant, tenant_id, before - 2 * HOUR), 3 * HOUR)
    moved(tenant, 5 * HOUR)
    assert since(tenant, tenant_id, now(tenant, tenant_id)) == timedelta(), (
        "what is written down after counts from then"
    )


def test_what_is_done_just_after_the_last_look_counts_too(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    """The relay looks every ten seconds: the clock fell after it showed later still."""
    moved(tenant, 6 * HOUR)
    after = now(tenant, tenant_id) + timedelta(minutes=4)
    moved(tenant, -HOUR)
    assert near(since(tenant, tenant_id, after), HOUR)


def test_a_clock_that_is_kept_right_does_not_fall(tenant: OpenScope, tenant_id: UUID) -> None:
    moved(tenant, 6 * HOUR)
    before = now(tenant, tenant_id)
    assert moved(tenant, -SECOND) is None
    assert since(tenant, tenant_id, before) == timedelta()


@pytest.mark.parametrize("far", [HOUR, 9_000 * HOUR])
def test_falls_are_forgotten_after_two_days(
    tenant: OpenScope, tenant_id: UUID, far: timedelta
) -> None:
    """By the clock as it is since: one that was a year ahead would else reach back a year for a
    year."""
    moved(tenant, 6 * HOUR + far)
    before = now(tenant, tenant_id)
    moved(tenant, -far)
    assert since(tenant, tenant_id, before) > timedelta()
    moved(tenant, 50 * HOUR)
    assert since(tenant, tenant_id, before) == timedelta()


def test_only_the_relay_looks(tenant: OpenScope, tenant_id: UUID) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        tenant(tenant_id, "system:test") as scope,
    ):
        clock_rollback.observe_clock(scope)
