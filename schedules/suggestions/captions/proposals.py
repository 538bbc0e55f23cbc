"""Texts by a model around one idea: asked for while a post is written, and offered. A person picks what is taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.accounts import queries as channel_reads
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from schedules.suggestions.captions import brief
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.prompts import CaptionFailure, CaptionOffer
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.models import TextKit
from schedules.suggestions.shared.request_rows import (
    count_unwritten,
    find_by_key,
    get_row_of,
    get_unwritten,
    list_latest,
    lock_unwritten,
    put_request,
)
from studio.library import assets

MAX_PENDING = 3
"""Kits of one creator that are asked for and not written yet."""


@dataclass(frozen=True)
class CaptionSet:
    """What was asked for and what came of it; `written` once a model was asked, whatever it could write."""

    id: UUID
    draft: UUID
    """The id that the post will be known by."""
    wish: CaptionSetBrief
    written: bool
    offers: Sequence[CaptionOffer]
    lacks: Sequence[CaptionFailure]


def request_captions(scope: Scope, wish: CaptionSetBrief, *, draft: UUID, key: UUID) -> UUID:
    """Ask for texts once per `key`, for the post that is being written as `draft`; they come soon after.

    Raises BadInput for a wish nobody could write from, NotFound for a picture or an account that is not hers, and
    Conflict while too many are being written.
    """
    assets.lock_library(scope, "kit", wish.creator_id)
    known = find_by_key(scope, TextKit, key)
    if known is not None:
        return known
    wish.check_brief()
    if wish.asset is not None:
        assets.check_assets_owned(scope, wish.creator_id, [wish.asset])
    if not set(wish.places) <= {one.id for one in channel_reads.list_creator_channels(scope, wish.creator_id)}:
        raise NotFound("channel.unknown", channel="-")
    if count_unwritten(scope, TextKit, wish.creator_id, limit=MAX_PENDING) >= MAX_PENDING:
        raise Conflict("kit.busy")
    row = TextKit(
        tenant_id=scope.tenant_id,
        creator_id=wish.creator_id,
        key=str(key),
        draft=draft,
        by=scope.actor,
        wish=brief.dump_brief(wish),
    )
    return put_request(scope, row, CaptionSetDue(scope.tenant_id, row.id))


def latest_captions(scope: Scope, creator_id: UUID, draft: UUID) -> CaptionSet | None:
    """The last kit that the acting member asked for on a page; None where they asked for none."""
    rows = list_latest(scope, TextKit, creator_id, TextKit.draft == draft, TextKit.by == scope.actor)
    return _caption_set_from_row(rows[0]) if rows else None


def get_captions(scope: Scope, creators: Collection[UUID], kit_id: UUID) -> CaptionSet:
    """A kit of one of these creators. Raises NotFound, in the same words for none and another's."""
    return _caption_set_from_row(get_row_of(scope, TextKit, creators, kit_id, unknown="kit.unknown"))


def pending_captions(scope: Scope, kit_id: UUID) -> CaptionSet | None:
    """A kit that no model was asked for yet; None once one was, or for an unknown one."""
    row = get_unwritten(scope, TextKit, kit_id)
    return _caption_set_from_row(row) if row is not None else None


def store_captions(scope: Scope, kit_id: UUID, offers: Sequence[CaptionOffer], lacks: Sequence[CaptionFailure]) -> bool:
    """Keep what was written, and why the rest was not; of two that write at once the first counts. Whether it did."""
    row = lock_unwritten(scope, TextKit, kit_id)
    if row is None:
        return False
    row.offers = [{"field": one.field, "text": one.text, "of": one.of, "label": one.label} for one in offers]
    row.lacks = [
        {"field": one.field, "of": one.of, "code": one.why.code, "params": dict(one.why.params)} for one in lacks
    ]
    row.written_at = scope.now
    scope.add(row)
    return True


def _caption_set_from_row(row: TextKit) -> CaptionSet:
    return CaptionSet(
        row.id,
        row.draft,
        brief.load_brief(row.creator_id, row.wish),
        row.written_at is not None,
        [CaptionOffer(one["field"], one["text"], one["of"], one.get("label", "")) for one in row.offers],
        [_failure_from_json(one) for one in row.lacks],
    )


def _failure_from_json(kept: dict[str, Any]) -> CaptionFailure:
    return CaptionFailure(kept["field"], Message(kept["code"], kept["params"]), kept["of"])
