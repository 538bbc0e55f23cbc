"""What a line of a file would become, and all that it is held against. Pure."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from channels.reads import Channel
from connectors.contract import Connector
from connectors.options import Chosen, Value
from gate.units import Medium, Unit
from schedules import likeness, linking
from schedules.calendar import WallTime
from schedules.imports_rows import Row
from schedules.labels import Label
from schedules.likeness import Print
from schedules.linking import AS_WRITTEN, Rule, Wanted
from schedules.overrides import Content, Override, chosen
from schedules.said import Said
from schedules.threads import Piece
from tenants.reads import Creator


@dataclass(frozen=True)
class Account:
    """An account, as files call it. `blank` is a post without words there; `connector` None where none is known."""

    channel: Channel
    connector: Connector | None
    blank: Unit
    called: str


@dataclass(frozen=True)
class Picture:
    """A picture of a library: its print is what a yes to it binds."""

    asset_id: UUID
    medium: Medium


@dataclass(frozen=True)
class Home:
    """A creator with what a line may name of hers."""

    creator: Creator
    accounts: Mapping[str, Account]
    """By what files call them, without regard to case."""
    pictures: Mapping[str, Picture]
    """By what the file calls them: an id, or the words that stand in their place."""
    links: Rule = AS_WRITTEN
    """What becomes of addresses in her posts."""


@dataclass
class Taken:
    """What an account has already: when posts leave (UTC-aware, in order), and what they say and show."""

    times: list[datetime] = field(default_factory=list)
    said: Said = field(default_factory=Said)

    def add(self, at: datetime, one: Print) -> None:
        """Another post."""
        insort(self.times, at)
        self.said.add(at, one)


@dataclass(frozen=True)
class World:
    """All that a file is held against. `homes` are by the names a line may call them, without regard to case."""

    now: datetime
    homes: Mapping[str, Home]
    taken: Mapping[UUID, Taken]
    labels: Mapping[str, Label] = field(default_factory=dict)
    """The agency's, by their names without regard to case."""


@dataclass(frozen=True)
class Follows:
    """A part of a thread; `column` is where the file says it."""

    column: str
    body: str
    pictures: tuple[Picture, ...] = ()
    comment: bool = False

    @property
    def piece(self) -> Piece:
        """As the post keeps it."""
        return Piece(self.body, tuple(one.asset_id for one in self.pictures), self.comment)

    @property
    def media(self) -> tuple[Medium, ...]:
        """The prints of its pictures."""
        return tuple(one.medium for one in self.pictures)


@dataclass(frozen=True)
class Wish:
    """A line that can be written."""

    row: Row
    creator: Creator
    accounts: tuple[Account, ...]
    at: WallTime
    due: datetime
    late_ok: timedelta | None
    pictures: tuple[Picture, ...]
    rule: Rule = AS_WRITTEN
    thread: tuple[Follows, ...] = ()
    """What follows the post in a thread."""
    own: Mapping[UUID, str] = field(default_factory=dict)
    """Other words for single accounts."""
    picked: Mapping[UUID, Mapping[str, Value]] = field(default_factory=dict)
    """What single accounts choose, by the name of each option."""
    labels: tuple[UUID, ...] = ()
    prints: dict[str, Print] = field(default_factory=dict, compare=False)
    """What of it was looked at already, by its words: accounts say the same, and who writes asks once more."""

    @cached_property
    def links(self) -> dict[str, Any]:
        """What the post keeps of what becomes of its addresses."""
        return linking.stored(self.rule, Wanted(self.row.campaign, self.row.plain))

    @property
    def parts(self) -> tuple[Follows, ...]:
        """What follows the post, the first comment last."""
        said = self.row.first_comment
        return (*self.thread, Follows("first_comment", said, comment=True)) if said else self.thread

    @property
    def others(self) -> tuple[Override, ...]:
        """What single platforms and accounts say otherwise."""
        bodies, prices, options = self.row.bodies, self.row.prices, self.row.options
        platforms = (
            Override(name, body=bodies.get(name), price=prices.get(name), options=chosen(options.get(name, {})))
            for name in sorted({*bodies, *prices, *options})
        )
        own = (
            Override(str(one), body=self.own.get(one), options=chosen(self.picked.get(one, {})))
            for one in sorted({*self.own, *self.picked}, key=str)
        )
        return (*platforms, *own)

    def chosen_on(self, channel: Channel) -> Chosen:
        """What it chooses on an account."""
        return chosen({**self.row.options.get(channel.platform, {}), **self.picked.get(channel.id, {})})

    def words_on(self, channel: Channel) -> str:
        """What it says on an account."""
        return self.own.get(channel.id, self.row.bodies.get(channel.platform, self.row.body))

    @cached_property
    def content(self) -> Content:
        """What it says where no place says otherwise."""
        pieces = tuple(one.piece for one in self.parts)
        return Content(self.row.title, self.row.body, tuple(one.asset_id for one in self.pictures), pieces)

    def print_of(self, said: Content) -> Print:
        """What it is found by where it says so; nothing but its words is of a place."""
        if said.body not in self.prints:
            self.prints[said.body] = likeness.of_content(said)
        return self.prints[said.body]

    def print_on(self, channel: Channel) -> Print:
        """What it is found by when another post of an account repeats it."""
        return self.print_of(replace(self.content, body=self.words_on(channel)))
