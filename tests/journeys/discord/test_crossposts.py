"""A post of a Discord announcement channel, forwarded to the servers that follow it, on real
PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.platforms.discord.crossposts import CROSSPOST_OPTION
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.fakes.discord.server import MOST_PASSED_ON
from tests.fakes.discord.state import ANNOUNCEMENT

# fixtures
from tests.journeys.discord.test_bot import House, connected, fake, house, services  # noqa: F401  see above
from tests.journeys.oauth_accounts import add_suggestive_picture

PASSED_ON = (ChannelOverride("discord", options=((CROSSPOST_OPTION, True),)),)


def passed_on(connected: House) -> list[bool]:  # noqa: F811  fixture
    """Return for each message in the channel if other servers received it."""
    return [one.passed_on is not None for one in connected.fake.sent(connected.place)]


@pytest.mark.parametrize("mode", ["", "reset_after", "reset_before"])
# fixture
def test_post_is_crossposted_once_under_faults(connected: House, mode: str) -> None:  # noqa: F811  see above
    desk, there = connected.desk, connected.place
    there.type = ANNOUNCEMENT
    plain = desk.delivery("ici seulement")
    desk.live(minutes=2)
    sent = desk.delivery("pour tous", others=PASSED_ON)
    if mode:
        connected.fake.book.schedule_fault(mode, account=there.id, on="passes", seconds=0.2)
    desk.live(minutes=10)
    assert [desk.state(one) for one in (plain, sent)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ], desk.why(sent)
    assert (connected.posts(), passed_on(connected)) == (
        ["ici seulement", "pour tous"],
        [False, True],
    )
    asked = [
        one for one in connected.fake.book.list_requests() if one["path"].endswith("/crosspost")
    ]
    assert len([one for one in asked if there.id in one["path"]]) == (
        2 if mode == "reset_before" else 1
    )
    desk.act(post_removal.request_post_removal, sent)
    desk.live(minutes=5)
    assert (desk.state(sent), desk.state(plain)) == (DeliveryState.REMOVED, DeliveryState.PUBLISHED)


def test_crosspost_limit_delays_only_that_post(connected: House) -> None:  # noqa: F811  fixture
    desk, there = connected.desk, connected.place
    there.type = ANNOUNCEMENT
    first = desk.delivery("la première")
    desk.live(minutes=2)
    lately = [
        replace(there.messages[-1], passed_on=connected.fake.clock()) for _ in range(MOST_PASSED_ON)
    ]
    there.messages.extend(lately)
    eleventh = desk.delivery("pour tous", others=PASSED_ON, late_ok=timedelta(hours=2))
    plain = desk.delivery("la suite")
    desk.live(minutes=5)
    assert [desk.state(one) for one in (first, eleventh, plain)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PARTLY,
        DeliveryState.PUBLISHED,
    ]
    there.messages[:] = [one for one in there.messages if one not in lately]
    desk.live(minutes=61)
    assert desk.state(eleventh) is DeliveryState.PUBLISHED, desk.why(eleventh)
    assert passed_on(connected) == [False, True, False]


def test_post_that_cannot_be_crossposted_is_not_posted(
    connected: House,  # noqa: F811  fixtures
) -> None:
    desk = connected.desk
    elsewhere = desk.delivery("dans un salon ordinaire", others=PASSED_ON)
    desk.live(minutes=2)
    assert (desk.state(elsewhere), desk.why(elsewhere)) == (
        DeliveryState.FAILED,
        "discord.not_announcement",
    )
    connected.place.type, connected.place.nsfw = ANNOUNCEMENT, True
    desk.pass_time(seconds=61)  # the destination check is repeated
    shown = add_suggestive_picture(desk, 60)
    suggestive = desk.delivery("le soir", media=(shown,), others=PASSED_ON)
    desk.live(minutes=2)
    assert connected.posts() == [], "not even on its server, where the post alone is allowed"
    assert desk.state(suggestive) in (DeliveryState.HELD, DeliveryState.FAILED), desk.why(
        suggestive
    )
    assert desk.why(suggestive) == "gate.RATING_EXCEEDS_SURFACE"
    alone = desk.delivery("le soir", media=(shown,))
    desk.live(minutes=2)
    assert desk.state(alone) is DeliveryState.PUBLISHED, desk.why(alone)
    assert passed_on(connected) == [False]
