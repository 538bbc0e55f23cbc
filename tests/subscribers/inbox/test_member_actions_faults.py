"""What goes wrong around an answer: told twice, out of order, after a restart; a process that dies
in a press."""

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
    """What the network tells, left unheard."""
    channel = studio.world.channel()
    heard = listener.poll_updates(
        channel, studio.heard, transport=studio.world.transport(), connectors=CONNECTORS
    )  # type: ignore[arg-type]  # the sandbox chats
    return list(heard.updates)


def test_updates_twice_out_of_order_and_again_after_a_restart_get_one_answer(
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
    studio.heard = ""  # another process begins where nothing was acknowledged
    studio.go()
    assert studio.texts("leo")[before:] == ["Une seule réponse"]
    said = [line.body for line in studio.thread("leo").lines if line.author == "fan"]
    assert sorted(said) == ["bonjour", "la première", "la seconde"]


@pytest.mark.parametrize("point", range(4))
def test_a_press_whose_process_dies_is_done_once_or_not_at_all(studio: Studio, point: int) -> None:
    """Whatever was not kept as a message is still in the box: the member presses again, and the fan
    reads it once."""
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
    """The press of a page, whose process may die before, inside or after its transaction."""
    with studio.world.tenant(studio.world.tenant_id, f"member:{who}") as scope:
        member_actions.send_member_reply(scope, talk, who, text, key=uuid7())


@pytest.mark.parametrize("point", range(12))
def test_a_worker_that_dies_while_it_carries_a_members_words(studio: Studio, point: int) -> None:
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


def test_two_members_who_take_at_once_leave_one_owner(studio: Studio) -> None:
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


def test_a_model_that_thinks_keeps_no_helpline_waiting(studio: Studio) -> None:
    """Turns have a lane of their own: what protects a fan leaves while a model is still writing to
    them."""
    studio.say("leo", "bonjour")
    studio.fan("leo", "message", text="ça va ?")
    studio.listen()
    (turn,) = studio.rows(
        "SELECT lane FROM outbox WHERE tenant_id = :tenant AND kind = 'chat.turn'"
    )
    with studio.scope() as scope:  # the model is at it
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
def test_what_another_worker_has_in_hand_is_come_back_for(studio: Studio, kind: str) -> None:
    """A lease that ran out while its worker lives: the row is another's by the time the first one
    hears "later"."""
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
            handler(event)  # who was handed the row meanwhile
        return handler.keywords["carry"](armed)  # type: ignore[attr-defined]  # a partial

    with pytest.raises(outbox.RetryLater):
        # a partial
        handler.func(event, **handler.keywords | {"carry": carry})  # type: ignore[attr-defined]  # see above
    studio.drain()
    assert len(studio.texts("leo")) > before


def test_who_comes_back_comes_seldom_where_the_clock_was_put_back(studio: Studio) -> None:
    """Each time is a row handed out: for an hour, every two seconds, where its end lies in a future
    that is no more."""
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
    """The one row of a kind."""
    (row,) = studio.rows(
        "SELECT * FROM outbox WHERE tenant_id = :tenant AND kind = :kind", kind=kind
    )
    return row
