"""Channel overrides: text, pictures, thread, price and options of a post for one platform or
account.

Overrides are written and approved together with the post. The digest of the post covers all of
them, whichever accounts it is published to.
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
"""Maximum number of overrides of one post."""

MAX_PLACE_LENGTH = 60
MAX_PRICE_MINOR = 10_000_000
"""Highest price in minor units; the limit of a platform is lower and comes from its connector."""

MAX_OPTIONS_SIZE = 4_000
"""Maximum number of characters of all options of one override; the limit of a platform is lower and
comes from its connector."""

MAX_TITLE_LENGTH = 200
MAX_BODY_LENGTH = 20_000
"""Maximum number of characters; the limit of a platform is lower and comes from its connector."""


@dataclass(frozen=True)
class ChannelOverride:
    """An override of a post for one platform or account. None means that the post's value applies.

    `place` is the name of a platform or the ID of an account.
    """

    place: str
    title: str | None = None
    body: str | None = None
    media: tuple[UUID, ...] | None = None
    parts: tuple[ThreadPart, ...] | None = None
    price: Money | None = None
    """The price that readers pay to see the pictures and videos."""
    options: ChosenOptions = ()
    """Platform options (`connectors.shared.options`); the platform's defaults apply to all others.
    """

    @property
    def is_idle(self) -> bool:
        """Return True if the override changes nothing."""
        return (self.title, self.body, self.media, self.parts, self.price) == (
            None,
        ) * 5 and not self.options


@dataclass(frozen=True)
class PostContent:
    """The content of a post on one account: `media` are asset IDs, `parts` are the rest of the
    thread."""

    title: str
    body: str
    media: tuple[UUID, ...]
    parts: tuple[ThreadPart, ...]
    price: Money | None = None
    options: ChosenOptions = ()

    @property
    def texts(self) -> "PostContent":
        """Return the texts and pictures, without price and options."""
        return replace(self, price=None, options=())

    @property
    def all_assets(self) -> list[UUID]:
        """Return every asset of the content, in display order."""
        return thread_parts.collect_thread_assets(self.media, self.parts)


def base_content(owner: Post) -> PostContent:
    """Return the content of a post without overrides."""
    return PostContent(
        owner.title,
        owner.body,
        tuple(UUID(asset) for asset in owner.media),
        thread_parts.parse_thread(owner.parts),
    )


def content_for_channel(owner: Post, channel: Channel) -> PostContent:
    """Return the content of a post on an account."""
    return apply_overrides(base_content(owner), overrides_of_post(owner), channel)


def apply_overrides(
    said: PostContent, others: Sequence[ChannelOverride], channel: Channel
) -> PostContent:
    """Return content with the override of its platform, then that of its account, applied; pure."""
    # The account's override comes last and wins.
    for place in (channel.platform, str(channel.id)):
        for one in others:
            if one.place == place:
                said = apply_override(said, one)
    return said


def apply_override(said: PostContent, one: ChannelOverride) -> PostContent:
    """Return content with one override applied; pure."""
    return PostContent(
        said.title if one.title is None else one.title,
        said.body if one.body is None else one.body,
        said.media if one.media is None else one.media,
        said.parts if one.parts is None else one.parts,
        said.price if one.price is None else one.price,
        tuple(sorted((dict(said.options) | dict(one.options)).items())),
    )


def content_by_place(owner: Post) -> Iterator[tuple[str, PostContent]]:
    """Yield the place of each override with the resulting content.

    Each override is applied to the post alone, so an account's content ignores its platform's
    override.
    """
    said = base_content(owner)
    for one in overrides_of_post(owner):
        yield one.place, apply_override(said, one)


def collect_assets(
    media: Sequence[UUID], parts: Sequence[ThreadPart], others: Sequence[ChannelOverride]
) -> list[UUID]:
    """Return every asset of a post and its overrides, each once, beginning with those of the
    post."""
    found = thread_parts.collect_thread_assets(media, parts)
    for one in others:
        found += thread_parts.collect_thread_assets(one.media or (), one.parts or ())
    return list(dict.fromkeys(found))


def set_option_override(
    owner: Post, channels: Sequence[Channel], channel: Channel, options: ChosenOptions
) -> tuple[ChannelOverride, ...]:
    """Return the overrides of a post after `options` become the only ones of one account.

    `channels` are all accounts of the post. An option that is set for the platform and missing in
    `options` moves from the platform to each of its other accounts, so that only `channel` changes.
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
    """Return the overrides of a post reduced to their prices."""
    return tuple(
        ChannelOverride(one.place, price=one.price)
        for one in overrides_of_post(owner)
        if one.price is not None
    )


def price_and_option_overrides(owner: Post) -> tuple[ChannelOverride, ...]:
    """Return the overrides of a post reduced to prices and options.

    A copy of a post needs both: without them it would be free, or visible to more people.
    """
    return tuple(
        ChannelOverride(one.place, price=one.price, options=one.options)
        for one in overrides_of_post(owner)
        if one.price is not None or one.options
    )


def is_paid_content_free(owner: Post, channel: Channel) -> bool:
    """Return True if an account would show a picture for free that the post sells elsewhere."""
    said = content_for_channel(owner, channel)
    if said.price is not None:
        return False
    sold = (one for _, one in content_by_place(owner) if one.price is not None)
    return not set(said.all_assets).isdisjoint(asset for one in sold for asset in one.all_assets)


def has_pictures(owner: Post) -> bool:
    """Return True if the first part of the post has a picture on any platform or account."""
    return bool(owner.media) or any(one.media for one in overrides_of_post(owner))


def check_content(said: PostContent, others: Sequence[ChannelOverride]) -> None:
    """Raise BadInput if the content of a post or of any override is invalid.

    Checks the number of overrides, duplicate places, lengths, prices, the size of options and NUL
    characters. Limits of single platforms are checked by their connectors.
    """
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
    """Return the JSON form of overrides, sorted by place, without those that change nothing."""
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
    """Return the overrides of a post, by place."""
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
    """Return options in their stored form: sorted by name, lists as tuples."""
    return tuple(
        (name, tuple(value) if isinstance(value, list | tuple) else value)
        for name, value in sorted(options.items())
    )
