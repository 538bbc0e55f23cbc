"""What the API gives out, as JSON; nothing but the edge knows these classes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from foundation.money import Money
from foundation.ops.clock import wall_now
from schedules.calendar.listings import ListedPost, PostDetail
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import (
    MAX_BODY_LENGTH,
    MAX_OPTIONS_SIZE,
    MAX_OVERRIDES,
    MAX_PLACE_LENGTH,
    MAX_PRICE_MINOR,
    MAX_TITLE_LENGTH,
    ChannelOverride,
    normalize_options,
)
from schedules.posts.labels import MAX_LABELS_PER_POST
from schedules.posts.lateness import LateLimit
from schedules.posts.link_tracking import (
    MAX_LINK_PARAMETER_LENGTH,
    MAX_PLAIN_ADDRESSES,
    LinkChoices,
)
from schedules.posts.queries import StoredPost
from schedules.posts.thread_parts import MAX_PART_LENGTH, MAX_THREAD_PARTS, ThreadPart
from web.api.common.schemas import (
    MAX_CHANNELS,
    MAX_MEDIA,
    CreatorPageQuery,
    ReasonOut,
    RequestModel,
    StorableText,
    WallOrInstant,
)
from web.api.posts.delivery_schemas import DeliveryOut
from web.api.posts.label_schemas import LabelOut


class PriceOut(BaseModel):
    """Minor units of a currency."""

    minor: int
    currency: str


Campaign = Annotated[StorableText, Field(max_length=MAX_LINK_PARAMETER_LENGTH)]
"""What marked addresses of a post say they belong to (utm_campaign)."""


PlainLinks = Annotated[
    list[Annotated[StorableText, Field(max_length=2048)]], Field(max_length=MAX_PLAIN_ADDRESSES)
]
"""Addresses of a post that stay as they stand."""


MediaIds = Annotated[list[UUID], Field(max_length=MAX_MEDIA)]


TextAi = Literal["none", "assisted", "generated"]


class PostsQuery(CreatorPageQuery):
    """Which posts; each condition narrows."""

    label: UUID | None = None


class PartIn(RequestModel):
    """What follows a post in its thread; the first comment is the last part."""

    body: Annotated[StorableText, Field(max_length=MAX_PART_LENGTH)] = ""
    media: MediaIds = []
    comment: bool = False

    @property
    def to_piece(self) -> ThreadPart:
        """As the room knows it."""
        return ThreadPart(self.body, tuple(self.media), self.comment)


Parts = Annotated[list[PartIn], Field(max_length=MAX_THREAD_PARTS)]


class PriceIn(RequestModel):
    """What readers pay the platform: minor units of a currency; Telegram's Stars are XTR."""

    minor: Annotated[int, Field(gt=0, le=MAX_PRICE_MINOR, strict=True)]
    currency: Annotated[StorableText, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]


OptionText = Annotated[StorableText, Field(max_length=MAX_OPTIONS_SIZE)]


Options = Annotated[
    dict[
        Annotated[StorableText, Field(max_length=60)],
        StrictBool | OptionText | Annotated[list[OptionText], Field(max_length=100)],
    ],
    Field(
        max_length=30,
        description="Platform options by name; see `limits.options` of the channel.",
    ),
]


class OtherwiseIn(RequestModel):
    """What a post says otherwise in one place: a platform's name, or the id of an account. What is
    left out is as the post has it."""

    place: Annotated[
        StorableText, Field(min_length=1, max_length=MAX_PLACE_LENGTH, examples=["bluesky"])
    ]
    title: Annotated[StorableText, Field(max_length=MAX_TITLE_LENGTH)] | None = None
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None
    media: MediaIds | None = None
    parts: Parts | None = None
    price: PriceIn | None = None
    options: Options = {}

    @property
    def to_override(self) -> ChannelOverride:
        """As the room knows it."""
        return ChannelOverride(
            self.place,
            self.title,
            self.body,
            None if self.media is None else tuple(self.media),
            None if self.parts is None else tuple(part.to_piece for part in self.parts),
            None if self.price is None else Money(self.price.minor, self.price.currency),
            normalize_options(self.options),
        )


Labels = Annotated[
    list[UUID],
    Field(
        max_length=MAX_LABELS_PER_POST,
        description="The complete list of label IDs. Labels are not published.",
    ),
]


LateOk = Annotated[
    LateLimit,
    Field(description="Skip the post if it is delayed more than this; 30m by default."),
]


Otherwise = Annotated[list[OtherwiseIn], Field(max_length=MAX_OVERRIDES)]


_POST: JsonDict = {
    "creator_id": "0198c0de-0000-7000-8000-000000000001",
    "body": "Good morning!",
    "channels": ["0198c0de-0000-7000-8000-000000000002"],
    "at": {"wall_time": f"{wall_now().year + 1}-03-01T10:00", "zone": "Europe/Paris"},
}


class PostIn(RequestModel):
    """A post. With `channels` and `at` it is planned, else only written. `at`: a wall time with its
    zone, or an instant with its offset. `media` are ids of pictures in the creator's library."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POST]})

    creator_id: UUID
    title: Annotated[StorableText, Field(max_length=MAX_TITLE_LENGTH)] = ""
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] = ""
    media: MediaIds = []
    parts: Parts = []
    otherwise: Otherwise = []
    text_ai: TextAi = "none"
    channels: Annotated[list[UUID], Field(max_length=MAX_CHANNELS)] = []
    at: WallOrInstant | None = None
    campaign: Campaign = ""
    plain_links: PlainLinks = []
    late_ok: LateOk | None = None
    labels: Labels = []

    @property
    def to_draft(self) -> Draft:
        """As the room knows it."""
        return Draft(
            self.creator_id,
            self.title,
            self.body,
            tuple(self.media),
            tuple(dict.fromkeys(self.channels)),
            self.text_ai,
            tuple(part.to_piece for part in self.parts),
            tuple(one.to_override for one in self.otherwise),
            LinkChoices(self.campaign, tuple(self.plain_links)),
            late=self.late_ok,
            labels=tuple(self.labels) or None,
        )


class PostChange(RequestModel):
    """New words or pictures; what is left out stays. What was approved waits for a yes again,
    unless only `late_ok` or `labels` change."""

    title: Annotated[StorableText, Field(max_length=MAX_TITLE_LENGTH)] | None = None
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None
    media: MediaIds | None = None
    parts: Parts | None = None
    otherwise: Otherwise | None = None
    text_ai: TextAi | None = None
    campaign: Campaign | None = None
    plain_links: PlainLinks | None = None
    late_ok: LateOk | None = None
    labels: Labels | None = None

    @property
    def has_content_changes(self) -> bool:
        """Whether it says anything of the content."""
        return bool(self.model_fields_set - {"late_ok", "labels"})

    def apply_to(self, old: StoredPost) -> Draft:
        """What a post becomes by it."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        new = {name: value for name, value in given.items() if value is not None}
        return Draft(
            old.creator_id,
            new.get("title", old.title),
            new.get("body", old.body),
            tuple(new.get("media", old.media)),
            (),
            new.get("text_ai", old.text_ai),
            tuple(part.to_piece for part in new["parts"]) if "parts" in new else old.parts,
            tuple(one.to_override for one in new["otherwise"])
            if "otherwise" in new
            else old.others,
            LinkChoices(
                new.get("campaign", old.links.campaign),
                tuple(new.get("plain_links", old.links.plain)),
            ),
            labels=tuple(new["labels"]) if "labels" in new else None,
        )


class RewordIn(RequestModel):
    """Other words for what stands outside; what is left out stays."""

    title: Annotated[StorableText, Field(max_length=MAX_TITLE_LENGTH)] | None = None
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None


class ScheduleIn(RequestModel):
    """When; and where, or everywhere it goes already."""

    at: WallOrInstant
    channels: Annotated[list[UUID], Field(max_length=MAX_CHANNELS)] = []


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
            price=None
            if one.price is None
            else PriceOut(minor=one.price.minor, currency=one.price.currency),
            options={
                name: list(value) if isinstance(value, tuple) else value
                for name, value in one.options
            },
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
    said = {
        name: getattr(post, name)
        for name in ("id", "creator_id", "title", "body", "text_ai", "author")
    }
    there = {
        "parts": parts_out(post.parts),
        "otherwise": [OtherwiseOut.of(other) for other in post.others],
    }
    said |= {
        "campaign": post.links.campaign,
        "plain_links": list(post.links.plain),
        "late_ok": post.late,
    }
    said |= {"labels": [LabelOut.of(label) for label in one.labels]}
    return {
        **said,
        **there,
        "media": list(post.media),
        "version": one.version,
        "created_at": one.made_at,
    }


class WarningOut(ReasonOut):
    """What would hold one delivery if nothing changed until its time."""

    delivery_id: UUID
    channel_id: UUID


class PostWhole(PostOut):
    """A post, whether it is approved as it stands, and where it goes."""

    approved: bool
    deliveries: list[DeliveryOut]
    warnings: Annotated[
        list[WarningOut] | None,
        Field(
            description=(
                "Reasons that will put it on hold; empty if there are none, null if it "
                "was not checked."
            )
        ),
    ] = None

    @classmethod
    def from_view(cls, one: PostDetail, *, warnings: list[WarningOut] | None = None) -> "PostWhole":
        """Of the room's value."""
        places = [DeliveryOut.from_view(entry) for entry in one.entries]
        return cls(
            **post_fields(one.listed),
            approved=one.approved,
            deliveries=places,
            warnings=warnings,
        )


class PostsOut(BaseModel):
    """A page of posts, the newest first; `next` is the cursor of the one after, null at the end."""

    items: list[PostOut]
    next: str | None
