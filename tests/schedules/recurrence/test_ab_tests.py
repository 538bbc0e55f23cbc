"""A/B tests of a series: variants are drawn by a hash, approved separately, and never published
together; ending a test keeps one."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise, product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from channels.accounts import lifecycle
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from schedules.approvals import decisions
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.recurrence import ab_tests, occurrences, series, variant_assignment
from schedules.recurrence.ab_tests import MIN_TEST_UNITS, AbTestRequest, VariantChange
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.recurrence.series import SeriesUpdate
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B, draw_variant
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.ab_test_builders import (
    GONE,
    OTHER,
    get_ab_test,
    list_active_test_deliveries,
    list_test_deliveries,
    start_ab_test,
)
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.recurrence.test_series_concurrency import at_once
from tests.schedules.series_builders import (
    WEEKLY,
    approve_and_release,
    build_draft,
    build_recurrence,
    list_deliveries,
    list_series,
    local_time_ahead,
    start_series,
)
from workers.wiring import Services


def running(lea: SandboxAgency, post_id: UUID) -> UUID:
    """Return the ID of the current series of the post."""
    return list_series(lea, post_id)[-1].id


def standing(lea: SandboxAgency, *posts: UUID) -> list[tuple[str, UUID]]:
    """Return the local date and post ID of each delivery of the posts that is not cancelled,
    sorted."""
    found = [row for one in posts for row in list_deliveries(lea, one) if row.state not in GONE]
    return sorted((row.wall_time[:10], row.post_id) for row in found)


def days(lea: SandboxAgency, post_id: UUID, count: int) -> list[date]:
    first = list_series(lea, post_id)[0].starts_on
    return [first + timedelta(days=one) for one in range(count)]


# Assignment


@given(some.uuids(), some.text(max_size=40))
def test_variant_draw_is_stable(test_id: UUID, occurrence: str) -> None:
    assert draw_variant(test_id, occurrence) == draw_variant(UUID(str(test_id)), occurrence)
    assert draw_variant(test_id, occurrence) in (VARIANT_A, VARIANT_B)


@given(some.uuids())
def test_variants_are_equally_likely_and_independent(test_id: UUID) -> None:
    said = [
        draw_variant(test_id, f"{one:%Y-%m-%d}T10:00")
        for one in (date(2026, 1, 1) + timedelta(n) for n in range(400))
    ]
    assert 140 < said.count(VARIANT_A) < 260, "six standard deviations around half"
    kept_turns = sum(one == other for one, other in pairwise(said))
    assert 139 < kept_turns < 260, "draws are independent"


def test_variant_draw_matches_recorded_hash() -> None:
    """A machine with another hash would mix up running tests."""
    test_id = UUID("0198c0de-0000-7000-8000-00000000000a")
    found = "".join(draw_variant(test_id, f"2026-03-{day:02}T10:00~2") for day in range(1, 13))
    assert found == "baabbbbbbbba"


# Start


def test_each_occurrence_has_its_drawn_variant(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    test_id = start_ab_test(lea, post_id)
    lea.run()
    one, found = get_ab_test(lea, test_id), list_active_test_deliveries(lea, test_id)
    assert len(found) == MIN_TEST_UNITS
    assert [row.variant for row in found] == [
        draw_variant(test_id, row.occurrence_key) for row in found
    ]
    assert {row.variant: row.post_id for row in found} == {VARIANT_A: one.a_id, VARIANT_B: one.b_id}
    assert [day for day, _ in standing(lea, one.a_id, one.b_id)] == [
        str(day) for day in days(lea, post_id, 90)
    ]
    assert {post for day, post in standing(lea, one.a_id, one.b_id)[MIN_TEST_UNITS + 1 :]} == {
        post_id
    }, "the series continues after the test"
    assert (one.differ, one.kept, one.ended_at, one.stopped) == ({"words"}, "", None, False)


def test_each_variant_needs_approval_and_is_published(
    lea: SandboxAgency,
) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    lea.run()
    one = get_ab_test(lea, test_id)
    assert {
        row.variant
        for row in list_active_test_deliveries(lea, test_id)
        if row.state == DeliveryState.SCHEDULED
    } == {VARIANT_A}
    assert {
        row.variant
        for row in list_active_test_deliveries(lea, test_id)
        if row.state == DeliveryState.DRAFT
    } == {VARIANT_B}
    approve_and_release(lea, one.b_id)
    assert {row.state for row in list_active_test_deliveries(lea, test_id)} == {
        DeliveryState.SCHEDULED
    }
    lea.live(hours=24 * 8)
    said = {VARIANT_A: "again and again", VARIANT_B: OTHER}
    first = [said[row.variant or ""] for row in list_active_test_deliveries(lea, test_id)[:7]]
    assert lea.texts() == ["again and again", *first], (
        "both variants were published on the days drawn"
    )
    assert set(first) == set(said.values())


def test_unapproved_variant_is_held(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    lea.live(hours=24 * 8)
    assert set(lea.texts()) == {"again and again"}
    assert {
        row.state
        for row in list_active_test_deliveries(lea, test_id)[:7]
        if row.variant == VARIANT_B
    } == {DeliveryState.HELD}


def test_declined_variant_gets_no_more_occurrences(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    test_id = start_ab_test(lea, post_id)
    b_id = get_ab_test(lea, test_id).b_id
    lea.act(decisions.decline_post, b_id, member_id=lea.manager, note="never")
    lea.run()
    assert {row.variant for row in list_active_test_deliveries(lea, test_id)} == {VARIANT_A}
    assert not [row for row in list_deliveries(lea, b_id) if row.state != DeliveryState.CANCELLED]


@pytest.mark.heavy
def test_cancelled_unit_is_replaced_later(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    test_id = start_ab_test(lea, post_id, planned=100)
    lea.run()
    before = list_active_test_deliveries(lea, test_id)
    assert len(before) == 89, "the deliveries created in advance"
    lea.act(drafts.remove_channel_from_post, before[3].id)
    for _ in range(13):
        lea.pass_time(days=1)
        lea.run()
    after = [
        row
        for row in list_active_test_deliveries(lea, test_id)
        if row.state not in variant_assignment.LOST
    ]
    assert len(after) == 100
    keys = Counter(
        row.occurrence_key
        for one in (post_id, get_ab_test(lea, test_id).b_id)
        for row in list_deliveries(lea, one)
    )
    assert set(keys.values()) <= {1, 2}


@pytest.mark.heavy
def test_duplicate_variant_is_held(lea: SandboxAgency) -> None:
    """The duplicate check compares the text of each variant, not that of the series."""
    lea.act(lifecycle.hold_repeats, lea.channels["main"], True)
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    approve_and_release(lea, get_ab_test(lea, test_id).b_id)
    lea.delivery(OTHER)
    lea.live(hours=24 * 7)
    first = list_active_test_deliveries(lea, test_id)[:6]
    assert {(row.variant, DeliveryState(row.state)) for row in first} == {
        (VARIANT_A, DeliveryState.PUBLISHED),
        (VARIANT_B, DeliveryState.HELD),
    }
    assert {lea.why(row.id) for row in first if row.variant == VARIANT_B} == {
        "delivery.repeats_words"
    }


def test_repeated_start_request_creates_one_test(lea: SandboxAgency) -> None:
    post_id, key = start_series(lea, build_recurrence(lea)), uuid7()
    first = start_ab_test(lea, post_id, key=key)
    assert start_ab_test(lea, post_id, key=key) == first
    lea.run()
    with lea.scope() as scope:
        assert [one.id for one in ab_tests.tests_of_creators(scope, [lea.creator_id])] == [first]


def test_photos_can_be_tested(lea: SandboxAgency) -> None:
    photo = lea.photo()
    post_id = start_series(lea, build_recurrence(lea))
    test_id = start_ab_test(lea, post_id, body=None, media=(photo,))
    one = get_ab_test(lea, test_id)
    assert one.differ == {"pictures"}
    with lea.scope() as scope:
        assert deliveries.get_post(scope, one.b_id).media == [str(photo)]


def test_channel_override_is_in_both_variants(lea: SandboxAgency) -> None:
    place = ChannelOverride(str(lea.channels["main"]), title="its own")
    written = build_draft(lea)
    with lea.scope(f"member:{lea.author}") as scope:
        planned = series.plan_series(
            scope,
            drafts.Draft(
                written.creator_id, "", written.body, (), written.channels, others=(place,)
            ),
            build_recurrence(lea),
            key=uuid7(),
            author=f"member:{lea.author}",
            confirmed=True,
        )
    test_id = start_ab_test(lea, planned.post_id)
    with lea.scope() as scope:
        other = deliveries.get_post(scope, get_ab_test(lea, test_id).b_id)
    assert (other.title, other.body, other.overrides) == ("its own", OTHER, [])


# Refusals


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"planned": 39}, "variants.size_wrong"),
        ({"planned": 1001}, "variants.size_wrong"),
        ({"planned": -1}, "variants.size_wrong"),
        ({"body": "AGAIN  and again"}, "variants.one_difference"),
        ({"body": None}, "variants.one_difference"),
        ({"body": "x" * 20_001}, "post.too_long"),
        ({"body": "a\x00b"}, "post.unwritable"),
        ({"body": " "}, "compose.empty"),
        ({"ahead": -3}, "series.no_such_day"),
    ],
)
def test_invalid_test_is_refused(lea: SandboxAgency, more: dict[str, Any], code: str) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    with pytest.raises(BadInput) as told:
        start_ab_test(lea, post_id, **more)
    assert told.value.message.code == code
    with lea.scope() as scope:
        assert ab_tests.tests_of_creators(scope, [lea.creator_id]) == []


def test_test_with_two_differences_is_refused(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    with pytest.raises(BadInput):
        start_ab_test(lea, post_id, media=(lea.photo(),))
    with pytest.raises(NotFound):
        start_ab_test(lea, post_id, body=None, media=(uuid7(),))


def test_test_from_past_date_is_refused(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.pass_time(days=3)
    with pytest.raises(BadInput) as told:
        start_ab_test(lea, post_id)
    assert told.value.message.code == "delivery.time_passed"


def test_three_versions_are_drawn_separately_on_each_account(lea: SandboxAgency) -> None:
    other = lea.connect("other")
    both = start_series(lea, build_recurrence(lea), "main", "other")
    changes = tuple(VariantChange(body) for body in ("second", "third"))
    for wrong, code in (
        (changes[:1] * 2, "variants.equal_versions"),
        ((changes[0], VariantChange(price=Money(500, "EUR"))), "variants.no_price"),
        ((changes * 2), "variants.count_wrong"),
    ):
        with pytest.raises(BadInput) as told:
            start_ab_test(lea, both, changes=wrong, planned=80, key=uuid7())
        assert told.value.message.code == code
    with pytest.raises(BadInput) as told:
        start_ab_test(lea, both, changes=changes, planned=59, key=uuid7())
    assert told.value.message.code == "variants.size_wrong"
    test = get_ab_test(lea, start_ab_test(lea, both, changes=changes, planned=60, key=uuid7()))
    assert list(test.posts) == ["a", "b", "c"]
    assert len(set(test.posts.values())) == 3
    assert (len(test.channels), test.differ) == (2, {"words"})
    assert other in test.channels
    for post_id in (both, *test.posts.values()):
        approve_and_release(lea, post_id)
    with lea.scope() as scope:
        series.extend_series(scope, test.series_id)
    drawn = [
        row
        for post_id in test.posts.values()
        for row in list_deliveries(lea, post_id)
        if row.variant is not None
    ]
    assert len(drawn) == 60, "dates on both accounts are units"
    assert all(test.posts[str(row.variant)] == row.post_id for row in drawn)
    assert {row.variant for row in drawn} == {"a", "b", "c"}
    by_day: dict[str, set[str | None]] = {}
    for row in drawn:
        by_day.setdefault(row.occurrence_key, set()).add(row.variant)
    assert any(len(one) == 2 for one in by_day.values()), "accounts draw separately"
    lea.act(ab_tests.end_test, test.id, keep="c", author="member:x")
    assert list_series(lea, test.posts["c"])[-1].post_id == test.posts["c"]


def test_too_short_series_is_refused(lea: SandboxAgency) -> None:
    short = start_series(
        lea, Recurrence(RecurrenceRule(RecurrenceUnit.DAY, 20), *local_time_ahead(lea), "UTC")
    )
    with pytest.raises(BadInput) as told:
        start_ab_test(lea, short)
    assert (told.value.message.code, told.value.message.params) == (
        "variants.ends_before",
        {"left": 19, "planned": MIN_TEST_UNITS},
    )


def test_second_test_or_change_during_test_is_refused(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    start_ab_test(lea, post_id)
    lea.run()
    with pytest.raises(Conflict) as told:
        start_ab_test(lea, post_id, ahead=3, body="a third one")
    assert told.value.message.code == "variants.running"
    day = days(lea, post_id, 6)[-1]
    found = list_series(lea, post_id)[-1]
    change = SeriesUpdate(
        occurrences.recurrence_of_series(found).recurrence_from(day),
        build_draft(lea, body="other words"),
    )
    with pytest.raises(Conflict):
        lea.act(
            series.change_following_occurrences,
            found.id,
            day,
            change,
            author=f"member:{lea.author}",
            confirmed=True,
        )


def test_tests_are_invisible_to_another_agency(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    test_id, other = start_ab_test(lea, post_id), create_sandbox_agency(services, sandbox)
    for act in (ab_tests.get_test, ab_tests.end_test):
        with pytest.raises(NotFound) as told:
            other.act(
                act,
                test_id,
                **({"keep": VARIANT_A, "author": "x"} if act is ab_tests.end_test else {}),
            )
        assert told.value.message.code == "variants.unknown"
    with other.scope() as scope:
        assert ab_tests.tests_of_creators(scope, [lea.creator_id, other.creator_id]) == []
    wanted = AbTestRequest(date(2026, 3, 1), "views", 24, MIN_TEST_UNITS, (VariantChange("mine"),))
    with pytest.raises(NotFound) as told:
        other.act(
            ab_tests.start_test,
            running(lea, post_id),
            wanted,
            key=uuid7(),
            author=f"member:{other.author}",
        )
    assert told.value.message.code == "series.unknown"


# End


@pytest.mark.heavy
@pytest.mark.parametrize("keep", [VARIANT_A, VARIANT_B])
def test_ended_test_continues_with_kept_variant(lea: SandboxAgency, keep: str) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    one = get_ab_test(lea, test_id)
    approve_and_release(lea, one.b_id)
    lea.live(hours=24 * 4)
    left = len(lea.texts())
    for _ in range(2):
        lea.act(ab_tests.end_test, test_id, keep=keep, author=f"member:{lea.manager}")
    lea.run()
    kept = one.b_id if keep == VARIANT_B else one.a_id
    whole = standing(lea, one.a_id, one.b_id)
    assert [day for day, _ in whole] == [str(day) for day in days(lea, post_id, len(whole))], (
        "no day is repeated or missing"
    )
    assert {post for _, post in whole[left:]} == {kept}
    lea.live(hours=24 * 3)
    assert lea.texts()[left:] == [{VARIANT_A: "again and again", VARIANT_B: OTHER}[keep]] * 3, (
        "the approval is still valid"
    )
    assert (get_ab_test(lea, test_id).kept, len(list_active_test_deliveries(lea, test_id))) == (
        keep,
        left - 1,
    )


@pytest.mark.heavy
def test_kept_variant_can_be_tested_again(lea: SandboxAgency) -> None:
    """The occurrences of the first test are cancelled but keep their keys, so the second test needs
    other keys."""
    post_id = start_series(lea, build_recurrence(lea))
    first = start_ab_test(lea, post_id)
    lea.run()
    lea.act(ab_tests.end_test, first, keep=VARIANT_B, author=f"member:{lea.manager}")
    lea.run()
    b_id = get_ab_test(lea, first).b_id
    second = start_ab_test(lea, b_id, ahead=2, body="a third way")
    lea.run()
    assert len(list_active_test_deliveries(lea, second)) == MIN_TEST_UNITS
    lea.act(ab_tests.end_test, second, keep=VARIANT_A, author=f"member:{lea.manager}")
    lea.run()
    whole = standing(lea, post_id, b_id, get_ab_test(lea, second).b_id)
    assert [day for day, _ in whole] == [str(day) for day in days(lea, post_id, len(whole))]
    assert len(whole) >= 90


def test_test_of_stopped_series_ends_without_new_series(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    test_id = start_ab_test(lea, post_id)
    lea.run()
    lea.act(series.stop_series, running(lea, post_id))
    assert list_active_test_deliveries(lea, test_id) == []
    assert get_ab_test(lea, test_id).stopped
    lea.act(ab_tests.end_test, test_id, keep=VARIANT_A, author=f"member:{lea.manager}")
    assert len(list_series(lea, post_id)) == 2
    with pytest.raises(Conflict) as told:
        lea.act(ab_tests.end_test, test_id, keep=VARIANT_B, author=f"member:{lea.author}")
    assert told.value.message.code == "variants.is_ended", "the result of the test does not change"
    assert get_ab_test(lea, test_id).kept == VARIANT_A
    with pytest.raises(BadInput):
        lea.act(ab_tests.end_test, test_id, keep="c", author=f"member:{lea.manager}")


def test_after_downtime_only_latest_occurrence_of_test_is_published(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    approve_and_release(lea, get_ab_test(lea, test_id).b_id)
    lea.live(hours=3)
    lea.pass_time(days=6)
    lea.run()
    assert [row.state for row in list_test_deliveries(lea, test_id)[:6]].count(
        DeliveryState.CANCELLED
    ) == 5


# Two actions at once

Hand = Callable[[Scope], Any]
HANDS = ("begin", "end_a", "end_b", "extend", "stop", "approve")


@pytest.mark.parametrize(
    ("one", "two"), [pair for pair in product(HANDS, HANDS) if pair[0] <= pair[1]]
)
def test_concurrent_actions_on_test_keep_dates_unique(
    lea: SandboxAgency, one: str, two: str
) -> None:
    """No deadlock occurs, no date is published twice, and one variant continues after the end."""
    post_id = start_series(lea, build_recurrence(lea, WEEKLY))
    test_id = start_ab_test(lea, post_id, ahead=7)
    found, author = get_ab_test(lea, test_id), f"member:{lea.author}"
    third = AbTestRequest(
        list_series(lea, post_id)[0].starts_on + timedelta(days=21),
        "views",
        24,
        MIN_TEST_UNITS,
        (VariantChange("a third one"),),
    )
    hands: dict[str, Hand] = {
        "begin": lambda scope: ab_tests.start_test(
            scope, found.series_id, third, key=uuid7(), author=author
        ),
        "end_a": lambda scope: ab_tests.end_test(scope, test_id, keep=VARIANT_A, author=author),
        "end_b": lambda scope: ab_tests.end_test(scope, test_id, keep=VARIANT_B, author=author),
        "extend": lambda scope: series.extend_series(scope, found.series_id),
        "stop": lambda scope: series.stop_series(scope, found.series_id),
        "approve": lambda scope: decisions.approve_post(scope, found.b_id, member_id=lea.manager),
    }
    told = at_once(lea, hands[one], hands[two])
    lea.run()
    dates = [day for day, _ in standing(lea, found.a_id, found.b_id)]
    assert len(dates) == len(set(dates))
    assert all(
        isinstance(said, Conflict | BadInput)
        for name, said in zip((one, two), told, strict=True)
        if name == "begin"
    )
    ended = get_ab_test(lea, test_id)
    assert bool(ended.kept) == bool({"end_a", "end_b"} & {one, two})
    if ended.kept and "stop" not in (one, two):
        kept = found.b_id if ended.kept == VARIANT_B else found.a_id
        assert {post for _, post in standing(lea, found.a_id, found.b_id)[1:]} == {kept}
