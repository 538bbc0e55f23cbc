"""How ideas are generated: one question each, and none after a reason that holds for all of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from generators.contract.engines import OriginLabel, TextEngine
from schedules.suggestions.ideas import prompts, proposals
from schedules.suggestions.ideas.brief import IDEAS_PER_REQUEST
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.ideas.proposals import IdeaBatch
from schedules.suggestions.shared import recent_texts, text_rules
from schedules.suggestions.shared.engine import CostSessions
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import TextPurpose
from tenants.agencies import queries as tenant_reads

_FINAL_REASONS = {
    *("kit.no_model", "engine.server_down", "engine.server_refused", "engine.not_ready", "engine.model_missing"),
    "spending.cap_reached",
}
"""Reasons that hold for every further question too: a server that does not answer would be waited for five times."""


@dataclass(frozen=True)
class IdeaRequest:
    """Ideas to write, and what the prompts need beside the brief. `before` are titles proposed earlier, oldest first."""

    batch: IdeaBatch
    creator: str
    rules: TextRules
    before: Sequence[str]

    @property
    def creator_id(self) -> UUID:
        """The creator they are written for."""
        return self.batch.brief.creator_id


@dataclass(frozen=True)
class IdeaKind:
    """Ideas, as `shared.engine` generates them. A part is an idea, or the reason why one is missing."""

    actor: ClassVar[str] = "system:ideas"
    purpose: ClassVar[TextPurpose] = TextPurpose.IDEAS

    def load_request(self, scope: Scope, request_id: UUID) -> IdeaRequest | None:
        """Return a batch that is not written yet, with what the creator posted and was proposed lately."""
        batch = proposals.pending_ideas(scope, request_id)
        if batch is None:
            return None
        creator = tenant_reads.get_creator(scope, batch.brief.creator_id)
        posted = text_rules.known_texts(recent_texts.list_recent_texts(scope, creator.id))
        rules = TextRules(batch.brief.language, batch.brief.forbidden, posted)
        return IdeaRequest(batch, creator.name, rules, proposals.recent_idea_titles(scope, creator.id)[::-1])

    def write_parts(self, request: IdeaRequest, engine: TextEngine, sessions: CostSessions) -> Iterator[Idea | Message]:
        """Ask for one idea after the other, each time with the titles that were proposed already."""
        batch, titles = request.batch, list(request.before)
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

    def store_parts(self, scope: Scope, request: IdeaRequest, parts: Sequence[Idea | Message]) -> Collection[UUID]:
        """Store the ideas, and each reason why there are fewer, once."""
        ideas = [one for one in parts if isinstance(one, Idea)]
        reasons: list[Message] = []
        for one in parts:
            if isinstance(one, Message) and one not in reasons:
                reasons.append(one)
        label = ideas[0].label if ideas else str(OriginLabel.NONE)
        stored = proposals.store_ideas(scope, request.batch.id, ideas, reasons, label=label)
        return [request.batch.id] if stored and ideas else []

    def store_failure(self, scope: Scope, request_id: UUID, reason: Message) -> bool:
        """End the batch without ideas."""
        proposals.store_ideas(scope, request_id, [], [reason])
        return True
