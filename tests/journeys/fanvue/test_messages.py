"""A fan on Fanvue, from the message to the single reply, on real PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from channels.accounts.states import ChannelState
from connectors.platforms.fanvue.account import CHAT_SURFACE, SURFACE
from connectors.platforms.fanvue.publisher import POLL_SECONDS
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import sleep
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.removal import recall
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tests.conftest import wait_until
from tests.fakes.fanvue.state import Fan
from tests.journeys.oauth_accounts import OAuthAccount
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener, make_listener_pool
from workers.listeners.polling import AccountListener

pytestmark = pytest.mark.heavy


@dataclass
class Chatting:
    """Léa's connected account after the first poll, and a fan of hers."""

    at: OAuthAccount
    leo: Fan

    def ear(self) -> AccountListener:
        """Return the listener of a new process."""
        made = make_listener(self.at.desk.services, self.at.channel())
        assert type(made) is AccountListener
        return made

    def says(self, text: str) -> None:
        """Send a message from the fan; half a minute later receive and process it."""
        self.at.server.says(self.leo, self.at.member, text)
        self.hears()

    def hears(self) -> None:
        self.at.live(seconds=30)
        self.ear().poll_once()
        self.at.live(seconds=30)

    def rows(self, statement: str, **more: Any) -> list[Any]:
        with self.at.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.at.desk.tenant_id, **more))

    def heard(self) -> list[str]:
        """Return the fans' messages in the inbox."""
        statement = (
            "SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
        )
        return [row.body for row in self.rows(statement)]

    def answer(self, text: str) -> UUID:
        """Take over the conversation as a member and reply."""
        (talk,) = self.rows("SELECT id FROM conversations WHERE tenant_id = :tenant")
        key = uuid7()
        with self.at.desk.scope(self.at.author) as scope:
            member_actions.take_over_conversation(scope, talk.id, self.at.desk.author)
            member_actions.send_member_reply(scope, talk.id, self.at.desk.author, text, key=key)
        return key

    def draft(self, key: UUID) -> Any:
        return self.rows(
            "SELECT state, reason FROM drafts WHERE tenant_id = :tenant AND id = :id", id=key
        )[0]

    def asked(self) -> int:
        """Return the number of requests that Fanvue counted for the account."""
        mine = self.at.member.id
        return sum(
            bucket.spent for key, bucket in self.at.server.limits.buckets.items() if mine in key
        )

    def arrived(self) -> list[str]:
        """Return every text that was ever sent to the fan."""
        return [text for _, text in self.at.member.sent]

    def stands(self) -> list[str | None]:
        """Return the texts of ours that the fan sees."""
        return [one.text for one in self.at.member.chats[self.leo.id] if not one.by_fan]


@pytest.fixture
def lea(house: OAuthAccount) -> Iterator[Chatting]:
    made, server, member = house.desk, house.server, house.member
    with made.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, made.creator_id, NOVA)
        )
    leo = server.fan("leo", member)
    server.says(leo, member, "ce que j’ai écrit bien avant")
    server.clock.advance(600)
    made.pass_time(seconds=600)
    house.enrol()
    chatting = Chatting(house, leo)
    chatting.ear().poll_once()
    yield chatting
    server.limits.most = 200


def test_connecting_enables_chats_without_earlier_messages(lea: Chatting) -> None:
    channel = lea.at.channel()
    assert (channel.surface, channel.chat_surface) == (SURFACE, CHAT_SURFACE)
    assert lea.heard() == [], "earlier messages are not imported"


def test_message_of_a_fan_is_answered_once(lea: Chatting) -> None:
    lea.says("bonjour !")
    assert lea.heard() == ["bonjour !"]
    key = lea.answer("Bonjour Léo, ravie de te lire")
    lea.at.live(minutes=1)
    assert lea.draft(key).state == "sent"
    assert lea.arrived().count("Bonjour Léo, ravie de te lire") == 1
    lea.says("merci")
    for _ in range(3):
        lea.hears()
    assert lea.heard() == ["bonjour !", "merci"]
    assert lea.arrived().count("Bonjour Léo, ravie de te lire") == 1
    assert not any(one.read for one in lea.at.member.chats[lea.leo.id] if one.by_fan), (
        "the messages remain unread for the creator"
    )


@pytest.mark.parametrize(
    "mode", ["reset_after", "accept_then_hang", "status:503_after", "reset_before", "garbage"]
)
def test_reply_with_a_lost_response_arrives_once(lea: Chatting, mode: str) -> None:
    lea.says("tu es là ?")
    lea.at.server.book.schedule_fault(mode, on="messages", seconds=0.2)
    key = lea.answer("Je suis là")
    lea.at.live(minutes=6)
    assert lea.draft(key).state == "sent"
    assert lea.arrived().count("Je suis là") == 1


def test_messages_typed_in_the_fanvue_app_are_not_from_fans(lea: Chatting) -> None:
    server, member = lea.at.server, lea.at.member
    lea.says("coucou")
    server.says(lea.leo, member, "et toi ?")
    server.types(member, lea.leo, "je réponds d’ici")
    server.types(member, lea.leo, "bienvenue", kind="AUTOMATED_NEW_SUBSCRIBER")
    lea.hears()
    assert lea.heard() == ["coucou", "et toi ?"]
    server.types(member, lea.leo, "promo pour tous", kind="BROADCAST")
    lea.hears()
    assert lea.heard() == ["coucou", "et toi ?"]


def test_unreachable_fan_fails_only_that_reply(lea: Chatting) -> None:
    lea.says("bonjour")
    lea.leo.contactable = False
    key = lea.answer("Trop tard")
    lea.at.live(minutes=1)
    assert (lea.draft(key).state, lea.draft(key).reason["code"]) == (
        "failed",
        "connectors.reader_gone",
    )
    assert lea.at.channel().state == ChannelState.ACTIVE


def test_recalled_message_is_deleted(lea: Chatting) -> None:
    lea.says("bonjour")
    key = lea.answer("À reprendre")
    lea.at.live(minutes=1)
    assert "À reprendre" in lea.stands()
    with lea.at.desk.scope() as scope:
        recall.open_takedowns(
            scope, live_copies.list_copies(scope, Subject("draft", key)), Message("recall.shown")
        )
    lea.at.live(minutes=2)
    assert "À reprendre" not in lea.stands()


def test_rate_limit_pauses_polling_until_it_ends(lea: Chatting) -> None:
    lea.at.server.book.schedule_fault("status:429", on="updates", retry_after=90)
    lea.at.server.says(lea.leo, lea.at.member, "un peu de patience")
    ear = lea.ear()
    ear.poll_once()
    asked = lea.asked()
    for _ in range(3):
        ear.poll_once()
    assert lea.asked() == asked, "no request is sent before the limit ends"
    lea.at.live(minutes=2)
    lea.ear().poll_once()
    assert lea.heard() == ["un peu de patience"]


def test_polls_keep_the_interval_of_the_platform(lea: Chatting) -> None:
    before = lea.asked()
    ear = lea.ear()
    ear.start()
    wait_until(lambda: lea.asked() == before + 1)
    sleep(1.5)
    assert lea.asked() == before + 1
    assert POLL_SECONDS > 1.5
    ear.stop()
    wait_until(lambda: not ear.is_alive)


@pytest.mark.parametrize("mode", ["reset_after", "status:503", "garbage", "hang"])
def test_faults_while_polling_lose_no_message(lea: Chatting, mode: str) -> None:
    for kind in ("updates", "lookups"):
        lea.at.server.book.schedule_fault(mode, on=kind, seconds=0.2)
    lea.at.server.says(lea.leo, lea.at.member, "malgré tout")
    for _ in range(3):
        lea.hears()
    assert lea.heard() == ["malgré tout"]


def test_expired_token_is_renewed_and_polling_continues(lea: Chatting) -> None:
    lea.at.server.clock.advance(3700)
    lea.at.desk.pass_time(seconds=3700)
    lea.at.server.says(lea.leo, lea.at.member, "une heure après")
    lea.ear().poll_once()
    assert lea.heard() == []
    assert lea.at.channel().state == ChannelState.ACTIVE
    lea.hears()
    assert lea.heard() == ["une heure après"]


def test_missing_chat_scope_requires_reconnection(lea: Chatting) -> None:
    given = lea.at.server.oauth
    for one in (*given.tokens.values(), *given.refreshes.values()):
        one.scopes = tuple(scope for scope in one.scopes if scope != "read:chat")
    lea.at.live(minutes=10)
    lea.hears()  # a new token might have the scope
    assert lea.at.channel().state == ChannelState.ACTIVE
    lea.hears()
    assert lea.at.channel().state == ChannelState.REAUTHORIZE
    assert lea.at.channel().reason == Message("oauth.scopes")


def test_account_without_chat_surface_is_not_polled(lea: Chatting) -> None:
    lea.rows(
        "UPDATE channels SET chat_surface = '' WHERE tenant_id = :tenant AND platform = 'fanvue' "
        "RETURNING id"
    )
    chatty = make_listener_pool(lea.at.desk.services)._chatty
    assert not chatty(lea.at.channel())
    lea.at.enrol()
    assert chatty(lea.at.channel())
