"""Reaction counts reported by a platform: the newest one is kept, in any order and with
repetitions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from channels.metrics import platform_readings, reaction_counts
from channels.metrics.reaction_counts import REACTIONS_METRIC
from connectors.contract.chats import ChatUpdate
from connectors.contract.outcomes import Published
from foundation.db.database import Database
from tests.channels.telegram_builders import CONNECTORS, BotWorld, bot_world
from tests.fakes.telegram import server as fake

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    made = bot_world(database, telegram)
    yield made
    telegram.book.clear_faults()


def update(
    nova: BotWorld, message: int, many: int, *, second: int, number: int, place: str = ""
) -> ChatUpdate:
    place = place or str(nova.chat.id)
    at = START + timedelta(seconds=second)
    return ChatUpdate(
        str(number),
        "counted",
        "",
        native_id=f"{place}/{message}",
        at=at,
        ref=place,
        amount_minor=many,
    )


def read(nova: BotWorld, native_id: str) -> dict[str, int] | None:
    by = {"tenant": nova.tenant, "transport": nova.transport(), "connectors": CONNECTORS}
    # the values of `by` have several types
    told = platform_readings.read_metrics(nova.tenant_id, nova.channel_id, native_id, **by)  # type: ignore[arg-type]  # see above
    return dict(told) if told is not None else None


def test_newest_reaction_count_is_kept_in_any_order(nova: BotWorld) -> None:
    for message, order in enumerate(permutations(range(3)), start=100):
        told = [
            update(nova, message, 4, second=0, number=7),
            update(nova, message, 9, second=60, number=8),
            update(nova, message, 2, second=60, number=9),  # users withdraw reactions
        ]
        with nova.scope() as scope:
            for at in (*order, order[0], order[-1]):
                reaction_counts.store_reaction_count(scope, nova.channel(), told[at])
        assert read(nova, f"{nova.chat.id}/{message}") == {REACTIONS_METRIC: 2}


def test_reactions_of_an_album_are_summed_and_unreported_ones_are_none(nova: BotWorld) -> None:
    album = nova.publish(nova.unit("two", pictures=2))
    alone = nova.publish(nova.unit("alone"))
    assert isinstance(album, Published)
    assert isinstance(alone, Published)
    first, second = (int(one) for one in album.native_id.partition("/")[2].split(","))
    with nova.scope() as scope:
        reaction_counts.store_reaction_count(
            scope, nova.channel(), update(nova, first, 3, second=0, number=1)
        )
        reaction_counts.store_reaction_count(
            scope, nova.channel(), update(nova, second, 2, second=1, number=2)
        )
        reaction_counts.store_reaction_count(
            scope, nova.channel(), update(nova, first, 50, second=9, number=3, place="-1005")
        )
    assert read(nova, album.native_id) == {REACTIONS_METRIC: 5}
    assert read(nova, alone.native_id) is None
    with nova.scope() as scope:
        reaction_counts.store_reaction_count(
            scope, nova.channel(), update(nova, first, 0, second=10, number=4)
        )
        reaction_counts.store_reaction_count(
            scope, nova.channel(), update(nova, second, 0, second=10, number=5)
        )
    assert read(nova, album.native_id) == {REACTIONS_METRIC: 0}
