"""Messages on X: received, answered, looked up and charged, on real PostgreSQL."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from channels.limits import request_costs
from connectors.contract.account_setup import WANTED_MESSAGES
from connectors.platforms.x.account import CHAT_SURFACE
from foundation.ids import uuid7
from foundation.money import Money
from schedules.posts.states import DeliveryState
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tests.journeys.test_x import House, house, running, server, services  # noqa: F401  fixtures
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener, make_listener_pool


def hears(house: House) -> list[str]:  # noqa: F811  fixture
    """Poll the account, process the updates and return all incoming messages of the inbox."""
    house.live(minutes=6)
    make_listener(house.desk.services, house.channel()).poll_once()
    house.live(minutes=1)
    return [
        row.body
        for row in rows(house, "SELECT body FROM messages WHERE direction = 'in' ORDER BY seq")
    ]


def rows(house: House, statement: str, **more: Any) -> list[Any]:  # noqa: F811  fixture
    with house.desk.scope() as scope:
        return list(scope.run(statement, tenant=house.desk.tenant_id, **more))


def unread(house: House) -> list[str]:  # noqa: F811  fixture
    """Return the codes of the open notices about unread messages."""
    cause = f"channel:{house.channel().id}:unread"
    told = rows(
        house,
        "SELECT message FROM notices WHERE cause = :cause AND settled_at IS NULL",
        cause=cause,
    )
    return [one.message["code"] for one in told]


def says(house: House, text: str) -> UUID:  # noqa: F811  fixture
    """Reply as a member and return the draft's ID."""
    (talk,) = rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    key = uuid7()
    with house.desk.scope(house.author) as scope:
        member_actions.take_over_conversation(scope, talk.id, house.desk.author)
        member_actions.send_member_reply(scope, talk.id, house.desk.author, text, key=key)
    return key


def state(house: House, key: UUID) -> str:  # noqa: F811  fixture
    (draft,) = rows(
        house, "SELECT state FROM drafts WHERE tenant_id = :tenant AND id = :id", id=key
    )
    return str(draft.state)


@pytest.mark.parametrize("mode", ["", "reset_after"])
# fixture
def test_message_is_received_and_answered_once_under_faults(house: House, mode: str) -> None:  # noqa: F811  see above
    lea, x = house.desk, house.server
    with lea.scope() as scope:
        persona.activate_persona(scope, persona.create_persona_version(scope, lea.creator_id, NOVA))
    leo = x.account(f"leo{str(lea.tenant_id)[-8:]}")
    x.says(leo, house.member, text="ce que j’ai écrit bien avant")
    house.enrol()
    assert not make_listener_pool(lea.services)._chatty(house.channel()), "connected only for posts"
    house.enrol(wanted=WANTED_MESSAGES)
    assert house.channel().chat_surface == CHAT_SURFACE
    assert hears(house) == [], "earlier messages are not imported"
    x.says(leo, house.member, text="bonjour !")
    assert hears(house) == ["bonjour !"]
    if mode:
        x.book.schedule_fault(mode, on="messages", seconds=0.2)
    key = says(house, "Bonjour Léo")
    house.live(minutes=6)
    ours = [one.text for one in x.between(house.member, leo) if one.sender == house.member.id]
    assert (state(house, key), ours.count("Bonjour Léo")) == ("sent", 1)
    assert "intelligence artificielle" in ours[0], ours
    assert hears(house) == ["bonjour !"], "our reply is no incoming message"
    assert x.unasked == [], "no message precedes the fan's"


# fixture
def test_message_costs_are_counted_and_reading_stops_at_the_cap(house: House) -> None:  # noqa: F811  see above
    lea, x = house.desk, house.server
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    with lea.scope() as scope:
        before = (
            x.bill[house.member.id]
            - request_costs.bills_by_account(scope, ["x"])[house.channel().id].price.minor
        )
    leo = x.account(f"leo{str(lea.tenant_id)[-8:]}")
    for text in ("un", "deux"):
        x.says(leo, house.member, text=text)
    assert hears(house) == ["un", "deux"]
    with lea.scope() as scope:
        bill = request_costs.bills_by_account(scope, ["x"])[house.channel().id]
        assert bill.price.minor + before == x.bill[house.member.id]
        assert bill.many["message_read"] >= 2
        request_costs.set_cost_cap(scope, "x", Money(bill.total.minor, "USD"))
    asked = x.bill[house.member.id]
    x.says(leo, house.member, text="trois")
    assert hears(house) == ["un", "deux"]
    assert (x.bill[house.member.id] - asked, unread(house)) == (Decimal(0), ["channel.cap_unread"])
    with lea.scope() as scope:
        request_costs.set_cost_cap(scope, "x", None)
    assert hears(house) == ["un", "deux", "trois"]
    assert unread(house) == []


@pytest.mark.heavy
# fixture
def test_message_rate_limit_does_not_delay_posts(house: House) -> None:  # noqa: F811  see above
    lea, x = house.desk, house.server
    with lea.scope() as scope:
        persona.activate_persona(scope, persona.create_persona_version(scope, lea.creator_id, NOVA))
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    x.says(x.account(f"leo{str(lea.tenant_id)[-8:]}"), house.member, text="bonjour !")
    hears(house)
    x.limits.most["messages"] = 0
    key = says(house, "Bonjour Léo")
    lea.run()
    post = lea.delivery("au même moment", channel="x")
    lea.run()
    assert (lea.state(post), state(house, key)) == (DeliveryState.PUBLISHED, "approved")
    x.limits.most["messages"] = 15
    x.clock.advance(16 * 60)
    lea.pass_time(seconds=16 * 60)
    house.live(minutes=1)
    assert state(house, key) == "sent"
    assert [one.text for one in x.events if one.sender == house.member.id].count("Bonjour Léo") == 1
