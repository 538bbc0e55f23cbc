"""What a post says otherwise in one place: words, pictures, parts, a price or options of a
platform or an account.

They are written and approved with the post: its digest covers every version of it, whatever account
it goes to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from channels.accounts.queries import Channel
from connectors.shared.options import ChosenOptions
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money
from schedules.posts import thread_parts
from schedules.posts.models import Post
from schedules.posts.thread_parts import ThreadPart

PAID_CONTENT_SHOWN_FREE = Message("price.given_away")

MAX_OVERRIDES = 40
"""Places of one post that say it otherwise."""

MAX_PLACE_LENGTH = 60
MAX_PRICE_MINOR = 10_000_000
"""Minor units; what a place lets a post cost is less, and said by its connector."""

MAX_OPTIONS_SIZE = 4_000
"""Characters of all that one place chooses; what a platform takes is less, and said by its
connector."""

MAX_TITLE_LENGTH = 200
MAX_BODY_LENGTH = 20_000
"""Characters; what a platform takes is less, and said by its connector."""


@dataclass(frozen=True)
class ChannelOverride:
    """What stays None is as the post has it. `place` is a platform's name, or the id of an
    account."""

    place: str
    title: str | None = None
    body: str | None = None
    media: tuple[UUID, ...] | None = None
    parts: tuple[ThreadPart, ...] | None = None
    price: Money | None = None
    """What readers pay there before they see its pictures and films."""
    options: ChosenOptions = ()
    """What it chooses there beside its words (`connectors.shared.options`); the rest is as the
    platform has it."""

    @property
    def is_idle(self) -> bool:
        """Whether it changes nothing."""
        return (self.title, self.body, self.media, self.parts, self.price) == (
            None,
        ) * 5 and not self.options


@dataclass(frozen=True)
class PostContent:
    """What a post says on one account; `media` are asset ids, `parts` follow as a thread."""

    title: str
    body: str
    media: tuple[UUID, ...]
    parts: tuple[ThreadPart, ...]
    price: Money | None = None
    options: ChosenOptions = ()

    @property
    def texts(self) -> "PostContent":
        """What it says and shows, whatever it costs and chooses."""
        return replace(self, price=None, options=())

    @property
    def all_assets(self) -> list[UUID]:
        """Every picture of it, in the order shown."""
        return thread_parts.collect_thread_assets(self.media, self.parts)


def base_content(owner: Post) -> PostContent:
    """What a post says where no place says otherwise."""
    return PostContent(
        owner.title,
        owner.body,
        tuple(UUID(asset) for asset in owner.media),
        thread_parts.parse_thread(owner.parts),
    )


def content_for_channel(owner: Post, channel: Channel) -> PostContent:
    """What a post says on an account."""
    return apply_overrides(base_content(owner), overrides_of_post(owner), channel)


def apply_overrides(
    said: PostContent, others: Sequence[ChannelOverride], channel: Channel
) -> PostContent:
    """A content as an account shows it: what is said there beats what its platform says, and that
    the post; pure."""
    for place in (channel.platform, str(channel.id)):
        for one in others:
            if one.place == place:
                said = apply_override(said, one)
    return said


def apply_override(said: PostContent, one: ChannelOverride) -> PostContent:
    """A content with what one place says otherwise; pure."""
    return PostContent(
        said.title if one.title is None else one.title,
        said.body if one.body is None else one.body,
        said.media if one.media is None else one.media,
        said.parts if one.parts is None else one.parts,
        said.price if one.price is None else one.price,
        tuple(sorted((dict(said.options) | dict(one.options)).items())),
    )


def content_by_place(owner: Post) -> Iterator[tuple[str, PostContent]]:
    """What each place would say, by place; a platform's version and an account's are each read over
    the post alone."""
    said = base_content(owner)
    for one in overrides_of_post(owner):
        yield one.place, apply_override(said, one)


def collect_assets(
    media: Sequence[UUID], parts: Sequence[ThreadPart], others: Sequence[ChannelOverride]
) -> list[UUID]:
    """Every picture of a post in any place, once each, those of the post itself first."""
    found = thread_parts.collect_thread_assets(media, parts)
    for one in others:
        found += thread_parts.collect_thread_assets(one.media or (), one.parts or ())
    return list(dict.fromkeys(found))


def set_option_override(
    owner: Post, channels: Sequence[Channel], channel: Channel, options: ChosenOptions
) -> tuple[ChannelOverride, ...]:
    """What a post says otherwise, once it chooses these and nothing else on one of the `channels`
    it goes to.

    What its platform chose for several stays; of what is not chosen here any more each of the
    others speaks for itself.
    """
    found = {one.place: one for one in overrides_of_post(owner)}
    general = found.get(channel.platform, ChannelOverride(channel.platform))
    left = {name: value for name, value in general.options if name not in dict(options)}
    found[general.place] = replace(
        general, options=tuple(one for one in general.options if one[0] not in left)
    )
    for other in channels if left else ():
        if other.platform == channel.platform:
            own = found.get(str(other.id), ChannelOverride(str(other.id)))
            found[own.place] = replace(own, options=normalize_options(left | dict(own.options)))
    own = found.get(str(channel.id), ChannelOverride(str(channel.id)))
    found[own.place] = replace(own, options=options)
    return tuple(one for one in found.values() if not one.is_idle)


def price_overrides(owner: Post) -> tuple[ChannelOverride, ...]:
    """What single places ask for a post, and nothing else of what they say."""
    return tuple(
        ChannelOverride(one.place, price=one.price)
        for one in overrides_of_post(owner)
        if one.price is not None
    )


def price_and_option_overrides(owner: Post) -> tuple[ChannelOverride, ...]:
    """What single places ask for a post and choose for it, and nothing else of what they say: a
    copy of it must not be free there, or shown to more people."""
    return tuple(
        ChannelOverride(one.place, price=one.price, options=one.options)
        for one in overrides_of_post(owner)
        if one.price is not None or one.options
    )


def is_paid_content_free(owner: Post, channel: Channel) -> bool:
    """Whether an account would show everybody what the same post is paid for elsewhere."""
    said = content_for_channel(owner, channel)
    if said.price is not None:
        return False
    sold = (one for _, one in content_by_place(owner) if one.price is not None)
    return not set(said.all_assets).isdisjoint(asset for one in sold for asset in one.all_assets)


def has_pictures(owner: Post) -> bool:
    """Whether it shows a picture in any place; of a thread, with its first part."""
    return bool(owner.media) or any(one.media for one in overrides_of_post(owner))


def check_content(said: PostContent, others: Sequence[ChannelOverride]) -> None:
    """Raise BadInput for words or parts that no post may have, anywhere; for too many places, and
    one said twice."""
    places = [one.place for one in others]
    if len(others) > MAX_OVERRIDES or len(set(places)) != len(places):
        raise BadInput("post.too_many_places", most=MAX_OVERRIDES)
    wrong = next(
        (place for place in places if not 0 < len(place) <= MAX_PLACE_LENGTH or "\x00" in place),
        None,
    )
    if wrong is not None:
        raise BadInput("post.no_such_place", place=wrong.replace("\x00", "")[:MAX_PLACE_LENGTH])
    if any(one.price is not None and not 0 < one.price.minor <= MAX_PRICE_MINOR for one in others):
        raise BadInput("post.price_wrong")
    if any(_options_text_size(one.options) > MAX_OPTIONS_SIZE for one in others):
        raise BadInput("option.too_much", most=MAX_OPTIONS_SIZE)
    if any("\x00" in text for one in others for text in _iterate_option_texts(one.options)):
        raise BadInput("post.unwritable")
    for one in (said, *(apply_override(said, other) for other in others)):
        if len(one.body) > MAX_BODY_LENGTH or len(one.title) > MAX_TITLE_LENGTH:
            raise BadInput("post.too_long", most=MAX_BODY_LENGTH)
        if "\x00" in one.title + one.body:
            raise BadInput("post.unwritable")
        thread_parts.check_thread(one.parts)


def _iterate_option_texts(chosen: ChosenOptions) -> Iterator[str]:
    for name, value in chosen:
        yield name
        if not isinstance(value, bool):
            yield from (value,) if isinstance(value, str) else value


def _options_text_size(chosen: ChosenOptions) -> int:
    return sum(len(text) + 1 for text in _iterate_option_texts(chosen))


def dump_overrides(others: Sequence[ChannelOverride]) -> list[dict[str, Any]]:
    """The stored form, by place; what changes nothing is left out."""
    return [
        _override_to_json(one)
        for one in sorted(others, key=lambda one: one.place)
        if not one.is_idle
    ]


def _override_to_json(one: ChannelOverride) -> dict[str, Any]:
    said: dict[str, Any] = {"place": one.place, "title": one.title, "body": one.body}
    if one.media is not None:
        said["media"] = [str(asset) for asset in one.media]
    if one.parts is not None:
        said["parts"] = thread_parts.dump_thread(one.parts)
    if one.price is not None:
        said["price"] = {"minor": one.price.minor, "currency": one.price.currency}
    if one.options:
        said["options"] = dict(one.options)
    return {name: value for name, value in said.items() if value is not None}


def overrides_of_post(owner: Post) -> tuple[ChannelOverride, ...]:
    """What a post says otherwise, by place."""
    return tuple(_override_from_json(one) for one in owner.overrides)


def _override_from_json(said: Mapping[str, Any]) -> ChannelOverride:
    media = said.get("media")
    parts = said.get("parts")
    return ChannelOverride(
        said["place"],
        said.get("title"),
        said.get("body"),
        None if media is None else tuple(UUID(asset) for asset in media),
        None if parts is None else thread_parts.parse_thread(parts),
        Money(**said["price"]) if "price" in said else None,
        normalize_options(said.get("options") or {}),
    )


def normalize_options(options: Mapping[str, Any]) -> ChosenOptions:
    """Options as they are kept: by name, sorted, what is a list as a tuple."""
    return tuple(
        (name, tuple(value) if isinstance(value, list | tuple) else value)
        for name, value in sorted(options.items())
    )
