"""Caption proposals: requested while a member writes a post; the member picks the texts to use."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from gate.surfaces.model_texts import load_text_judge
from generators.contract.engines import OriginLabel
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.prompts import CaptionFailure, CaptionOffer
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.models import TextKit
from schedules.suggestions.shared import request_rows
from schedules.suggestions.shared.stored_briefs import dump_brief, load_brief
from schedules.suggestions.shared.text_rules import allowed_tone
from studio.library import assets

MAX_PENDING = 3
"""Maximum number of pending caption sets of one creator."""


@dataclass(frozen=True)
class CaptionSet:
    """A caption request with its result; `written` is True once a model has processed it."""

    id: UUID
    draft: UUID
    """The future ID of the post being written."""
    wish: CaptionSetBrief
    written: bool
    offers: Sequence[CaptionOffer]
    lacks: Sequence[CaptionFailure]


def request_captions(scope: Scope, wish: CaptionSetBrief, *, draft: UUID, key: UUID) -> UUID:
    """Request captions once per `key` for the post being written as `draft`.

    A model writes them soon after. Raises BadInput for an invalid brief, NotFound for an image or
    account that is not the creator's, Conflict if too many sets are pending.
    """
    assets.lock_library(scope, "kit", wish.creator_id)
    known = request_rows.find_by_key(scope, TextKit, key)
    if known is not None:
        return known
    judge = load_text_judge(scope, "model.suggestion")
    wish.check_brief(judge)
    wish = replace(wish, tone=allowed_tone(judge, wish.tone))
    if wish.asset is not None:
        assets.check_assets_owned(scope, wish.creator_id, [wish.asset])
    if not set(wish.places) <= {
        one.id for one in queries.list_creator_channels(scope, wish.creator_id)
    }:
        raise NotFound("channel.unknown", channel="-")
    if (
        request_rows.count_unwritten(scope, TextKit, wish.creator_id, limit=MAX_PENDING)
        >= MAX_PENDING
    ):
        raise Conflict("kit.busy")
    row = TextKit(
        tenant_id=scope.tenant_id,
        creator_id=wish.creator_id,
        key=str(key),
        draft=draft,
        by=scope.actor,
        wish=dump_brief(wish),
    )
    return request_rows.put_request(scope, row, CaptionSetDue(scope.tenant_id, row.id))


def latest_captions(scope: Scope, creator_id: UUID, draft: UUID) -> CaptionSet | None:
    """Return the latest caption set that the acting member requested for a draft, or None."""
    rows = request_rows.list_latest(
        scope, TextKit, creator_id, TextKit.draft == draft, TextKit.by == scope.actor
    )
    return _caption_set_from_row(rows[0]) if rows else None


def get_captions(scope: Scope, creators: Collection[UUID], kit_id: UUID) -> CaptionSet:
    """Return a caption set of one of these creators. Raises NotFound, also for other creators'
    sets."""
    return _caption_set_from_row(
        request_rows.get_row_of(scope, TextKit, creators, kit_id, unknown="kit.unknown")
    )


def pending_captions(scope: Scope, kit_id: UUID) -> CaptionSet | None:
    """Return a caption set that is not written yet, or None if it is written or unknown."""
    row = request_rows.get_unwritten(scope, TextKit, kit_id)
    return _caption_set_from_row(row) if row is not None else None


def count_earlier_sets(scope: Scope, creator_id: UUID, kit_id: UUID) -> int:
    """Return the number of stored sets of the creator that were requested before this one."""
    return int(
        scope.run(
            "SELECT count(*) FROM text_kits WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND id < :kit",
            tenant=scope.tenant_id,
            creator=creator_id,
            kit=kit_id,
        ).scalar_one()
    )


def store_captions(
    scope: Scope, kit_id: UUID, parts: Sequence[CaptionOffer | CaptionFailure]
) -> list[UUID]:
    """Store the texts of a set and the reasons for missing ones, unless it is already written.

    Returns the draft as the subject whose texts are used, if a model wrote any of them.
    """
    row = request_rows.lock_unwritten(scope, TextKit, kit_id)
    if row is None:
        return []
    row.offers = [asdict(one) for one in parts if isinstance(one, CaptionOffer)]
    row.lacks = [
        {"field": one.field, "of": one.of, **one.why.to_json()}
        for one in parts
        if isinstance(one, CaptionFailure)
    ]
    row.written_at = scope.now
    scope.add(row)
    by_model = any(one["label"] != OriginLabel.TEMPLATE for one in row.offers)
    return [row.draft] if by_model else []


def _caption_set_from_row(row: TextKit) -> CaptionSet:
    return CaptionSet(
        row.id,
        row.draft,
        load_brief(CaptionSetBrief, row.creator_id, row.wish),
        row.written_at is not None,
        [
            CaptionOffer(one["field"], one["text"], one["of"], one.get("label", ""))
            for one in row.offers
        ],
        [_failure_from_json(one) for one in row.lacks],
    )


def _failure_from_json(kept: dict[str, Any]) -> CaptionFailure:
    return CaptionFailure(kept["field"], Message.from_json(kept), kept["of"])
