"""A copy that is edited while it is removed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from channels.sending import edits, step_runner
from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import Published
from foundation.db.database import Database
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Text, Unit
from gate.permits import issuance
from tests.channels.builders import mint
from tests.channels.telegram_builders import TWO_DAYS, BotWorld, bot_world
from tests.fakes.telegram import server as fake

HOUR = 3600
REMOVED = render_message(Message("service.safety.removed.message"), "fr")


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    yield bot_world(database, telegram)
    telegram.book.clear_faults()


def armed(nova: BotWorld, unit: Unit, body: str) -> PreparedStep:
    """Prepare an edit of a unit's copy."""
    copy, said = nova.copy_of(unit), replace(unit, texts=(Text("body", body),))
    with nova.scope() as scope:
        issuance.lock_unit(scope, said)
        turn = edits.prepare_edit(
            scope,
            channel=nova.channel(),
            unit=said,
            copy=copy,
            native_id=copy.native_ids[0],
            act=timedelta(seconds=30),
            author="member:7",
            whole=None,
            mint=mint,
            connectors=nova.connectors,
        )
    assert isinstance(turn, PreparedStep)
    return turn


def texts(nova: BotWorld) -> list[str]:
    return [told["text"] for told in nova.standing()]


def test_late_edit_does_not_undo_the_replacement(nova: BotWorld) -> None:
    """The edit was sent before the removal request, and Telegram no longer deletes the post."""
    unit = nova.unit("words")
    nova.publish(unit)
    nova.pass_time(TWO_DAYS)
    turn = armed(nova, unit, "other words")
    (wait,) = nova.remove(unit)
    arm_next = partial(edits.prepare_next_edit_step, connectors=nova.connectors, mint=mint)
    end = step_runner.run_steps(
        turn, tenant=nova.tenant, transport=nova.transport(), arm_next=arm_next
    )
    assert isinstance(end, Published)
    assert texts(nova) == ["other words"]
    assert wait <= 30
    nova.pass_time(wait + 1)
    assert nova.remove(unit) == [HOUR]
    assert texts(nova) == [REMOVED]


def test_abandoned_edit_does_not_delay_removal(nova: BotWorld) -> None:
    unit = nova.unit("words")
    nova.publish(unit)
    nova.pass_time(TWO_DAYS)
    armed(nova, unit, "other words")
    nova.pass_time(31)
    assert nova.remove(unit) == [HOUR]
    assert texts(nova) == [REMOVED]
