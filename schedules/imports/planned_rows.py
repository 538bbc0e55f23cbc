"""Valid import rows, and the context they are validated against. Pure."""

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
    """An account with its name in files.

    `blank` is an empty unit for the account; `connector` is None if there is none.
    """

    channel: Channel
    connector: Connector | None
    blank: Unit
    called: str


@dataclass(frozen=True)
class ImportPicture:
    """A picture of a library. Approvals cover the digest of its file."""

    asset_id: UUID
    medium: Medium


@dataclass(frozen=True)
class ImportCreator:
    """A creator with the accounts and pictures that a row can name."""

    creator: Creator
    accounts: Mapping[str, ImportAccount]
    """Accounts by their name in files, case-insensitive."""
    pictures: Mapping[str, ImportPicture]
    """Pictures by ID or alt text, whichever the file uses."""
    links: LinkPolicy = IDLE_LINK_POLICY
    """The link policy of the creator."""


@dataclass
class OccupiedAccount:
    """The posts of an account: their times (UTC-aware, sorted) and their content."""

    times: list[datetime] = field(default_factory=list)
    said: AccountTexts = field(default_factory=AccountTexts)

    def add(self, at: datetime, one: Fingerprint) -> None:
        """Add a post."""
        insort(self.times, at)
        self.said.add_text(at, one)


@dataclass(frozen=True)
class ImportContext:
    """The context of an import. `homes` maps case-folded names to creators."""

    now: datetime
    homes: Mapping[str, ImportCreator]
    taken: Mapping[UUID, OccupiedAccount]
    labels: Mapping[str, Label] = field(default_factory=dict)
    """Labels of the agency, by case-folded name."""


@dataclass(frozen=True)
class RowThreadPart:
    """A part of a thread with its pictures; `column` is the column of its text."""

    column: str
    body: str
    pictures: tuple[ImportPicture, ...] = ()
    comment: bool = False

    @property
    def thread_part(self) -> ThreadPart:
        """Return the part as the post stores it."""
        return ThreadPart(self.body, tuple(one.asset_id for one in self.pictures), self.comment)

    @property
    def media(self) -> tuple[Medium, ...]:
        """Return the media of its pictures."""
        return tuple(one.medium for one in self.pictures)


@dataclass(frozen=True)
class PlannedRow:
    """A valid row, ready to be written."""

    row: ImportRow
    creator: Creator
    accounts: tuple[ImportAccount, ...]
    at: WallTime
    due: datetime
    late_ok: timedelta | None
    pictures: tuple[ImportPicture, ...]
    rule: LinkPolicy = IDLE_LINK_POLICY
    thread: tuple[RowThreadPart, ...] = ()
    """The rest of the thread, excluding the first comment."""
    own: Mapping[UUID, str] = field(default_factory=dict)
    """Text overrides by account ID."""
    picked: Mapping[UUID, Mapping[str, OptionValue]] = field(default_factory=dict)
    """Options by account ID and option name."""
    labels: tuple[UUID, ...] = ()
    prints: dict[str, Fingerprint] = field(default_factory=dict, compare=False)
    """Fingerprints by text, cached because accounts share texts and the writer needs them again."""

    @cached_property
    def links(self) -> dict[str, Any]:
        """Return the stored link plan of the post."""
        return link_tracking.dump_link_plan(
            self.rule, LinkChoices(self.row.campaign, self.row.plain)
        )

    @property
    def parts(self) -> tuple[RowThreadPart, ...]:
        """Return the parts after the first, the first comment last."""
        said = self.row.first_comment
        return (
            (*self.thread, RowThreadPart("first_comment", said, comment=True))
            if said
            else self.thread
        )

    @property
    def others(self) -> tuple[ChannelOverride, ...]:
        """Return the channel overrides, those of platforms first."""
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
        """Return the options on an account."""
        return normalize_options(
            {**self.row.options.get(channel.platform, {}), **self.picked.get(channel.id, {})}
        )

    def texts_on_account(self, channel: Channel) -> str:
        """Return the text on an account."""
        return self.own.get(channel.id, self.row.bodies.get(channel.platform, self.row.body))

    @cached_property
    def content_of_row(self) -> PostContent:
        """Return the content without overrides."""
        pieces = tuple(one.thread_part for one in self.parts)
        return PostContent(
            self.row.title, self.row.body, tuple(one.asset_id for one in self.pictures), pieces
        )

    def fingerprint(self, said: PostContent) -> Fingerprint:
        """Return the fingerprint of content. The versions of a row differ only in their text."""
        if said.body not in self.prints:
            self.prints[said.body] = text_similarity.fingerprint_content(said)
        return self.prints[said.body]

    def fingerprint_on_account(self, channel: Channel) -> Fingerprint:
        """Return the fingerprint of the content on an account."""
        return self.fingerprint(replace(self.content_of_row, body=self.texts_on_account(channel)))
