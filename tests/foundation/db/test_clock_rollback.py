"""Clock rollback: detection by regular observation, and the two days for which it counts."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from foundation.db import clock_rollback
from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def moved(tenant: OpenScope, by: timedelta) -> timedelta | None:
    """Move the clock of the machine, observe it and return the detected rollback."""
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
    """Allow for the time that passes between two observations."""
    return found is not None and meant - 10 * SECOND < found <= meant


def test_rollback_is_detected_once_and_counts_for_earlier_times(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    assert moved(tenant, 6 * HOUR) is None, "a move forward is no rollback"
    before = now(tenant, tenant_id)
    assert since(tenant, tenant_id, before) == timedelta()
    assert near(moved(tenant, -HOUR), HOUR)
    assert moved(tenant, timedelta()) is None
    assert near(moved(tenant, -2 * HOUR), 2 * HOUR)
    assert near(since(tenant, tenant_id, before), HOUR), "only the first rollback passed this time"
    assert near(since(tenant, tenant_id, before - 2 * HOUR), 3 * HOUR)
    moved(tenant, 5 * HOUR)
    assert since(tenant, tenant_id, now(tenant, tenant_id)) == timedelta(), (
        "no rollback counts for a later time"
    )


def test_rollback_counts_for_times_after_last_observation(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    """The relay observes every ten seconds, so the clock may have shown a later time before it
    fell."""
    moved(tenant, 6 * HOUR)
    after = now(tenant, tenant_id) + timedelta(minutes=4)
    moved(tenant, -HOUR)
    assert near(since(tenant, tenant_id, after), HOUR)


def test_correction_of_one_second_is_no_rollback(tenant: OpenScope, tenant_id: UUID) -> None:
    moved(tenant, 6 * HOUR)
    before = now(tenant, tenant_id)
    assert moved(tenant, -SECOND) is None
    assert since(tenant, tenant_id, before) == timedelta()


@pytest.mark.parametrize("far", [HOUR, 9_000 * HOUR])
def test_rollback_is_forgotten_after_two_days(
    tenant: OpenScope, tenant_id: UUID, far: timedelta
) -> None:
    """The two days are measured on the new clock: after a rollback of a year, the old clock would
    count it for a year."""
    moved(tenant, 6 * HOUR + far)
    before = now(tenant, tenant_id)
    moved(tenant, -far)
    assert since(tenant, tenant_id, before) > timedelta()
    moved(tenant, 50 * HOUR)
    assert since(tenant, tenant_id, before) == timedelta()


def test_only_relay_may_observe_clock(tenant: OpenScope, tenant_id: UUID) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        tenant(tenant_id, "system:test") as scope,
    ):
        clock_rollback.observe_clock(scope)
