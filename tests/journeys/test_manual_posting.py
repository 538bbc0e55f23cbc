"""Manual posting from the schedule to the link: a manual task, a phone and a member's report,
without any connection."""

import socket

import pytest

from schedules.posts.states import DeliveryState
from tests.channels.manual_task_builders import (
    LINK,
    NAME,
    connect_manual_account,
    list_permits,
    open_phone,
    pair_phone,
)
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.conftest import running, sandbox, services  # noqa: F401  fixtures
from workers.wiring import Services


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:  # noqa: F811  fixtures
    return create_sandbox_agency(services, sandbox)


@pytest.fixture
def nobody_calls(lea: SandboxAgency, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record every connection that Python opens. PostgreSQL's library opens its connections in C,
    unrecorded."""
    asked: list[object] = []
    real = socket.socket.connect

    def connect(self: socket.socket, to: object) -> None:
        asked.append(to)
        real(self, to)  # type: ignore[arg-type]  # passed on unchanged

    monkeypatch.setattr(socket.socket, "connect", connect)
    return asked


def test_manual_task_is_completed_without_network_access(
    lea: SandboxAgency, nobody_calls: list[object]
) -> None:
    connect_manual_account(lea)
    pair_phone(lea)
    delivery = lea.delivery(
        "Le matin, café et lumière", channel=NAME, media=(lea.photo(1), lea.photo(2)), after=900
    )
    hand = open_phone(lea)
    lea.live(seconds=890)
    assert hand.tasks() == []
    lea.live(seconds=15)

    (task,) = hand.tasks()
    assert (task.site, task.caption, len(task.files)) == (
        "Instagram",
        "Le matin, café et lumière",
        2,
    )
    assert lea.state(delivery) == DeliveryState.PROCESSING
    assert lea.why(delivery) == "delivery.handed_over"
    assert "handover.due" in lea.notices().values()

    lea.pass_time(minutes=12)
    hand.open(task.id)
    for file in task.files:
        code, data = hand.save(task.id, file.sha256)
        assert (code, len(data or b"")) == ("", file.size)
    hand.done(task.id)

    entry = lea.entry(delivery)
    assert (entry.state, entry.url) == (
        DeliveryState.PUBLISHED,
        LINK.replace("www.", "").rstrip("/"),
    )
    assert entry.settled_at is not None
    assert 700 < (entry.settled_at - entry.due_at).total_seconds() < 900
    assert lea.story(delivery)[-1].by == f"member:{lea.manager}"
    assert [step for step, _ in list_permits(lea)] == ["hand_over", "save", "save"]
    assert "handover.due" not in lea.notices().values()
    assert nobody_calls == []
    lea.delivery("Un autre réseau")  # the twin: the guard records other connections
    lea.run()
    assert nobody_calls
