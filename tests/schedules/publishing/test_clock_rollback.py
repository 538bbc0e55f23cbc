"""The clock of the machine goes back an hour: nothing leaves twice, and nobody waits for longer
than that hour."""

from datetime import timedelta

from channels.sending import reconciliation
from foundation.ids import INSTALLATION_ID
from gate.contract.units import Subject
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency

AN_HOUR = timedelta(hours=1)


def step_back(lea: SandboxAgency) -> None:
    """The clock alone: leases stay where they are, as on a machine whose time was set."""
    with lea.services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=-AN_HOUR)


def test_looks_at_the_first_try_say_nothing_of_the_second(lea: SandboxAgency) -> None:
    """Proven absent and held for being late; then sent by a person at an earlier hour, to a place
    whose list lags."""
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


def test_the_newest_try_is_known_by_its_number(lea: SandboxAgency) -> None:
    """A process dies with the second request out, at an earlier hour than the first: that one is in
    doubt."""
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
