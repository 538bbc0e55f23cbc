"""Increases of Discord invites, and the join that agrees with only one of them."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.ids import uuid7
from subscribers.acquisition import invites, links
from subscribers.acquisition.links import LinkDestination
from subscribers.acquisition.models import AcquisitionLinkRow
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
