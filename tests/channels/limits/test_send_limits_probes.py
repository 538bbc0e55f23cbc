"""A bot cannot read its history: the probe of a braked bot is the account test."""

from collections.abc import Iterator

import pytest

from channels.limits import send_limits
from connectors.contract.outcomes import Uncertain
from foundation.db.database import Database
from tests.channels.telegram_builders import BotWorld, bot_world
from tests.conftest import free_port
from tests.fakes.telegram import server as fake


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    yield bot_world(database, telegram)
    telegram.book.clear_faults()


def braked(nova: BotWorld) -> bool:
    with nova.scope() as scope:
        return send_limits.claim_send_slot(scope, nova.channel()) is not None


def test_brake_is_released_when_the_bot_test_succeeds(nova: BotWorld) -> None:
    nova.fault("reset_after", "*")
    assert isinstance(nova.publish(nova.unit("first")), Uncertain)
    assert braked(nova)
    assert nova.probe() == 0
    assert not braked(nova)


def test_brake_stays_while_the_server_is_unreachable(nova: BotWorld) -> None:
    nova.fault("reset_after", "*")
    assert isinstance(nova.publish(nova.unit("first")), Uncertain)
    home = nova.channel().base_url
    moved(nova, f"http://127.0.0.1:{free_port()}")
    assert [nova.probe() for _ in range(4)] == [5, 10, 20, 30]
    assert braked(nova)
    moved(nova, home)
    assert nova.probe() == 0
    assert not braked(nova)


def moved(nova: BotWorld, url: str) -> None:
    with nova.scope() as scope:
        scope.run("UPDATE channels SET base_url = :url WHERE id = :id", url=url, id=nova.channel_id)
