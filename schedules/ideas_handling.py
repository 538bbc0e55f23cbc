"""Writes the ideas somebody asked for, by the engine there is. No transaction is open while it writes."""

from collections.abc import Callable

from foundation.database import OpenScope
from foundation.ids import derived
from foundation.jobs import heartbeat
from foundation.words import Message
from generators.contract import EngineError, Label, TextEngine
from schedules import ideas, ideas_words, kits_checks, lately
from schedules.events import IdeaWords
from schedules.ideas import Round
from schedules.ideas_brief import COUNT
from schedules.ideas_words import Idea
from schedules.kits_checks import Rules
from studio.text_costs import FREE, Billing, Purpose, Sitting
from tenants import reads as tenant_reads

WRITING = "system:ideas"
_ENDS = {
    *("kit.no_model", "engine.server_down", "engine.server_refused", "engine.not_ready", "engine.model_missing"),
    "spending.cap_reached",
}
"""Reasons that hold for every further question too: a server that hangs would be waited for five times."""


def write(event: IdeaWords, *, tenant: OpenScope, engine: Callable[[], TextEngine], billing: Billing = FREE) -> None:
    """Write each idea; what cannot be written is kept as a reason, once each. `billing` says what models cost.

    A repeat after a crash asks the model again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        found = ideas.unwritten(scope, event.subject_id)
        if found is None:
            return
        creator = tenant_reads.creator(scope, found.brief.creator_id)
        said = kits_checks.said_of(lately.said(scope, creator.id))
        before = ideas.proposed(scope, creator.id)
    rules = Rules(found.brief.language, found.brief.forbidden, said)
    made: list[Idea] = []
    sitting = Sitting(tenant, event.tenant_id, creator.id, Purpose.IDEAS, found.id, billing)
    try:
        model = sitting.model(engine())
    except EngineError as error:  # the settings name a model that is not there: waiting does not help
        lacks = [error.message]
    else:
        made, lacks = _asked(model, found, creator.name, rules, before[::-1])
    label = next((one.label for one in made), str(Label.NONE))
    with tenant(event.tenant_id, WRITING) as scope:
        if ideas.settle(scope, event.subject_id, made, lacks, label=label) and made:
            sitting.kept(scope)


def _asked(
    engine: TextEngine, found: Round, creator: str, rules: Rules, before: list[str]
) -> tuple[list[Idea], list[Message]]:
    """The ideas, one question each, and each reason why there are fewer, once."""
    seed = derived(found.id, "ideas").int % 2**30
    made: list[Idea] = []
    lacks: list[Message] = []
    with heartbeat() as pulse:
        for number in range(COUNT):
            pulse.check()
            titles = [*before, *(one.title for one in made)]
            one = ideas_words.idea(
                engine, found.brief, creator, rules, number=number, before=titles, seed=seed + 10 * number
            )
            if isinstance(one, Idea):
                made.append(one)
                continue
            if one not in lacks:
                lacks.append(one)
            if one.code in _ENDS:
                break
        pulse.check()
    return made, lacks


def gave_up(event: IdeaWords, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, WRITING) as scope:
        ideas.settle(scope, event.subject_id, [], [Message("kit.gave_up")])
