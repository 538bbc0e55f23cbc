"""Release of an account's brake: by a response to a request sent after the last failure."""

from datetime import timedelta

import pytest

from channels.limits import send_limits
from connectors.contract.connector import Response, StepAnswerLost
from foundation.ops.clock import monotonic
from tests.channels.builders import World

SUCCESS = 200
REFUSAL = 404


def fail_write(lea: World) -> None:
    with lea.scope() as scope:
        lost = StepAnswerLost("publish", "ReadTimeout")
        send_limits.record_answer(scope, lea.channel_id, lost, creates=True)


def answer_request(
    lea: World, *, before: float | None = None, status: int = SUCCESS, creates: bool = False
) -> None:
    """Record the response to a request sent this many seconds ago."""
    started = monotonic() - before if before is not None else None
    response = Response("updates", status, {}, {"ok": True}, started=started)
    with lea.scope() as scope:
        send_limits.record_answer(scope, lea.channel_id, response, creates=creates)


def wait(lea: World, *, writes: bool = True) -> float:
    with lea.scope() as scope:
        block = send_limits.send_block(scope, lea.channel_id, brake=True, writes=writes)
        return 0.0 if block is None else round((block.until - scope.now).total_seconds())


@pytest.mark.parametrize("status", [SUCCESS, REFUSAL])
@pytest.mark.parametrize("passed", [0, 7, 40])
def test_response_counts_if_its_request_followed_the_failure(
    lea: World, status: int, passed: int
) -> None:
    """A long poll that was open when the outage began ends with a success."""
    fail_write(lea)
    lea.pass_time(passed)
    for before in (passed + 1, passed + 20, passed + 300):
        answer_request(lea, before=before, status=status)
        assert wait(lea) > 0, before
    answer_request(lea, before=max(passed - 1, 0), status=status)
    assert wait(lea) == 0


def test_long_poll_does_not_release_the_application_brake(lea: World) -> None:
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET app_key = :app WHERE tenant_id = :tenant AND id = :id",
            app=lea.creator_id,
            tenant=lea.tenant_id,
            id=lea.channel_id,
        )
    fail_write(lea)
    with lea.scope() as scope, scope.acting_as("relay"):
        scope.run(
            "UPDATE app_limits SET braked_until = :until WHERE id = :app",
            until=scope.now + timedelta(minutes=1),
            app=lea.creator_id,
        )
    with lea.scope() as scope:
        send_limits.release_brake(scope, lea.channel_id)
    answer_request(lea, before=20)
    assert wait(lea) > 0
    answer_request(lea)
    assert wait(lea) == 0


def test_reads_release_only_reads_while_writes_fail(lea: World) -> None:
    waits = []
    for _ in range(6):
        fail_write(lea)
        lea.pass_time(3)
        answer_request(lea, before=1)
        assert wait(lea, writes=False) == 0, "lookups continue"
        waits.append(wait(lea))
        lea.pass_time(waits[-1] + 1)
        assert wait(lea) == 0
    assert waits == [0, 27, 57, 117, 237, 297]
    answer_request(lea, creates=True)
    fail_write(lea)
    lea.pass_time(3)
    answer_request(lea)
    assert wait(lea) == 0, "a post was accepted in between"
