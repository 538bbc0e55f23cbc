"""What the API takes in, as JSON: bounded, and checked before a room sees it."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from foundation.errors import BadInput
from foundation.money import Money
from foundation.ops.clock import wall_now
from foundation.ops.wall_time import WallTime, load_zone, to_wall_time
from schedules.calendar.listings import MAX_PAGE_SIZE
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import (
    MAX_BODY_LENGTH,
    MAX_OPTIONS_SIZE,
    MAX_PLACE_LENGTH,
    MAX_PRICE_MINOR,
    MAX_TITLE_LENGTH,
    ChannelOverride,
    normalize_options,
)
from schedules.posts.channel_overrides import MAX_OVERRIDES as MOST_PLACES
from schedules.posts.deliveries import LOWEST_POST_PRIORITY
from schedules.posts.labels import MAX_LABELS_PER_POST
from schedules.posts.lateness import LateLimit
from schedules.posts.link_tracking import MAX_LINK_PARAMETER_LENGTH, MAX_PLAIN_ADDRESSES, LinkChoices
from schedules.posts.queries import StoredPost
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import MAX_PART_LENGTH, MAX_THREAD_PARTS, ThreadPart
from web.api.common.pagination import MAX_CURSOR_LENGTH

MAX_MEDIA, MAX_CHANNELS = 40, 50
EARLIEST_INSTANT, LATEST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""What lies outside is a slip of a digit."""

_UNKEPT = re.compile(r"[\x00\ud800-\udfff]")


def _validate_storable_text(text: str) -> str:
    if _UNKEPT.search(text):
        raise ValueError("no text holds U+0000, or half of a pair of surrogates")
    return text


def _validate_instant_text(value: object) -> object:
    """An instant is said in words: a bare number might be seconds or milliseconds."""
    if not isinstance(value, str):
        raise ValueError("an instant is a text such as 2026-03-02T10:00:00+01:00")
    return value


def _validate_instant_bounds(at: datetime) -> datetime:
    if not EARLIEST_INSTANT <= at < LATEST_INSTANT:
        raise ValueError("the year lies out of bounds")
    return at


StorableText = Annotated[str, AfterValidator(_validate_storable_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_validate_instant_text), AfterValidator(_validate_instant_bounds)]
Campaign = Annotated[StorableText, Field(max_length=MAX_LINK_PARAMETER_LENGTH)]
"""What marked addresses of a post say they belong to (utm_campaign)."""
PlainLinks = Annotated[list[Annotated[StorableText, Field(max_length=2048)]], Field(max_length=MAX_PLAIN_ADDRESSES)]
"""Addresses of a post that stay as they stand."""
MediaIds = Annotated[list[UUID], Field(max_length=MAX_MEDIA)]
TextAi = Literal["none", "assisted", "generated"]


class RequestModel(BaseModel):
    """What comes in: a name nobody knows is a slip, and is told."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(RequestModel):
    """Which page of a list."""

    cursor: Annotated[str | None, Field(max_length=MAX_CURSOR_LENGTH, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 50


class CreatorPageQuery(PageQuery):
    """Which page of a list, and of whose rows."""

    creator: UUID | None = None


class PostsQuery(CreatorPageQuery):
    """Which posts; each condition narrows."""

    label: UUID | None = None


class DeliveriesQuery(CreatorPageQuery):
    """Which deliveries; each condition narrows."""

    post: UUID | None = None
    channel: UUID | None = None
    label: Annotated[UUID | None, Field(description="Of posts with this label.")] = None
    state: DeliveryState | None = None
    since: Annotated[Instant | None, Field(description="Due at this instant or later.")] = None
    before: Annotated[Instant | None, Field(description="Due earlier than this instant.")] = None


class WallIn(RequestModel):
    """A local date and time, as clocks in a place show it; what does not exist there that night moves on by the gap."""

    wall_time: Annotated[
        str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?$", examples=["2026-03-02T10:00"])
    ]
    zone: Annotated[StorableText, Field(max_length=60, examples=["Europe/Paris"])]


WallOrInstant = WallIn | Instant


def wall_time_in(at: WallIn | datetime, zone: str) -> WallTime:
    """The wall time that was meant; an instant is one of `zone`. Raises BadInput for what no calendar has."""
    if isinstance(at, datetime):
        found = to_wall_time(at, zone)
        return found if found.instant() == at else to_wall_time(at, "UTC")  # the second of the hours that come twice
    day, clock = at.wall_time.split("T")
    load_zone(at.zone)
    try:
        wall = WallTime(date.fromisoformat(day), time.fromisoformat(clock), at.zone)
        _validate_instant_bounds(wall.instant())
    except (ValueError, OverflowError) as error:
        raise BadInput("api.no_such_time") from error
    return wall


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
        max_length=30, description="What it chooses there, by name: `limits.options` of a channel says what there is."
    ),
]


class OtherwiseIn(RequestModel):
    """What a post says otherwise in one place: a platform's name, or the id of an account. What is left out is as the
    post has it."""

    place: Annotated[StorableText, Field(min_length=1, max_length=MAX_PLACE_LENGTH, examples=["bluesky"])]
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
        max_length=MAX_LABELS_PER_POST, description="Ids of labels, all it is to have. Platforms never hear of them."
    ),
]
LateOk = Annotated[LateLimit, Field(description="How late it may still leave by itself; 30m where nothing is said.")]
Otherwise = Annotated[list[OtherwiseIn], Field(max_length=MOST_PLACES)]


_POST: JsonDict = {
    "creator_id": "0198c0de-0000-7000-8000-000000000001",
    "body": "Good morning!",
    "channels": ["0198c0de-0000-7000-8000-000000000002"],
    "at": {"wall_time": f"{wall_now().year + 1}-03-01T10:00", "zone": "Europe/Paris"},
}


class PostIn(RequestModel):
    """A post. With `channels` and `at` it is planned, else only written. `at`: a wall time with its zone, or an instant
    with its offset. `media` are ids of pictures in the creator's library."""

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
    """New words or pictures; what is left out stays. What was approved waits for a yes again, unless only `late_ok` or
    `labels` change."""

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
            tuple(part.piece for part in new["parts"]) if "parts" in new else old.parts,
            tuple(one.override for one in new["otherwise"]) if "otherwise" in new else old.others,
            LinkChoices(new.get("campaign", old.links.campaign), tuple(new.get("plain_links", old.links.plain))),
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


class ApproveIn(RequestModel):
    """A yes to the post as its version stands."""

    note: Annotated[StorableText, Field(max_length=500)] = ""
    tier: Annotated[int, Field(ge=1, le=2)] = 1


class MoveIn(RequestModel):
    """Another time."""

    at: WallOrInstant


class ImportanceIn(RequestModel):
    """How important it is: 1 leaves first, 9 last."""

    priority: Annotated[int, Field(ge=1, le=LOWEST_POST_PRIORITY)]


class LinkIn(RequestModel):
    """Where a post stands that nobody was sure of."""

    url: Annotated[StorableText, Field(min_length=1, max_length=500, examples=["https://example.social/@lea/1"])]
