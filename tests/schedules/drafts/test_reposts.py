"""A post that stands, once more on the same account: asked for by a person, judged anew, and tied
to the first."""

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


def test_a_published_post_leaves_once_more_as_another_delivery(lea: SandboxAgency) -> None:
    first = posted(lea)
    second = more(lea, first)
    assert (lea.state(first), lea.state(second)) == (
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    ), "its yes still counts"
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
        "once more of one more is of the first"
    )


def test_pressed_twice_it_leaves_once_more_once(lea: SandboxAgency) -> None:
    first = posted(lea)
    second = more(lea, first)
    for one in (first, second):
        with pytest.raises(Conflict):
            more(lea, one)
    lea.act(deliveries.cancel_delivery, second)
    assert lea.entry(more(lea, first)).occurrence_key == "again-2", (
        "a cancelled one is in nobody's way"
    )


def test_only_what_was_posted(lea: SandboxAgency) -> None:
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


def test_until_its_day_is_over_it_may_leave_once_more(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("evergreen", until_midnight=True)
    lea.run()
    now = lea.now()
    begun = WallTime(now.date(), time(0), "UTC")
    second = lea.act(reposts.repost_delivery, delivery_id, at=begun, connectors=KNOWN)
    assert lea.state(second) is DeliveryState.SCHEDULED, "half an hour or twelve late, as it may"


def test_what_was_removed_may_come_back(lea: SandboxAgency) -> None:
    first = posted(lea)
    lea.act(post_removal.request_post_removal, first)
    lea.run()
    assert lea.state(first) is DeliveryState.REMOVED
    second = more(lea, first, after=0)
    lea.run()
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_a_yes_that_has_ended_is_asked_for_again(lea: SandboxAgency) -> None:
    first = posted(lea)
    lea.pass_time(days=100)
    second = more(lea, first)
    assert lea.state(second) is DeliveryState.DRAFT
    lea.live(hours=2)
    assert (lea.state(second), lea.texts()) == (DeliveryState.HELD, ["evergreen"]), (
        "nothing leaves without a yes"
    )
    lea.act(deliveries.cancel_delivery, second)
    third = more(lea, first)
    lea.approve(lea.entry(first).post_id)
    lea.act(deliveries.schedule_post, lea.entry(first).post_id)
    lea.live(hours=2)
    assert (lea.state(third), lea.texts()) == (DeliveryState.PUBLISHED, ["evergreen", "evergreen"])


def test_a_place_that_takes_no_words_twice_is_told_at_once(lea: SandboxAgency) -> None:
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


def test_keys() -> None:
    assert misfires.original_occurrence_key("again-3") == ""
    assert misfires.original_occurrence_key("2026-03-02T10:00.again-1") == "2026-03-02T10:00"
    assert misfires.original_occurrence_key("2026-03-02T10:00") == "2026-03-02T10:00"
