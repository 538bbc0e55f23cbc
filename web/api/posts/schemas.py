"""Requests and responses about posts."""

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
    """An amount in minor units of a currency."""

    minor: int
    currency: str


Campaign = Annotated[StorableText, Field(max_length=MAX_LINK_PARAMETER_LENGTH)]
"""Campaign name for tracked links of a post (`utm_campaign`)."""


PlainLinks = Annotated[
    list[Annotated[StorableText, Field(max_length=2048)]], Field(max_length=MAX_PLAIN_ADDRESSES)
]
"""URLs of a post that are not tracked."""


MediaIds = Annotated[list[UUID], Field(max_length=MAX_MEDIA)]


TextAi = Literal["none", "template", "assisted", "generated"]


class PostsQuery(CreatorPageQuery):
    """The posts to list. All filters must match."""

    label: UUID | None = None


class PartIn(RequestModel):
    """A further part of a thread. The first comment is the last part."""

    body: Annotated[StorableText, Field(max_length=MAX_PART_LENGTH)] = ""
    media: MediaIds = []
    comment: bool = False

    @property
    def to_piece(self) -> ThreadPart:
        """The value that `schedules` expects."""
        return ThreadPart(self.body, tuple(self.media), self.comment)


Parts = Annotated[list[PartIn], Field(max_length=MAX_THREAD_PARTS)]


class PriceIn(RequestModel):
    """The price that fans pay on the platform, in minor units. The currency of Telegram Stars is
    XTR."""

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
    """Content for one platform (by name) or one account (by ID). Omitted fields are taken from the
    post."""

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
        """The value that `schedules` expects."""
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
    """A new post. It is scheduled if `channels` and `at` are set. `at` is a local time with its
    time zone, or an instant with its UTC offset. `media` are IDs in the creator's library."""

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
        """The value that `schedules` expects."""
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
    """Changes to a post. Omitted fields keep their value. An approved post must be approved again
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
        """True if the request changes content, not only `late_ok` or `labels`."""
        return bool(self.model_fields_set - {"late_ok", "labels"})

    def apply_to(self, old: StoredPost) -> Draft:
        """Return the draft with the changes applied."""
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
    """New text for a published post. Omitted fields keep their value."""

    title: Annotated[StorableText, Field(max_length=MAX_TITLE_LENGTH)] | None = None
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None


class ScheduleIn(RequestModel):
    """The publish time, and the channels. Without channels, the post's current ones are used."""

    at: WallOrInstant
    channels: Annotated[list[UUID], Field(max_length=MAX_CHANNELS)] = []


class PartOut(BaseModel):
    """A further part of a thread."""

    body: str
    media: list[UUID]
    comment: bool


class OtherwiseOut(BaseModel):
    """Content for one platform or account. Null fields are taken from the post."""

    place: str
    title: str | None
    body: str | None
    media: list[UUID] | None
    parts: list[PartOut] | None
    price: PriceOut | None
    options: dict[str, bool | str | list[str]]

    @classmethod
    def of(cls, one: ChannelOverride) -> "OtherwiseOut":
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
    """Convert thread parts to response values."""
    return [PartOut(body=part.body, media=list(part.media), comment=part.comment) for part in parts]


class PostOut(BaseModel):
    """A post. Its `version` changes with its content."""

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
        return cls(**post_fields(one))


def post_fields(one: ListedPost) -> dict[str, Any]:
    """Return the response fields of a post."""
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
    """A reason that would currently prevent a delivery from being published."""

    delivery_id: UUID
    channel_id: UUID


class PostWhole(PostOut):
    """A post with its approval, deliveries and warnings."""

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
        places = [DeliveryOut.from_view(entry) for entry in one.entries]
        return cls(
            **post_fields(one.listed),
            approved=one.approved,
            deliveries=places,
            warnings=warnings,
        )


class PostsOut(BaseModel):
    """A page of posts, newest first. `next` is the cursor of the next page, or null."""

    items: list[PostOut]
    next: str | None
