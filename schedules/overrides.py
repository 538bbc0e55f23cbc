"""What a post says otherwise in one place: words, pictures, parts, a price or options of a
platform or an account.

They are written and approved with the post: its digest covers every version of it, whatever account it goes to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from channels.reads import Channel
from connectors.options import Chosen
from foundation.errors import BadInput
from foundation.money import Money
from schedules import threads
from schedules.models import Post
from schedules.threads import Piece

MOST = 40
"""Places of one post that say it otherwise."""

LONGEST_PLACE = 60
MOST_PRICE = 10_000_000
"""Minor units; what a place lets a post cost is less, and said by its connector."""

MOST_OPTIONS = 4_000
"""Characters of all that one place chooses; what a platform takes is less, and said by its connector."""

MAX_TITLE, MAX_BODY = 200, 20_000
"""Characters; what a platform takes is less, and said by its connector."""


@dataclass(frozen=True)
class Override:
    """What stays None is as the post has it. `place` is a platform's name, or the id of an account."""

    place: str
    title: str | None = None
    body: str | None = None
    media: tuple[UUID, ...] | None = None
    parts: tuple[Piece, ...] | None = None
    price: Money | None = None
    """What readers pay there before they see its pictures and films."""
    options: Chosen = ()
    """What it chooses there beside its words (`connectors.options`); the rest is as the platform has it."""

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return (self.title, self.body, self.media, self.parts, self.price) == (None,) * 5 and not self.options


@dataclass(frozen=True)
class Content:
    """What a post says on one account; `media` are asset ids, `parts` follow as a thread."""

    title: str
    body: str
    media: tuple[UUID, ...]
    parts: tuple[Piece, ...]
    price: Money | None = None
    options: Chosen = ()

    @property
    def words(self) -> "Content":
        """What it says and shows, whatever it costs and chooses."""
        return replace(self, price=None, options=())

    @property
    def assets(self) -> list[UUID]:
        """Every picture of it, in the order shown."""
        return threads.assets(self.media, self.parts)


def written(owner: Post) -> Content:
    """What a post says where no place says otherwise."""
    return Content(owner.title, owner.body, tuple(UUID(asset) for asset in owner.media), threads.pieces(owner.parts))


def content(owner: Post, channel: Channel) -> Content:
    """What a post says on an account."""
    return layered(written(owner), read(owner), channel)


def layered(said: Content, others: Sequence[Override], channel: Channel) -> Content:
    """A content as an account shows it: what is said there beats what its platform says, and that the post; pure."""
    for place in (channel.platform, str(channel.id)):
        for one in others:
            if one.place == place:
                said = over(said, one)
    return said


def over(said: Content, one: Override) -> Content:
    """A content with what one place says otherwise; pure."""
    return Content(
        said.title if one.title is None else one.title,
        said.body if one.body is None else one.body,
        said.media if one.media is None else one.media,
        said.parts if one.parts is None else one.parts,
        said.price if one.price is None else one.price,
        tuple(sorted((dict(said.options) | dict(one.options)).items())),
    )


def versions(owner: Post) -> Iterator[tuple[str, Content]]:
    """What each place would say, by place; a platform's version and an account's are each read over the post alone."""
    said = written(owner)
    for one in read(owner):
        yield one.place, over(said, one)


def every_asset(media: Sequence[UUID], parts: Sequence[Piece], others: Sequence[Override]) -> list[UUID]:
    """Every picture of a post in any place, once each, those of the post itself first."""
    found = threads.assets(media, parts)
    for one in others:
        found += threads.assets(one.media or (), one.parts or ())
    return list(dict.fromkeys(found))


def choosing(owner: Post, channels: Sequence[Channel], channel: Channel, options: Chosen) -> tuple[Override, ...]:
    """What a post says otherwise, once it chooses these and nothing else on one of the `channels` it goes to.

    What its platform chose for several stays; of what is not chosen here any more each of the others speaks for itself.
    """
    found = {one.place: one for one in read(owner)}
    general = found.get(channel.platform, Override(channel.platform))
    left = {name: value for name, value in general.options if name not in dict(options)}
    found[general.place] = replace(general, options=tuple(one for one in general.options if one[0] not in left))
    for other in channels if left else ():
        if other.platform == channel.platform:
            own = found.get(str(other.id), Override(str(other.id)))
            found[own.place] = replace(own, options=chosen(left | dict(own.options)))
    own = found.get(str(channel.id), Override(str(channel.id)))
    found[own.place] = replace(own, options=options)
    return tuple(one for one in found.values() if not one.idle)


def prices(owner: Post) -> tuple[Override, ...]:
    """What single places ask for a post, and nothing else of what they say."""
    return tuple(Override(one.place, price=one.price) for one in read(owner) if one.price is not None)


def asked(owner: Post) -> tuple[Override, ...]:
    """What single places ask for a post and choose for it, and nothing else of what they say: a copy of it must
    not be free there, or shown to more people."""
    return tuple(
        Override(one.place, price=one.price, options=one.options)
        for one in read(owner)
        if one.price is not None or one.options
    )


def given_away(owner: Post, channel: Channel) -> bool:
    """Whether an account would show everybody what the same post is paid for elsewhere."""
    said = content(owner, channel)
    if said.price is not None:
        return False
    sold = (one for _, one in versions(owner) if one.price is not None)
    return not set(said.assets).isdisjoint(asset for one in sold for asset in one.assets)


def shows_pictures(owner: Post) -> bool:
    """Whether it shows a picture in any place; of a thread, with its first part."""
    return bool(owner.media) or any(one.media for one in read(owner))


def check(said: Content, others: Sequence[Override]) -> None:
    """Raise BadInput for words or parts that no post may have, anywhere; for too many places, and one said twice."""
    places = [one.place for one in others]
    if len(others) > MOST or len(set(places)) != len(places):
        raise BadInput("post.too_many_places", most=MOST)
    wrong = next((place for place in places if not 0 < len(place) <= LONGEST_PLACE or "\x00" in place), None)
    if wrong is not None:
        raise BadInput("post.no_such_place", place=wrong.replace("\x00", "")[:LONGEST_PLACE])
    if any(one.price is not None and not 0 < one.price.minor <= MOST_PRICE for one in others):
        raise BadInput("post.price_wrong")
    if any(_size(one.options) > MOST_OPTIONS for one in others):
        raise BadInput("option.too_much", most=MOST_OPTIONS)
    if any("\x00" in text for one in others for text in _texts(one.options)):
        raise BadInput("post.unwritable")
    for one in (said, *(over(said, other) for other in others)):
        if len(one.body) > MAX_BODY or len(one.title) > MAX_TITLE:
            raise BadInput("post.too_long", most=MAX_BODY)
        if "\x00" in one.title + one.body:
            raise BadInput("post.unwritable")
        threads.check(one.parts)


def _texts(chosen: Chosen) -> Iterator[str]:
    for name, value in chosen:
        yield name
        if not isinstance(value, bool):
            yield from (value,) if isinstance(value, str) else value


def _size(chosen: Chosen) -> int:
    return sum(len(text) + 1 for text in _texts(chosen))


def stored(others: Sequence[Override]) -> list[dict[str, Any]]:
    """The stored form, by place; what changes nothing is left out."""
    return [_stored(one) for one in sorted(others, key=lambda one: one.place) if not one.idle]


def _stored(one: Override) -> dict[str, Any]:
    said: dict[str, Any] = {"place": one.place, "title": one.title, "body": one.body}
    if one.media is not None:
        said["media"] = [str(asset) for asset in one.media]
    if one.parts is not None:
        said["parts"] = threads.stored(one.parts)
    if one.price is not None:
        said["price"] = {"minor": one.price.minor, "currency": one.price.currency}
    if one.options:
        said["options"] = dict(one.options)
    return {name: value for name, value in said.items() if value is not None}


def read(owner: Post) -> tuple[Override, ...]:
    """What a post says otherwise, by place."""
    return tuple(_read(one) for one in owner.overrides)


def _read(said: Mapping[str, Any]) -> Override:
    media, parts = said.get("media"), said.get("parts")
    return Override(
        said["place"],
        said.get("title"),
        said.get("body"),
        None if media is None else tuple(UUID(asset) for asset in media),
        None if parts is None else threads.pieces(parts),
        Money(**said["price"]) if "price" in said else None,
        chosen(said.get("options") or {}),
    )


def chosen(options: Mapping[str, Any]) -> Chosen:
    """Options as they are kept: by name, sorted, what is a list as a tuple."""
    return tuple(
        (name, tuple(value) if isinstance(value, list | tuple) else value) for name, value in sorted(options.items())
    )
