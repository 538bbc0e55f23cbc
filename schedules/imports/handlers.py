"""Event handlers of imports: validate a file, and write it after a second validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import heartbeat
from foundation.outbox.heartbeat import Heartbeat
from schedules.imports import import_files, option_columns
from schedules.imports.context import flag_unchanged_posts, load_import_context
from schedules.imports.csv_rows import ImportFinding, parse_file
from schedules.imports.events import ImportApply, ImportCheck
from schedules.imports.import_files import ImportFile
from schedules.imports.planned_rows import PlannedRow
from schedules.imports.states import ImportState
from schedules.imports.validation import validate_rows

LOOKING = "system:imports"
AT_ONCE = 1_000
"""Rows between two progress updates."""


@dataclass
class CheckedFile:
    """The result of validating a file."""

    findings: list[ImportFinding] = field(default_factory=list)
    wishes: list[PlannedRow] = field(default_factory=list)
    lines: int = 0
    unreadable: Message | None = None


def check_import(
    event: ImportCheck, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    """Validate a file and store the findings; no post is written. A file in another state is
    ignored."""
    try:
        with tenant(event.tenant_id, LOOKING) as scope:
            held = import_files.load_import_file(scope, event.subject_id)
    except NotFound:  # deleted in the meantime
        return
    if held.state is not ImportState.WAITING:
        return
    with heartbeat.heartbeat() as pulse:
        found = _check_file(event, held, pulse, tenant=tenant, connectors=connectors)
    with tenant(event.tenant_id, LOOKING) as scope:
        if import_files.load_import_file(scope, event.subject_id).state is not ImportState.WAITING:
            return  # validated by another worker in the meantime
        if found.unreadable is not None:
            import_files.reject_import(scope, event.subject_id, found.unreadable)
        else:
            import_files.record_import_findings(
                scope, event.subject_id, found.findings, found.wishes, found.lines
            )


def apply_import(
    event: ImportApply, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    """Write all posts of a file in one transaction, after validating it again."""
    try:
        with tenant(event.tenant_id, LOOKING) as scope:
            held = import_files.load_import_file(scope, event.subject_id)
    except NotFound:
        return
    if held.state is not ImportState.WRITING:
        return
    with heartbeat.heartbeat() as pulse:
        found = _check_file(event, held, pulse, tenant=tenant, connectors=connectors)
        with tenant(event.tenant_id, event.by) as scope:
            if found.unreadable is not None:
                import_files.reject_import(scope, event.subject_id, found.unreadable)
                return
            import_files.write_import(
                scope, event.subject_id, found.findings, found.wishes, found.lines
            )
            # If the event was leased to another worker, that one writes the posts and this
            # transaction fails.
            pulse.check_lease()


def abandon_import(event: ImportCheck | ImportApply, *, tenant: OpenScope) -> None:
    """Mark an import as failed after too many errors."""
    with tenant(event.tenant_id, LOOKING) as scope:
        import_files.fail_import(scope, event.subject_id)


def _check_file(
    event: ImportCheck | ImportApply,
    held: ImportFile,
    pulse: Heartbeat,
    *,
    tenant: OpenScope,
    connectors: Mapping[str, Connector],
) -> CheckedFile:
    """Validate a file without an open transaction, because ten thousand rows take seconds."""
    try:
        sheet = parse_file(
            held.content, sorted(connectors), option_columns.declared_options(connectors)
        )
    except BadInput as wrong:
        return CheckedFile(unreadable=wrong.message)
    with tenant(event.tenant_id, LOOKING) as scope:
        flag_unchanged_posts(scope, sheet, held.creators)
        against = load_import_context(scope, sheet.rows, held.creators, connectors)
    looked = CheckedFile(lines=len(sheet.rows))
    for start in range(0, len(sheet.rows), AT_ONCE):
        pulse.check_lease()
        looked.wishes += validate_rows(sheet, sheet.rows[start : start + AT_ONCE], against)
        with tenant(event.tenant_id, LOOKING) as scope:
            import_files.record_import_progress(
                scope, event.subject_id, min(start + AT_ONCE, looked.lines), looked.lines
            )
    looked.findings = sheet.findings
    return looked
