"""Unscheduled drafts: they are not published, can be continued and scheduled, or deleted."""

from dataclasses import replace
from datetime import time
from uuid import UUID

import pytest

from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from schedules.approvals import review_comments
from schedules.calendar import unscheduled_drafts
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, labels
from schedules.posts.lateness import LateLimit
from schedules.posts.states import DeliveryState
from schedules.recurrence import evergreen_pools
from schedules.rescheduling import queue
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after
from tests.schedules.recurrence.test_evergreen_pools import settled
from workers.wiring import Services


def put_aside(lea: SandboxAgency, body: str = "half a thought", **more: object) -> UUID:
    draft = Draft(lea.creator_id, "", body, (), ())
    with lea.scope(f"member:{lea.author}") as scope:
        # `more` holds keyword arguments of any type
        return drafts.write_draft(scope, draft, key=uuid7(), author=f"member:{lea.author}", **more)  # type: ignore[arg-type]  # see above


def found(lea: SandboxAgency) -> list[UUID]:
    with lea.scope() as scope:
        return [
            one.post.id
            for one in unscheduled_drafts.list_unscheduled_drafts(scope, [lea.creator_id])
        ]


def going_on(lea: SandboxAgency, post_id: UUID, **more: object) -> Draft:
    there = (lea.channels["main"],)
    draft = Draft(
        lea.creator_id,
        "",
        "a whole one",
        (),
        there,
        text_ai="assisted",
        post_id=post_id,
        late=LateLimit.DAY,
    )
    return replace(draft, **more)  # type: ignore[arg-type]  # fields by name


def test_unscheduled_draft_is_listed_and_not_published(lea: SandboxAgency) -> None:
    first, second = put_aside(lea, "un"), put_aside(lea, "deux")
    lea.delivery("planned", after=3600)
    lea.live(hours=2)
    assert found(lea) == [second, first]
    assert lea.texts() == ["planned"]


def test_scheduled_draft_has_its_latest_text_and_author(
    services: Services, sandbox: RunningSandbox
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    post_id = put_aside(lea)
    with lea.scope(f"member:{lea.manager}") as scope:
        draft, at = going_on(lea, post_id), wall_time_after(scope.now, 600)
        planned = drafts.plan_draft(
            scope, draft, key=uuid7(), at=at, author=f"member:{lea.manager}", priority=2
        )
    assert planned.post_id == post_id
    with lea.scope() as scope:
        row = deliveries.get_post(scope, post_id)
        (there,) = deliveries.deliveries_of_post(scope, post_id)
        assert (row.body, row.text_ai, row.priority, row.until_midnight) == (
            "a whole one",
            "assisted",
            2,
            True,
        )
        assert (row.author, there.priority, there.state) == (
            f"member:{lea.manager}",
            2,
            DeliveryState.SCHEDULED,
        )
        assert there.late_until == deliveries.late_deadline(row, there.due_at, there.zone)
    assert found(lea) == []
    lea.live(minutes=11)
    assert lea.texts() == ["a whole one"]


def test_draft_can_be_saved_again_and_queued(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    post_id = put_aside(lea)
    author = f"member:{lea.author}"
    assert (
        lea.act(
            drafts.write_draft,
            going_on(lea, post_id, body="more of it"),
            key=uuid7(),
            author=author,
        )
        == post_id
    )
    assert found(lea) == [post_id]
    queued, _ = lea.act(queue.queue_draft, going_on(lea, post_id), key=uuid7(), author=author)
    assert queued == post_id
    assert len(lea.act(queue.list_queue_entries, lea.channels["main"])) == 1


def test_scheduled_post_is_not_overwritten_by_draft(lea: SandboxAgency) -> None:
    post_id = put_aside(lea)
    lea.wish(post_id, after=600)
    with pytest.raises(Conflict):
        lea.act(
            drafts.write_draft, going_on(lea, post_id), key=uuid7(), author=f"member:{lea.manager}"
        )
    with lea.scope() as scope:
        assert deliveries.get_post(scope, post_id).body == "half a thought"


def test_deleted_draft_is_gone_with_its_comments(lea: SandboxAgency) -> None:
    post_id = put_aside(lea)
    with lea.scope(f"member:{lea.manager}") as scope:
        label = labels.create_label(scope, "idea", "green")
        labels.set_post_labels(scope, post_id, [label])
        first = review_comments.add_comment(scope, post_id, "not sure", key=uuid7())
        review_comments.reply_to_comment(scope, first, "me neither", key=uuid7())
    lea.act(unscheduled_drafts.delete_draft, post_id)
    assert found(lea) == []
    with lea.scope() as scope, pytest.raises(NotFound):
        deliveries.get_post(scope, post_id)
    with pytest.raises(NotFound):
        lea.act(unscheduled_drafts.delete_draft, post_id)


def test_draft_with_delivery_or_pool_cannot_be_deleted(lea: SandboxAgency) -> None:
    planned, pooled = put_aside(lea), put_aside(lea)
    taken_off = lea.wish(planned, after=600)
    lea.act(deliveries.cancel_delivery, taken_off)
    settled(lea)
    lea.act(evergreen_pools.add_post_to_pool, pooled)
    for one in (planned, pooled):
        with pytest.raises(Conflict) as told:
            lea.act(unscheduled_drafts.delete_draft, one)
        assert told.value.message.code == "aside.goes_somewhere"
    assert found(lea) == []


def test_reviewed_draft_cannot_be_deleted(lea: SandboxAgency) -> None:
    post_id = put_aside(lea)
    lea.approve(post_id)
    with pytest.raises(Conflict) as told:
        lea.act(unscheduled_drafts.delete_draft, post_id)
    assert told.value.message.code == "aside.was_judged"


def test_drafts_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    other = create_sandbox_agency(lea.services, lea.network)
    post_id = put_aside(lea)
    assert found(other) == []
    with pytest.raises(NotFound):
        other.act(unscheduled_drafts.delete_draft, post_id)
    with pytest.raises(NotFound):
        other.act(
            drafts.write_draft,
            going_on(other, post_id),
            key=uuid7(),
            author=f"member:{other.author}",
        )
