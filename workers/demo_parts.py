"""What the demo's cast is written in: companies, people, creators, accounts, pictures, packs."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from foundation.ids import derived
from foundation.money import Money
from gate.units import Rating
from subscribers.persona import Persona
from tenants.roles import Role

RAIL, CURRENCY = "sandbox", "XTS"
"""Test money: nothing of the demo is worth anything."""

How = Literal["scene", "placeholder", "tile"]
"""A drawn scene, one that is marked as standing for a model's work, or a tile in the place of what is never drawn."""


@dataclass(frozen=True)
class Member:
    """A person with a login."""

    name: str
    email: str
    role: Role


@dataclass(frozen=True)
class Account:
    """A sandbox account: its name on the network says what it can do (`…+key` keeps idempotency keys)."""

    name: str
    account: str
    surface: str
    chat_surface: str = ""


@dataclass(frozen=True)
class Shot:
    """A picture to draw; `key` makes it once. Sizes in pixels; `days_ago` dates it as an upload, None leaves it so."""

    key: str
    how: How
    prompt: str
    alt: str
    seed: int
    rating: Rating = Rating.G
    width: int = 1600
    height: int = 1200
    upload: bool = False
    days_ago: int | None = None


@dataclass(frozen=True)
class PackPart:
    """A pack on sale: the keys of its pictures and its price in test money."""

    slug: str
    title: str
    description: str
    shots: tuple[str, ...]
    price: Money


FOLLOWERS_PER_FAN = 21


@dataclass(frozen=True)
class Trade:
    """The shape of a creator's history: days, fans, how many percent of them buy; and of what is planned."""

    days: int
    fans: int
    buyers_percent: int
    slots: tuple[str, ...] = ("10:00", "15:00", "20:00")
    opening: int = 0
    """Posts that leave with the first start."""
    ahead_days: int = 0
    """Days that are planned, one post each."""

    @property
    def followers(self) -> int:
        """How many follow its first account on the day after its history: one in so many of them writes."""
        return self.fans * FOLLOWERS_PER_FAN


@dataclass(frozen=True)
class Part:
    """A creator of the demo; the first account is the one with the chat."""

    slug: str
    name: str
    kind: str
    languages: tuple[str, ...]
    ceiling: Rating
    about: str
    accounts: tuple[Account, ...]
    persona: Persona
    shots: tuple[Shot, ...]
    packs: tuple[PackPart, ...]
    trade: Trade
    approval_tiers: int = 1
    by_hand: tuple[Account, ...] = ()
    """Accounts on which people post: `account` is the site and the name there, `surface` the site."""


@dataclass(frozen=True)
class Company:
    """An agency of the demo."""

    key: str
    name: str
    language: str
    zone: str
    members: tuple[Member, ...]
    parts: tuple[Part, ...]

    @property
    def tenant_id(self) -> UUID:
        """The same on every machine."""
        return derived("greenroom", "demo", self.key)
