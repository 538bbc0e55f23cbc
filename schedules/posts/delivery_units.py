"""The unit a delivery becomes on an account: its words and pictures as the place would show them,
and the marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from channels.accounts.queries import Channel
from channels.sending import step_runner
from connectors.contract.capabilities import Capabilities
from connectors.shared import options
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.contract.units import Medium, Subject, Text, Unit, as_earlier_parts
from gate.permits import issuance
from schedules.posts import channel_overrides, link_tracking, thread_parts
from schedules.posts.models import Delivery, Post
from studio.library import assets
from tenants.agencies import queries

DELIVERY_SUBJECT = "delivery"
"""The kind of subject this room carries."""


def delivery_subject(delivery_id: UUID) -> Subject:
    """What is carried."""
    return Subject(DELIVERY_SUBJECT, delivery_id)


@dataclass(frozen=True)
class UnitMaterial:
    """What units are made of besides their post: its pictures by asset, and the languages its
    creator speaks."""

    media: Mapping[UUID, Medium]
    languages: Sequence[str]


def load_unit_material(scope: Scope, owner: Post, channels: Sequence[Channel]) -> UnitMaterial:
    """All of it for a post on these accounts, read at once. Raises NotFound for a picture that is
    missing."""
    shown = dict.fromkeys(
        asset
        for channel in channels
        for asset in channel_overrides.content_for_channel(owner, channel).all_assets
    )
    destination = channels[0].platform if len(channels) == 1 else "-"
    creator = queries.get_creator(scope, owner.creator_id)
    return UnitMaterial(assets.get_renditions(scope, list(shown), destination), creator.languages)


def compose_unit(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, of: UnitMaterial
) -> Unit:
    """The unit the platform would show of the post itself, without what follows it and without the
    gate's marks."""
    said = channel_overrides.content_for_channel(owner, channel)
    media = tuple(of.media[asset] for asset in said.media)
    texts = tuple(
        Text(field, body) for field, body in (("title", said.title), ("body", said.body)) if body
    )
    content = Unit(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        subject=delivery_subject(row.id),
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
    return place_on_channel(scope, content, channel, delivery_subject(row.id))


def compose_thread_units(
    first: Unit, owner: Post, channel: Channel, can: Capabilities, of: UnitMaterial
) -> tuple[Unit, ...]:
    """Every part of a post as the place would show it, its addresses as they leave, without the
    gate's marks; pure."""
    said = channel_overrides.content_for_channel(owner, channel)
    parts = [(piece, tuple(of.media[asset] for asset in piece.media)) for piece in said.parts]
    first = replace(first, options=options.option_settings(said.options, can))
    return link_tracking.apply_link_plan(
        link_tracking.link_plan_of_post(owner),
        channel,
        thread_parts.build_thread_units(first, parts, can),
    )


def place_on_channel(scope: Scope, content: Unit, channel: Channel, about: Subject) -> Unit:
    """The same content on an account: all that a unit takes from where it goes."""
    return replace(
        content,
        subject=about,
        platform=channel.platform,
        surface=channel.surface,
        channel_id=channel.id,
        account=channel.account,
        destination=channel.destination_id,
        seen=channel.destination_facts(scope.now),
        native_key=step_runner.native_key_of(about, 0),
    )


def mark_unit(scope: Scope, unit: Unit) -> Unit:
    """With the marks of its place; where only words can say what a model made, in a language of the
    creator."""

    return issuance.with_required_marks(
        scope, unit, line=lambda: ai_disclosure_line(scope, unit.creator_id)
    )


def mark_units(scope: Scope, raw: Sequence[Unit]) -> tuple[Unit, ...]:
    """The parts of a post with the marks of their place, each with those above it as they leave."""
    found: list[Unit] = []
    for one in raw:
        found.append(mark_unit(scope, replace(one, before=as_earlier_parts(found))))
    return tuple(found)


def ai_disclosure_line(scope: Scope, creator_id: UUID) -> str:
    """The words that say a model made it, in a language of the creator."""
    return ai_disclosure_line_in(queries.get_creator(scope, creator_id).languages)


def ai_disclosure_line_in(languages: Sequence[str]) -> str:
    """The same of a creator who speaks these languages; pure."""
    spoken = [one for one in languages if one in LANGUAGES]
    return render_message(Message("delivery.made_with_ai"), (spoken or LANGUAGES)[0])
