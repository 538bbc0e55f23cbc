"""Messages on Instagram and of a Page, from the connection to the reply, on real PostgreSQL and
through the real routes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.accounts.states import ChannelState
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import WANTED_MESSAGES, WANTED_POSTS
from connectors.platforms.facebook import messages
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.instagram.messages import CHAT_SURFACE, MESSAGE_PERMISSION
from connectors.platforms.instagram.publisher import Instagram
from connectors.shared import reply_windows
from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.meta.accounts import (
    FacebookPage,
    MetaAccount,
    create_facebook_page,
    create_meta_account,
    networks,
)
from tests.journeys.oauth_accounts import OAuthAccount
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener, make_listener_pool
from workers.wiring import Services

pytestmark = pytest.mark.heavy

SURFACES = {"instagram": CHAT_SURFACE, "facebook": messages.CHAT_SURFACE}
THERE: dict[str, Instagram | Facebook] = {"instagram": Instagram(), "facebook": Facebook()}
RIGHTS = {"instagram": MESSAGE_PERMISSION, "facebook": messages.MESSAGE_PERMISSION}
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "instagram": ("story", {"story": {"reply_to": {"id": "1", "link": "https://evil.example"}}}),
    "facebook": ("picture", {"sticker": "https://evil.example"}),
}
"""For each platform: the kind that the inbox shows for a message with more than text, and its
payload."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture(scope="module")
def meta(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Services, dict[str, Any]]]:
    with networks(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.fixture
def instagram(
    meta: tuple[Services, dict[str, Any]], running: RunningSandbox
) -> Iterator[MetaAccount]:
    services, servers = meta
    made = create_meta_account(services, running, servers["instagram"], "instagram")
    _answers(made)
    yield made
    made.server.book.clear_faults()
    made.oauth.unticks = frozenset()


@pytest.fixture
def facebook(
    meta: tuple[Services, dict[str, Any]], running: RunningSandbox
) -> Iterator[FacebookPage]:
    services, servers = meta
    made = create_facebook_page(services, running, servers["facebook"])
    _answers(made)
    yield made
    made.server.book.clear_faults()


@pytest.fixture(params=["instagram", "facebook"])
def house(request: pytest.FixtureRequest) -> OAuthAccount:
    found: OAuthAccount = request.getfixturevalue(request.param)
    return found


def _answers(made: OAuthAccount) -> None:
    """Activate a persona, so that the AI replies."""
    with made.desk.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, made.desk.creator_id, NOVA)
        )


def rows(house: OAuthAccount, statement: str, **more: Any) -> list[Any]:
    with house.desk.scope() as scope:
        return list(scope.run(statement, tenant=house.desk.tenant_id, **more))


def hears(house: OAuthAccount) -> list[tuple[str, str]]:
    """Poll the account, process the updates and return all incoming messages of the inbox."""
    make_listener(house.desk.services, house.channel()).poll_once()
    house.live(seconds=30)
    return [
        (one.kind, one.body)
        for one in rows(house, "SELECT * FROM messages WHERE direction = 'in' ORDER BY seq")
    ]


def chatty(house: OAuthAccount) -> bool:
    return make_listener_pool(house.desk.services)._chatty(house.channel())


def told(house: OAuthAccount) -> set[str]:
    found = rows(
        house, "SELECT message FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL"
    )
    return {one.message["code"] for one in found}


def say(house: OAuthAccount, text: str, *, known: bool = True) -> UUID:
    """Take over the only conversation as a member and reply. `known`: the page passes the
    platform's limits."""
    ((talk,),) = rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    key, lea = uuid7(), house.desk.author
    with house.desk.scope(f"member:{lea}") as scope:
        member_actions.take_over_conversation(scope, talk, lea)
        member_actions.send_member_reply(
            scope, talk, lea, text, key=key, there=THERE[house.platform] if known else None
        )
    return key


def became(house: OAuthAccount, draft: UUID) -> tuple[str, str]:
    ((state, reason),) = rows(
        house, "SELECT state, reason FROM drafts WHERE tenant_id = :tenant AND id = :id", id=draft
    )
    return state, reason["code"] if reason else ""


def sent(house: OAuthAccount) -> list[str]:
    return [text for _, text in house.member.chats.taken]


@pytest.mark.parametrize(
    ("house", "mode"),
    [
        *(("instagram", mode) for mode in ("", "reset_after", "reset_before", "status:503_after")),
        *(("facebook", mode) for mode in ("", "reset_after")),
    ],
    indirect=["house"],
)
def test_message_is_received_and_answered_once_under_faults(house: OAuthAccount, mode: str) -> None:
    chats, now = house.member.chats, house.server.clock
    chats.say("leo", "ce que j’ai écrit bien avant", now())
    assert house.enrol(wanted=WANTED_MESSAGES).state == AccountSetupState.CONNECTED
    assert house.channel().chat_surface == SURFACES[house.platform]
    assert hears(house) == [], "earlier messages are not imported"
    now.advance(1)
    chats.say("leo", "bonjour !", now())
    kind, more = SHOWN[house.platform]
    chats.say("leo", "superbe", now(), **more)
    lines = [("text", "bonjour !"), (kind, "superbe")]
    assert hears(house) == lines
    assert len(sent(house)) >= 1, "a new fan gets the AI notice first"
    if mode:
        house.server.book.schedule_fault(mode, on="messages")
    draft = say(house, "Bonjour Léo")
    house.live(minutes=6)
    assert became(house, draft)[0] == "sent"
    assert sent(house).count("Bonjour Léo") == 1
    assert hears(house) == lines, "our reply is no incoming message"


@pytest.mark.parametrize(
    ("platform", "text", "why"),
    [
        (
            "instagram",
            "é" * 501,
            Message("connectors.text_too_heavy", {"size": 1002, "most": 1000}),
        ),
        ("facebook", "é" * 2001, Message("chat.too_long", {"most": 2000, "count": 2001})),
    ],
)
def test_too_long_reply_is_refused_while_typing(
    request: pytest.FixtureRequest, platform: str, text: str, why: Message
) -> None:
    house: OAuthAccount = request.getfixturevalue(platform)
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    house.server.clock.advance(1)
    house.member.chats.say("leo", "bonjour !", house.server.clock())
    hears(house)
    ((talk,),) = rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    lea, there = house.desk.author, THERE[platform]
    with house.desk.scope(f"member:{lea}") as scope:
        member_actions.take_over_conversation(scope, talk, lea)
        if platform == "instagram":
            assert member_actions.check_member_reply(scope, talk, lea, text, there=there) == (why,)
        assert member_actions.check_member_reply(scope, talk, lea, text[:500], there=there) == ()
    with pytest.raises(BadInput) as refused:
        say(house, text)
    assert refused.value.message == why
    assert (
        rows(house, "SELECT text FROM drafts WHERE tenant_id = :tenant AND origin = 'member'") == []
    )
    say(house, text[:500])
    house.live(minutes=1)
    assert sent(house)[-1] == text[:500]


def test_closed_reply_window_refuses_replies_before_sending(house: OAuthAccount) -> None:
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    house.server.clock.advance(1)
    house.member.chats.say("leo", "bonjour !", house.server.clock())
    hears(house)
    house.desk.pass_time(hours=24)
    house.server.clock.advance(24 * 3600)
    before = len(house.server.book.list_requests())
    with pytest.raises(Refused) as refused:
        say(house, "trop tard")
    assert refused.value.message.code == reply_windows.WINDOW_CLOSED
    ((talk,),) = rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    with house.desk.scope() as scope:
        member_actions.take_over_conversation(scope, talk, house.desk.author)
        shown = member_actions.check_member_reply(
            scope, talk, house.desk.author, "", there=THERE[house.platform]
        )
    assert shown == (Message(reply_windows.WINDOW_CLOSED, {"hours": 24}),), (
        "before any text is typed"
    )
    draft = say(house, "trop tard", known=False)
    house.desk.run()
    assert became(house, draft) == ("failed", reply_windows.WINDOW_CLOSED)
    assert reply_windows.WINDOW_CLOSED in told(house)
    assert not any(
        one["kind"] == "messages" for one in house.server.book.list_requests()[before:]
    ), "no message was sent"
    house.member.chats.say("leo", "encore moi", house.server.clock())
    hears(house)
    draft = say(house, "me revoilà")
    house.live(minutes=2)
    assert became(house, draft)[0] == "sent"


def test_reply_to_a_fan_who_blocked_the_account_fails(house: OAuthAccount) -> None:
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    house.server.clock.advance(1)
    house.member.chats.say("leo", "bonjour !", house.server.clock())
    hears(house)
    house.member.chats.person("leo").shut = "blocked"
    draft = say(house, "tu es là ?")
    house.live(minutes=2)
    assert became(house, draft) == ("failed", "connectors.reader_gone")
    assert house.channel().state == ChannelState.ACTIVE
    assert "tu es là ?" not in sent(house)


def test_message_scope_is_requested_only_for_messages(instagram: MetaAccount) -> None:
    wish = instagram.ask(wanted=WANTED_POSTS)
    assert MESSAGE_PERMISSION not in wish.visit
    instagram.bring(instagram.approve(wish.visit))
    assert instagram.stands(wish.id).state == AccountSetupState.CONNECTED
    assert not chatty(instagram)
    instagram.oauth.unticks = frozenset({MESSAGE_PERMISSION})
    refused = instagram.enrol(wanted=WANTED_MESSAGES)
    assert (refused.state, refused.reason) == (
        AccountSetupState.REFUSED,
        Message(reply_windows.MESSAGES_NOT_ALLOWED),
    )
    instagram.oauth.unticks = frozenset()
    wish = instagram.ask(wanted=WANTED_MESSAGES)
    assert MESSAGE_PERMISSION in wish.visit
    instagram.bring(instagram.approve(wish.visit))
    assert instagram.stands(wish.id).state == AccountSetupState.CONNECTED
    assert chatty(instagram)


def test_page_token_without_message_right_is_refused(facebook: FacebookPage) -> None:
    facebook.member.rights -= {messages.MESSAGE_PERMISSION}
    refused = facebook.enrol(wanted=WANTED_MESSAGES)
    assert refused.state == AccountSetupState.REFUSED
    assert refused.reason == Message(
        "facebook.right_missing", {"rights": messages.MESSAGE_PERMISSION}
    )
    assert facebook.enrol(wanted=WANTED_POSTS).state == AccountSetupState.CONNECTED
    assert not chatty(facebook)
    facebook.member.rights |= {messages.MESSAGE_PERMISSION}
    assert facebook.enrol(wanted=WANTED_MESSAGES).state == AccountSetupState.CONNECTED
    assert chatty(facebook)


def test_many_messages_are_read_within_the_rate_limit(instagram: MetaAccount) -> None:
    instagram.enrol(wanted=WANTED_MESSAGES)
    hears(instagram)
    for name in ("leo", "ida", "max"):
        instagram.server.clock.advance(1)
        instagram.member.chats.say(name, f"bonjour de {name}", instagram.server.clock())
    instagram.server.clock.advance(5)
    instagram.member.chats.a_second = 2
    heard = make_listener(instagram.desk.services, instagram.channel()).poll_once()
    assert heard is not None
    assert [update.text for update in heard.updates] == [
        "bonjour de leo",
        "bonjour de ida",
        "bonjour de max",
    ]
    assert heard.asked == 4, "the list and three conversations"


def test_revoked_message_right_notifies_and_the_account_continues(
    house: OAuthAccount,
) -> None:
    house.enrol(wanted=WANTED_MESSAGES)
    hears(house)
    rights, house.member.rights = (
        house.member.rights,
        house.member.rights - {RIGHTS[house.platform]},
    )
    for _ in range(2):
        assert hears(house) == []
    assert reply_windows.MESSAGES_NOT_ALLOWED in told(house)
    assert house.channel().state == ChannelState.ACTIVE
    house.member.rights = rights
    house.server.clock.advance(1)
    house.member.chats.say("leo", "bonjour !", house.server.clock())
    assert hears(house) == [("text", "bonjour !")]
    assert reply_windows.MESSAGES_NOT_ALLOWED not in told(house)
    assert timedelta(seconds=THERE[house.platform].capabilities.poll_seconds) >= timedelta(
        seconds=18
    ), "200 requests an hour are those of posts too"
