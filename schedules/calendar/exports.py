"""Exports of the calendar: CSV files that the import accepts, and rows for calendar files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from connectors.shared.options import OptionValue
from foundation.csv_tables import render_csv_table
from foundation.db.database import Scope
from foundation.i18n.name_forms import fold_name
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.imports import account_names
from schedules.imports.cell_formats import (
    COLUMNS,
    END_OF_DAY,
    STATUS_COLUMNS,
    format_late_span,
    format_price_cell,
    join_names,
)
from schedules.imports.csv_rows import (
    ACCOUNT_BODY_PREFIX,
    BODY_COLUMN_PREFIX,
    PART_COLUMNS,
    PART_MEDIA_SUFFIX,
    PRICE_COLUMN_PREFIX,
    WRITTEN_BY_PEOPLE,
)
from schedules.imports.option_columns import (
    account_option_column,
    format_option_value,
    option_column,
)
from schedules.posts import channel_overrides, labels, link_tracking
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart, parse_thread
from tenants.agencies.queries import list_creators

MAX_EXPORTED_DELIVERIES = 20_000
"""Maximum number of deliveries in one file: a year of twenty accounts with two posts a day."""

MAX_EXPORT_WINDOW = timedelta(days=731)

_OVER = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVED, DeliveryState.REHEARSED})


@dataclass(frozen=True)
class ExportedDelivery:
    """The delivery of a post on one account, with its state and its text there."""

    delivery_id: UUID
    account: str
    state: DeliveryState
    url: str
    reason: Message | None
    version: int
    dry: bool = False
    """True if the delivery is a dry run and is never sent."""
    title: str = ""
    body: str = ""
    """The text on this account, which may differ from other accounts."""

    @property
    def status(self) -> str:
        """The STATUS of a calendar event (RFC 5545, 3.8.1.11)."""
        if self.state in _OVER:
            return "CANCELLED"
        return "TENTATIVE" if self.dry or self.state is DeliveryState.DRAFT else "CONFIRMED"


@dataclass(frozen=True)
class ExportedPost:
    """A post at one time, with all its deliveries at that time."""

    key: str
    creator: str
    at: WallTime
    due: datetime
    late_ok: timedelta | None
    body: str
    media: tuple[UUID, ...]
    first_comment: str
    bodies: Mapping[str, str]
    """Texts that replace `body`, by platform name."""
    priority: int
    places: tuple[ExportedDelivery, ...]
    campaign: str = ""
    plain: tuple[str, ...] = ()
    """URLs that are published without click tracking."""
    prices: Mapping[str, Money] = field(default_factory=dict)
    """Prices by platform name: the highest price of any account of the platform."""
    title: str = ""
    text_ai: str = WRITTEN_BY_PEOPLE
    until_midnight: bool = False
    """True if the post may be published until its local day ends; `late_ok` is ignored then."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Texts that replace `body`, by account name."""
    thread: tuple[ThreadPart, ...] = ()
    """The parts after the post, excluding its first comment."""
    options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    """Options by platform name and option name."""
    own_options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    """Options by account name and option name."""
    labels: tuple[str, ...] = ()
    creator_id: UUID | None = None


@dataclass(frozen=True)
class ExportFilter:
    """A filter of exported posts by account and label; None matches all."""

    channel_id: UUID | None = None
    label_id: UUID | None = None


EVERY = ExportFilter()


def count_export_rows(
    scope: Scope,
    creators: Collection[UUID],
    start: datetime,
    end: datetime,
    *,
    only: ExportFilter = EVERY,
) -> int:
    """Return the number of deliveries in the range, without the limit of `load_export_rows`.

    Raises NotFound for an unknown label.
    """
    return scope.session.exec(
        select(func.count()).where(*_build_export_conditions(scope, creators, start, end, only))
    ).one()


def _build_export_conditions(
    scope: Scope, creators: Collection[UUID], start: datetime, end: datetime, only: ExportFilter
) -> tuple[ColumnElement[bool], ...]:
    here = () if only.channel_id is None else (col(Delivery.channel_id) == only.channel_id,)
    labelled = (
        ()
        if only.label_id is None
        else (col(Delivery.post_id).in_(labels.posts_with_label_query(scope, only.label_id)),)
    )
    return (
        *here,
        *labelled,
        col(Delivery.tenant_id) == scope.tenant_id,
        col(Delivery.creator_id).in_(list(creators)),
        col(Delivery.due_at) >= start,
        col(Delivery.due_at) < min(end, start + MAX_EXPORT_WINDOW),
    )


def load_export_rows(
    scope: Scope,
    creators: Collection[UUID],
    start: datetime,
    end: datetime,
    *,
    only: ExportFilter = EVERY,
) -> list[ExportedPost]:
    """Return the posts of these creators due in [start, end), by time.

    They contain at most `MAX_EXPORTED_DELIVERIES` deliveries in total. Raises NotFound for an
    unknown label.
    """
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(*_build_export_conditions(scope, creators, start, end, only))
        .order_by(col(Delivery.due_at), col(Delivery.post_id), col(Delivery.id))
        .limit(MAX_EXPORTED_DELIVERIES)
        .execution_options(populate_existing=True)
    ).all()
    accounts = {one.id: one for one in queries.list_channels(scope)}
    names = _name_all_accounts(accounts.values())
    whose = {one.id: one.name for one in list_creators(scope)}
    turns: dict[tuple[UUID, str, str], list[tuple[Delivery, Post]]] = {}
    for row, owner in rows:
        turns.setdefault((owner.id, row.wall_time, row.zone), []).append((row, owner))
    keys: dict[UUID, int] = {}
    named = labels.labels_of_posts(scope, {post_id for post_id, _, _ in turns})
    found = []
    for (post_id, _, _), turn in turns.items():
        keys[post_id] = keys.get(post_id, 0) + 1
        # Occurrences of one post are separate rows and need different keys.
        key = str(post_id) if keys[post_id] == 1 else f"{post_id}-{keys[post_id]}"
        line = _build_exported_post(key, turn, whose, names, accounts)
        found.append(replace(line, labels=tuple(one.name for one in named.get(post_id, ()))))
    return found


def _name_all_accounts(accounts: Iterable[Channel]) -> dict[UUID, str]:
    """Return the names that identify the accounts of an agency in files."""
    hers: dict[UUID, list[Channel]] = {}
    for one in accounts:
        hers.setdefault(one.creator_id, []).append(one)
    return {
        one: name
        for each in hers.values()
        for one, name in account_names.name_accounts(each).items()
    }


def _build_exported_post(
    key: str,
    turn: Sequence[tuple[Delivery, Post]],
    whose: Mapping[UUID, str],
    names: Mapping[UUID, str],
    accounts: Mapping[UUID, Channel],
) -> ExportedPost:
    first, owner = turn[0]
    parts = parse_thread(owner.parts)
    others = channel_overrides.overrides_of_post(owner)
    links = link_tracking.link_plan_of_post(owner).wanted
    there = {
        str(row.channel_id): names[row.channel_id] for row, _ in turn if row.channel_id in names
    }
    return ExportedPost(
        key=key,
        creator=whose.get(owner.creator_id, "?"),
        creator_id=owner.creator_id,
        at=parse_wall_time(first.wall_time, first.zone),
        due=first.due_at,
        late_ok=owner.late_ok,
        until_midnight=owner.until_midnight,
        body=owner.body,
        media=tuple(UUID(asset) for asset in owner.media),
        first_comment=parts[-1].body if parts and parts[-1].comment else "",
        thread=tuple(one for one in parts if not one.comment),
        bodies={one.place: one.body for one in others if one.body and not _is_id(one.place)},
        own={there[one.place]: one.body for one in others if one.body and one.place in there},
        options={
            one.place: dict(one.options) for one in others if one.options and not _is_id(one.place)
        },
        own_options={
            there[one.place]: dict(one.options)
            for one in others
            if one.options and one.place in there
        },
        priority=max(owner.priority, 1),
        places=tuple(
            _build_exported_delivery(
                row, names, _content_on_channel(owner, accounts.get(row.channel_id))
            )
            for row, _ in turn
        ),
        campaign=links.campaign,
        plain=links.plain,
        prices=_prices_by_platform(turn, accounts),
        title=owner.title,
        text_ai=owner.text_ai,
    )


def _prices_by_platform(
    turn: Sequence[tuple[Delivery, Post]], accounts: Mapping[UUID, Channel]
) -> Mapping[str, Money]:
    """Return the highest price of a post on each platform.

    An import cannot set a price per account; the highest one ensures that no paid post is imported
    as free.
    """
    found = {
        one.place: one.price
        for one in channel_overrides.price_overrides(turn[0][1])
        if one.price and not _is_id(one.place)
    }
    for row, owner in turn:
        channel = accounts.get(row.channel_id)
        price = (
            channel_overrides.content_for_channel(owner, channel).price
            if channel is not None
            else None
        )
        if channel is not None and price is not None:
            found[channel.platform] = max(
                price, found.get(channel.platform, price), key=lambda one: one.minor
            )
    return found


def _is_id(place: str) -> bool:
    try:
        UUID(place)
    except ValueError:
        return False
    return True


def _build_exported_delivery(
    row: Delivery, names: Mapping[UUID, str], said: channel_overrides.PostContent
) -> ExportedDelivery:
    reason = Message.from_json(row.reason) if row.reason else None
    state = DeliveryState(row.state)
    account = names.get(row.channel_id, "?")
    return ExportedDelivery(
        row.id,
        account,
        state,
        row.url or "",
        reason,
        row.version,
        row.dry_run,
        said.title,
        said.body,
    )


def _content_on_channel(owner: Post, channel: Channel | None) -> channel_overrides.PostContent:
    return (
        channel_overrides.base_content(owner)
        if channel is None
        else channel_overrides.content_for_channel(owner, channel)
    )


def render_csv(found: Sequence[ExportedPost], say: Mapping[str, str]) -> bytes:
    """Render a CSV file that the import accepts, as UTF-8 with a byte order mark for spreadsheets.

    `say` maps the keys of `collect_reason_messages` to their texts. Cells are escaped so that
    spreadsheets execute no formulas.
    """
    others = sorted(
        {f"{BODY_COLUMN_PREFIX}{platform}" for line in found for platform in line.bodies}
    )
    others += sorted(
        {f"{PRICE_COLUMN_PREFIX}{platform}" for line in found for platform in line.prices}
    )
    others += sorted({_account_body_column(account) for line in found for account in line.own})
    others += sorted({name for line in found for name in _option_values_by_column(line)})
    for name in PART_COLUMNS[: max((len(line.thread) for line in found), default=0)]:
        others += [name, f"{name}{PART_MEDIA_SUFFIX}"]
    heading = [*COLUMNS, *others, *STATUS_COLUMNS]
    rows = [heading]
    for line in found:
        cells = _build_csv_cells(line, say)
        rows.append([cells.get(name, "") for name in heading])
    return render_csv_table(rows).encode("utf-8-sig")


def _build_csv_cells(line: ExportedPost, say: Mapping[str, str]) -> Mapping[str, str]:
    states = [str(place.state) for place in line.places]
    urls = [place.url for place in line.places]
    reasons = [
        say.get(str(place.reason), "") if place.reason is not None else "" for place in line.places
    ]
    return {
        "key": line.key,
        "creator": line.creator,
        "channels": join_names([place.account for place in line.places]),
        "date": line.at.day.isoformat(),
        "time": line.at.clock.replace(microsecond=0).isoformat(
            "seconds" if line.at.clock.second else "minutes"
        ),
        "zone": line.at.zone,
        "late_ok": END_OF_DAY if line.until_midnight else format_late_span(line.late_ok),
        "title": line.title,
        "body": line.body,
        "text_ai": line.text_ai if line.text_ai != WRITTEN_BY_PEOPLE else "",
        "media": join_names([str(asset) for asset in line.media]),
        "first_comment": line.first_comment,
        "labels": join_names(line.labels),
        "utm_campaign": line.campaign,
        "plain_links": join_names(line.plain),
        "priority": str(line.priority),
        "state": _join_cell_values(states),
        "url": _join_cell_values(urls),
        "reason": _join_cell_values(reasons),
        **{f"{BODY_COLUMN_PREFIX}{platform}": words for platform, words in line.bodies.items()},
        **{
            f"{PRICE_COLUMN_PREFIX}{platform}": format_price_cell(price)
            for platform, price in line.prices.items()
        },
        **{_account_body_column(account): words for account, words in line.own.items()},
        **_option_values_by_column(line),
        **{name: piece.body for name, piece in zip(PART_COLUMNS, line.thread, strict=False)},
        **{
            f"{name}{PART_MEDIA_SUFFIX}": join_names([*map(str, one.media)])
            for name, one in zip(PART_COLUMNS, line.thread, strict=False)
        },
    }


def _option_values_by_column(line: ExportedPost) -> Mapping[str, str]:
    """Return the option values of a post by column name."""
    there = (
        (option_column(place, name), value)
        for place, each in line.options.items()
        for name, value in each.items()
    )
    own = (
        (account_option_column(place, name), value)
        for place, each in line.own_options.items()
        for name, value in each.items()
    )
    return {name: format_option_value(value) for name, value in (*there, *own)}


def _account_body_column(account: str) -> str:
    """Return the case-folded column name of an account. Accounts whose names differ only in case
    share it."""
    return fold_name(f"{ACCOUNT_BODY_PREFIX}{account}".strip())


def _join_cell_values(said: Sequence[str]) -> str:
    """Return a value common to all accounts once, otherwise one value per account in their
    order."""
    if len(set(said)) == 1:
        return said[0]
    return join_names(said) if all(said) else "|".join(said)


def collect_reason_messages(found: Sequence[ExportedPost]) -> dict[str, Message]:
    """Return the reasons of all deliveries, by the key that `render_csv` uses for their texts."""
    return {
        str(place.reason): place.reason
        for line in found
        for place in line.places
        if place.reason is not None
    }


def render_example_csv(creator: str, account: str, at: WallTime) -> bytes:
    """Render a CSV file with one valid row as a template."""
    said = {
        "key": "1",
        "creator": creator,
        "channels": join_names([account]),
        "date": at.day.isoformat(),
        "zone": at.zone,
    }
    said |= {"time": at.clock.isoformat("minutes"), "late_ok": "30m", "body": "…", "priority": "5"}
    rows = [COLUMNS, [said.get(name, "") for name in COLUMNS]]
    return render_csv_table(rows).encode("utf-8-sig")
