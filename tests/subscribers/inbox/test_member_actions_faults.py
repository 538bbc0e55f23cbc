"""Faults around replies: duplicate, unordered and replayed updates, and crashes in an action."""

import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.listening import listener
from connectors.contract.chats import ChatUpdate
from foundation.ids import uuid7
from foundation.outbox import outbox
from subscribers.checkout import order_payments
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.delivery import send_deadlines
from subscribers.inbox import member_actions
from tests.channels.builders import CONNECTORS, Clockwork, Killed
from tests.subscribers.builders import EVENTS, Studio, build_model_reply
from tests.subscribers.inbox.test_member_actions import act, member, taken


def told(studio: Studio) -> list[ChatUpdate]:
    """Return the pending updates without receiving them."""
    channel = studio.world.channel()
    heard = listener.poll_updates(
        channel, studio.heard, transport=studio.world.transport(), connectors=CONNECTORS
    )  # type: ignore[arg-type]  # the sandbox chats
    return list(heard.updates)


def test_duplicate_and_replayed_updates_get_one_reply(
    studio: Studio,
) -> None:
    studio.say("leo", "bonjour")
    before = len(studio.texts("leo"))
    studio.writer.says = [
        build_model_reply("Une seule réponse"),
        build_model_reply("de trop"),
        build_model_reply("de trop aussi"),
    ]
    studio.fan("leo", "message", text="la première")
    studio.fan("leo", "message", text="la seconde")
    first, second = told(studio)
    for update in (second, first, second, first):
        studio.receive(update)
    studio.drain()
    studio.heard = ""  # another process starts where nothing was acknowledged
    studio.go()
    assert studio.texts("leo")[before:] == ["Une seule réponse"]
    said = [line.body for line in studio.thread("leo").lines if line.author == "fan"]
    assert sorted(said) == ["bonjour", "la première", "la seconde"]


@pytest.mark.parametrize("point", range(4))
def test_action_in_a_crash_is_done_once_or_not_at_all(studio: Studio, point: int) -> None:
    """Text that was not stored as a message is still in the box: the member sends it again, and the
    fan receives it once."""
    who, talk = taken(studio)
    text = "Nothing lost, nothing twice."
    act(
        studio,
        who,
        lambda scope: unsent_text.store_unsent_text(
            scope, conversation_rows.get_conversation(scope, talk), who, text
        ),
    )
    studio.world.clockwork = Clockwork(at=point)
    with contextlib.suppress(Killed):
        press(studio, who, talk, text)
    studio.world.clockwork = Clockwork()
    left = act(studio, who, unsent_text.load_unsent_text, talk, who)
    if left:
        press(studio, who, talk, left)
    studio.go()
    assert studio.texts("leo").count(text) == 1
    assert act(studio, who, unsent_text.load_unsent_text, talk, who) == ""


def press(studio: Studio, who: UUID, talk: UUID, text: str) -> None:
    """Send a reply as a page does, in a process that may crash before, during or after its
    transaction."""
    with studio.world.tenant(studio.world.tenant_id, f"member:{who}") as scope:
        member_actions.send_member_reply(scope, talk, who, text, key=uuid7())


@pytest.mark.parametrize("point", range(12))
def test_crash_while_sending_a_reply_sends_it_once(studio: Studio, point: int) -> None:
    who, talk = taken(studio)
    act(studio, who, member_actions.send_member_reply, talk, who, "D’abord ceci.", key=uuid7())
    studio.go()
    act(
        studio,
        who,
        member_actions.send_member_reply,
        talk,
        who,
        "Puis cela, une fois.",
        key=uuid7(),
    )
    studio.world.clockwork = Clockwork(at=point)
    with contextlib.suppress(Killed):
        studio.drain(hours=0.0)
    studio.world.clockwork = Clockwork()
    studio.go(hours=2)
    assert studio.texts("leo").count("Puis cela, une fois.") == 1


def test_simultaneous_takeovers_leave_one_owner(studio: Studio) -> None:
    studio.say("leo", "/human")
    talk = studio.thread("leo").id
    ones: list[UUID] = [member(studio, name) for name in ("Léa", "Sam")]
    for who in ones:
        act(studio, who, member_actions.take_over_conversation, talk, who)
    moves: list[Any] = studio.rows(
        "SELECT after, by FROM conversation_moves WHERE tenant_id = :tenant AND after = 'human' "
        "ORDER BY epoch"
    )
    assert [row.by for row in moves] == [f"member:{who}" for who in ones]
    with studio.scope() as scope:
        assert conversation_rows.get_conversation(scope, talk).owner_member_id == ones[1]


def test_slow_model_does_not_delay_helplines(studio: Studio) -> None:
    """Generation has a separate lane, so that a safety text is sent while a model is still writing
    to the fan."""
    studio.say("leo", "bonjour")
    studio.fan("leo", "message", text="ça va ?")
    studio.listen()
    (turn,) = studio.rows(
        "SELECT lane FROM outbox WHERE tenant_id = :tenant AND kind = 'chat.turn'"
    )
    with studio.scope() as scope:  # generation is in progress
        scope.run(
            "UPDATE outbox SET state = 'leased', lease_token = gen_random_uuid(), lease_until = "
            "house_now()"
            " + interval '2 minutes' WHERE tenant_id = :tenant AND kind = 'chat.turn'",
            tenant=scope.tenant_id,
        )
    studio.fan("leo", "message", text="je veux mourir")
    studio.listen()
    (help_,) = studio.rows(
        "SELECT lane FROM outbox WHERE tenant_id = :tenant AND kind = 'chat.send'"
    )
    assert help_.lane != turn.lane
    studio.drain()
    assert "3114" in studio.texts("leo")[-1]


@pytest.mark.parametrize("kind", ["chat.send", "order.fulfil"])
def test_row_leased_by_another_worker_is_retried(studio: Studio, kind: str) -> None:
    """The lease expired while its worker was alive: the row has another owner when the first one
    receives RetryLater."""
    studio.say("leo", "bonjour")
    if kind == "order.fulfil":
        order = studio.invoiced("leo")
        with studio.scope() as scope:
            order_payments.record_payment(scope, studio.charge("leo", order, "charge-1"))
    else:
        studio.fan("leo", "message", text="ça va ?")
        studio.listen()
        turn = waiting(studio, "chat.turn")
        studio.handlers()["chat.turn"](
            outbox.rebuild_event(EVENTS["chat.turn"], studio.world.tenant_id, turn.subject_id, {})
        )
        studio.rows(
            "DELETE FROM outbox WHERE tenant_id = :tenant AND id = :id RETURNING 1", id=turn.id
        )
    before, row = len(studio.texts("leo")), waiting(studio, kind)
    event = outbox.rebuild_event(EVENTS[kind], studio.world.tenant_id, row.subject_id, row.args)
    handler = studio.handlers()[kind]

    studio.world.network.fault(
        "status:429", account=studio.world.account, on="messages", times=1, retry_after=1
    )

    def carry(armed: Any) -> Any:
        with pytest.raises(outbox.RetryLater):
            handler(event)  # the row was leased by another worker in between
        return handler.keywords["carry"](armed)  # type: ignore[attr-defined]  # a partial

    with pytest.raises(outbox.RetryLater):
        # a partial is no ordinary handler
        handler.func(event, **handler.keywords | {"carry": carry})  # type: ignore[attr-defined]  # see above
    studio.drain()
    assert len(studio.texts("leo")) > before


def test_retries_stay_rare_after_a_clock_rollback(studio: Studio) -> None:
    """Each retry claims a row again: once, rows were claimed every two seconds for an hour because
    the end was in a future that no longer existed."""
    hour = timedelta(hours=1)
    with studio.scope() as scope:
        waits = [
            send_deadlines.next_check_time(scope, scope.now + left)
            for left in (send_deadlines.MAX_SEND_TIME, hour, -send_deadlines.SEND_MARGIN)
        ]
        assert [*waits, send_deadlines.next_check_time(scope, None)] == [
            send_deadlines.RECHECK_BOUNDS,
            send_deadlines.SELDOM,
            None,
            None,
        ]


def waiting(studio: Studio, kind: str) -> Any:
    """Return the only row of a kind."""
    (row,) = studio.rows(
        "SELECT * FROM outbox WHERE tenant_id = :tenant AND kind = :kind", kind=kind
    )
    return row
