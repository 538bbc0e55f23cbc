"""Day summaries: the number of posts and the first posts of each day, in the time zones of their
creators."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.db.database import OpenScope, Scope
from foundation.i18n.search_words import matches_search
from foundation.ops.wall_time import local_day, to_wall_time
from schedules.calendar.day_summaries import find_posts, has_posts_in_days, summarize_days
from schedules.posts import deliveries, queries
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from tenants.agencies import agencies
from tests.dashboard.builders import Agency, create_agency

FIRST, DAYS = date(2026, 10, 22), 7
"""Days around a clock change: 25 October in Paris; Auckland and New York change on other dates."""

ZONES = ("Europe/Paris", "Pacific/Auckland", "America/New_York")
STATES = frozenset(DeliveryState) - {DeliveryState.CANCELLED}


def account(scope: Scope, creator_id: UUID, name: str, zone: str) -> UUID:
    named = {"platform": "sandbox", "surface": "sandbox.post", "account": name, "name": name}
    return lifecycle.connect_account(
        scope, creator_id=creator_id, **named, base_url="http://127.0.0.1:9", token=None, zone=zone
    )


@pytest.fixture(scope="module")
def full(tenant: OpenScope) -> tuple[Agency, dict[UUID, str]]:
    """Create an agency with three creators in three time zones, two accounts each, and sixty posts
    around seven days. Tests only read it."""
    who, chance, zones = create_agency(tenant), Random(7), {}
    with who.scope() as scope:
        for number, zone in enumerate(ZONES):
            made = {"kind": "human", "zone": zone, "languages": ["fr"]}
            creator_id = agencies.add_creator(
                scope, slug=f"one-{number}", name=f"One {number}", **made
            )
            zones[creator_id] = zone
            channels = [
                account(scope, creator_id, f"{who.tenant_id.hex[-6:]}-{number}-{nth}", zone)
                for nth in (0, 1)
            ]
            for nth in range(20):
                said = {
                    "title": "" if nth % 2 else f"title {nth}",
                    "body": f"body {nth} " + "x" * 300,
                    "media": (),
                }
                said |= {"origin": "test", "origin_key": f"{number}:{nth}", "author": "system:test"}
                post_id = deliveries.create_post(scope, creator_id=creator_id, **said)
                minutes = chance.randrange(-1440, (DAYS + 1) * 1440, 30)
                due = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(minutes=minutes)
                for channel_id in channels[: 1 + nth % 2]:
                    at = to_wall_time(scope.now + timedelta(days=1), zone)
                    delivery_id = deliveries.create_delivery(scope, post_id, channel_id, at=at)
                    state = chance.choice(["scheduled", "published", "held", "cancelled"])
                    change = (
                        "UPDATE deliveries SET due_at = :due, state = :state WHERE tenant_id = :t "
                        "AND id = :id"
                    )
                    scope.run(change, due=due, state=state, t=scope.tenant_id, id=delivery_id)
    return who, zones


def by_hand(
    scope: Scope, zones: dict[UUID, str], states: Sequence[str]
) -> dict[date, list[list[DeliveryEntry]]]:
    """Return the deliveries of each day, grouped by post and time, from reading every delivery."""
    around = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    days: dict[date, dict[tuple[datetime, UUID], list[DeliveryEntry]]] = {}
    for one in queries.calendar_entries(scope, zones, *around, names={}):
        day = local_day(one.due_at, zones[one.creator_id])
        if one.state in states and FIRST <= day < FIRST + timedelta(days=DAYS):
            days.setdefault(day, {}).setdefault((one.due_at, one.post_id), []).append(one)
    return {day: [each[key] for key in sorted(each)] for day, each in days.items()}


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize(
    "states", [STATES, frozenset({DeliveryState.HELD}), frozenset({DeliveryState.CANCELLED})]
)
def test_day_summary_matches_full_read(
    full: tuple[Agency, dict[UUID, str]], states: frozenset[DeliveryState], most: int
) -> None:
    who, zones = full
    with who.scope() as scope:
        found = summarize_days(scope, zones, (FIRST, DAYS), states=states, most=most)
        wanted = by_hand(scope, zones, sorted(states))
    assert found.counts == {day: len(each) for day, each in wanted.items()}
    assert found.posts_on_day == sum(found.counts.values()) > 0
    for day, each in wanted.items():
        for shown, entries in zip(found.posts[day], each[:most], strict=True):
            assert (shown.creator_id, shown.post_id, shown.due_at) == (
                entries[0].creator_id,
                entries[0].post_id,
                entries[0].due_at,
            )
            assert sorted(shown.states) == sorted(one.state for one in entries)
            assert shown.versions == {one.delivery_id: one.version for one in entries}
            assert shown.words == (entries[0].title or entries[0].body)[:200]


def test_day_summary_can_be_limited_to_one_account(full: tuple[Agency, dict[UUID, str]]) -> None:
    who, zones = full
    with who.scope() as scope:
        everything = by_hand(scope, zones, sorted(STATES))
        chosen = next(
            one.channel_id
            for each in everything.values()
            for entries in each
            for one in entries[1:]
        )
        found = summarize_days(scope, zones, (FIRST, DAYS), states=STATES, account=chosen, most=100)
    there = [
        one
        for each in everything.values()
        for entries in each
        for one in entries
        if one.channel_id == chosen
    ]
    assert found.posts_on_day == len(there)
    assert {key for each in found.posts.values() for one in each for key in one.versions} == {
        one.delivery_id for one in there
    }


def test_has_posts_in_days_ignores_state(
    full: tuple[Agency, dict[UUID, str]],
) -> None:
    who, zones = full
    with who.scope() as scope:
        assert has_posts_in_days(scope, zones, (FIRST, DAYS))
        assert not has_posts_in_days(scope, zones, (FIRST + timedelta(days=90), DAYS))
        assert not has_posts_in_days(scope, {}, (FIRST, DAYS))
        assert summarize_days(scope, {}, (FIRST, DAYS), states=STATES, most=4).posts_on_day == 0


def test_day_summary_is_empty_for_another_agency(
    full: tuple[Agency, dict[UUID, str]], tenant: OpenScope
) -> None:
    _, zones = full
    with create_agency(tenant).scope() as scope:
        assert (
            summarize_days(scope, zones, (FIRST, DAYS), states=STATES, most=100).posts_on_day == 0
        )
        assert not has_posts_in_days(scope, zones, (FIRST, DAYS))


@pytest.mark.parametrize(
    "text", ["BODY 1", "title 4", "x" * 90, "body", "bod", "%%", "__", "ody", "\\\\", " \x00"]
)
def test_search_equals_reading_every_post(full: tuple[Agency, dict[UUID, str]], text: str) -> None:
    who, zones = full
    with who.scope() as scope:
        around = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
        wanted = {
            (one.post_id, one.due_at)
            for one in queries.calendar_entries(scope, zones, *around, names={})
            if one.state in STATES and matches_search(f"{one.title} {one.body}", text)
        }
        found = find_posts(scope, zones, text, states=STATES, most=1000)
        few = find_posts(scope, zones, text, states=STATES, most=3)
        first = next(iter(zones))
        hers = find_posts(scope, [first], text, states=STATES, most=1000)
        now = scope.now
    assert {(one.post_id, one.due_at) for one in found} == wanted
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)
    assert {one.creator_id for one in hers} <= {first}
    far = sorted(abs(one.due_at - now) for one in found)[:3]
    assert sorted(abs(one.due_at - now) for one in few) == far
