"""Chat accounts: polling updates, refunds, control steps and reading metrics."""

from dataclasses import replace
from functools import partial

import pytest

from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.attempts.queries import list_attempts
from channels.listening import listener
from channels.metrics import platform_readings
from channels.sending import account_actions
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Published
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.transport.transport import EgressForbidden
from foundation.ids import uuid7
from gate.contract.units import Invoice, Subject
from tests.channels.builders import World

CHAT = {"sandbox": Sandbox()}
FAN = "paul"


def hear(lea: World) -> listener.ReceivedUpdates:
    """Poll from the stored cursor, and acknowledge."""
    with lea.scope() as scope:
        after = listener.stored_cursor(scope, lea.channel_id)
    heard = listener.poll_updates(lea.channel(), after, transport=lea.transport(), connectors=CHAT)
    with lea.scope() as scope:
        listener.acknowledge_updates(scope, lea.channel(), heard)
    return heard


def test_updates_are_received_in_order_until_acknowledged(lea: World) -> None:
    for text in ("bonjour", "ça va ?"):
        lea.network.fan(lea.account, FAN, "message", text=text)
    first = listener.poll_updates(lea.channel(), "", transport=lea.transport(), connectors=CHAT)
    assert [update.text for update in first.updates] == ["bonjour", "ça va ?"]
    assert [update.text for update in hear(lea).updates] == ["bonjour", "ça va ?"]
    lea.network.fan(lea.account, FAN, "message", text="encore")
    assert [update.text for update in hear(lea).updates] == ["encore"]


def test_dead_token_is_noticed_by_polling(lea: World) -> None:
    lea.network.json("POST", f"/control/token/{lea.account}", {"revoke": True})
    heard = hear(lea)
    assert (heard.updates, heard.cursor) == ((), None)
    assert lea.channel().state == ChannelState.ACTIVE, "one refusal of a young token proves nothing"


def test_invalid_response_keeps_the_cursor(lea: World) -> None:
    lea.network.fan(lea.account, FAN, "message", text="one")
    hear(lea)
    lea.network.fan(lea.account, FAN, "message", text="two")
    lea.network.fault("garbage", account=lea.account, on="updates")
    assert hear(lea).updates == ()
    assert [update.text for update in hear(lea).updates] == ["two"]


class Counted(Sandbox):
    """A platform that counts requests."""

    capabilities = replace(Sandbox.capabilities, poll_seconds=10.0)


def test_only_platforms_that_count_requests_pause_polling(
    lea: World,
) -> None:
    lea.network.fault("status:429", account=lea.account, on="posts", retry_after=90)
    lea.publish(lea.unit("too soon"))
    with lea.scope() as scope:
        assert listener.is_polling_blocked(scope, lea.channel(), Counted())
        assert not listener.is_polling_blocked(scope, lea.channel(), CHAT["sandbox"])
    lea.pass_time(seconds=91)
    with lea.scope() as scope:
        assert not listener.is_polling_blocked(scope, lea.channel(), Counted())


class Endless(Sandbox):
    """A connector that never stops polling."""

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send:
        return Send(
            WireStep("updates", StepKind.CONTROL, "GET", "/api/{account}/posts", action="updates")
        )


def test_endless_polling_is_aborted(lea: World) -> None:
    heard = listener.poll_updates(
        lea.channel(), "7", transport=lea.transport(), connectors={"sandbox": Endless()}
    )
    assert (heard.updates, heard.cursor, heard.why) == ((), None, None)


class Counting(Endless):
    """A connector with a minimum gap between requests."""

    capabilities = replace(Sandbox.capabilities, poll_gap=0.5)


def test_polling_rests_between_requests_and_can_be_stopped(lea: World) -> None:
    poll = partial(
        listener.poll_updates, transport=lea.transport(), connectors={"sandbox": Counting()}
    )
    rests: list[float] = []
    assert (
        poll(lea.channel(), "7", rest=rests.append).asked
        == len(rests) + 1
        == request_loop.MAX_REQUESTS
    )
    assert set(rests) == {0.5}
    assert poll(lea.channel(), "7", rest=lambda seconds: True) == listener.NOT_POLLED


def paid(lea: World) -> str:
    """Pay for a message with an invoice as a fan; return the charge."""
    unit = lea.unit("A pack for you", viewer=FAN)
    unit = type(unit)(
        **{**vars(unit), "invoice": Invoice("Pack", "Five pictures", 300, "XTS", "order-7")}
    )
    lea.network.fan(lea.account, FAN, "message", text="hello")
    outcome = lea.publish(unit)
    assert isinstance(outcome, Published), outcome
    lea.network.fan(lea.account, FAN, "pay", message_id=outcome.native_id)
    checkout = next(update for update in hear(lea).updates if update.kind == "checkout")
    answer = account_actions.send_control_step(
        lea.channel(), CHAT["sandbox"].accept_checkout(checkout.ref), transport=lea.transport()
    )
    assert isinstance(answer, Response)
    assert answer.is_success
    return next(update.charge_id for update in hear(lea).updates if update.kind == "payment")


def test_refund_is_accepted_once_and_confirmed_when_repeated(lea: World) -> None:
    charge = paid(lea)
    order = Subject("order", uuid7())
    for _ in range(2):  # the second time it is already refunded
        outcome = account_actions.refund_payment(
            lea.tenant_id,
            order,
            lea.channel_id,
            lambda rail: rail.refund(charge, FAN, 300, "XTS"),
            tenant=lea.tenant,
            transport=lea.transport(),
            connectors=CHAT,
        )
        assert outcome == Published(charge)
    with lea.scope() as scope:
        told = [
            (one.kind, one.n, one.outcome, one.http_status) for one in list_attempts(scope, order)
        ]
    assert told == [("refund", 1, "published", 200), ("refund", 2, "published", 409)]


def test_control_step_with_free_text_is_refused(lea: World) -> None:
    step = CHAT["sandbox"].refund("a whole sentence", FAN, 300, "XTS")
    with pytest.raises(EgressForbidden):
        account_actions.send_control_step(lea.channel(), step, transport=lea.transport())


def test_metrics_of_a_copy_are_read_unless_limited(lea: World) -> None:
    outcome = lea.publish(lea.unit())
    assert isinstance(outcome, Published)

    def numbers(native_id: str, chat: str = "") -> object:
        return platform_readings.read_metrics(
            lea.tenant_id,
            lea.channel_id,
            native_id,
            chat=chat,
            tenant=lea.tenant,
            transport=lea.transport(),
            connectors=CHAT,
        )

    assert numbers(outcome.native_id) == {
        "views": 0,
        "likes": 0,
        "comments": 0,
        "clicks": 0,
    } or numbers(outcome.native_id)
    assert numbers("nowhere") is None
    assert numbers(outcome.native_id, chat=FAN) is None
    lea.network.fault("status:429", account=lea.account, on="*", retry_after=60)
    assert numbers(outcome.native_id) is None
    sent = len(lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"])
    assert numbers(outcome.native_id) is None
    assert (
        len(lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"]) == sent
    )
