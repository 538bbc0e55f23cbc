"""Detached occurrences: one date of a series becomes a separate post, and the series never creates
it again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.drafts import drafts
from schedules.posts import channel_overrides, deliveries, labels, lateness, queries
from schedules.posts.events import ExtendDue
from schedules.posts.link_tracking import LinkChoices
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.recurrence import detached_occurrences, handlers, series
from schedules.recurrence.series import SeriesUpdate
from tests.schedules.ab_test_builders import get_ab_test, start_ab_test
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.recurrence.test_series_concurrency import Act, at_once
from tests.schedules.series_builders import (
    WEEKLY,
    approve_and_release,
    build_draft,
    build_recurrence,
    get_series_id,
    list_active_dates,
    list_deliveries,
    list_series,
    start_series,
)


def detach(lea: SandboxAgency, series_id: UUID, day: Any) -> UUID:
    made: UUID = lea.act(
        detached_occurrences.detach_occurrence, series_id, day, author=f"member:{lea.author}"
    )
    return made


def live(lea: SandboxAgency, post_id: UUID) -> list[Delivery]:
    return [row for row in list_deliveries(lea, post_id) if row.state != DeliveryState.CANCELLED]


def test_detached_occurrence_is_published_instead_of_series_date(lea: SandboxAgency) -> None:
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    lea.run()
    approve_and_release(lea, post_id)
    day = wanted.starts_on + timedelta(days=7)
    alone = detach(lea, get_series_id(lea, post_id), day)
    assert alone == detach(lea, get_series_id(lea, post_id), day), (
        "a repeated call returns the same post"
    )
    (row,) = list_deliveries(lea, alone)
    assert (row.wall_time, row.zone, row.state) == (
        str(wanted.occurrence_on(day)),
        "UTC",
        DeliveryState.DRAFT,
    ), "it needs another approval"
    assert (row.series_id, row.occurrence_key) == (None, "")
    (gone,) = [one for one in list_deliveries(lea, post_id) if one.state == DeliveryState.CANCELLED]
    assert (gone.occurrence_key[:10], gone.reason) == (
        str(day),
        {"code": "series.apart", "params": {}},
    )
    author = f"member:{lea.author}"
    lea.act(drafts.rewrite_post, alone, replace(build_draft(lea), body="only then"), author=author)
    handlers.handle_extend_due(
        ExtendDue(lea.tenant_id, get_series_id(lea, post_id)), tenant=lea.tenant
    )
    assert str(day) not in list_active_dates(lea, post_id)
    assert {one.state for one in live(lea, post_id)} == {DeliveryState.SCHEDULED}, (
        "the other occurrences stay approved"
    )
    approve_and_release(lea, alone)
    lea.live(days=15)
    assert lea.texts() == ["again and again", "only then", "again and again"], "each date once"


def test_detached_occurrence_copies_post_and_deliveries(
    lea: SandboxAgency,
) -> None:
    lea.connect("other")
    with lea.scope() as scope:
        label = labels.create_label(scope, "spring", "green")
    picture, place = lea.photo(), str(lea.channels["other"])
    said = replace(
        build_draft(lea, "main", "other"),
        title="a title",
        media=(picture,),
        text_ai="assisted",
        parts=(ThreadPart("a part", (lea.photo(1),)), ThreadPart("first", comment=True)),
        others=(
            channel_overrides.ChannelOverride(
                place, body="said there", options=(("spoiler_text", "careful"),)
            ),
        ),
        links=LinkChoices("spring"),
        labels=(label,),
        late=lateness.LateLimit.DAY,
    )
    with lea.scope(author := f"member:{lea.author}") as scope:
        wanted = build_recurrence(lea, WEEKLY)
        post_id = series.plan_series(
            scope, said, wanted, key=uuid7(), author=author, confirmed=True, priority=2
        ).post_id
    lea.run()
    day = wanted.starts_on + timedelta(days=7)
    main, other = sorted(
        (one for one in list_deliveries(lea, post_id) if one.occurrence_key[:10] == str(day)),
        key=lambda one: one.channel_id != lea.channels["main"],
    )
    lea.act(
        reschedule_delivery, other.id, at=(moved := parse_wall_time(f"{day}T23:15", "Europe/Paris"))
    )
    alone = detach(lea, get_series_id(lea, post_id), day)
    with lea.scope() as scope:
        old, new = queries.get_stored_post(scope, post_id), queries.get_stored_post(scope, alone)
        assert labels.label_ids_of_post(scope, alone) == (label,)
        assert deliveries.get_post(scope, alone).priority == 2
        assert (
            deliveries.get_post(scope, alone).digest == deliveries.get_post(scope, post_id).digest
        )
    assert replace(new, id=old.id) == old
    goes = {
        one.channel_id: parse_wall_time(one.wall_time, one.zone)
        for one in list_deliveries(lea, alone)
    }
    assert goes == {
        main.channel_id: parse_wall_time(main.wall_time, main.zone),
        other.channel_id: moved,
    }


def test_detached_occurrence_skips_cancelled_channel(lea: SandboxAgency) -> None:
    lea.connect("other")
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY), "main", "other")
    lea.run()
    first, second = (
        one
        for one in list_deliveries(lea, post_id)
        if one.occurrence_key == str(wanted.occurrence_on(wanted.starts_on))
    )
    lea.act(deliveries.cancel_delivery, first.id)
    (row,) = list_deliveries(lea, detach(lea, get_series_id(lea, post_id), wanted.starts_on))
    assert row.channel_id == second.channel_id


@pytest.mark.parametrize("weeks", [1, 20])
def test_future_occurrence_can_be_detached_before_creation(lea: SandboxAgency, weeks: int) -> None:
    """A new series has only its first occurrence, and none lies beyond ninety days."""
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    day = wanted.starts_on + timedelta(weeks=weeks)
    (row,) = list_deliveries(lea, detach(lea, get_series_id(lea, post_id), day))
    assert row.wall_time == str(wanted.occurrence_on(day))
    lea.pass_time(weeks=8)
    handlers.handle_extend_due(
        ExtendDue(lea.tenant_id, get_series_id(lea, post_id)), tenant=lea.tenant
    )
    assert str(day) not in list_active_dates(lea, post_id)


def test_detached_occurrence_stays_scheduled_without_approval_policy(
    services: Any, sandbox: Any
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    lea.run()
    (row,) = list_deliveries(lea, detach(lea, get_series_id(lea, post_id), wanted.starts_on))
    assert row.state == DeliveryState.SCHEDULED


def left(lea: SandboxAgency, post_id: UUID) -> None:
    approve_and_release(lea, post_id)
    lea.live(hours=3)


def skipped(lea: SandboxAgency, post_id: UUID) -> None:
    lea.act(
        series.skip_occurrence,
        get_series_id(lea, post_id),
        list_deliveries(lea, post_id)[0].due_at.date(),
    )


def cancelled(lea: SandboxAgency, post_id: UUID) -> None:
    lea.act(deliveries.cancel_delivery, list_deliveries(lea, post_id)[0].id)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (left, "series.left_already"),
        (skipped, "series.none_that_day"),
        (cancelled, "series.none_that_day"),
        (
            lambda lea, post_id: lea.act(series.stop_series, get_series_id(lea, post_id)),
            "series.is_stopped",
        ),
        (lambda lea, post_id: lea.pass_time(days=3), "delivery.time_passed"),
    ],
)
def test_invalid_detachment_is_refused_without_changes(
    lea: SandboxAgency, before: Callable[[SandboxAgency, UUID], None], code: str
) -> None:
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    lea.run()
    before(lea, post_id)
    there = [(one.id, one.state) for one in list_deliveries(lea, post_id)]
    with pytest.raises((Conflict, BadInput)) as told:
        detach(lea, get_series_id(lea, post_id), wanted.starts_on)
    assert told.value.message.code == code
    assert [(one.id, one.state) for one in list_deliveries(lea, post_id)] == there


def test_detachment_during_ab_test_or_on_other_day_is_refused(lea: SandboxAgency) -> None:
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    with pytest.raises(BadInput):
        detach(lea, get_series_id(lea, post_id), wanted.starts_on + timedelta(days=1))
    post_id = start_series(lea, wanted := build_recurrence(lea, hours=12))
    lea.run()
    test = get_ab_test(lea, start_ab_test(lea, post_id))
    with pytest.raises(Conflict) as told:
        detach(lea, test.series_id, wanted.starts_on + timedelta(days=3))
    assert told.value.message.code == "variants.running"


@pytest.mark.parametrize("other", ["apart", "extend", "skip", "stop", "change", "rewrite", "move"])
def test_concurrent_detachment_keeps_date_unique(lea: SandboxAgency, other: str) -> None:
    post_id = start_series(lea, wanted := build_recurrence(lea, WEEKLY))
    (first,) = list_series(lea, post_id)
    if other in ("rewrite", "move"):
        lea.run()
    day, author = wanted.starts_on + timedelta(days=7), f"member:{lea.author}"
    moved = next(
        (one for one in list_deliveries(lea, post_id) if one.occurrence_key[:10] == str(day)), None
    )
    later = WallTime(day, wanted.clock, "Europe/Paris")
    acts: dict[str, Act] = {
        "apart": lambda scope: detached_occurrences.detach_occurrence(
            scope, first.id, day, author=author
        ),
        "extend": lambda scope: series.extend_series(scope, first.id),
        "skip": lambda scope: series.skip_occurrence(scope, first.id, day),
        "stop": lambda scope: series.stop_series(scope, first.id),
        "change": lambda scope: series.change_following_occurrences(
            scope, first.id, day, SeriesUpdate(wanted), author=author
        ),
        "rewrite": lambda scope: drafts.rewrite_post(
            scope, post_id, build_draft(lea, body="new"), author=author
        ),
        "move": lambda scope: reschedule_delivery(scope, moved.id, at=later) if moved else None,
    }
    one, two = at_once(lea, acts["apart"], acts[other])
    lea.run()
    assert str(day) not in list_active_dates(lea, post_id) or isinstance(one, Conflict)
    if other == "apart":
        assert one == two
    if isinstance(one, UUID):
        (row,) = list_deliveries(lea, one)
        assert row.wall_time[:10] == str(day)
