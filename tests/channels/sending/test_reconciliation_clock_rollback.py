"""The machine's clock was ahead of the platform's when a post left, and right when it was
sought."""

from datetime import timedelta

import pytest

from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import Found, Uncertain
from foundation.db import clock_rollback
from foundation.ids import INSTALLATION_ID
from tests.channels.builders import World

AHEAD = timedelta(hours=1)


@pytest.fixture
def hurried(lea: World) -> World:
    """By a clock an hour ahead a post left, and its answer was lost."""
    _put(lea, AHEAD)
    lea.network.fault("reset_after", account=lea.account, on="posts", seconds=1)
    return lea


def test_it_is_found_though_it_stands_there_since_long_before(hurried: World) -> None:
    """By theirs: a look back to a minute before our time would call it absent, and it would go out
    twice."""
    unit = hurried.unit("an hour ahead")
    turn = hurried.arm(unit)
    assert isinstance(turn, PreparedStep)
    assert isinstance(hurried.carry(turn), Uncertain)
    _put(hurried, -AHEAD)
    hurried.pass_time(AHEAD.total_seconds())  # our clock shows again what it showed
    hurried.network.clock.advance(AHEAD.total_seconds())
    assert isinstance(hurried.look(unit), Found)


def _put(lea: World, by: timedelta) -> None:
    """The machine's clock is set, and the relay looks at it."""
    with lea.database.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=by)
        clock_rollback.observe_clock(scope)
