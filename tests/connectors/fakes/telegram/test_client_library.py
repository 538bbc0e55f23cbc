"""python-telegram-bot parses the fake Telegram's responses: users, messages, updates, payments and
errors."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from telegram import Bot, BotCommandScopeAllPrivateChats, InputPaidMediaPhoto
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

from connectors.platforms.telegram.publisher import ALLOWED
from tests.fakes.telegram import paid_media
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.join_requests import request_to_join
from tests.fakes.telegram.reactions import react
from tests.fakes.telegram.state import IN_A_CHAT

PHOTO = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


def test_python_telegram_bot_reads_responses(
    telegram: fake.TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # the default of the next version
    world = telegram.world
    own = world.bot("sdk_bot")
    world.say(own, "leo", "bonjour")
    leo = world.person("leo").id

    async def talk() -> None:
        bot = Bot(own.token, base_url=f"{telegram.url}/bot")
        async with bot:
            assert (bot.id, bot.username) == (own.id, "sdk_bot")
            (update,) = await bot.get_updates()
            assert update.message is not None
            assert (update.message.text, update.message.chat.id) == ("bonjour", leo)
            sent = await bot.send_message(leo, "salut")
            assert (sent.text, sent.chat.id) == ("salut", leo)
            hidden = await bot.send_paid_media(
                leo, 7, [InputPaidMediaPhoto(PHOTO)], payload="draft:1"
            )
            assert hidden.paid_media is not None
            assert (hidden.paid_media.star_count, len(hidden.paid_media.paid_media)) == (7, 1)
            charge = paid_media.buy_media(world, own, "leo")
            (_, bought) = await bot.get_updates()
            assert bought.purchased_paid_media is not None
            assert bought.purchased_paid_media.paid_media_payload == "draft:1"
            (line,) = (await bot.get_star_transactions()).transactions
            assert (line.id, line.amount, getattr(line.source, "paid_media_payload", "")) == (
                charge,
                7,
                "draft:1",
            )
            assert await bot.refund_star_payment(leo, charge)
            with pytest.raises(BadRequest, match=r"(?i)already_refunded"):
                await bot.refund_star_payment(leo, charge)
            assert await bot.delete_message(leo, hidden.message_id)
            world.chat(own, "leo").sent_at = [world.clock()] * IN_A_CHAT
            with pytest.raises(RetryAfter) as refused:
                await bot.send_message(leo, "encore")
            assert refused.value.retry_after > timedelta(0)
            world.block(own, "leo")
            with pytest.raises(Forbidden):
                await bot.send_message(leo, "encore")
            with pytest.raises(BadRequest, match="Chat not found"):
                await bot.send_message(1, "qui ?")
        with pytest.raises(InvalidToken):
            await Bot("1:nobody", base_url=f"{telegram.url}/bot").initialize()

    asyncio.run(talk())
    assert not world.checks.broken, world.checks.broken


def test_python_telegram_bot_reads_commands_and_join_requests(
    telegram: fake.TelegramServer,
) -> None:
    world = telegram.world
    own = world.bot("door_bot")

    async def talk() -> None:
        async with Bot(own.token, base_url=f"{telegram.url}/bot") as bot:
            assert await bot.set_my_commands(
                [("age", "Prove your age")], BotCommandScopeAllPrivateChats()
            )
            (one,) = await bot.get_my_commands(BotCommandScopeAllPrivateChats())
            assert (one.command, one.description) == ("age", "Prove your age")
            assert await bot.get_my_commands() == ()
            assert await bot.set_my_description("A bot.")
            assert (await bot.get_my_description("fr")).description == "A bot."
            assert (await bot.get_my_short_description()).short_description == ""
            place = world.channel("Place", post=own)
            await bot.get_updates(allowed_updates=list(ALLOWED))
            by_hand = world.by_hand(place, {"text": "salut"})
            react(world, own, place, by_hand["message_id"], fire=2, paid=9)
            counted = (await bot.get_updates())[-1].message_reaction_count
            assert counted is not None
            assert [one.total_count for one in counted.reactions] == [2, 9]
            place.doors.add(own.id)
            request_to_join(world, own, place, "mia")
            asked = (await bot.get_updates())[-1].chat_join_request
            assert asked is not None
            assert (asked.chat.id, asked.from_user.username) == (place.id, "mia")
            assert (
                await bot.send_message(asked.user_chat_id, "bonjour")
            ).chat.id == asked.from_user.id
            assert await bot.approve_chat_join_request(place.id, asked.from_user.id)
            with pytest.raises(BadRequest, match=r"(?i)user_already_participant"):
                await bot.approve_chat_join_request(place.id, asked.from_user.id)
            with pytest.raises(
                Forbidden, match="initiate"
            ):  # after its answer the request no longer permits a message
                await bot.send_message(asked.user_chat_id, "encore")
            assert await bot.ban_chat_member(place.id, asked.from_user.id)
            assert (await bot.get_chat_member(place.id, asked.from_user.id)).status == "kicked"
            assert await bot.unban_chat_member(place.id, asked.from_user.id, only_if_banned=True)
            with pytest.raises(BadRequest, match=r"(?i)hide_requester_missing"):
                await bot.decline_chat_join_request(place.id, asked.from_user.id)

    asyncio.run(talk())
    assert not world.checks.broken, world.checks.broken
