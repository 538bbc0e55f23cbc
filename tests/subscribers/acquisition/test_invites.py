"""Increases of Discord invites, and the join that agrees with only one of them."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from foundation.ids import uuid7
from subscribers.acquisition import invites, links
from subscribers.acquisition.events import JoinLookupDue
from subscribers.acquisition.links import LinkDestination
from subscribers.acquisition.models import AcquisitionLinkRow
from subscribers.erasure import erase_fan
from tests.subscribers.builders import Studio

SECONDS = timedelta(seconds=1)


@pytest.fixture
def link_id(studio: Studio) -> UUID:
    """Store a link to the invite `mine` of the studio's account."""
    channel = studio.world.channel()
    link_id = uuid7()
    with studio.scope() as scope:
        scope.add(
            AcquisitionLinkRow(
                tenant_id=scope.tenant_id,
                id=link_id,
                creator_id=channel.creator_id,
                name="Invite",
                source="ad",
                destination=LinkDestination.DISCORD,
                channel_id=channel.id,
                target="https://discord.gg/mine",
                slug=link_id.hex,
                code=link_id.hex[:16],
                created_at=scope.now,
            )
        )
    return link_id


def test_join_is_credited_only_if_one_invite_was_used_around_it(
    studio: Studio, link_id: UUID
) -> None:
    channel_id = studio.world.channel_id
    with studio.scope() as scope:
        now = scope.now
        for back, uses in (
            (900, {"mine": 7, "other": 1}),  # the basis
            (600, {"mine": 9, "other": 1}),
            (300, {"mine": 10, "other": 2}),  # two invites in one interval
        ):
            at = now - back * SECONDS
            invites.store_invite_uses(scope, channel_id, uses, asked_at=at)
            # A reading ends when it is stored: here just after it began.
            scope.run(
                "UPDATE invite_joins SET until = :at WHERE tenant_id = :t AND until > :at",
                at=at + SECONDS,
                t=scope.tenant_id,
            )
        find = [
            invites.find_joined_link(scope, channel_id, now - back * SECONDS)
            for back in (1000, 700, 400, 100)
        ]
        assert find == [None, link_id, None, None]
        channel = studio.world.channel()
        bounds = {channel.creator_id: (now - timedelta(days=1), now)}
        assert invites.count_joins(scope, bounds) == {link_id: 3}
        code = link_id.hex[:16]
        assert links.find_chat_link(scope, channel.creator_id, code) is None


def store_readings(studio: Studio, *readings: dict[str, int]) -> datetime:
    """Store readings, and return an instant between the last two."""
    with studio.scope() as scope:
        for number, uses in enumerate(readings):
            at = scope.now - (len(readings) - number) * timedelta(minutes=5)
            invites.store_invite_uses(scope, studio.world.channel_id, uses, asked_at=at)
        return at - timedelta(minutes=2)


def test_invite_that_was_deleted_by_its_last_use_makes_a_join_ambiguous(
    studio: Studio, link_id: UUID
) -> None:
    joined_at = store_readings(studio, {"mine": 7, "once": 0}, {"mine": 8})
    with studio.scope() as scope:
        assert invites.find_joined_link(scope, studio.world.channel_id, joined_at) is None


@pytest.fixture
def fans(studio: Studio) -> list[UUID]:
    for name in ("leo", "mia"):
        studio.say(name, "hello")
    return [studio.thread(name).fan_id for name in ("leo", "mia")]


def attribute(studio: Studio, fan_id: UUID, find: invites.ReadJoinTime) -> None:
    world = studio.world
    due = JoinLookupDue(world.tenant_id, fan_id, world.channel_id)
    invites.attribute_join(due, tenant=world.tenant, ask=lambda *_: None, find=find)


def list_credited(studio: Studio) -> list[UUID]:
    return [row.fan_id for row in studio.rows("SELECT fan_id FROM acquisition_touches")]


def test_link_gets_at_most_as_many_fans_as_its_invite_has_joins(
    studio: Studio, link_id: UUID, fans: list[UUID]
) -> None:
    joined_at = store_readings(studio, {"mine": 7}, {"mine": 8})
    for fan_id in fans:
        attribute(studio, fan_id, lambda *_: joined_at)
    assert list_credited(studio) == fans[:1]


def test_erased_fan_is_not_credited(studio: Studio, link_id: UUID, fans: list[UUID]) -> None:
    joined_at = store_readings(studio, {"mine": 7}, {"mine": 9})
    asked = []

    def erase(_tenant: UUID, _channel: UUID, native_id: str) -> datetime:
        asked.append(native_id)
        with studio.scope() as scope:
            erase_fan(scope, fans[0])
        return joined_at

    attribute(studio, fans[0], erase)
    attribute(studio, fans[0], erase)
    assert len(asked) == 1, "the second time, the fan is already erased"
    assert list_credited(studio) == []


def test_only_sums_of_the_period_are_read(studio: Studio, link_id: UUID) -> None:
    store_readings(studio, *({"mine": 10 * number} for number in range(1, 6)))
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, params: Any, *_: Any) -> None:
        asked.append((statement, params))

    creator_id = studio.world.channel().creator_id
    with studio.scope() as scope:
        scope.run("UPDATE invite_joins SET until = after + interval '5 minutes'")
        since = scope.now - timedelta(minutes=12)
        connection = scope.session.info["connection"]
        event.listen(connection, "before_cursor_execute", note)
        found = invites.count_joins(scope, {creator_id: (since, scope.now)})
        event.remove(connection, "before_cursor_execute", note)
        rows = [len(connection.exec_driver_sql(*each).all()) for each in asked]
        indexed = scope.run(
            "SELECT 1 FROM pg_indexes WHERE tablename = 'invite_joins'"
            " AND indexdef LIKE '%(tenant_id, creator_id, until)'"
        ).first()
    assert (found, rows) == ({link_id: 20}, [1])
    assert indexed is not None


READINGS = st.lists(
    st.fixed_dictionaries({}, optional={"mine": st.integers(0, 5), "other": st.integers(0, 5)}),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(readings=READINGS, late=st.booleans())
def test_increases_are_those_of_the_counts_in_the_order_of_their_requests(
    studio: Studio, link_id: UUID, readings: list[dict[str, int]], late: bool
) -> None:
    channel_id = studio.world.channel_id
    expected = sum(
        max(after.get("mine", 0) - before.get("mine", 0), 0) for before, after in pairwise(readings)
    )
    with studio.scope() as scope:
        for table in ("invite_joins", "invite_counts"):
            scope.run(f"DELETE FROM {table} WHERE tenant_id = :t", t=scope.tenant_id)
        for number, uses in enumerate(readings):
            at = scope.now + number * SECONDS
            invites.store_invite_uses(scope, channel_id, uses, asked_at=at)
            if late:  # an older response that arrives afterwards changes nothing
                old = {"mine": 99}
                invites.store_invite_uses(scope, channel_id, old, asked_at=at - SECONDS)
        whole = (scope.now - timedelta(days=1), scope.now + timedelta(days=1))
        bounds = {studio.world.channel().creator_id: whole}
        assert invites.count_joins(scope, bounds).get(link_id, 0) == expected
