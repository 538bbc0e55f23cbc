"""Acquisition links of the demo, with clicks, and the chats that fans began through them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from uuid import UUID

from channels.links import short_links
from channels.links.short_links import LinkClicks
from connectors.registry import loader
from demo.agency import people
from demo.agency.cast import CURRENCY
from demo.agency.history import HistoryInput, day_weights
from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import WallTime
from gate.contract.units import Rating
from gate.reviews import link_targets
from subscribers.acquisition import links, touches
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
    UtmParameters,
)
from subscribers.acquisition.touches import Touch
from subscribers.history.history_import import PastFan
from tenants.agencies.rights import Role

CLICKS_PER_CHAT = 6
RETURNING_PERCENT = 12
"""Percentage of fans who open the chat again through the ad."""


@dataclass(frozen=True)
class LinkProfile:
    """A link: its share of fans in per cent, its cost in test money, and its clicks on an average
    day if it does not open a chat."""

    name: str
    source: LinkSource
    destination: LinkDestination = LinkDestination.CHAT
    fans_percent: int = 0
    cost: int = 0
    clicks: int = 0
    url: str = ""
    days: int = 0
    """Length of the campaign in days, until yesterday; 0 for the whole history."""


AD = LinkProfile("Meta Ads", LinkSource.AD, fans_percent=18, cost=60_000)
LINKS = (
    LinkProfile("Instagram", LinkSource.BIO, fans_percent=32),
    LinkProfile("TikTok", LinkSource.BIO, fans_percent=14),
    AD,
    LinkProfile("@louise.b", LinkSource.SHOUTOUT, fans_percent=9, cost=15_000, days=21),
    LinkProfile(
        "Discord",
        LinkSource.OTHER,
        LinkDestination.DISCORD,
        clicks=9,
        url="https://discord.gg/greenroom-demo",
    ),
    LinkProfile(
        "Newsletter",
        LinkSource.OTHER,
        LinkDestination.WEB,
        clicks=14,
        url="https://www.example.com/newsletter",
    ),
)


def write_acquisition_links(scope: Scope, stage: HistoryInput, fans: Sequence[PastFan]) -> None:
    """Write the links of a creator with the chats and clicks of the history."""
    made = {profile: _create_link(scope, stage, profile) for profile in LINKS}
    begun = _generate_touches(stage, fans, {one: link.id for one, link in made.items()})
    touches.import_past_touches(scope, stage.creator_id, begun)
    for profile, link in made.items():
        clicks = _generate_clicks(stage, profile, [one for one in begun if one.link_id == link.id])
        short_links.import_past_clicks(scope, link.slug, clicks, at=scope.now)


def _create_link(scope: Scope, stage: HistoryInput, profile: LinkProfile) -> AcquisitionLink:
    last = stage.today - timedelta(days=1)
    details = LinkDetails(
        name=profile.name,
        source=profile.source,
        cost=Money(profile.cost, CURRENCY) if profile.cost else None,
        owner_id=people.first_member_with_role(scope, Role.MANAGER).id,
        first_day=last - timedelta(days=profile.days - 1) if profile.days else None,
        last_day=last if profile.days else None,
    )
    is_chat = profile.destination is LinkDestination.CHAT
    draft = LinkDraft(
        creator_id=stage.creator_id,
        details=details,
        destination=profile.destination,
        channel_id=stage.channel.id if is_chat else None,
        url=profile.url,
        utm=UtmParameters(source=stage.part.slug, medium="email"),
    )
    if profile.url:
        link_targets.register_link_target(
            scope, stage.creator_id, profile.url, rating=Rating.G, adult=False
        )
    key = stage.derived_id("acquisition", profile.name)
    return links.create_link(scope, draft, connectors=loader.load_connectors(), key=key)


def _generate_touches(
    stage: HistoryInput, fans: Sequence[PastFan], ids: Mapping[LinkProfile, UUID]
) -> list[Touch]:
    """Return the chats: each fan comes through one link or none, and some return through the ad."""
    chat = [one for one in LINKS if one.destination is LinkDestination.CHAT]
    rest = 100 - sum(one.fans_percent for one in chat)
    over = WallTime(stage.today, time(0, 0), stage.zone).instant()
    found = []
    for number, fan in enumerate(fans):
        dice = stage.seed_for("acquisition", number)
        profile = dice.choices([*chat, None], [*(one.fans_percent for one in chat), rest])[0]
        if profile is None or (profile.days and fan.since < over - timedelta(days=profile.days)):
            continue
        found.append(Touch(fan.id, ids[profile], fan.since))
        again = fan.since + timedelta(days=1, minutes=dice.randrange(600))
        if profile is not AD and dice.randrange(100) < RETURNING_PERCENT and again < over:
            found.append(Touch(fan.id, ids[AD], again))
    return found


def _generate_clicks(
    stage: HistoryInput, profile: LinkProfile, begun: Sequence[Touch]
) -> Mapping[date, LinkClicks]:
    """Return the clicks of each day (UTC): several for each chat, or the average of the link."""
    days = stage.days()
    dice = stage.seed_for("clicks", profile.name)
    counts = Counter(one.at.astimezone(UTC).date() for one in begun)
    if profile.clicks:
        for day, weight in zip(days, day_weights(days), strict=True):
            counts[day] = round(profile.clicks * weight * dice.uniform(0.6, 1.4))
    found = {}
    for day, count in sorted(counts.items()):
        visitors = count if profile.clicks else count * CLICKS_PER_CHAT + dice.randrange(4)
        people_clicks = visitors + dice.randrange(1 + visitors // 4)
        found[day] = LinkClicks(people_clicks, dice.randrange(2 + visitors // 3), visitors)
    return found
