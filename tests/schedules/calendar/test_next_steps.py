"""The next step of a delivery, by its state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from schedules.calendar.next_steps import (
    NextStepContext,
    Objection,
    find_next_step,
    next_step_of_delivery,
    publish_time,
)
from schedules.posts import queries
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency

NOW = datetime(2031, 3, 3, 9, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)
CALM = NextStepContext(NOW, stopped=False, dry=False, free=False)
WHY = Message("channel.rate_limited")


def entry(state: DeliveryState = DeliveryState.SCHEDULED, **more: object) -> DeliveryEntry:
    ids = {name: uuid7() for name in ("delivery_id", "post_id", "channel_id", "creator_id")}
    said = {
        "channel": "X",
        "title": "",
        "body": "hello",
        "reason": None,
        "due_at": DUE,
        "zone": "UTC",
        "media": (),
    }
    none = dict.fromkeys(("settled_at", "url", "native_id", "not_before"))
    plain = {**ids, **said, **none, "version": 1, "wall_time": "2031-03-03T10:00", "state": state}
    return DeliveryEntry(**{**plain, **more})  # type: ignore[arg-type]  # keyword arguments by name


@pytest.mark.parametrize(
    ("one", "standing", "code"),
    [
        (entry(), CALM, "scheduled"),
        (entry(), replace(CALM, stopped=True, dry=True), "stopped"),
        (entry(late_until=DUE), replace(CALM, stopped=True), "stopped_until"),
        (entry(late_until=DUE), replace(CALM, stopped=True, now=DUE), "stopped_until"),
        (
            entry(late_until=DUE),
            replace(CALM, stopped=True, now=DUE + timedelta(minutes=1)),
            "stopped_over",
        ),
        (entry(), replace(CALM, dry=True, in_the_way=WHY), "dry"),
        (entry(late_until=DUE), replace(CALM, in_the_way=WHY), "waits"),
        (entry(), replace(CALM, in_the_way=WHY), "waits_on"),
        (entry(), replace(CALM, trouble=WHY), "stays"),
        (entry(DeliveryState.APPROVED), replace(CALM, trouble=WHY), "stays"),
        (entry(not_before=DUE), replace(CALM, trouble=WHY), "stays"),
        (entry(DeliveryState.DRAFT), replace(CALM, trouble=WHY), "draft_nobody"),
        (entry(), replace(CALM, trouble=WHY, stopped=True), "stopped"),
        (entry(), replace(CALM, trouble=WHY, in_the_way=WHY), "waits_on"),
        (entry(), replace(CALM, trouble=WHY, dry=True), "dry"),
        (entry(not_before=DUE), CALM, "retry"),
        (entry(not_before=NOW), CALM, "scheduled"),
        (entry(), replace(CALM, now=DUE + timedelta(minutes=3)), "turn_on"),
        (entry(late_until=DUE), replace(CALM, now=DUE + timedelta(minutes=3)), "turn"),
        (entry(), replace(CALM, now=DUE + timedelta(seconds=5)), "scheduled"),
        (entry(), replace(CALM, now=DUE + timedelta(seconds=20)), "overdue"),
        (entry(not_before=DUE), replace(CALM, now=DUE + timedelta(minutes=1)), "overdue"),
        (
            entry(not_before=DUE + timedelta(hours=1)),
            replace(CALM, now=DUE + timedelta(minutes=3)),
            "retry",
        ),
        (entry(DeliveryState.DRAFT), CALM, "draft_nobody"),
        (entry(DeliveryState.DRAFT), replace(CALM, half=True), "draft_no_second"),
        (entry(DeliveryState.DRAFT), replace(CALM, half=True, approvers=("Ann",)), "draft"),
        (entry(DeliveryState.DRAFT), replace(CALM, free=True), "draft_free"),
        (entry(DeliveryState.DRAFT), replace(CALM, approvers=("Ann", "Rob")), "draft"),
        (
            entry(DeliveryState.DRAFT),
            replace(CALM, approvers=("Ann",), sent_back=Objection("Ann", "change")),
            "draft_change",
        ),
        (entry(DeliveryState.DRAFT), replace(CALM, sent_back=Objection("", "no")), "draft_left"),
        (entry(DeliveryState.PROCESSING), CALM, "processing"),
        (
            entry(DeliveryState.PROCESSING, reason=Message("delivery.handed_over")),
            CALM,
            "handed_over",
        ),
        (entry(DeliveryState.HELD), CALM, "held"),
        (entry(DeliveryState.HELD, reason=Message("delivery.unapproved")), CALM, "held_yes"),
        (entry(DeliveryState.HELD, reason=Message("delivery.changed")), CALM, "held_yes"),
        (
            entry(DeliveryState.HELD, reason=Message("delivery.unapproved"), late_until=DUE),
            CALM,
            "held_until",
        ),
        (
            entry(DeliveryState.HELD, reason=Message("delivery.unapproved"), late_until=DUE),
            replace(CALM, now=DUE + timedelta(seconds=1)),
            "held_over",
        ),
        (
            entry(DeliveryState.DRAFT, late_until=DUE),
            replace(CALM, approvers=("Ann",)),
            "draft_until",
        ),
        (entry(DeliveryState.FAILED), CALM, "failed"),
        (entry(DeliveryState.FAILED), replace(CALM, fixed=True), "failed_fixed"),
        (entry(DeliveryState.REMOVING), CALM, "removing"),
        (entry(DeliveryState.REMOVING), replace(CALM, by_hand=True), "removing_by_hand"),
    ],
)
def test_next_step_follows_from_state_and_context(
    one: DeliveryEntry, standing: NextStepContext, code: str
) -> None:
    found = find_next_step(one, standing)
    assert found.code == f"calendar.next.{code}"
    assert found.who == ", ".join(standing.approvers)
    assert found.why == (WHY if code.startswith(("waits", "stays")) else None)


@pytest.mark.parametrize("state", DeliveryState)
def test_each_state_has_a_text(state: DeliveryState) -> None:
    told = render_message(
        Message(
            find_next_step(entry(state), CALM).code,
            {"at": "10:00", "who": "", "why": "", "late": ""},
        ),
        "en",
    )
    assert "calendar.next" not in told


def test_overdue_post_has_no_publishing_time_in_the_past() -> None:
    """After an emergency stop, a post due at 21:18 was announced at 21:19 as publishing at 21:18."""
    late = find_next_step(entry(), replace(CALM, now=DUE + timedelta(minutes=1)))
    assert (
        render_message(Message(late.code, {"at": "at 21:18"}), "en")
        == "Publishes as soon as possible (scheduled at 21:18)."
    )


def test_failed_delivery_of_partly_published_post_is_final(lea: SandboxAgency) -> None:
    """Its page requested a correction and a retry, but the post could no longer be changed."""
    lea.connect("other")
    post_id = lea.write()
    stands, failed = lea.wish(post_id), lea.wish(post_id, "other")
    lea.fault("refuse", channel="other")
    lea.approve(post_id)
    lea.plan(post_id)
    lea.live(minutes=1)
    assert (lea.state(stands), lea.state(failed)) == (DeliveryState.PUBLISHED, DeliveryState.FAILED)
    with lea.scope() as scope:
        one = next(
            each
            for each in queries.entries_of_post(scope, post_id, names={})
            if each.delivery_id == failed
        )
        assert (
            next_step_of_delivery(scope, one, lea.services.connectors).next.code
            == "calendar.next.failed_fixed"
        )


def test_publish_time_is_due_time_or_next_retry() -> None:
    assert publish_time(entry()) == DUE
    assert publish_time(entry(not_before=NOW)) == DUE
    assert publish_time(entry(not_before=DUE + timedelta(hours=1))) == DUE + timedelta(hours=1)
