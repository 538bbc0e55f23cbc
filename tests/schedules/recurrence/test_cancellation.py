"""Cancelled posts stay cancelled: their series and pools create no further deliveries."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.errors import Conflict
from schedules.calendar import versioned_actions
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence import evergreen_pools, series
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.sandbox import RunningSandbox
from tests.schedules import series_builders
from tests.schedules.ab_test_builders import get_ab_test, start_ab_test
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.recurrence.test_evergreen_pools import every_day, kept
from workers.wiring import Services


def test_cancelled_series_does_not_return_after_ninety_days(
    services: Services, sandbox: RunningSandbox
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    post_id = series_builders.start_series(
        lea, series_builders.build_recurrence(lea, series_builders.WEEKLY)
    )
    lea.run()
    lea.act(versioned_actions.cancel_post, post_id)
    lea.live(days=110)
    assert lea.texts() == []
    assert [one.state for one in series_builders.list_series(lea, post_id)] == [SeriesState.STOPPED]
    with pytest.raises(Conflict) as told:
        lea.act(versioned_actions.cancel_post, post_id)
    assert told.value.message.code == "post.nothing_to_cancel"


@pytest.mark.heavy
def test_pool_does_not_repost_cancelled_post(lea: SandboxAgency) -> None:
    every_day(lea)
    (entry,) = kept(lea, "un")
    lea.run()
    with lea.scope() as scope:
        post_id = evergreen_pools._get_pool_entry(scope, entry).first_id
    lea.act(versioned_actions.cancel_post, post_id)
    lea.live(days=70)
    assert {DeliveryState(row.state) for row in series_builders.list_deliveries(lea, post_id)} == {
        DeliveryState.PUBLISHED,
        DeliveryState.CANCELLED,
    }
    assert lea.texts() == ["un"]


def test_cancellation_waits_for_concurrent_pool_filling(lea: SandboxAgency) -> None:
    """Filling a pool locks the pool first and its posts second."""
    every_day(lea)
    (entry,) = kept(lea, "un")
    lea.run()
    with lea.scope() as scope:
        entry_row = evergreen_pools._get_pool_entry(scope, entry)
        post_id, pool_id = entry_row.first_id, entry_row.pool_id
        series.begin_series(
            scope,
            post_id,
            [lea.channels["main"]],
            series_builders.build_recurrence(lea),
            confirmed=True,
        )
    with ThreadPoolExecutor() as pool:
        with lea.scope() as scope:
            evergreen_pools.get_pool(scope, pool_id, lock=True)
            cancelled = pool.submit(lea.act, versioned_actions.cancel_post, post_id)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
            deliveries.deliveries_of_post(scope, post_id, lock=True, ended=False)
        cancelled.result()
    assert all(
        row.state in (DeliveryState.CANCELLED, DeliveryState.PUBLISHED)
        for row in series_builders.list_deliveries(lea, post_id)
    )


def test_test_variant_cannot_be_cancelled_alone(lea: SandboxAgency) -> None:
    post_id = series_builders.start_series(lea, series_builders.build_recurrence(lea))
    series_builders.approve_and_release(lea, post_id)
    other: UUID = get_ab_test(lea, start_ab_test(lea, post_id)).b_id
    with pytest.raises(Conflict) as told:
        lea.act(versioned_actions.cancel_post, other)
    assert told.value.message.code == "variants.running"
    lea.act(versioned_actions.cancel_post, post_id)
    lea.run()
    assert not [
        row
        for one in (post_id, other)
        for row in series_builders.list_deliveries(lea, one)
        if row.state != DeliveryState.CANCELLED
    ]
