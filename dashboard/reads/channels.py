"""The accounts of my creators: do they work, what holds them back, what can be connected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from channels import abilities, budgets, charging, enrolling, oauth_clients, phones, roles
from channels import reads as channel_reads
from channels.budgets import Blocked
from channels.charging import Bill, Month
from channels.enrolling import Enrolment
from channels.phones import NO_CREW
from channels.reads import Channel
from channels.roles import Bearing
from connectors import ages, registry
from connectors.ages import AgeProvider
from connectors.contract import Connector
from connectors.enrolment import Connectable
from connectors.roles import ADULT_NAME, LETS_IN
from foundation.database import Scope
from schedules import rehearsing
from schedules.rehearsing import What
from tenants.reads import Creator, Member

ASSURED = "assured"
"""The place on a page where readers are let in one by one."""


@dataclass(frozen=True)
class Account:
    """An account with whose it is, what makes it wait, and, where people post by hand, who may and who does."""

    channel: Channel
    creator: Creator
    waits: Blocked | None
    able: Sequence[Member]
    on_duty: Sequence[Member]
    bearing: Bearing
    """How the role of readers whose age is proven stands there."""
    bill: Bill | None
    """What the platform asked for its requests this month; None where it asks nothing."""

    @property
    def role(self) -> str:
        """What people call that role; "" where the account gives none."""
        return str(self.channel.options.get(ADULT_NAME, ""))

    @property
    def door(self) -> bool:
        """Whether bearing it means to have been let into a place that people ask to come into."""
        return bool(self.channel.options.get(LETS_IN))

    @property
    def by_hand(self) -> bool:
        """Whether a person posts what was prepared."""
        return abilities.of(connectors(), self.channel).capabilities.hand_over

    @property
    def posts_alone(self) -> bool:
        """Whether its messages could be read, and it was connected without them."""
        able = connectables().get(self.channel.platform)
        return able is not None and able.form.asks_for_messages and not self.channel.chat_surface

    @property
    def can_be_tested(self) -> bool:
        """Whether there is something harmless to ask the platform."""
        return self.channel.platform in connectables() and not self.by_hand


@dataclass(frozen=True)
class Channels:
    """The page's values."""

    accounts: Sequence[Account]
    creators: Sequence[Creator]
    pages: frozenset[UUID]
    """Creators who have a page of their own."""
    adult_areas: frozenset[UUID]
    """Those whose page has a part for adults."""
    asked: Enrolment | None
    """The account that was asked for last, while that is news."""
    clients: Mapping[str, str]
    """By platform, the id of the application the agency signed in by last."""
    now: datetime
    rehearsed: dict[UUID, What]
    """What is only rehearsed for now."""
    costs: Sequence[Month]
    """By platform that asks money for requests, what all of the agency's accounts came to this month."""


@cache
def connectors() -> Mapping[str, Connector]:
    """Every platform of the house; pure values."""
    return registry.load()


@cache
def connectables() -> Mapping[str, Connectable]:
    """The platforms people connect here, the quickest first."""
    return registry.connectables(connectors())


@cache
def age_providers() -> Mapping[str, AgeProvider]:
    """Those who can check ages for us."""
    return ages.load()


def channels(scope: Scope, mine: Sequence[Creator]) -> Channels:
    """The accounts of these creators, by creator and name."""
    whose = {creator.id: creator for creator in mine}
    asked = enrolling.latest(scope, list(whose))  # before the accounts: one that is told connected stands among them
    rows = [channel for channel in channel_reads.every_channel(scope) if channel.creator_id in whose]
    own = connectors()
    here = [one for one in rows if own[one.platform].capabilities.in_house]
    return Channels(
        accounts=sorted(_accounts(scope, rows, whose), key=lambda one: (one.creator.name, one.channel.name)),
        creators=mine,
        pages=frozenset(one.creator_id for one in here),
        adult_areas=frozenset(one.creator_id for one in here if one.surface == ASSURED),
        asked=asked,
        clients={platform: client.client_id for platform, client in oauth_clients.latest(scope).items()},
        now=scope.now,
        rehearsed=rehearsing.running(scope),
        costs=[one for name in sorted({row.platform for row in rows}) if (one := charging.month(scope, name))],
    )


def _accounts(scope: Scope, rows: Sequence[Channel], whose: Mapping[UUID, Creator]) -> list[Account]:
    waits = budgets.limits(scope, [one.id for one in rows], brake=True)
    by_hand = [one for one in rows if abilities.of(connectors(), one).capabilities.hand_over]
    crews, bearing = phones.crews(scope, by_hand), roles.bearing(scope)
    bills = charging.bills(scope, {one.platform for one in rows})
    return [
        Account(
            channel=one,
            creator=whose[one.creator_id],
            waits=waits.get(one.id),
            able=crews.get(one.id, NO_CREW).able,
            on_duty=crews.get(one.id, NO_CREW).on_duty,
            bearing=bearing.get(one.id, roles.NOBODY),
            bill=bills.get(one.id),
        )
        for one in rows
    ]
