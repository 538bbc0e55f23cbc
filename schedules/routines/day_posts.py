"""The posts of a creator's day: a picture, a caption, and a draft delivery on each channel.

Every function is idempotent, so that an interrupted day continues. None approves or schedules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.ops.wall_time import WallTime
from gate.surfaces.model_texts import load_text_judge
from generators import registry
from generators.contract.engines import TextEngine
from schedules.posts import deliveries
from schedules.posts.queries import post_ids_by_origin_key
from studio.costs.text_requests import TextBilling, TextPurpose, TextSession, draft_subject
from studio.library import assets, captions
from studio.library.captions import CaptionStyle, WrittenCaption
from tenants.agencies.queries import Creator

TEXT_LANGUAGES = ("fr", "en")


@dataclass(frozen=True)
class DayPost:
    """A post to create, once per origin and key; `actor` is its author, `theme` is added to the
    picture's description for the caption."""

    creator: Creator
    origin: str
    key: str
    asset_id: UUID
    seed: int
    actor: str
    style: CaptionStyle
    theme: str = ""


@dataclass(frozen=True)
class CaptionWriter:
    """The text engine of a process, with the prices of its requests."""

    engine: Callable[[], TextEngine]
    billing: TextBilling


@dataclass(frozen=True)
class CreatedPost:
    """A post of the day. `caption` is None if the post existed."""

    post_id: UUID
    caption: WrittenCaption | None


def caption_style(creator: Creator, tone: str, language: str = "") -> CaptionStyle:
    """Return the caption style of a creator; without `language`, in the creator's first language
    that captions support."""
    ours = next((one for one in creator.languages if one in TEXT_LANGUAGES), TEXT_LANGUAGES[0])
    return CaptionStyle(creator.name, tone, language or ours, virtual=creator.kind == "virtual")


def create_day_post(
    tenant: OpenScope, tenant_id: UUID, wanted: DayPost, writer: CaptionWriter
) -> CreatedPost:
    """Write the caption of a picture and create its post. No transaction is open while the engine
    writes. Raises NotFound for an unknown asset, and EngineError."""
    with tenant(tenant_id, wanted.actor) as scope:
        known = find_day_post(scope, wanted.origin, wanted.key)
        if known is not None:
            return CreatedPost(known, None)
        item = assets.get_asset(scope, wanted.asset_id)
        judge = load_text_judge(scope, "model.suggestion")
    session = TextSession(
        tenant,
        tenant_id,
        wanted.creator.id,
        TextPurpose.POST,
        draft_subject(wanted.origin, wanted.key),
        writer.billing,
    )
    subject = item.prompt or item.alt or wanted.creator.name
    caption = captions.write_caption(
        session.counted_engine(writer.engine()),
        registry.template_engine(),
        voice=wanted.style,
        scene=", ".join(filter(None, (subject, wanted.theme))),
        seed=wanted.seed,
        judge=judge,
    )
    with tenant(tenant_id, wanted.actor) as scope:
        post_id = deliveries.create_post(
            scope,
            creator_id=wanted.creator.id,
            title="",
            body=caption.text,
            media=[wanted.asset_id],
            origin=wanted.origin,
            origin_key=wanted.key,
            author=wanted.actor,
            text_ai=caption.ai,
        )
        if caption.ai == "generated":
            session.mark_used(scope)
    return CreatedPost(post_id, caption)


def find_day_post(scope: Scope, origin: str, key: str) -> UUID | None:
    """Return the post of an origin and key, or None."""
    return post_ids_by_origin_key(scope, origin, key).get(key)


def add_draft_deliveries(
    scope: Scope, post_id: UUID, channels: Iterable[UUID], at: WallTime
) -> None:
    """Create the draft deliveries of a post on these channels at a local time."""
    for channel_id in channels:
        deliveries.create_delivery(scope, post_id, channel_id, at=at)
