"""Fans of an inactive creator: messages are stored, nothing is answered or sold, and what was paid
for is delivered."""

import pytest

from foundation.errors import Refused
from foundation.ids import uuid7
from subscribers.catalog import offers
from subscribers.conversations import conversation_rows
from subscribers.fans import directory
from subscribers.inbox import member_actions
from tenants.agencies import creators, queries
from tenants.agencies.states import CreatorState
from tests.subscribers.builders import Studio, build_model_reply


def set_state(studio: Studio, state: CreatorState) -> None:
    with studio.scope() as scope:
        (creator,) = queries.list_creators(scope)
        creators.change_creator_state(scope, creator.id, state)


def test_message_to_an_inactive_creator_is_stored_and_not_answered(studio: Studio) -> None:
    set_state(studio, CreatorState.INACTIVE)
    studio.writer.says = [build_model_reply("Coucou")] * 2
    studio.say("leo", "bonjour, comment vas-tu ?")
    stored = studio.rows("SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in'")
    assert [row.body for row in stored] == ["bonjour, comment vas-tu ?"]
    assert studio.writer.asked == []
    drafts = studio.rows("SELECT 1 FROM drafts WHERE tenant_id = :tenant AND origin = 'bot'")
    assert drafts == []
    before = len(studio.seen("leo"))
    for question in ("tu vends quoi ?", "comment se passe la livraison ?"):
        studio.say("leo", question)
    assert len(studio.seen("leo")) == before
    set_state(studio, CreatorState.ACTIVE)
    studio.say("leo", "tu es là ?")
    assert len(studio.writer.asked) == 1


def test_member_cannot_write_to_fans_of_an_inactive_creator(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    talk = studio.thread("leo").id
    set_state(studio, CreatorState.INACTIVE)
    with pytest.raises(Refused, match=r"chat\.creator_inactive"), studio.scope() as scope:
        member_actions.send_member_reply(scope, talk, uuid7(), "Salut", key=uuid7())


def test_paid_pack_of_an_inactive_creator_is_delivered(studio: Studio) -> None:
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()
    studio.listen()
    waiting = "SELECT state FROM fulfilments WHERE tenant_id = :tenant"
    assert [row.state for row in studio.rows(waiting)] != ["delivered"]
    set_state(studio, CreatorState.INACTIVE)
    studio.go()
    states = studio.rows(waiting)
    assert [row.state for row in states] == ["delivered"]


def test_inactive_creator_sells_nothing(studio: Studio) -> None:
    studio.invoiced("leo")
    set_state(studio, CreatorState.INACTIVE)
    with studio.scope() as scope:
        talk = conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
        assert offers.is_payment_stopped(scope, fan)
