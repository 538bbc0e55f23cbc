"""Send limits of an account: the platform's 429, and the brake during an outage."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from channels.accounts import lifecycle
from channels.limits import send_limits
from channels.limits.send_limits import BRAKE_DELAYS, SendingBlock
from connectors.contract.connector import Response, StepAnswerLost, StepNotSent
from connectors.contract.outcomes import Published, Retry, Uncertain
from connectors.shared.http_responses import CROSSPOST_STEP
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from tests.channels.builders import World


def take(lea: World) -> SendingBlock | None:
    with lea.scope() as scope:
        return send_limits.claim_send_slot(scope, lea.channel())


def wait(lea: World) -> float:
    """Return the seconds until the account may send."""
    with lea.scope() as scope:
        blocked = send_limits.claim_send_slot(scope, lea.channel())
        return 0.0 if blocked is None else round((blocked.until - scope.now).total_seconds())


def note(
    lea: World, status: int, headers: Mapping[str, str] | None = None, *, creates: bool = True
) -> None:
    with lea.scope() as scope:
        answer = Response("publish", status, headers or {}, {} if status < 300 else None)
        send_limits.record_answer(scope, lea.channel_id, answer, creates=creates)


def test_retry_after_of_a_429_is_respected(lea: World) -> None:
    lea.network.fault("status:429", account=lea.account, on="posts", retry_after=45)
    outcome = lea.publish(lea.unit())
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=45)
    assert wait(lea) == 45
    lea.pass_time(46)
    assert take(lea) is None
    assert isinstance(lea.publish(lea.unit()), Published)


def test_429_without_a_delay_doubles_the_wait(lea: World) -> None:
    waits = []
    for _ in range(8):
        note(lea, 429)
        waits.append(wait(lea))
        lea.pass_time(waits[-1])
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    note(lea, 200, creates=False)
    note(lea, 429)
    assert wait(lea) == 60


def test_message_limit_does_not_hold_posts(lea: World) -> None:
    """X counts each kind of request separately and reports the remainder; a 429 without details
    applies to all kinds."""
    counted = {"x-rate-limit-remaining": "0", "retry-after": "90"}
    for step, headers, waits in (
        ("message", counted, 0),
        ("publish", counted, 90),
        ("message", {}, 120),
    ):
        with lea.scope() as scope:
            send_limits.record_answer(
                scope,
                lea.channel_id,
                Response(step, 429, headers),
                creates=True,
                in_chat=step == "message",
            )
        assert wait(lea) == waits, (step, headers)


def test_crosspost_limit_does_not_hold_posts(lea: World) -> None:
    for everywhere, waits in ((False, 0), (True, 1800)):
        with lea.scope() as scope:
            refused = Response(
                CROSSPOST_STEP,
                429,
                {"retry-after": "1800"},
                {"retry_after": 1800.0, "global": everywhere},
            )
            send_limits.record_answer(scope, lea.channel_id, refused, creates=True)
        assert wait(lea) == waits


def test_success_does_not_shorten_a_429(lea: World) -> None:
    note(lea, 429, {"retry-after": "100"})
    note(lea, 429, {"retry-after": "10"})
    note(lea, 200)
    assert wait(lea) == 100


def test_outage_causes_one_uncertain_delivery(lea: World) -> None:
    lea.network.fault("status:503", account=lea.account, on="*", times=4)
    assert isinstance(lea.publish(lea.unit("first")), Uncertain)
    assert take(lea) is not None
    assert [lea.probe() for _ in range(3)] == [5, 10, 20]
    assert take(lea) is not None
    assert lea.probe() == 0
    assert take(lea) is None
    assert isinstance(lea.publish(lea.unit("second")), Published)


def test_brake_is_probed_by_its_event(lea: World) -> None:
    for _ in range(3):
        note(lea, 503)
    with lea.scope() as scope:
        due = (
            scope.run("SELECT available_at FROM outbox WHERE kind = 'channel.probe'")
            .scalars()
            .all()
        )
        assert len(due) == 1
        assert due[0] > scope.now
    assert wait(lea) == 10


def test_only_write_failures_set_the_brake(lea: World) -> None:
    for status in (400, 403, 404, 409):
        note(lea, status)
    note(lea, 503, creates=False)
    with lea.scope() as scope:
        for ours in ("PoolTimeout", "deadline"):
            send_limits.record_answer(
                scope, lea.channel_id, StepNotSent("publish", ours), creates=True
            )
        send_limits.record_answer(
            scope, lea.channel_id, StepAnswerLost("look", "ReadTimeout"), creates=False
        )
    assert take(lea) is None
    with lea.scope() as scope:
        send_limits.record_answer(
            scope, lea.channel_id, StepAnswerLost("publish", "ReadTimeout"), creates=True
        )
    assert take(lea) is not None
    note(lea, 404, creates=False)  # a refusal is a response: the platform is up
    assert take(lea) is None
    with lea.scope() as scope:
        send_limits.record_answer(
            scope, lea.channel_id, StepNotSent("publish", "ConnectTimeout"), creates=True
        )
    assert take(lea) is not None


def test_brake_set_during_a_final_probe_gets_another_probe(lea: World) -> None:
    """The probe succeeded and released the brake; before its row was deleted, the next post was
    lost."""

    def outbox_has(state: str) -> int:
        with lea.scope() as scope:
            told = (
                "SELECT count(*) FROM outbox WHERE kind = 'channel.probe' AND tenant_id = :t AND "
                "state = :state"
            )
            found: int = scope.run(told, t=lea.tenant_id, state=state).scalar_one()
            return found

    note(lea, 503)
    with lea.scope() as scope:
        scope.run(
            "UPDATE outbox SET state = 'leased' WHERE kind = 'channel.probe' AND tenant_id = :t",
            t=lea.tenant_id,
        )
    assert lea.probe() == 0
    note(lea, 503)
    assert (outbox_has("leased"), outbox_has("waiting")) == (1, 1)
    note(lea, 503)
    note(lea, 200)
    note(lea, 503)
    assert outbox_has("waiting") == 1


def test_probes_slow_down_with_the_duration_of_an_outage() -> None:
    at, asked = timedelta(), 0
    while at < timedelta(hours=3):
        asked += 1
        wait = send_limits.next_probe_delay(asked)
        assert wait <= max(BRAKE_DELAYS[min(asked, 5) - 1], min(at / 6, send_limits.PROBE_AFTER))
        at += wait
    assert 90 < asked < 120


def test_no_probe_is_sent_during_a_429(lea: World) -> None:
    note(lea, 503)
    note(lea, 429, {"retry-after": "50"})
    assert lea.probe() == 50


def test_last_success_is_recorded(lea: World) -> None:
    assert lea.channel().last_ok_at is None
    lea.publish(lea.unit())
    assert lea.channel().last_ok_at is not None


def test_channel_of_another_tenant_is_not_found(lea: World) -> None:
    channel = lea.channel()
    with lea.database.scope(lea.creator_id, "system:test") as scope, pytest.raises(NotFound):
        send_limits.claim_send_slot(scope, channel)


def test_brake_is_removed_with_the_account(lea: World) -> None:
    """An account reconnected after an outage would otherwise never be probed."""
    with lea.scope() as scope:
        send_limits.record_answer(
            scope, lea.channel_id, StepAnswerLost("publish", "timeout"), creates=True
        )
    assert take(lea) is not None
    channel, off = lea.channel(), Message("channel.left")
    with lea.scope() as scope:
        lifecycle.start_disconnection(scope, channel.id, off)
        lifecycle.finish_disconnection(scope, lea.channel(), off)
    assert lea.probe() == 0
    names = ("creator_id", "platform", "surface", "account", "name", "base_url", "zone")
    token = Sealed(lea.network.tokens[lea.account].encode())
    with lea.scope() as scope:
        lifecycle.connect_account(
            scope, token=token, **{name: getattr(channel, name) for name in names}
        )
    assert take(lea) is None
    assert isinstance(lea.publish(lea.unit()), Published)
