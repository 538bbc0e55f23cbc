"""What a line of a file would become, and all that it is held against. Pure."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from channels.accounts.queries import Channel
from connectors.contract.connector import Connector
from connectors.shared.options import ChosenOptions, OptionValue
from foundation.ops.wall_time import WallTime
from gate.contract.units import Medium, Unit
from schedules.imports.account_history import AccountTexts
from schedules.imports.csv_rows import ImportRow
from schedules.posts import link_tracking, text_similarity
from schedules.posts.channel_overrides import ChannelOverride, PostContent, normalize_options
from schedules.posts.labels import Label
from schedules.posts.link_tracking import IDLE_LINK_POLICY, LinkChoices, LinkPolicy
from schedules.posts.text_similarity import Fingerprint
from schedules.posts.thread_parts import ThreadPart
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class ImportAccount:
    """An account, as files call it. `blank` is a post without words there; `connector` None where
    none is known."""

    channel: Channel
    connector: Connector | None
    blank: Unit
    called: str


@dataclass(frozen=True)
class ImportPicture:
    """A picture of a library: its print is what a yes to it binds."""

    asset_id: UUID
    medium: Medium


@dataclass(frozen=True)
class ImportCreator:
    """A creator with what a line may name of hers."""

    creator: Creator
    accounts: Mapping[str, ImportAccount]
    """By what files call them, without regard to case."""
    pictures: Mapping[str, ImportPicture]
    """By what the file calls them: an id, or the words that stand in their place."""
    links: LinkPolicy = IDLE_LINK_POLICY
    """What becomes of addresses in her posts."""


@dataclass
class OccupiedAccount:
    """What an account has already: when posts leave (UTC-aware, in order), and what they say and
    show."""

    times: list[datetime] = field(default_factory=list)
    said: AccountTexts = field(default_factory=AccountTexts)

    def add(self, at: datetime, one: Fingerprint) -> None:
        """Another post."""
        insort(self.times, at)
        self.said.add_text(at, one)


@dataclass(frozen=True)
class ImportContext:
    """All that a file is held against. `homes` are by the names a line may call them, without
    regard to case."""

    now: datetime
    homes: Mapping[str, ImportCreator]
    taken: Mapping[UUID, OccupiedAccount]
    labels: Mapping[str, Label] = field(default_factory=dict)
    """The agency's, by their names without regard to case."""


@dataclass(frozen=True)
class RowThreadPart:
    """A part of a thread; `column` is where the file says it."""

    column: str
    body: str
    pictures: tuple[ImportPicture, ...] = ()
    comment: bool = False

    @property
    def thread_part(self) -> ThreadPart:
        """As the post keeps it."""
        return ThreadPart(self.body, tuple(one.asset_id for one in self.pictures), self.comment)

    @property
    def media(self) -> tuple[Medium, ...]:
        """The prints of its pictures."""
        return tuple(one.medium for one in self.pictures)


@dataclass(frozen=True)
class PlannedRow:
    """A line that can be written."""

    row: ImportRow
    creator: Creator
    accounts: tuple[ImportAccount, ...]
    at: WallTime
    due: datetime
    late_ok: timedelta | None
    pictures: tuple[ImportPicture, ...]
    rule: LinkPolicy = IDLE_LINK_POLICY
    thread: tuple[RowThreadPart, ...] = ()
    """What follows the post in a thread."""
    own: Mapping[UUID, str] = field(default_factory=dict)
    """Other words for single accounts."""
    picked: Mapping[UUID, Mapping[str, OptionValue]] = field(default_factory=dict)
    """What single accounts choose, by the name of each option."""
    labels: tuple[UUID, ...] = ()
    prints: dict[str, Fingerprint] = field(default_factory=dict, compare=False)
    """What of it was looked at already, by its words: accounts say the same, and who writes asks
    once more."""

    @cached_property
    def links(self) -> dict[str, Any]:
        """What the post keeps of what becomes of its addresses."""
        return link_tracking.dump_link_plan(
            self.rule, LinkChoices(self.row.campaign, self.row.plain)
        )

    @property
    def parts(self) -> tuple[RowThreadPart, ...]:
        """What follows the post, the first comment last."""
        said = self.row.first_comment
        return (
            (*self.thread, RowThreadPart("first_comment", said, comment=True))
            if said
            else self.thread
        )

    @property
    def others(self) -> tuple[ChannelOverride, ...]:
        """What single platforms and accounts say otherwise."""
        bodies = self.row.bodies
        prices = self.row.prices
        options = self.row.options
        platforms = (
            ChannelOverride(
                name,
                body=bodies.get(name),
                price=prices.get(name),
                options=normalize_options(options.get(name, {})),
            )
            for name in sorted({*bodies, *prices, *options})
        )
        own = (
            ChannelOverride(
                str(one),
                body=self.own.get(one),
                options=normalize_options(self.picked.get(one, {})),
            )
            for one in sorted({*self.own, *self.picked}, key=str)
        )
        return (*platforms, *own)

    def chosen_on(self, channel: Channel) -> ChosenOptions:
        """What it chooses on an account."""
        return normalize_options(
            {**self.row.options.get(channel.platform, {}), **self.picked.get(channel.id, {})}
        )

    def texts_on_account(self, channel: Channel) -> str:
        """What it says on an account."""
        return self.own.get(channel.id, self.row.bodies.get(channel.platform, self.row.body))

    @cached_property
    def content_of_row(self) -> PostContent:
        """What it says where no place says otherwise."""
        pieces = tuple(one.thread_part for one in self.parts)
        return PostContent(
            self.row.title, self.row.body, tuple(one.asset_id for one in self.pictures), pieces
        )

    def fingerprint(self, said: PostContent) -> Fingerprint:
        """What it is found by where it says so; nothing but its words is of a place."""
        if said.body not in self.prints:
            self.prints[said.body] = text_similarity.fingerprint_content(said)
        return self.prints[said.body]

    def fingerprint_on_account(self, channel: Channel) -> Fingerprint:
        """What it is found by when another post of an account repeats it."""
        return self.fingerprint(replace(self.content_of_row, body=self.texts_on_account(channel)))
