"""A clock rollback of one hour: no post is published twice, and none waits longer than that hour."""

from datetime import timedelta

from channels.sending import reconciliation
from foundation.ids import INSTALLATION_ID
from gate.contract.units import Subject
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency

AN_HOUR = timedelta(hours=1)


def step_back(lea: SandboxAgency) -> None:
    """Set the clock back but leave the leases, as on a machine whose time was set."""
    with lea.services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=-AN_HOUR)


def test_lookups_of_first_attempt_do_not_count_for_second(lea: SandboxAgency) -> None:
    """The delivery is proven absent and held as late. A member then resends it at an earlier time,
    while the listing of the platform lags."""
    lea.fault("reset_before")
    delivery_id = lea.delivery("once", late_ok=timedelta(seconds=50))
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.HELD
    step_back(lea)
    lea.fault("reset_after")
    lea.fault("lag", on="lookups", lookup_lag=30)
    lea.act(expedite_delivery, delivery_id)
    lea.live(minutes=4)
    assert lea.texts() == ["once"], lea.states(delivery_id)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_latest_attempt_is_found_by_number(lea: SandboxAgency) -> None:
    """A process dies after the second request, at an earlier time than the first: the second
    attempt is the uncertain one."""
    lea.fault("reset_before")
    delivery_id = lea.delivery("once", late_ok=timedelta(seconds=50))
    lea.live(minutes=10)
    step_back(lea)
    lea.act(expedite_delivery, delivery_id)
    for at in range(6, 40):
        if lea.crash(at) and lea.texts():
            break
    assert len(lea.attempts(delivery_id)) == 2
    with lea.scope() as scope:
        assert reconciliation.is_possibly_published(scope, Subject("delivery", delivery_id))
    lea.live(minutes=4)
    assert lea.texts() == ["once"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.states(delivery_id).count("publishing") == 2
