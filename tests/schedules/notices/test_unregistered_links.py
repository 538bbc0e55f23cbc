"""Posts with an unregistered link: they are held, name the link, and publish once it is registered."""

from uuid import UUID

import pytest

from foundation.errors import BadInput
from gate.contract.units import Rating
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkOwner
from schedules.notices import unregistered_links
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency

SHOP = "https://shop.example.org/mia"


def say(lea: SandboxAgency, url: str = SHOP, **more: object) -> None:
    """Register a link as a manager does in the form."""
    values = {"owner": LinkOwner.SHOP, "rating": Rating.G, "adult": False, **more}
    lea.act(link_targets.request_link_target, lea.creator_id, url, **values)


def waits(lea: SandboxAgency) -> list[tuple[UUID, tuple[str, ...]]]:
    with lea.scope() as scope:
        return [
            (one.delivery_id, one.addresses)
            for one in unregistered_links.list_link_holds(scope, [lea.creator_id])
        ]


def test_held_post_publishes_once_its_link_is_registered(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(f"My shop: {SHOP}.", channel="main")
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "gate.LINK_UNREGISTERED",
    )
    assert waits(lea) == [(delivery_id, (SHOP,))]
    say(lea)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == [f"My shop: {SHOP}."]
    assert waits(lea) == []


def test_post_needs_all_of_its_links_registered(lea: SandboxAgency) -> None:
    other = "https://else.example.org/x"
    delivery_id = lea.delivery(f"{SHOP} and {other}")
    lea.run()
    say(lea)
    lea.live(minutes=1)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "gate.LINK_UNREGISTERED",
    )
    say(lea, other)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_other_link_does_not_wake_held_post(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(f"My shop: {SHOP}")
    lea.run()
    moves = lea.states(delivery_id)
    say(lea, "https://else.example.org/")
    lea.live(minutes=1)
    assert lea.states(delivery_id) == moves


def test_adult_link_stays_held_on_general_channel(lea: SandboxAgency) -> None:
    """Registering a link does not widen the channel's policy: this channel accepts only general
    content."""
    delivery_id = lea.delivery(f"My shop: {SHOP}")
    lea.run()
    say(lea, rating=Rating.E)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is not DeliveryState.PUBLISHED
    assert lea.texts() == []
    with pytest.raises(BadInput):
        say(lea, "https://onlyfans.com/mia")


def test_unregistered_link_holds_scheduled_post(lea: SandboxAgency) -> None:
    say(lea)
    lea.run()
    delivery_id = lea.delivery(f"My shop: {SHOP}", after=600)
    with lea.scope() as scope:
        (row,) = link_targets.list_link_targets(scope, lea.creator_id)
    lea.act(link_targets.request_link_target_end, row.id)
    lea.live(minutes=11)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "gate.LINK_UNREGISTERED",
    )
    assert lea.texts() == []


def test_link_in_override_holds_post(lea: SandboxAgency) -> None:
    """The text of the post has no link; its override does."""
    delivery_id = lea.delivery(
        "Good morning", others=(ChannelOverride("sandbox", body=f"My shop: {SHOP}"),)
    )
    lea.run()
    assert waits(lea) == [(delivery_id, (SHOP,))]
    say(lea)
    lea.live(minutes=1)
    assert lea.texts() == [f"My shop: {SHOP}"]


def test_link_holds_are_listed_by_creator(lea: SandboxAgency) -> None:
    lea.delivery(f"My shop: {SHOP}")
    lea.run()
    with lea.scope() as scope:
        assert unregistered_links.list_link_holds(scope, []) == []
        assert unregistered_links.list_link_holds(scope, [lea.manager]) == []
