"""Reads also wait for the platform's rate limit."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from channels.connections import destination_settings_check
from channels.connections.events import DestinationCheckDue
from channels.limits import send_limits
from channels.metrics import platform_readings
from channels.metrics.events import DeliveryVerificationDue
from connectors.contract.connector import Response
from connectors.contract.outcomes import Published
from foundation.db.database import Database
from foundation.outbox import outbox
from tests.channels.builders import World
from tests.channels.telegram_builders import BotWorld, bot_world
from tests.fakes.telegram import server as fake

ASKED_FOR = 90


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    yield bot_world(database, telegram)
    telegram.book.clear_faults()


def comes_back(one: World, run: Callable[..., None], event: object) -> tuple[int, list[str]]:
    """Return the seconds until the retry (0 for none) and the requests sent."""
    transport, after = one.transport(), 0.0
    try:
        run(event, tenant=one.tenant, transport=transport, connectors=one.connectors)
    except outbox.RetryLater as later:
        after = later.after.total_seconds()
    return round(after), transport.sent


def limited(one: World) -> None:
    """Record a rate limit of the platform."""
    with one.scope() as scope:
        answer = Response("publish", 429, {"retry-after": str(ASKED_FOR)}, None)
        send_limits.record_answer(scope, one.channel_id, answer, creates=True)


def test_destination_check_waits_for_the_rate_limit(nova: BotWorld) -> None:
    event = DestinationCheckDue(nova.tenant_id, nova.channel_id)
    limited(nova)
    assert comes_back(nova, destination_settings_check.check_destination, event) == (ASKED_FOR, [])
    nova.pass_time(ASKED_FOR + 1)
    assert comes_back(nova, destination_settings_check.check_destination, event)[1] != []
    assert "seen" in nova.channel().options


def test_delivery_verification_waits_for_the_rate_limit(lea: World) -> None:
    unit = replace(lea.unit("marked"), flags=("ai=true",))
    assert isinstance(lea.publish(unit), Published)
    event = DeliveryVerificationDue(lea.tenant_id, unit.subject.id)
    limited(lea)
    assert comes_back(lea, platform_readings.verify_delivery, event) == (ASKED_FOR, [])
    lea.pass_time(ASKED_FOR + 1)
    assert comes_back(lea, platform_readings.verify_delivery, event)[1] != []
