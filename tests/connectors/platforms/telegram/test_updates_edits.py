"""Edited messages on Telegram, as the connector and python-telegram-bot read them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from telegram import Bot

from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import Send
from connectors.platforms.telegram.publisher import ALLOWED, Telegram
from foundation.sealed import Sealed
from tests.connectors.platforms.telegram.test_publisher import CHAT, FAN, good
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.edits import KIND, edit, touch

TELEGRAM = Telegram()
GROUP = {"id": -5, "type": "group", "title": "friends"}
PAID = {
    "currency": "XTR",
    "total_amount": 250,
    "invoice_payload": "p",
    "telegram_payment_charge_id": "c1",
    "provider_payment_charge_id": "",
}


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


def heard(kind: str = KIND, **more: Any) -> tuple[ChatUpdate, ...]:
    body = {
        "message_id": 3,
        "date": 1_790_000_000,
        "edit_date": 1_790_000_900,
        "from": FAN,
        "chat": CHAT,
        **more,
    }
    found = TELEGRAM.listen("", (good([{"update_id": 10, kind: body}], "updates"),))
    assert isinstance(found, ChatUpdates)
    assert found.cursor == "11"
    called = TELEGRAM.parse_webhook({"update_id": 10, kind: body})
    assert called == found.updates, "a webhook call yields the same update"
    return found.updates


def test_edit_is_received_with_its_message() -> None:
    (one,) = heard(text="j'ai 15 ans")
    assert (one.key, one.kind, one.fan, one.native_id, one.text) == (
        "10",
        "edited",
        "5001",
        "3",
        "j'ai 15 ans",
    )
    assert one.at is not None
    assert one.at.timestamp() == 1_790_000_900
    assert TELEGRAM.acknowledge(one) is None


def test_edited_caption_of_a_picture_is_text() -> None:
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    (one,) = heard(photo=photo, caption="j'ai 15 ans")
    assert (one.kind, one.text) == ("edited", "j'ai 15 ans")
    assert heard(photo=photo) == ()


@pytest.mark.parametrize(
    "more",
    [
        {
            "location": {"latitude": 1.5, "longitude": 2.5, "live_period": 900}
        },  # a live location changes every few seconds
        {"text": "hello all", "chat": GROUP},
        {"text": "I am a bot", "from": {**FAN, "is_bot": True}},
        {"text": ""},
        {"successful_payment": PAID},  # payments are reported by new messages only
    ],
)
def test_update_without_a_user_edit_is_ignored(more: dict[str, Any]) -> None:
    assert heard(**more) == ()


@pytest.mark.parametrize("kind", ["edited_channel_post", "edited_business_message"])
def test_edit_outside_the_bot_chat_is_ignored(kind: str) -> None:
    assert heard(kind, text="bonjour") == ()


def test_polls_and_webhooks_request_edits() -> None:
    assert KIND in ALLOWED
    turn = TELEGRAM.listen("12", ())
    assert isinstance(turn, Send)
    assert KIND in (turn.step.json or {})["allowed_updates"]
    step = TELEGRAM.set_webhook("https://house.example.test/hooks/telegram/1", Sealed(b"s"))
    assert step.json is not None
    assert KIND in step.json["allowed_updates"]


def test_python_telegram_bot_reads_edits_of_the_fake(telegram: fake.TelegramServer) -> None:
    world = telegram.world
    own = world.bot("edits_bot")
    said = world.say(own, "leo", "salut")["message"]["message_id"]

    async def talk() -> None:
        async with Bot(own.token, base_url=f"{telegram.url}/bot") as bot:
            (first,) = await bot.get_updates(allowed_updates=["message"])
            edit(world, own, "leo", said, "salut à toi")
            assert await bot.get_updates(first.update_id + 1) == (), (
                "edits are sent only on request"
            )
            await bot.get_updates(first.update_id + 1, allowed_updates=list(ALLOWED))
            edit(world, own, "leo", said, "salut, toi")
            touch(world, own, "leo", said)
            told = await bot.get_updates()
            assert [one.edited_message.text for one in told if one.edited_message] == [
                "salut, toi"
            ] * 2
            assert told[0].edited_message is not None
            assert (
                told[0].edited_message.message_id,
                told[0].edited_message.edit_date is not None,
            ) == (said, True)

    asyncio.run(talk())
    with pytest.raises(AssertionError, match="NOT_MODIFIED"):
        edit(world, own, "leo", said, "salut, toi")
    with pytest.raises(AssertionError, match="EMPTY"):
        edit(world, own, "leo", said, " ")
    with pytest.raises(AssertionError, match="AUTHOR_REQUIRED"):
        edit(
            world,
            own,
            "leo",
            world.post(own, world.chat(own, "leo"), {"text": "moi"}, "moi")["message_id"],
            "x",
        )
    telegram.clock.advance(172_900)
    with pytest.raises(AssertionError, match="TIME_EXPIRED"):
        edit(world, own, "leo", said, "trop tard")
    assert not world.checks.broken, world.checks.broken
