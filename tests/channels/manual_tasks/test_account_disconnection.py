"""An account is disconnected while it has a manual task."""

import pytest

from channels.connections import disconnection
from foundation.errors import Conflict
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.channels.manual_task_builders import NAME, Phone
from tests.channels.manual_tasks.test_tasks import due, hand, lea  # noqa: F401  fixtures
from tests.schedules.builders import SandboxAgency
from tests.schedules.conftest import running, sandbox, services  # noqa: F401  fixtures


def _disconnect(lea: SandboxAgency) -> None:  # noqa: F811  fixtures
    lea.act(disconnection.request_disconnection, lea.channels[NAME], "Marc")
    lea.live(minutes=3)


# fixtures
def test_unopened_task_is_cancelled_on_disconnection(lea: SandboxAgency, hand: Phone) -> None:  # noqa: F811  see above
    delivery, task = due(lea, hand)
    _disconnect(lea)
    assert hand.tasks() == []
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.FAILED,
        "handover.disconnected",
    )
    assert None not in {one.outcome for one in lea.attempts(delivery)}
    assert lea.rows("handover.look") == []
    for late in (hand.open, hand.done):
        with pytest.raises(Conflict):
            late(task.id)


def test_opened_task_becomes_uncertain_on_disconnection(
    lea: SandboxAgency,  # noqa: F811  fixtures
    hand: Phone,  # noqa: F811  fixtures
) -> None:
    delivery, task = due(lea, hand)
    hand.open(task.id)
    _disconnect(lea)
    assert hand.task(task.id).state == "recalled"
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.UNCERTAIN,
        "handover.disconnected",
    )
    assert lea.notices()[f"delivery:{delivery}"] == "handover.disconnected"


def test_removal_task_survives_disconnection(lea: SandboxAgency, hand: Phone) -> None:  # noqa: F811  fixtures
    delivery, task = due(lea, hand)
    hand.done(task.id)
    lea.act(post_removal.request_post_removal, delivery)
    lea.run()
    (removing,) = hand.tasks()
    _disconnect(lea)
    assert hand.tasks() == [removing]


def test_task_of_another_account_is_unaffected(lea: SandboxAgency, hand: Phone) -> None:  # noqa: F811  fixtures
    _, task = due(lea, hand)
    lea.act(disconnection.request_disconnection, lea.channels["main"], "Marc")
    lea.live(minutes=3)
    assert [one.id for one in hand.tasks()] == [task.id]
