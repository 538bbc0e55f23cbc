"""The unit a delivery becomes on an account: its words and pictures as the place would show them, and the marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from channels import carrying
from channels.reads import Channel
from connectors import options
from connectors.capabilities import Capabilities
from foundation.database import Scope
from foundation.words import LANGUAGES, Message, say
from gate import minting
from gate.units import Medium, Subject, Text, Unit, above
from schedules import linking, overrides, threads
from schedules.models import Delivery, Post
from studio import library
from tenants import reads as tenant_reads

DELIVERY = "delivery"
"""The kind of subject this room carries."""


def subject(delivery_id: UUID) -> Subject:
    """What is carried."""
    return Subject(DELIVERY, delivery_id)


@dataclass(frozen=True)
class Matter:
    """What units are made of besides their post: its pictures by asset, and the languages its creator speaks."""

    media: Mapping[UUID, Medium]
    languages: Sequence[str]


def matter(scope: Scope, owner: Post, channels: Sequence[Channel]) -> Matter:
    """All of it for a post on these accounts, read at once. Raises NotFound for a picture that is missing."""
    shown = dict.fromkeys(asset for channel in channels for asset in overrides.content(owner, channel).assets)
    destination = channels[0].platform if len(channels) == 1 else "-"
    creator = tenant_reads.creator(scope, owner.creator_id)
    return Matter(library.media_of(scope, list(shown), destination), creator.languages)


def compose(scope: Scope, row: Delivery, owner: Post, channel: Channel, of: Matter) -> Unit:
    """The unit the platform would show of the post itself, without what follows it and without the gate's marks."""
    said = overrides.content(owner, channel)
    media = tuple(of.media[asset] for asset in said.media)
    texts = tuple(Text(field, body) for field, body in (("title", said.title), ("body", said.body)) if body)
    content = Unit(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        subject=subject(row.id),
        platform="",
        surface="",
        channel_id=channel.id,
        account="",
        audience="public",
        texts=texts,
        media=media,
        price=said.price,
        language=of.languages[0] if len(of.languages) == 1 else "",
        text_ai=owner.text_ai,
    )
    return placed(scope, content, channel, subject(row.id))


def compose_parts(first: Unit, owner: Post, channel: Channel, can: Capabilities, of: Matter) -> tuple[Unit, ...]:
    """Every part of a post as the place would show it, its addresses as they leave, without the gate's marks; pure."""
    said = overrides.content(owner, channel)
    parts = [(piece, tuple(of.media[asset] for asset in piece.media)) for piece in said.parts]
    first = replace(first, options=options.settings(said.options, can))
    return linking.dressed(linking.read(owner), channel, threads.units(first, parts, can))


def placed(scope: Scope, content: Unit, channel: Channel, about: Subject) -> Unit:
    """The same content on an account: all that a unit takes from where it goes."""
    return replace(
        content,
        subject=about,
        platform=channel.platform,
        surface=channel.surface,
        channel_id=channel.id,
        account=channel.account,
        destination=channel.destination,
        seen=channel.seen(scope.now),
        native_key=carrying.native_key(about, 0),
    )


def marked(scope: Scope, unit: Unit) -> Unit:
    """With the marks of its place; where only words can say what a model made, in a language of the creator."""

    return minting.marked(scope, unit, line=lambda: ai_line(scope, unit.creator_id))


def marked_parts(scope: Scope, raw: Sequence[Unit]) -> tuple[Unit, ...]:
    """The parts of a post with the marks of their place, each with those above it as they leave."""
    found: list[Unit] = []
    for one in raw:
        found.append(marked(scope, replace(one, before=above(found))))
    return tuple(found)


def ai_line(scope: Scope, creator_id: UUID) -> str:
    """The words that say a model made it, in a language of the creator."""
    return ai_line_in(tenant_reads.creator(scope, creator_id).languages)


def ai_line_in(languages: Sequence[str]) -> str:
    """The same of a creator who speaks these languages; pure."""
    spoken = [one for one in languages if one in LANGUAGES]
    return say(Message("delivery.made_with_ai"), (spoken or LANGUAGES)[0])
