"""What the events about files do: look at one, and write one after looking at it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.contract import Connector
from foundation import jobs
from foundation.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.jobs import Pulse
from foundation.words import Message
from schedules import imports, imports_options
from schedules.events import ImportApply, ImportCheck
from schedules.imports import Held
from schedules.imports_judging import judge
from schedules.imports_rows import Finding, read
from schedules.imports_wishes import Wish
from schedules.imports_world import say_which_stay, world
from schedules.states import ImportState

LOOKING = "system:imports"
AT_ONCE = 1_000
"""Lines between two words about how far it is."""


@dataclass
class Looked:
    """What a file would become."""

    findings: list[Finding] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    lines: int = 0
    unreadable: Message | None = None


def check(event: ImportCheck, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Look at a file and keep what was found; nothing else is written. One that is not waiting for it stays."""
    try:
        with tenant(event.tenant_id, LOOKING) as scope:
            held = imports.held(scope, event.subject_id)
    except NotFound:  # it went meanwhile
        return
    if held.state is not ImportState.WAITING:
        return
    with jobs.heartbeat() as pulse:
        found = _look(event, held, pulse, tenant=tenant, connectors=connectors)
    with tenant(event.tenant_id, LOOKING) as scope:
        if imports.held(scope, event.subject_id).state is not ImportState.WAITING:
            return  # somebody else looked meanwhile
        if found.unreadable is not None:
            imports.refuse(scope, event.subject_id, found.unreadable)
        else:
            imports.note(scope, event.subject_id, found.findings, found.wishes, found.lines)


def apply(event: ImportApply, *, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    """Write all posts of a file, in one transaction: what was well when it was looked at is looked at again before."""
    try:
        with tenant(event.tenant_id, LOOKING) as scope:
            held = imports.held(scope, event.subject_id)
    except NotFound:
        return
    if held.state is not ImportState.WRITING:
        return
    with jobs.heartbeat() as pulse:
        found = _look(event, held, pulse, tenant=tenant, connectors=connectors)
        with tenant(event.tenant_id, event.by) as scope:
            if found.unreadable is not None:
                imports.refuse(scope, event.subject_id, found.unreadable)
                return
            imports.write(scope, event.subject_id, found.findings, found.wishes, found.lines)
            pulse.check()  # the row went to another worker: theirs is written, this one is not


def gave_up(event: ImportCheck | ImportApply, *, tenant: OpenScope) -> None:
    """It failed too often: a fault of ours, said where the file stands."""
    with tenant(event.tenant_id, LOOKING) as scope:
        imports.give_up(scope, event.subject_id)


def _look(
    event: ImportCheck | ImportApply,
    held: Held,
    pulse: Pulse,
    *,
    tenant: OpenScope,
    connectors: Mapping[str, Connector],
) -> Looked:
    """No transaction is open while a file is judged: ten thousand lines take seconds."""
    try:
        sheet = read(held.content, sorted(connectors), imports_options.declared(connectors))
    except BadInput as wrong:
        return Looked(unreadable=wrong.message)
    with tenant(event.tenant_id, LOOKING) as scope:
        say_which_stay(scope, sheet, held.creators)
        against = world(scope, sheet.rows, held.creators, connectors)
    looked = Looked(lines=len(sheet.rows))
    for start in range(0, len(sheet.rows), AT_ONCE):
        pulse.check()
        looked.wishes += judge(sheet, sheet.rows[start : start + AT_ONCE], against)
        with tenant(event.tenant_id, LOOKING) as scope:
            imports.progress(scope, event.subject_id, min(start + AT_ONCE, looked.lines), looked.lines)
    looked.findings = sheet.findings
    return looked
