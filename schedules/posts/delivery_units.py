"""The units that a delivery becomes on an account: texts, pictures and required marks."""

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
"""The subject kind of a delivery."""


def delivery_subject(delivery_id: UUID) -> Subject:
    """Return the subject of a delivery."""
    return Subject(DELIVERY_SUBJECT, delivery_id)


@dataclass(frozen=True)
class UnitMaterial:
    """Data from which units are composed besides the post: pictures by asset, and the creator's
    languages."""

    media: Mapping[UUID, Medium]
    languages: Sequence[str]


def load_unit_material(scope: Scope, owner: Post, channels: Sequence[Channel]) -> UnitMaterial:
    """Load the pictures of a post on these accounts and the languages of its creator.

    Raises NotFound if a picture is missing.
    """
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
    """Compose the unit of a post's first part, without its thread and required marks."""
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
    """Compose the units of all parts of a post on an account, with replaced links; pure.

    The marks that the platform requires are added by `mark_units`.
    """
    said = channel_overrides.content_for_channel(owner, channel)
    parts = [(piece, tuple(of.media[asset] for asset in piece.media)) for piece in said.parts]
    first = replace(first, options=options.option_settings(said.options, can))
    return link_tracking.apply_link_plan(
        link_tracking.link_plan_of_post(owner),
        channel,
        thread_parts.build_thread_units(first, parts, can),
    )


def place_on_channel(scope: Scope, content: Unit, channel: Channel, about: Subject) -> Unit:
    """Return the unit with the fields that depend on its account."""
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
    """Return the unit with the marks that its platform requires.

    If AI content can only be disclosed in the text, the disclosure line is in a language of the
    creator.
    """

    return issuance.with_required_marks(
        scope, unit, line=lambda: ai_disclosure_line(scope, unit.creator_id)
    )


def mark_units(scope: Scope, raw: Sequence[Unit]) -> tuple[Unit, ...]:
    """Return the units of a post with their required marks; each refers to the parts before it."""
    found: list[Unit] = []
    for one in raw:
        found.append(mark_unit(scope, replace(one, before=as_earlier_parts(found))))
    return tuple(found)


def ai_disclosure_line(scope: Scope, creator_id: UUID) -> str:
    """Return the AI disclosure line in a language of the creator."""
    return ai_disclosure_line_in(queries.get_creator(scope, creator_id).languages)


def ai_disclosure_line_in(languages: Sequence[str]) -> str:
    """Return the AI disclosure line in the first of these languages that is supported; pure."""
    spoken = [one for one in languages if one in LANGUAGES]
    return render_message(Message("delivery.made_with_ai"), (spoken or LANGUAGES)[0])
