"""What makes posts for an account goes on for another one: pool, feeds, series, tests, a week that is proposed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from channels.reads import Channel
from foundation.database import Scope
from schedules import assigning, pools
from schedules.models import Series
from schedules.models_planning import Feed, WeekLine
from schedules.states import SeriesState, WeekLineState


def sources(scope: Scope, source_id: UUID, target: Channel) -> None:
    """The pool and the feeds of a creator. Before the slots of either account are held: whoever fills a pool, or reads
    a feed, locks in this order."""
    pool = pools.held(scope, target.creator_id)
    if pool is not None:
        pool.channels = _with(pool.channels, source_id, target)
        scope.add(pool)
    here = (Feed.tenant_id == scope.tenant_id, Feed.creator_id == target.creator_id)
    theirs = select(Feed).where(*here, _names(Feed.channels, source_id)).order_by(col(Feed.id)).with_for_update()
    for feed in scope.session.exec(theirs.execution_options(populate_existing=True)).all():
        feed.channels = _with(feed.channels, source_id, target)
        scope.add(feed)


def repeats(scope: Scope, source_id: UUID, target: Channel) -> None:
    """Series, those too whose times are all made: they may still be changed, or give way. A test counts anew there:
    readings of two accounts are not compared. What is proposed has to be looked at again.

    The caller holds the slots and `series.alone`, and no delivery: whoever changes a series locks in this order.
    """
    for test in assigning.running_on(scope, source_id):
        test.channel_id = target.id
        scope.add(test)
    running = (Series.tenant_id == scope.tenant_id, Series.state != str(SeriesState.STOPPED))
    ours = select(Series).where(*running, _names(Series.channels, source_id)).order_by(col(Series.id))
    for row in scope.session.exec(ours.with_for_update(key_share=True)).all():
        row.channels = _with(row.channels, source_id, target)
        scope.add(row)
    proposed = (WeekLine.tenant_id == scope.tenant_id, WeekLine.state == str(WeekLineState.PROPOSED))
    lines = select(WeekLine).where(*proposed, _names(WeekLine.channels, source_id)).order_by(col(WeekLine.id))
    for line in scope.session.exec(lines.with_for_update().execution_options(populate_existing=True)).all():
        line.channels = _with(line.channels, source_id, target)
        line.version += 1
        scope.add(line)


def _names(channels: object, channel_id: UUID) -> ColumnElement[bool]:
    """Whether stored ids of accounts name this one."""
    return type_coerce(channels, JSONB).contains([str(channel_id)])


def _with(channels: Sequence[str], source_id: UUID, target: Channel) -> list[str]:
    """The same accounts with one in the place of another, each once; pure."""
    return list(dict.fromkeys(str(target.id) if one == str(source_id) else one for one in channels))
