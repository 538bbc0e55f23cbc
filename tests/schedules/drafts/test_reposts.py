"""Reposts: a published post again on the same account, requested by a member, judged again, and
linked to the first delivery."""

from datetime import time, timedelta
from uuid import UUID

import pytest

from connectors.registry import loader
from foundation.errors import BadInput, Conflict, Refused
from foundation.ops.wall_time import WallTime
from schedules.downtime import misfires
from schedules.drafts import reposts
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.schedules.builders import SandboxAgency, wall_time_after

KNOWN = loader.load_builtin_connectors()


def more(lea: SandboxAgency, delivery_id: UUID, after: float = 3600) -> UUID:
    made: UUID = lea.act(
        reposts.repost_delivery, delivery_id, at=wall_time_after(lea.now(), after), connectors=KNOWN
    )
    return made


def posted(lea: SandboxAgency, text: str = "evergreen") -> UUID:
    delivery_id = lea.delivery(text)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    return delivery_id


def test_repost_publishes_as_another_delivery(lea: SandboxAgency) -> None:
    first = posted(lea)
    second = more(lea, first)
    assert (lea.state(first), lea.state(second)) == (
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    ), "the approval is still valid"
    lea.live(hours=2)
    entry, before = lea.entry(second), lea.entry(first)
    assert (entry.state, entry.occurrence_key, entry.post_id) == (
        DeliveryState.PUBLISHED,
        "again-1",
        before.post_id,
    )
    assert entry.native_id != before.native_id
    assert lea.texts() == ["evergreen", "evergreen"]
    assert lea.entry(more(lea, second)).occurrence_key == "again-2", (
        "a repost of a repost counts from the first delivery"
    )


def test_repeated_repost_request_is_refused(lea: SandboxAgency) -> None:
    first = posted(lea)
    second = more(lea, first)
    for one in (first, second):
        with pytest.raises(Conflict):
            more(lea, one)
    lea.act(deliveries.cancel_delivery, second)
    assert lea.entry(more(lea, first)).occurrence_key == "again-2", (
        "a cancelled repost does not block another"
    )


def test_only_published_post_can_be_reposted(lea: SandboxAgency) -> None:
    with pytest.raises(BadInput):
        more(lea, posted(lea, "now"), after=-86_400)
    planned = lea.delivery("later", after=600)
    with pytest.raises(Conflict):
        more(lea, planned)
    lea.fault("reset_before")
    doubted = lea.delivery("maybe")
    lea.run()
    assert lea.state(doubted) is DeliveryState.UNCERTAIN
    with pytest.raises(Conflict):
        more(lea, doubted)


def test_repost_is_scheduled_until_end_of_day(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("evergreen", until_midnight=True)
    lea.run()
    now = lea.now()
    begun = WallTime(now.date(), time(0), "UTC")
    second = lea.act(reposts.repost_delivery, delivery_id, at=begun, connectors=KNOWN)
    assert lea.state(second) is DeliveryState.SCHEDULED, (
        "any time of that day is within its allowed delay"
    )


def test_removed_post_can_be_reposted(lea: SandboxAgency) -> None:
    first = posted(lea)
    lea.act(post_removal.request_post_removal, first)
    lea.run()
    assert lea.state(first) is DeliveryState.REMOVED
    second = more(lea, first, after=0)
    lea.run()
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_repost_needs_new_approval_after_expiry(lea: SandboxAgency) -> None:
    first = posted(lea)
    lea.pass_time(days=100)
    second = more(lea, first)
    assert lea.state(second) is DeliveryState.DRAFT
    lea.live(hours=2)
    assert (lea.state(second), lea.texts()) == (DeliveryState.HELD, ["evergreen"]), (
        "nothing is published without approval"
    )
    lea.act(deliveries.cancel_delivery, second)
    third = more(lea, first)
    lea.approve(lea.entry(first).post_id)
    lea.act(deliveries.schedule_post, lea.entry(first).post_id)
    lea.live(hours=2)
    assert (lea.state(third), lea.texts()) == (DeliveryState.PUBLISHED, ["evergreen", "evergreen"])


def test_repost_is_refused_where_platform_refuses_duplicates(lea: SandboxAgency) -> None:
    first = posted(lea)
    once = type("Once", (type(KNOWN["sandbox"]),), {})()
    once.capabilities = type(KNOWN["sandbox"].capabilities)(
        **{**vars(KNOWN["sandbox"].capabilities), "once": frozenset({"post"})}
    )
    with pytest.raises(Refused) as refused:
        lea.act(
            reposts.repost_delivery,
            first,
            at=wall_time_after(lea.now() + timedelta(), 3600),
            connectors={**KNOWN, "sandbox": once},
        )
    assert refused.value.message.code == "delivery.never_twice"
    assert lea.states(first)[-1] == "published"


def test_original_occurrence_key_drops_repost_suffix() -> None:
    assert misfires.original_occurrence_key("again-3") == ""
    assert misfires.original_occurrence_key("2026-03-02T10:00.again-1") == "2026-03-02T10:00"
    assert misfires.original_occurrence_key("2026-03-02T10:00") == "2026-03-02T10:00"
