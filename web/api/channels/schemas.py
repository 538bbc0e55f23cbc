"""Requests and responses about creators and channels, with the options and limits of their
platforms."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from channels.accounts.lifecycle import MAX_INTERVAL_MINUTES
from channels.accounts.queries import Channel
from connectors.contract.capabilities import Capabilities, PostFormat, PostOption
from connectors.shared.options import option_label
from foundation.i18n.translation import Message, render_message
from tenants.agencies.queries import Creator
from tenants.agencies.states import CreatorState
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import ReasonOut, RequestModel, example_config, reason_out


class PaceIn(RequestModel):
    """Posting rules of a channel. Omitted fields keep their value. `apart_minutes` is the minimum
    interval between posts. With `holds_distance`, posts wait for it; otherwise members are only
    warned. With `holds_repeats`, a post that repeats an earlier one waits until a member confirms
    it."""

    model_config = example_config(
        {"apart_minutes": 30, "holds_distance": True, "holds_repeats": True}
    )

    apart_minutes: Annotated[int | None, Field(ge=0, le=MAX_INTERVAL_MINUTES)] = None
    holds_distance: bool | None = None
    holds_repeats: bool | None = None


class OptionOut(BaseModel):
    """A platform option of a post. Without a value, `default` is sent to the platform. `most` is
    the maximum number of characters (of all entries of a list together), `entries` the maximum
    number of entries of a list, and each entry must match `pattern`."""

    name: str
    kind: str
    label: str
    choices: list[str]
    default: str
    most: int
    entries: int
    pattern: str

    @classmethod
    def of(cls, platform: str, one: PostOption) -> "OptionOut":
        plain = ("name", "kind", "default", "most", "entries", "pattern")
        told = {name: getattr(one, name) for name in plain}
        return cls(
            **told,
            label=render_message(Message(option_label(platform, one.name)), ERROR_LANGUAGE),
            choices=list(one.choices),
        )


class FormatOut(BaseModel):
    """The limits of a post in the format `name`. The platform removes it after `hours` (0 for
    never)."""

    name: str
    max_text: int
    max_media: int
    max_bytes: int
    film_seconds: tuple[int, int]
    hours: int

    @classmethod
    def of(cls, name: str, one: PostFormat) -> "FormatOut":
        plain = ("max_text", "max_media", "max_bytes", "film_seconds", "hours")
        return cls(name=name, **{each: getattr(one, each) for each in plain})


class CreatorOut(BaseModel):
    """A creator of the agency."""

    id: UUID
    slug: str
    name: str
    kind: str
    zone: str
    languages: list[str]
    approvals: Annotated[int, Field(description="Number of approvals that a post needs.")]
    state: CreatorState

    @classmethod
    def of(cls, one: Creator) -> "CreatorOut":
        plain = ("id", "slug", "name", "kind", "zone", "state")
        said = {name: getattr(one, name) for name in plain}
        return cls(**said, languages=list(one.languages), approvals=one.approval_tiers)


class CreatorsOut(BaseModel):
    """The creators that the key may access."""

    items: list[CreatorOut]


class LimitsOut(BaseModel):
    """The limits of an account. `parts` is the maximum length of a thread (1 for no threads; a
    first comment may still be possible, see `first_comment`). `needs` is the content that every
    post must have: `media` (a picture or video), `film` (a video), or empty. `by_hand` is true for
    accounts with manual posting."""

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
    """An account of a creator on a platform."""

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
        said = {
            name: getattr(one, name)
            for name in ("id", "creator_id", "platform", "name", "account", "zone")
        }
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
    """The channels that the key may access."""

    items: list[ChannelOut]
