"""A fan of a creator on Fanvue, from what they write there to the one answer they get, on real
PostgreSQL."""

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
    """Léa's account, connected and heard once, and a fan of hers."""

    at: OAuthAccount
    leo: Fan

    def ear(self) -> AccountListener:
        """The listener of a fresh process."""
        made = make_listener(self.at.desk.services, self.at.channel())
        assert type(made) is AccountListener
        return made

    def says(self, text: str) -> None:
        """The fan writes, and half a minute later it is heard and dealt with."""
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
        """What the inbox shows of fans."""
        statement = (
            "SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
        )
        return [row.body for row in self.rows(statement)]

    def answer(self, text: str) -> UUID:
        """A member takes the conversation and answers."""
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
        """How many requests Fanvue counted for the account."""
        mine = self.at.member.id
        return sum(
            bucket.spent for key, bucket in self.at.server.limits.buckets.items() if mine in key
        )

    def arrived(self) -> list[str]:
        """What ever arrived at the fan."""
        return [text for _, text in self.at.member.sent]

    def stands(self) -> list[str | None]:
        """What the fan sees of us."""
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


def test_connecting_opens_the_chats_too(lea: Chatting) -> None:
    channel = lea.at.channel()
    assert (channel.surface, channel.chat_surface) == (SURFACE, CHAT_SURFACE)
    assert lea.heard() == [], "what was said before was said to the creator"


def test_what_a_fan_writes_is_answered_once(lea: Chatting) -> None:
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
        "the creator has not seen it"
    )


@pytest.mark.parametrize(
    "mode", ["reset_after", "accept_then_hang", "status:503_after", "reset_before", "garbage"]
)
def test_an_answer_whose_answer_was_lost_arrives_once(lea: Chatting, mode: str) -> None:
    lea.says("tu es là ?")
    lea.at.server.book.schedule_fault(mode, on="messages", seconds=0.2)
    key = lea.answer("Je suis là")
    lea.at.live(minutes=6)
    assert lea.draft(key).state == "sent"
    assert lea.arrived().count("Je suis là") == 1


def test_what_the_creator_types_in_fanvues_app_is_no_fans(lea: Chatting) -> None:
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


def test_a_fan_who_takes_no_messages_ends_nothing_else(lea: Chatting) -> None:
    lea.says("bonjour")
    lea.leo.contactable = False
    key = lea.answer("Trop tard")
    lea.at.live(minutes=1)
    assert (lea.draft(key).state, lea.draft(key).reason["code"]) == (
        "failed",
        "connectors.reader_gone",
    )
    assert lea.at.channel().state == ChannelState.ACTIVE


def test_a_message_is_taken_back(lea: Chatting) -> None:
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


def test_a_refusal_for_the_pace_holds_listening_until_it_is_over(lea: Chatting) -> None:
    lea.at.server.book.schedule_fault("status:429", on="updates", retry_after=90)
    lea.at.server.says(lea.leo, lea.at.member, "un peu de patience")
    ear = lea.ear()
    ear.poll_once()
    asked = lea.asked()
    for _ in range(3):
        ear.poll_once()
    assert lea.asked() == asked, "nobody asks before the time"
    lea.at.live(minutes=2)
    lea.ear().poll_once()
    assert lea.heard() == ["un peu de patience"]


def test_between_two_polls_lies_the_pace_of_the_platform(lea: Chatting) -> None:
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
def test_a_bad_day_of_reading_loses_nothing(lea: Chatting, mode: str) -> None:
    for kind in ("updates", "lookups"):
        lea.at.server.book.schedule_fault(mode, on=kind, seconds=0.2)
    lea.at.server.says(lea.leo, lea.at.member, "malgré tout")
    for _ in range(3):
        lea.hears()
    assert lea.heard() == ["malgré tout"]


def test_a_token_that_ended_is_renewed_and_listening_goes_on(lea: Chatting) -> None:
    lea.at.server.clock.advance(3700)
    lea.at.desk.pass_time(seconds=3700)
    lea.at.server.says(lea.leo, lea.at.member, "une heure après")
    lea.ear().poll_once()
    assert lea.heard() == []
    assert lea.at.channel().state == ChannelState.ACTIVE
    lea.hears()
    assert lea.heard() == ["une heure après"]


def test_a_right_that_was_taken_away_asks_the_owner(lea: Chatting) -> None:
    given = lea.at.server.oauth
    for one in (*given.tokens.values(), *given.refreshes.values()):
        one.scopes = tuple(scope for scope in one.scopes if scope != "read:chat")
    lea.at.live(minutes=10)
    lea.hears()  # a new token might have it
    assert lea.at.channel().state == ChannelState.ACTIVE
    lea.hears()
    assert lea.at.channel().state == ChannelState.REAUTHORIZE
    assert lea.at.channel().reason == Message("oauth.scopes")


def test_an_account_that_was_connected_before_chats_is_not_listened_to(lea: Chatting) -> None:
    lea.rows(
        "UPDATE channels SET chat_surface = '' WHERE tenant_id = :tenant AND platform = 'fanvue' "
        "RETURNING id"
    )
    chatty = make_listener_pool(lea.at.desk.services)._chatty
    assert not chatty(lea.at.channel())
    lea.at.enrol()
    assert chatty(lea.at.channel())
