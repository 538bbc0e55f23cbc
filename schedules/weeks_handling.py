"""Words for a proposed week, from the engine there is. No transaction is open while it writes."""

from collections.abc import Callable
from uuid import UUID

from foundation.database import OpenScope
from foundation.ids import derived
from foundation.jobs import heartbeat
from generators.contract import TextEngine
from schedules import weeks, weeks_words
from schedules.events import WeekWords
from schedules.states import WeekLineState
from studio.text_costs import FREE, Billing, Purpose, Sitting
from tenants import reads as tenant_reads

WRITING = "system:week"


def write(event: WeekWords, *, tenant: OpenScope, engine: Callable[[], TextEngine], billing: Billing = FREE) -> None:
    """Write each line that still has the brief's own words; a repeat after a crash writes what is missing.
    `billing` says what models cost.

    Where no model is there, or its words are not fit, the brief's own words stay, and are said to be that.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        found = weeks.unwritten(scope, event.subject_id)
        creator = tenant_reads.creator(scope, found.brief.creator_id).name if found is not None else ""
    if found is None:
        return
    words: dict[UUID, tuple[int, str]] = {}
    sittings: dict[UUID, Sitting] = {}
    with heartbeat() as pulse:
        for line in found.lines:
            pulse.check()
            if line.state is not WeekLineState.PROPOSED or line.words_by != "brief":
                continue
            seed = derived(line.id, "words").int % 2**31
            sitting = Sitting(tenant, event.tenant_id, found.brief.creator_id, Purpose.WEEK, line.id, billing)
            text = weeks_words.modelled(sitting.model(engine()), found.brief, creator, line.topic, seed=seed)
            if text is not None:
                words[line.id], sittings[line.id] = (line.version, text), sitting
    with tenant(event.tenant_id, WRITING) as scope:
        for line_id in weeks.give_words(scope, event.subject_id, words):
            sittings[line_id].kept(scope)
