"""Writes the ideas somebody asked for, by the engine there is. No transaction is open while it writes."""

from collections.abc import Callable

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox.heartbeat import heartbeat
from generators.contract.engines import EngineError, OriginLabel, TextEngine
from schedules.suggestions.events import IdeasDue
from schedules.suggestions.ideas import prompts, proposals
from schedules.suggestions.ideas.brief import IDEAS_PER_REQUEST
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.ideas.proposals import IdeaBatch
from schedules.suggestions.shared import recent_texts, text_rules
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from tenants.agencies import queries as tenant_reads

WRITING = "system:ideas"
_ENDS = {
    *("kit.no_model", "engine.server_down", "engine.server_refused", "engine.not_ready", "engine.model_missing"),
    "spending.cap_reached",
}
"""Reasons that hold for every further question too: a server that hangs would be waited for five times."""


def generate_ideas(
    event: IdeasDue, *, tenant: OpenScope, engine: Callable[[], TextEngine], billing: TextBilling = FREE_BILLING
) -> None:
    """Write each idea; what cannot be written is kept as a reason, once each. `billing` says what models cost.

    A repeat after a crash asks the model again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        found = proposals.pending_ideas(scope, event.subject_id)
        if found is None:
            return
        creator = tenant_reads.get_creator(scope, found.brief.creator_id)
        said = text_rules.known_texts(recent_texts.list_recent_texts(scope, creator.id))
        before = proposals.recent_idea_titles(scope, creator.id)
    rules = TextRules(found.brief.language, found.brief.forbidden, said)
    made: list[Idea] = []
    sitting = TextSession(tenant, event.tenant_id, creator.id, TextPurpose.IDEAS, found.id, billing)
    try:
        model = sitting.counted_engine(engine())
    except EngineError as error:  # the settings name a model that is not there: waiting does not help
        lacks = [error.message]
    else:
        made, lacks = _generate_idea_batch(model, found, creator.name, rules, before[::-1])
    label = next((one.label for one in made), str(OriginLabel.NONE))
    with tenant(event.tenant_id, WRITING) as scope:
        if proposals.store_ideas(scope, event.subject_id, made, lacks, label=label) and made:
            sitting.mark_used(scope)


def _generate_idea_batch(
    engine: TextEngine, found: IdeaBatch, creator: str, rules: TextRules, before: list[str]
) -> tuple[list[Idea], list[Message]]:
    """The ideas, one question each, and each reason why there are fewer, once."""
    seed = derived_uuid(found.id, "ideas").int % 2**30
    made: list[Idea] = []
    lacks: list[Message] = []
    with heartbeat() as pulse:
        for number in range(IDEAS_PER_REQUEST):
            pulse.check_lease()
            titles = [*before, *(one.title for one in made)]
            one = prompts.write_idea(
                engine, found.brief, creator, rules, number=number, before=titles, seed=seed + 10 * number
            )
            if isinstance(one, Idea):
                made.append(one)
                continue
            if one not in lacks:
                lacks.append(one)
            if one.code in _ENDS:
                break
        pulse.check_lease()
    return made, lacks


def fail_ideas(event: IdeasDue, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, WRITING) as scope:
        proposals.store_ideas(scope, event.subject_id, [], [Message("kit.gave_up")])
