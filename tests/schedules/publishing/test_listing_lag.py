"""Lagging listings and short outages: each post is sent once and found early."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency


def requests_of(lea: SandboxAgency) -> list[dict[str, Any]]:
    account = lea.accounts["main"]
    found: list[dict[str, Any]] = lea.network.json("GET", f"/control/record?account={account}")[1][
        "record"
    ]
    return found


@pytest.mark.parametrize("lag", [30, 85, 240, 570])
def test_post_listed_late_is_sent_once(lea: SandboxAgency, lag: int) -> None:
    """The account ignores idempotency keys."""
    lea.fault("reset_after")
    lea.fault("lag", on="lookups", lookup_lag=lag)
    delivery_id = lea.delivery("once")
    lea.live(minutes=12)
    assert len(lea.asked()) == 1
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.entry(delivery_id).native_id == lea.posts()[0]["id"]


@pytest.mark.parametrize("failures", [5, 9])
def test_lookup_follows_end_of_outage(lea: SandboxAgency, failures: int) -> None:
    lea.fault("reset_after")
    lea.fault("status:503", on="lookups", times=failures)
    delivery_id = lea.delivery("once")
    lea.live(minutes=6)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    looks = [one for one in requests_of(lea) if one["kind"] == "lookups"]
    failed = [one for one in looks if one["status"] == 503]
    answered = [datetime.fromisoformat(one["at"]) for one in looks if one["status"] == 200]
    assert len(failed) == failures
    assert answered[-1] - answered[0] < timedelta(seconds=10), "the probe, then the lookup"
    published = lea.entry(delivery_id).settled_at
    assert published is not None
