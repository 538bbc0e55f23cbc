"""Videos on Telegram: sent with dimensions and streaming, on their own, in an album and as paid
media."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.conformance.world import (
    TEST_CREATOR,
    TEST_PICTURES,
    TEST_TENANT,
    conformance_permit,
    conformance_transport,
    stored_picture,
)
from connectors.contract.connector import Send
from connectors.contract.outcomes import Published
from connectors.platforms.telegram.publisher import Telegram
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.money import STARS, Money
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit
from tests.fakes.telegram import server as fake

PLAIN = stored_picture(b"\0\0\0\x18ftypmp42 film", "video/mp4", "waves")
FILM = Medium(PLAIN.sha256, PLAIN.mime, PLAIN.size, width=1080, height=1920, seconds=14)


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


def published(
    telegram: fake.TelegramServer, *media: Medium, price: Money | None = None
) -> tuple[Any, list[Any]]:
    """Return the request sent and the resulting messages."""
    bot = telegram.world.bot("film_bot")
    channel = telegram.world.channel("Films", post=bot)
    channel.sells = True
    account = AccountTarget(
        TEST_TENANT,
        uuid7(),
        bot.username,
        telegram.url,
        Sealed(bot.token.encode()),
        platform="telegram",
    )
    unit = Unit(
        tenant_id=TEST_TENANT,
        creator_id=TEST_CREATOR,
        subject=Subject("delivery", uuid7()),
        platform="telegram",
        surface="telegram.private_channel",
        channel_id=account.channel_id,
        account=account.account,
        audience="public",
        texts=(Text("body", "Bonjour"),),
        media=media,
        destination=str(channel.id),
        price=price,
    )
    turn = Telegram().next_step(unit, ())
    assert isinstance(turn, Send)
    with closing(HttpClient()) as http:
        authority = conformance_permit(unit, turn.step, telegram.clock())
        answer = conformance_transport(http).send(turn.step, authority, account=account)
    assert isinstance(Telegram().next_step(unit, (answer,)), Published), answer
    assert not telegram.world.checks.broken, telegram.world.checks.broken
    return turn.step.json, list(channel.messages.values())


def measures(film: dict[str, Any]) -> tuple[int, int, int]:
    return film["width"], film["height"], film["duration"]


def test_video_has_dimensions_and_duration(telegram: fake.TelegramServer) -> None:
    said, (shown,) = published(telegram, FILM)
    assert said["supports_streaming"] is True
    assert measures(shown["video"]) == (1080, 1920, 14)


def test_album_and_paid_videos_have_dimensions(telegram: fake.TelegramServer) -> None:
    said, (picture, film) = published(telegram, TEST_PICTURES[0], FILM)
    assert [item.get("supports_streaming") for item in said["media"]] == [None, True]
    assert ("width" in said["media"][0], "photo" in picture) == (False, True), (
        "a photo contains its dimensions"
    )
    assert measures(film["video"]) == (1080, 1920, 14)
    said, (paid,) = published(telegram, FILM, price=Money(50, STARS))
    (locked,) = paid["paid_media"]["paid_media"]
    assert (said["media"][0]["supports_streaming"], measures(locked["video"])) == (
        True,
        (1080, 1920, 14),
    )


def test_unknown_dimensions_are_omitted(telegram: fake.TelegramServer) -> None:
    said, _ = published(telegram, PLAIN)
    assert not {"width", "height", "duration"} & said.keys()
    assert said["supports_streaming"] is True
