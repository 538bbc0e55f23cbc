"""Lookups after a clock rollback: the machine's clock was ahead when a post was sent, and correct
when it was looked up."""

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
    """An account whose post was sent with a clock an hour ahead and whose response was lost."""
    _put(lea, AHEAD)
    lea.network.fault("reset_after", account=lea.account, on="posts", seconds=1)
    return lea


def test_post_with_an_earlier_platform_time_is_found(hurried: World) -> None:
    """A lookup that starts a minute before our send time would miss it by the platform's clock, and
    the post would be sent twice."""
    unit = hurried.unit("an hour ahead")
    turn = hurried.arm(unit)
    assert isinstance(turn, PreparedStep)
    assert isinstance(hurried.carry(turn), Uncertain)
    _put(hurried, -AHEAD)
    hurried.pass_time(AHEAD.total_seconds())  # our clock shows the earlier time again
    hurried.network.clock.advance(AHEAD.total_seconds())
    assert isinstance(hurried.look(unit), Found)


def _put(lea: World, by: timedelta) -> None:
    """Set the machine's clock, and let the relay notice."""
    with lea.database.scope(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_clock_move(:by)", by=by)
        clock_rollback.observe_clock(scope)
