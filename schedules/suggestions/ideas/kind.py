"""Generate ideas with one prompt each; stop after a reason that would affect all of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from gate.surfaces.model_texts import load_text_judge
from generators.contract.engines import TextEngine
from schedules.suggestions.ideas import prompts, proposals
from schedules.suggestions.ideas.brief import IDEAS_PER_REQUEST
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.ideas.proposals import IdeaBatch
from schedules.suggestions.shared import recent_texts, text_rules
from schedules.suggestions.shared.engine import CostSessions
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import TextPurpose
from tenants.agencies import queries

_FINAL_REASONS = {
    *(
        "kit.no_model",
        "engine.server_down",
        "engine.unreachable",
        "engine.server_refused",
        "engine.not_ready",
        "engine.model_missing",
    ),
    "spending.cap_reached",
}
"""Reasons that affect every further prompt: waiting for an unreachable server once is enough."""


@dataclass(frozen=True)
class IdeaRequest:
    """Ideas to write, and the data that the prompts need besides the brief."""

    batch: IdeaBatch
    creator_id: UUID
    creator: str
    rules: TextRules
    before: Sequence[str]
    """Titles proposed in earlier batches, oldest first."""


@dataclass(frozen=True)
class IdeaKind:
    """Ideas for `shared.engine`. Each part is an idea, or the reason why one is missing."""

    actor: ClassVar[str] = "system:ideas"
    purpose: ClassVar[TextPurpose] = TextPurpose.IDEAS

    def load_request(self, scope: Scope, request_id: UUID) -> IdeaRequest | None:
        """Return a batch that is not written yet, with the latest posts and proposals."""
        batch = proposals.pending_ideas(scope, request_id)
        if batch is None:
            return None
        creator = queries.get_creator(scope, batch.brief.creator_id)
        posted = text_rules.known_texts(recent_texts.list_recent_texts(scope, creator.id))
        judge = load_text_judge(scope, "model.suggestion")
        rules = TextRules(batch.brief.language, judge, batch.brief.forbidden, posted)
        before = proposals.recent_idea_titles(scope, creator.id)[::-1]
        return IdeaRequest(batch, creator.id, creator.name, rules, before)

    def write_parts(
        self, request: IdeaRequest, engine: TextEngine, sessions: CostSessions
    ) -> Iterator[Idea | Message]:
        """Request one idea after another, passing the titles proposed so far."""
        batch = request.batch
        titles = list(request.before)
        seed = derived_uuid(batch.id, "ideas").int % 2**30
        model = sessions.counted_engine(engine, batch.id)
        for number in range(IDEAS_PER_REQUEST):
            found = prompts.write_idea(
                model,
                batch.brief,
                request.creator,
                request.rules,
                number=number,
                before=titles,
                seed=seed + 10 * number,
            )
            yield found
            if isinstance(found, Idea):
                titles.append(found.title)
            elif found.code in _FINAL_REASONS:
                return

    def store_parts(
        self, scope: Scope, request_id: UUID, parts: Sequence[Idea | Message]
    ) -> Collection[UUID]:
        return proposals.store_ideas(scope, request_id, parts)

    def failure_part(self, reason: Message) -> Message:
        return reason
