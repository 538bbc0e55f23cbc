"""Messages on Reddit from the connection to the reply, on real PostgreSQL and through the real
routes."""

from typing import Any

import pytest

from channels.accounts import queries as channel_reads
from channels.connections import disconnection
from connectors.contract.account_setup import WANTED_MESSAGES
from connectors.platforms.reddit.account import CHAT_SURFACE
from foundation.ids import uuid7
from subscribers.inbox import member_actions
from subscribers.replies import persona

# fixtures
from tests.journeys.test_reddit import House, house, running, server, services  # noqa: F401  see above
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener, make_listener_pool


def _rows(house: House, statement: str, **more: Any) -> list[Any]:  # noqa: F811  fixture
    with house.desk.scope() as scope:
        return list(scope.run(statement, tenant=house.desk.tenant_id, **more))


def _hears(house: House) -> list[str]:  # noqa: F811  fixture
    """Poll each of her inboxes once, process the updates and return all incoming messages."""
    house.live(minutes=1)
    listens = make_listener_pool(house.desk.services)
    with house.desk.scope() as scope:
        chatty = [one for one in channel_reads.list_channels(scope) if listens._chatty(one)]
    ours = {
        listens._inbox(one): one for one in sorted(chatty, key=lambda one: one.id, reverse=True)
    }
    for channel in ours.values():
        make_listener(house.desk.services, channel).poll_once()
    house.live(minutes=1)
    return [
        row.body
        for row in _rows(house, "SELECT body FROM messages WHERE direction = 'in' ORDER BY at, seq")
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("blind", [False, True])
def test_message_is_received_and_answered_once_under_faults(
    house: House,  # noqa: F811  fixtures
    *,
    blind: bool,
) -> None:
    """A lost response needs a member where the list of sent messages does not show the reply."""
    lea, forum = house.desk, house.server
    with lea.scope() as scope:
        persona.activate_persona(scope, persona.create_persona_version(scope, lea.creator_id, NOVA))
    leo = forum.account(f"leo{str(lea.tenant_id)[-8:]}")
    forum.write(leo, house.member, "écrit bien avant")
    house.enrol()
    assert house.channel().chat_surface == "", "connected only for posts"
    assert _hears(house) == []
    house.enrol(wanted=WANTED_MESSAGES)
    assert house.channel().chat_surface == CHAT_SURFACE
    assert _hears(house) == [], "earlier messages are not imported"
    forum.write(leo, house.member, "bonjour !", "[direct chat room]")
    assert _hears(house) == ["bonjour !"]
    forum.hides_sent = blind
    forum.book.schedule_fault("reset_after", on="posts", seconds=0.2)
    (talk,) = _rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    key = uuid7()
    with lea.scope(house.author) as scope:
        member_actions.take_over_conversation(scope, talk.id, lea.author)
        member_actions.send_member_reply(scope, talk.id, lea.author, "Bonjour Léo", key=key)
    house.live(minutes=6)
    ours = [one.body for one in forum.letters.values() if one.to is leo]
    drafts = {
        row.id: row.state
        for row in _rows(house, "SELECT id, state FROM drafts WHERE tenant_id = :tenant")
    }
    assert "intelligence artificielle" in ours[0], ours
    assert len(ours) == len(set(ours)), "nothing is sent twice"
    assert (drafts[key], ours[-1]) == ("sent", "Bonjour Léo")
    assert ("uncertain" in drafts.values()) is blind
    assert _hears(house) == ["bonjour !"], "our reply is no incoming message"


# fixture
def test_account_with_two_communities_receives_each_message_once(house: House) -> None:  # noqa: F811  see above
    lea, forum = house.desk, house.server
    leo = forum.account(f"tom{str(lea.tenant_id)[-8:]}")
    hills = forum.subreddit(f"hills{str(lea.tenant_id)[-8:]}", over18=True)
    house.enrol(wanted=WANTED_MESSAGES)
    first = house.channel().id
    house.enrol(wanted=WANTED_MESSAGES, community=f"r/{hills.name}")
    second = house.channel().id
    assert first != second
    assert _hears(house) == []
    forum.write(leo, house.member, "un", "")
    assert _hears(house) == ["un"]
    forum.clock.advance(60)
    forum.write(leo, house.member, "deux", "")
    lea.act(disconnection.request_disconnection, first, "Anne")
    assert _hears(house) == ["un", "deux"], (
        "the other channel continues where the first one stopped"
    )
    heard = _rows(
        house, "SELECT channel_id FROM conversations WHERE tenant_id = :tenant ORDER BY id"
    )
    assert [row.channel_id for row in heard] == [first, second]
