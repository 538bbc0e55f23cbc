"""Idea proposals: a member requests them from the results of earlier posts, and uses or dismisses
them one by one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from gate.surfaces.model_texts import load_text_judge
from schedules.posts.live_posts import PostFormat
from schedules.suggestions.events import IdeasDue
from schedules.suggestions.ideas.brief import IdeaBrief
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.models import IdeaRound
from schedules.suggestions.shared import request_rows
from schedules.suggestions.shared.results import InspiringPost
from schedules.suggestions.shared.stored_briefs import dump_brief, load_brief
from studio.library import assets

MAX_EARLIER = 40
"""Maximum number of earlier titles that are not proposed again."""


@dataclass(frozen=True)
class IdeaBatch:
    """An idea request with its result; `written` is True once a model has processed it.

    `dismissed` contains indexes of ideas.
    """

    id: UUID
    brief: IdeaBrief
    written: bool
    ideas: Sequence[Idea]
    lacks: Sequence[Message]
    dismissed: frozenset[int]
    label: str

    @property
    def open_ideas(self) -> list[tuple[int, Idea]]:
        """The ideas that are not dismissed, with their indexes."""
        return [
            (number, one) for number, one in enumerate(self.ideas) if number not in self.dismissed
        ]

    def inspiring_post(self, idea: Idea) -> InspiringPost | None:
        """Return the earlier post that inspired an idea, or None."""
        return self.brief.results.best[idea.of] if idea.of is not None else None


def request_ideas(scope: Scope, brief: IdeaBrief, *, key: UUID) -> UUID:
    """Request ideas once per `key`; a model writes them soon after.

    Raises BadInput for an unsupported language, Conflict while a batch of the creator is pending.
    """
    assets.lock_library(scope, "ideas", brief.creator_id)
    known = request_rows.find_by_key(scope, IdeaRound, key)
    if known is not None:
        return known
    shown = brief.bounded_for_model(load_text_judge(scope, "model.suggestion"))
    if request_rows.count_unwritten(scope, IdeaRound, brief.creator_id, limit=1):
        raise Conflict("idea.busy")
    row = IdeaRound(
        tenant_id=scope.tenant_id,
        creator_id=brief.creator_id,
        key=str(key),
        by=scope.actor,
        brief=dump_brief(shown),
    )
    return request_rows.put_request(scope, row, IdeasDue(scope.tenant_id, row.id))


def latest_ideas(scope: Scope, creator_id: UUID) -> IdeaBatch | None:
    """Return the latest batch of a creator, or None."""
    rows = request_rows.list_latest(scope, IdeaRound, creator_id)
    return _idea_batch_from_row(rows[0]) if rows else None


def get_ideas(scope: Scope, creators: Collection[UUID], round_id: UUID) -> IdeaBatch:
    """Return a batch of one of these creators. Raises NotFound, also for other creators'
    batches."""
    return _idea_batch_from_row(
        request_rows.get_row_of(scope, IdeaRound, creators, round_id, unknown="idea.unknown")
    )


def pending_ideas(scope: Scope, round_id: UUID) -> IdeaBatch | None:
    """Return a batch that is not written yet, or None if it is written or unknown."""
    row = request_rows.get_unwritten(scope, IdeaRound, round_id)
    return _idea_batch_from_row(row) if row is not None else None


def recent_idea_titles(scope: Scope, creator_id: UUID) -> list[str]:
    """Return recently proposed titles of a creator, newest first."""
    rows = scope.session.exec(
        select(IdeaRound.ideas)
        .where(IdeaRound.tenant_id == scope.tenant_id, IdeaRound.creator_id == creator_id)
        .order_by(col(IdeaRound.created_at).desc())
        .limit(MAX_EARLIER)
    ).all()
    return [each["title"] for found in rows for each in found][:MAX_EARLIER]


def store_ideas(scope: Scope, round_id: UUID, parts: Sequence[Idea | Message]) -> list[UUID]:
    """Store the ideas of a batch and the distinct reasons for missing ones, unless it is already
    written.

    Returns the batch as the subject whose texts are used, if there are any.
    """
    row = request_rows.lock_unwritten(scope, IdeaRound, round_id)
    if row is None:
        return []
    ideas = [one for one in parts if isinstance(one, Idea)]
    row.ideas = [
        {
            "title": one.title,
            "pitch": one.pitch,
            "form": str(one.form),
            "tags": list(one.tags),
            "of": one.of,
        }
        for one in ideas
    ]
    reasons = [one.to_json() for one in parts if isinstance(one, Message)]
    row.lacks = [one for number, one in enumerate(reasons) if one not in reasons[:number]]
    row.label = ideas[0].label if ideas else ""
    row.written_at = scope.now
    scope.add(row)
    return [row.id] if ideas else []


def dismiss_idea(scope: Scope, creators: Collection[UUID], round_id: UUID, number: int) -> None:
    """Dismiss an idea for all members. Raises NotFound for batches of other creators."""
    row = request_rows.lock_row(scope, IdeaRound, round_id)
    if row is None or row.creator_id not in creators or not 0 <= number < len(row.ideas):
        raise NotFound("idea.unknown")
    row.dismissed = sorted({*row.dismissed, number})
    scope.add(row)


def _idea_batch_from_row(row: IdeaRound) -> IdeaBatch:
    return IdeaBatch(
        row.id,
        load_brief(IdeaBrief, row.creator_id, row.brief),
        row.written_at is not None,
        [_idea_from_json(kept, row.label) for kept in row.ideas],
        [Message.from_json(kept) for kept in row.lacks],
        frozenset(row.dismissed),
        row.label,
    )


def _idea_from_json(kept: dict[str, Any], label: str) -> Idea:
    return Idea(
        kept["title"],
        kept["pitch"],
        PostFormat(kept["form"]),
        tuple(kept["tags"]),
        kept["of"],
        label,
    )
