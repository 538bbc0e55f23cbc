"""A post that is taken off the calendar stays off it: what repeats it makes no more."""

from uuid import UUID

import pytest

from foundation.errors import Conflict
from schedules import pools, scheduling
from schedules.states import DeliveryState as S
from schedules.states import SeriesState
from tests.fakes.network import Network
from tests.schedules import repeats
from tests.schedules.builders import Desk, desk
from tests.schedules.test_recycling import every_day, kept
from tests.schedules.versions import compared, seen
from workers.wiring import Services


def test_a_series_does_not_come_back_after_ninety_days(services: Services, sandbox: Network) -> None:
    lea = desk(services, sandbox, tiers=0)
    post_id = repeats.begin(lea, repeats.repeat(lea, repeats.WEEKLY))
    lea.run()
    lea.act(scheduling.cancel, post_id)
    lea.live(days=110)
    assert lea.texts() == []
    assert [one.state for one in repeats.series_of(lea, post_id)] == [SeriesState.STOPPED]
    with pytest.raises(Conflict) as told:
        lea.act(scheduling.cancel, post_id)
    assert told.value.message.code == "post.nothing_to_cancel"


def test_a_pool_does_not_bring_it_back(lea: Desk) -> None:
    every_day(lea)
    (entry,) = kept(lea, "un")
    lea.run()
    with lea.scope() as scope:
        post_id = pools._entry(scope, entry).first_id
    lea.act(scheduling.cancel, post_id)
    lea.live(days=70)
    assert {S(row.state) for row in repeats.rows(lea, post_id)} == {S.PUBLISHED, S.CANCELLED}
    assert lea.texts() == ["un"]


def test_the_other_version_of_a_test_is_not_taken_off_alone(lea: Desk) -> None:
    post_id = repeats.begin(lea, repeats.repeat(lea))
    repeats.approved(lea, post_id)
    other: UUID = seen(lea, compared(lea, post_id)).b_id
    with pytest.raises(Conflict) as told:
        lea.act(scheduling.cancel, other)
    assert told.value.message.code == "variants.running"
    lea.act(scheduling.cancel, post_id)
    lea.run()
    assert not [row for one in (post_id, other) for row in repeats.rows(lea, one) if row.state != S.CANCELLED]
