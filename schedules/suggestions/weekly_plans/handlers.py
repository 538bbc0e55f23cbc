"""Words for a proposed week, from the engine there is. No transaction is open while it writes."""

from collections.abc import Callable
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.ids import derived_uuid
from foundation.outbox.heartbeat import heartbeat
from generators.contract.engines import TextEngine
from schedules.suggestions.events import WeekTextsDue
from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans import prompts, proposals
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from tenants.agencies import queries as tenant_reads

WRITING = "system:week"


def generate_week_texts(
    event: WeekTextsDue, *, tenant: OpenScope, engine: Callable[[], TextEngine], billing: TextBilling = FREE_BILLING
) -> None:
    """Write each line that still has the brief's own words; a repeat after a crash writes what is missing.
    `billing` says what models cost.

    Where no model is there, or its words are not fit, the brief's own words stay, and are said to be that.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        found = proposals.pending_week(scope, event.subject_id)
        creator = tenant_reads.get_creator(scope, found.brief.creator_id).name if found is not None else ""
    if found is None:
        return
    words: dict[UUID, tuple[int, str]] = {}
    sittings: dict[UUID, TextSession] = {}
    with heartbeat() as pulse:
        for line in found.lines:
            pulse.check_lease()
            if line.state is not WeekLineState.PROPOSED or line.words_by != "brief":
                continue
            seed = derived_uuid(line.id, "words").int % 2**31
            sitting = TextSession(tenant, event.tenant_id, found.brief.creator_id, TextPurpose.WEEK, line.id, billing)
            text = prompts.write_line_text(
                sitting.counted_engine(engine()), found.brief, creator, line.topic, seed=seed
            )
            if text is not None:
                words[line.id], sittings[line.id] = (line.version, text), sitting
    with tenant(event.tenant_id, WRITING) as scope:
        for line_id in proposals.store_week_texts(scope, event.subject_id, words):
            sittings[line_id].mark_used(scope)
