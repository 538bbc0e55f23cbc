"""What the API gives out, as JSON; nothing but the edge knows these classes."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from channels.accounts.queries import Channel
from connectors.contract.capabilities import Capabilities
from foundation.i18n.translation import Message, render_message
from schedules.calendar.listings import ListedPost, PostDetail
from schedules.downtime.queries import DowntimeView, MissedOnAccount
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.lateness import LateLimit
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState, DowntimeState
from schedules.posts.thread_parts import ThreadPart
from tenants.agencies.queries import Creator
from web.api.channels.schemas import FormatOut, OptionOut, PriceOut
from web.api.common.errors import ERROR_LANGUAGE
from web.api.posts.label_schemas import LabelOut


class ReasonOut(BaseModel):
    """A reason: its code, and its sentence in English."""

    code: str
    text: str


def reason_out(message: Message | None) -> ReasonOut | None:
    """A stored reason at the edge."""
    return None if message is None else ReasonOut(code=message.code, text=render_message(message, ERROR_LANGUAGE))


class CreatorOut(BaseModel):
    """A creator."""

    id: UUID
    slug: str
    name: str
    kind: str
    zone: str
    languages: list[str]
    approvals: Annotated[int, Field(description="How many people have to say yes to a post.")]

    @classmethod
    def of(cls, one: Creator) -> "CreatorOut":
        """Of the room's value."""
        said = {name: getattr(one, name) for name in ("id", "slug", "name", "kind", "zone")}
        return cls(**said, languages=list(one.languages), approvals=one.approval_tiers)


class CreatorsOut(BaseModel):
    """The creators this key may see."""

    items: list[CreatorOut]


class LimitsOut(BaseModel):
    """What an account takes; `parts` is how long a thread may be (1: no threads, but a first comment where
    `first_comment` says so). `needs`: what every post shows there, `media` (a picture or a film), a `film`, or ""."""

    max_text: int
    max_media: int
    needs: str
    max_bytes: int
    mimes: list[str]
    parts: int
    joins_parts: bool
    first_comment: bool
    can_remove: bool
    by_hand: bool
    options: list[OptionOut]
    formats: list[FormatOut]

    @classmethod
    def of(cls, can: Capabilities, surface: str) -> "LimitsOut":
        """Of a platform, for one of its places."""
        most_text, most_media = can.size_limits(surface)
        return cls(
            max_text=most_text,
            max_media=most_media,
            needs=can.required_content(surface) or "",
            max_bytes=can.max_bytes,
            mimes=list(can.mimes),
            parts=can.threads,
            joins_parts=can.joins_parts,
            first_comment=can.first_comment,
            can_remove=can.can_delete,
            by_hand=can.hand_over,
            options=[OptionOut.of(can.platform, one) for one in can.options],
            formats=[FormatOut.of(name, one) for name, one in can.formats.items()],
        )


class ChannelOut(BaseModel):
    """An account on a platform."""

    id: UUID
    creator_id: UUID
    platform: str
    name: str
    account: str
    state: str
    reason: ReasonOut | None
    zone: str
    min_gap_seconds: int
    holds_distance: bool
    holds_repeats: bool
    paused_until: datetime | None
    limits: LimitsOut | None

    @classmethod
    def of(cls, one: Channel, can: Capabilities | None) -> "ChannelOut":
        """Of the room's value and what its platform can do."""
        said = {name: getattr(one, name) for name in ("id", "creator_id", "platform", "name", "account", "zone")}
        return cls(
            **said,
            state=str(one.state),
            reason=reason_out(one.reason),
            min_gap_seconds=int(one.min_interval.total_seconds()),
            holds_distance=one.holds_min_interval,
            holds_repeats=one.holds_repeats,
            paused_until=one.paused_until,
            limits=LimitsOut.of(can, one.surface) if can is not None else None,
        )


class ChannelsOut(BaseModel):
    """The accounts this key may see."""

    items: list[ChannelOut]


class DeliveryOut(BaseModel):
    """A post on one account: `wall_time` in `zone` is the plan, `due_at` the instant it means; `ends_at` is when its
    platform takes it away by itself (null: it stands)."""

    id: UUID
    post_id: UUID
    creator_id: UUID
    channel_id: UUID
    state: DeliveryState
    reason: ReasonOut | None
    wall_time: str
    zone: str
    due_at: datetime
    not_before: datetime | None
    settled_at: datetime | None
    ends_at: datetime | None
    url: str | None
    native_id: str | None
    parts: int
    done: int
    priority: int
    version: int

    @classmethod
    def from_view(cls, one: DeliveryEntry) -> "DeliveryOut":
        """Of the room's value."""
        return cls(**delivery_fields(one))


def delivery_fields(one: DeliveryEntry) -> dict[str, Any]:
    """The fields of a delivery."""
    names = ("post_id", "creator_id", "channel_id", "state", "wall_time", "zone", "due_at", "not_before")
    more = ("settled_at", "ends_at", "url", "native_id", "parts", "done", "priority", "version")
    return {
        "id": one.delivery_id,
        "reason": reason_out(one.reason),
        **{name: getattr(one, name) for name in (*names, *more)},
    }


class DeliveriesOut(BaseModel):
    """A page of deliveries; `next` is the cursor of the one after, null at the end."""

    items: list[DeliveryOut]
    next: str | None


class DowntimeOut(BaseModel):
    """Posts that were missed together: how many left, wait for their turn, are held; `since` is when the first was due.
    `open`: nobody answered yet. `others_too`: it also touches creators this key may not see."""

    id: UUID
    state: DowntimeState
    since: datetime
    left: int
    waiting: int
    held: int
    others_too: bool

    @classmethod
    def of(cls, one: DowntimeView) -> "DowntimeOut":
        """Of the room's value."""
        return cls(**downtime_fields(one))


def downtime_fields(one: DowntimeView) -> dict[str, Any]:
    """The fields of a downtime."""
    return {name: getattr(one, name) for name in ("id", "state", "since", "others_too")} | asdict(one.count)


class MissedOut(BaseModel):
    """What an account missed, in the order of its turns, what is held last: the scheduled ones leave at their
    `not_before`."""

    channel_id: UUID
    channel: str
    deliveries: list[DeliveryOut]

    @classmethod
    def of(cls, one: MissedOnAccount) -> "MissedOut":
        """Of the room's value."""
        return cls(
            channel_id=one.id, channel=one.name, deliveries=[DeliveryOut.from_view(entry) for entry in one.entries]
        )


class DowntimeWhole(DowntimeOut):
    """The same, account by account."""

    accounts: list[MissedOut]

    @classmethod
    def from_view(cls, one: DowntimeView) -> "DowntimeWhole":
        """Of the room's value."""
        return cls(**downtime_fields(one), accounts=[MissedOut.of(account) for account in one.accounts])


class DowntimesOut(BaseModel):
    """A page of downtimes; `next` is the cursor of the one after, null at the end."""

    items: list[DowntimeOut]
    next: str | None


class PartOut(BaseModel):
    """What follows a post."""

    body: str
    media: list[UUID]
    comment: bool


class OtherwiseOut(BaseModel):
    """What a post says otherwise in one place; null is as the post has it."""

    place: str
    title: str | None
    body: str | None
    media: list[UUID] | None
    parts: list[PartOut] | None
    price: PriceOut | None
    options: dict[str, bool | str | list[str]]

    @classmethod
    def of(cls, one: ChannelOverride) -> "OtherwiseOut":
        """Of the room's value."""
        return cls(
            place=one.place,
            title=one.title,
            body=one.body,
            media=None if one.media is None else list(one.media),
            parts=None if one.parts is None else parts_out(one.parts),
            price=None if one.price is None else PriceOut(minor=one.price.minor, currency=one.price.currency),
            options={name: list(value) if isinstance(value, tuple) else value for name, value in one.options},
        )


def parts_out(parts: Sequence[ThreadPart]) -> list[PartOut]:
    """What follows a post, at the edge."""
    return [PartOut(body=part.body, media=list(part.media), comment=part.comment) for part in parts]


class PostOut(BaseModel):
    """A post as it was written; its `version` changes with its words and pictures."""

    id: UUID
    creator_id: UUID
    title: str
    body: str
    media: list[UUID]
    parts: list[PartOut]
    otherwise: list[OtherwiseOut]
    text_ai: str
    campaign: str
    plain_links: list[str]
    late_ok: LateLimit | None
    labels: list[LabelOut]
    author: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, one: ListedPost) -> "PostOut":
        """Of the room's value."""
        return cls(**post_fields(one))


def post_fields(one: ListedPost) -> dict[str, Any]:
    """The fields of a post."""
    post = one.post
    said = {name: getattr(post, name) for name in ("id", "creator_id", "title", "body", "text_ai", "author")}
    there = {"parts": parts_out(post.parts), "otherwise": [OtherwiseOut.of(other) for other in post.others]}
    said |= {"campaign": post.links.campaign, "plain_links": list(post.links.plain), "late_ok": post.late}
    said |= {"labels": [LabelOut.of(label) for label in one.labels]}
    return {**said, **there, "media": list(post.media), "version": one.version, "created_at": one.made_at}


class PostWhole(PostOut):
    """A post, whether it is approved as it stands, and where it goes."""

    approved: bool
    deliveries: list[DeliveryOut]

    @classmethod
    def from_view(cls, one: PostDetail) -> "PostWhole":
        """Of the room's value."""
        places = [DeliveryOut.from_view(entry) for entry in one.entries]
        return cls(**post_fields(one.listed), approved=one.approved, deliveries=places)


class PostsOut(BaseModel):
    """A page of posts, the newest first; `next` is the cursor of the one after, null at the end."""

    items: list[PostOut]
    next: str | None
