"""Generate the texts of a proposed week: one prompt for each post that still has the text of the
brief."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from gate.surfaces.model_texts import TextJudge, load_text_judge
from generators.contract.engines import TextEngine
from schedules.suggestions.shared.engine import CostSessions
from schedules.suggestions.weekly_plans import prompts, proposals
from schedules.suggestions.weekly_plans.brief import WeekBrief
from schedules.suggestions.weekly_plans.proposals import WeekLineView
from studio.costs.text_requests import TextPurpose
from tenants.agencies import queries


@dataclass(frozen=True)
class WeekTextsRequest:
    """A proposed week, and its posts that need a text."""

    brief: WeekBrief
    creator_id: UUID
    creator: str
    lines: Sequence[WeekLineView]
    judge: TextJudge


@dataclass(frozen=True)
class WeekLineText:
    """The text for a post in the version that was read, or None if no model wrote a usable one."""

    line: WeekLineView
    text: str | None


@dataclass(frozen=True)
class WeekTextsKind:
    """The texts of a week for `shared.engine`. Each part is the text of one post.

    A post without a usable text keeps the text of the brief, so there is no failure to store.
    """

    actor: ClassVar[str] = "system:week"
    purpose: ClassVar[TextPurpose] = TextPurpose.WEEK

    def load_request(self, scope: Scope, request_id: UUID) -> WeekTextsRequest | None:
        """Return a week that is not written yet. A week without posts to write is marked as
        written."""
        week = proposals.pending_week(scope, request_id)
        if week is None:
            return None
        lines = [one for one in week.open_lines if one.words_by == "brief"]
        if not lines:
            proposals.store_week_texts(scope, request_id, {})
            return None
        judge = load_text_judge(scope, "model.suggestion")
        creator = queries.get_creator(scope, week.brief.creator_id)
        return WeekTextsRequest(week.brief, creator.id, creator.name, lines, judge)

    def write_parts(
        self, request: WeekTextsRequest, engine: TextEngine, sessions: CostSessions
    ) -> Iterator[WeekLineText]:
        """Write one text after another; each is billed separately."""
        for line in request.lines:
            seed = derived_uuid(line.id, "words").int % 2**31
            model = sessions.counted_engine(engine, line.id)
            text = prompts.write_line_text(
                model,
                request.brief,
                request.creator,
                line.topic,
                seed=seed,
                judge=request.judge,
            )
            yield WeekLineText(line, text)

    def store_parts(
        self, scope: Scope, request_id: UUID, parts: Sequence[WeekLineText]
    ) -> Collection[UUID]:
        texts = {one.line.id: (one.line.version, one.text) for one in parts if one.text is not None}
        return proposals.store_week_texts(scope, request_id, texts)

    def failure_part(self, reason: Message) -> None:
        return None
