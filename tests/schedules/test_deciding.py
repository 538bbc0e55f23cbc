"""All that is on hold or refused, decided at once: shown first, done in one transaction, nothing that changed since."""

from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from channels import connecting
from foundation.errors import Conflict
from foundation.words import Message
from schedules import deciding, planning, slots
from schedules.deciding import How
from schedules.shifting import Preview
from schedules.spacing import GAP
from schedules.states import DeliveryState as S
from tests.schedules.builders import Desk, desk


def undecided(lea: Desk, number: int, *, channel: str = "main") -> list[UUID]:
    """Posts that a platform refused, or that were too late."""
    made = [
        lea.delivery(f"{channel} {n}", channel=channel, after=n, late_ok=timedelta(minutes=5)) for n in range(number)
    ]
    with lea.scope() as scope:
        for one in made:
            planning.unplan(scope, one)
            row = deciding.delivery(scope, one)
            planning.move(scope, row, S.HELD, reason=Message("delivery.too_late"))
    lea.pass_time(hours=1)
    return made


def seen(lea: Desk, how: How) -> Preview:
    found: Preview = lea.act(deciding.preview, lea.creator_id, how)
    return found


def decide(lea: Desk, how: How, shown: Preview) -> Preview:
    done: Preview = lea.act(deciding.decide, lea.creator_id, how, seen=shown.versions)
    return done


def test_now_leaves_one_after_the_other_and_each_account_has_its_room(lea: Desk) -> None:
    lea.connect("two")
    ids = [*undecided(lea, 3), *undecided(lea, 2, channel="two")]
    shown = seen(lea, How.NOW)
    assert {one.delivery_id for one in shown.moving} == set(ids)
    done = decide(lea, How.NOW, shown)
    assert (len(done.moving), done.left) == (5, ())
    lea.run()
    assert (len(lea.texts()), len(lea.texts("two"))) == (1, 1)
    lea.live(minutes=25)
    assert {lea.state(one) for one in ids} == {S.PUBLISHED}
    settled = sorted(at for one in ids[:3] if (at := lea.entry(one).settled_at) is not None)
    assert all(after - before >= GAP - timedelta(minutes=1) for before, after in pairwise(settled))
    assert lea.notices() == {}


def test_around_what_is_planned_there(lea: Desk) -> None:
    ids = undecided(lea, 2)
    planned = lea.delivery("planned", after=12 * 60)
    turns = {one.delivery_id: one.after.instant() for one in seen(lea, How.NOW).moving}
    there = lea.entry(planned).due_at
    assert turns[ids[1]] - there >= GAP - timedelta(minutes=1)


def test_the_next_free_slots(lea: Desk) -> None:
    ids = undecided(lea, 3)
    shown = seen(lea, How.SLOTS)
    assert [one.why.code for one in shown.left] == ["queue.full"] * 3
    with lea.scope() as scope:
        for day in range(7):
            slots.add_slot(scope, lea.channels["main"], weekday=day, clock=time(18), zone="Europe/Paris")
    done = decide(lea, How.SLOTS, seen(lea, How.SLOTS))
    assert [f"{one.after.clock:%H:%M}" for one in done.moving] == ["18:00"] * 3
    assert len({one.after.day for one in done.moving}) == 3
    assert {lea.state(one) for one in ids} == {S.SCHEDULED}
    with lea.scope() as scope:
        assert len(deciding.queueing.entries(scope, lea.channels["main"])) == 3


def test_dropped(lea: Desk) -> None:
    ids = undecided(lea, 3)
    decide(lea, How.DROP, seen(lea, How.DROP))
    assert {lea.state(one) for one in ids} == {S.CANCELLED}
    assert lea.notices() == {}


def test_what_changed_since_it_was_seen_stays_and_what_came_is_not_touched(lea: Desk) -> None:
    ids = undecided(lea, 3)
    shown = seen(lea, How.DROP)
    with lea.scope() as scope:
        deciding.planning.send_now(scope, ids[0])
        planning.unplan(scope, ids[0])
        planning.move(scope, deciding.delivery(scope, ids[0]), S.HELD, reason=Message("delivery.too_late"))
    (late,) = undecided(lea, 1)
    done = decide(lea, How.DROP, shown)
    assert {one.delivery_id for one in done.moving} == set(ids[1:])
    assert [(one.delivery_id, one.why.code) for one in done.left] == [(ids[0], "shift.changed")]
    assert (lea.state(ids[0]), lea.state(late)) == (S.HELD, S.HELD)


def test_what_would_be_held_again_stays_with_the_reason(lea: Desk) -> None:
    unapproved = lea.wish(lea.write("nobody said yes"), after=60)
    lea.live(minutes=2)
    assert lea.state(unapproved) is S.HELD
    assert [one.why.code for one in seen(lea, How.NOW).left] == ["deciding.no_yes"]
    lea.connect("gone")
    undecided(lea, 1, channel="gone")
    with lea.scope() as scope:
        connecting.gone(scope, lea.channels["gone"], Message("channel.token_refused"))
    assert sorted(one.why.code for one in seen(lea, How.SLOTS).left) == ["deciding.no_yes", "delivery.account_lost"]
    assert len(seen(lea, How.DROP).moving) == 2


def test_two_who_decide_at_once_decide_once(lea: Desk) -> None:
    ids = undecided(lea, 6)
    shown = seen(lea, How.NOW)

    def press(how: How) -> int:
        try:
            return len(decide(lea, how, shown).moving)
        except Conflict:
            return 0

    with ThreadPoolExecutor(2) as pool:
        counts = sorted(pool.map(press, [How.NOW, How.DROP]))
    assert counts == [0, 6]
    lea.live(hours=2)
    assert {lea.state(one) for one in ids} in ({S.PUBLISHED}, {S.CANCELLED})
    assert len(lea.texts()) == len(set(lea.texts()))


def test_another_agency_sees_and_decides_nothing(lea: Desk) -> None:
    ids = undecided(lea, 2)
    shown = seen(lea, How.DROP)
    stranger = desk(lea.services, lea.network)
    done = stranger.act(deciding.decide, lea.creator_id, How.DROP, seen=shown.versions)
    assert done == Preview((), ())
    assert {lea.state(one) for one in ids} == {S.HELD}


@pytest.mark.parametrize("how", list(How))
def test_nothing_waits_and_nothing_happens(lea: Desk, how: How) -> None:
    lea.delivery("ahead", after=3600)
    assert seen(lea, how) == decide(lea, how, seen(lea, how)) == Preview((), ())
