"""The layout of missed posts, for random posts: at intervals, in order, and none too late."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from foundation.ids import uuid7
from schedules.downtime.missed_posts import JITTER_TO, lay_out_missed
from schedules.posts.models import Delivery


@some.composite
def missed(draw: some.DrawFn) -> list[Delivery]:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    made = []
    for minutes in draw(some.lists(some.integers(0, 600), max_size=12)):
        due = start - timedelta(minutes=minutes)
        accepts = draw(some.one_of(some.none(), some.integers(0, 700)))
        late_until = None if accepts is None else due + timedelta(minutes=accepts)
        priority = draw(some.integers(0, 9))
        made.append(Delivery(id=uuid7(), priority=priority, due_at=due, late_until=late_until))
    return made


@given(
    missed(),
    some.lists(some.integers(-30, 300), max_size=6),
    some.integers(10, 120),
    some.integers(1, 120),
)
def test_layout_respects_interval_order_and_deadline(
    late: list[Delivery], others: list[int], minutes: int, near: int
) -> None:
    free, gap, beside = (
        datetime(2026, 3, 2, tzinfo=UTC),
        timedelta(minutes=minutes),
        timedelta(minutes=near),
    )
    taken = sorted(free + timedelta(minutes=one) for one in others)
    turns = lay_out_missed(late, free=free, gap=gap, taken=taken, beside=beside)
    assert turns.keys() == {row.id for row in late}
    leaves = sorted((row for row in late if turns[row.id]), key=lambda row: turns[row.id] or free)
    times = [turns[row.id] or free for row in leaves]
    assert times[:1] in ([], [free])
    assert all(after - before >= gap for before, after in pairwise(times))
    assert all(abs(at - one) >= beside for at in times[1:] for one in taken)
    assert all(
        row.late_until is None or at <= row.late_until
        for row, at in zip(leaves, times, strict=True)
    )
    keys = [(row.priority, row.due_at, row.id) for row in leaves]
    assert keys == sorted(keys)
    for row in late if not taken else []:  # a held post would have been too late at its turn
        if turns[row.id] is None:
            ahead = [
                at
                for key, at in zip(keys, times, strict=True)
                if key < (row.priority, row.due_at, row.id)
            ]
            turn = ahead[-1] + gap + timedelta(seconds=JITTER_TO) if ahead else free
            assert row.late_until is not None
            assert row.late_until < turn
