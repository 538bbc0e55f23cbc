"""Imported files. They are validated first, then written completely or not at all, and can be
undone.

Uploading the same bytes again continues the same import, so that no post is written twice; after an
undo it starts a new one. A row is identified by its key within the file.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import defer
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox import outbox
from schedules.imports import writer
from schedules.imports.csv_rows import ImportFinding
from schedules.imports.events import ImportApply, ImportCheck
from schedules.imports.models import Import
from schedules.imports.planned_rows import PlannedRow
from schedules.imports.states import ImportState
from schedules.imports.writer import ImportAuthor
from schedules.posts.states import IMPORT_STATES
from tenants import audit
from tenants.agencies import queries

MAX_FILE_NAME_LENGTH = 120
MAX_FINDINGS = 2_000
"""Maximum number of findings that are stored, problems first. The counts include the others."""

MAX_SHOWN = 20
_WITHOUT_BYTES = defer(Import.content)  # type: ignore[arg-type]  # a column at run time


@dataclass(frozen=True)
class ImportView:
    """An import for display.

    `done` of `lines` rows are validated and `posts` are written. After an undo, `taken` deliveries
    are cancelled; `left_before` had already been published.
    """

    id: UUID
    name: str
    by: str
    at: datetime
    state: ImportState
    plan: bool
    done: int
    lines: int
    problems: int
    marks: int
    findings: tuple[ImportFinding, ...]
    reason: Message | None
    posts: int
    taken: int
    left_before: int


@dataclass(frozen=True)
class ImportFile:
    """An import with the data that validation needs."""

    state: ImportState
    by: str
    plan: bool
    content: bytes
    creators: frozenset[UUID]


def create_import(scope: Scope, data: bytes, *, name: str, creators: Collection[UUID]) -> UUID:
    """Store an uploaded file for validation, once for the same bytes, and return the import's ID.

    An import that is not written yet is validated again. Raises NotFound if the same file was
    uploaded before by a member with access to other creators.
    """
    digest = hashlib.sha256(data).hexdigest()
    # Concurrent uploads of the same bytes must not create two imports.
    scope.lock(f"{scope.tenant_id}:import:{digest}")
    last = scope.session.exec(
        select(Import)
        .where(Import.tenant_id == scope.tenant_id, Import.digest == digest)
        .order_by(col(Import.turn).desc())
        .limit(1)
    ).first()
    if last is not None and last.state != ImportState.TAKEN_BACK:
        _check_creator_access(last, creators)
        if last.state in (ImportState.READY, ImportState.REFUSED):
            _restart_check(scope, last, creators)
        return last.id
    turn = last.turn + 1 if last is not None else 1
    row = Import(
        tenant_id=scope.tenant_id,
        id=derived_uuid(scope.tenant_id, "import", digest, turn),
        by=scope.actor,
        name=name[:MAX_FILE_NAME_LENGTH],
        creators=sorted(map(str, creators)),
        digest=digest,
        turn=turn,
        content=data,
    )
    scope.add(row)
    outbox.put(scope, ImportCheck(scope.tenant_id, row.id))
    return row.id


def _restart_check(scope: Scope, row: Import, creators: Collection[UUID]) -> None:
    _transition_import(row, ImportState.WAITING)
    row.by = scope.actor
    row.creators = sorted(map(str, creators))
    row.done = 0
    row.report = []
    row.reason = None
    scope.add(row)
    outbox.put(scope, ImportCheck(scope.tenant_id, row.id), instead_of=ImportCheck)


def _transition_import(row: Import, after: ImportState) -> None:
    IMPORT_STATES.check(ImportState(row.state), after)
    row.state = str(after)


def _check_creator_access(row: Import, creators: Collection[UUID]) -> None:
    if not set(row.creators) <= set(map(str, creators)):
        raise NotFound("import.unknown")


def _get_locked_import(scope: Scope, import_id: UUID) -> Import:
    row = scope.session.exec(
        select(Import)
        .where(Import.tenant_id == scope.tenant_id, Import.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("import.unknown")
    return row


def load_import_file(scope: Scope, import_id: UUID) -> ImportFile:
    """Return an import with its bytes.

    Raises NotFound, also for an import of another tenant.
    """
    row = scope.session.get(Import, (scope.tenant_id, import_id))
    if row is None:
        raise NotFound("import.unknown")
    return ImportFile(
        ImportState(row.state), row.by, row.plan, row.content, frozenset(map(UUID, row.creators))
    )


def record_import_progress(scope: Scope, import_id: UUID, done: int, lines: int) -> None:
    """Store how many rows are validated, for display."""
    scope.run(
        "UPDATE imports SET done = :done, lines = :lines WHERE tenant_id = :tenant AND id = :id",
        done=done,
        lines=lines,
        tenant=scope.tenant_id,
        id=import_id,
    )


def record_import_findings(
    scope: Scope,
    import_id: UUID,
    findings: Sequence[ImportFinding],
    wishes: Sequence[PlannedRow],
    lines: int,
) -> None:
    """Store the findings of a validation. The import is ready, or refused if there is a problem."""
    row = _get_locked_import(scope, import_id)
    grave = [one for one in findings if one.grave]
    _transition_import(row, ImportState.REFUSED if grave else ImportState.READY)
    if row.state == ImportState.READY:
        row.creators = sorted({str(wish.creator.id) for wish in wishes})
    _store_findings(row, findings, lines)
    row.reason = None
    scope.add(row)


def reject_import(scope: Scope, import_id: UUID, reason: Message) -> None:
    """Refuse a file that is not a table of posts or could not be validated."""
    row = _get_locked_import(scope, import_id)
    _transition_import(row, ImportState.REFUSED)
    row.reason = stored_message(reason)
    row.problems = max(row.problems, 1)
    scope.add(row)


def _store_findings(row: Import, findings: Sequence[ImportFinding], lines: int) -> None:
    grave = sum(one.grave for one in findings)
    row.done = lines
    row.lines = lines
    row.problems = grave
    row.marks = len(findings) - grave
    kept = sorted(findings, key=lambda one: (not one.grave, one.line))[:MAX_FINDINGS]
    row.report = [
        {"line": one.line, "column": one.column, "said": one.message.to_json(), "grave": one.grave}
        for one in kept
    ]


def confirm_import(
    scope: Scope, import_id: UUID, *, plan: bool, creators: Collection[UUID]
) -> None:
    """Schedule the writing of an import's posts: as drafts, or scheduled with `plan`.

    Posts that need approval stay drafts in both cases. A repeated call changes nothing. Raises
    NotFound for an import of other creators, Conflict if it has problems and for a repeated call
    with another `plan`.
    """
    row = _get_locked_import(scope, import_id)
    _check_creator_access(row, creators)
    if row.state in (ImportState.WRITING, ImportState.WRITTEN):
        if row.plan != plan:
            raise Conflict(f"import.written_{'plan' if row.plan else 'draft'}")
        return
    if row.state != ImportState.READY:
        raise Conflict("import.not_ready")
    _transition_import(row, ImportState.WRITING)
    row.plan = plan
    row.done = 0
    scope.add(row)
    outbox.put(scope, ImportApply(scope.tenant_id, import_id, scope.actor))


def write_import(
    scope: Scope,
    import_id: UUID,
    findings: Sequence[ImportFinding],
    wishes: Sequence[PlannedRow],
    lines: int,
) -> ImportState:
    """Write all posts of an import after its second validation, or none if there is a problem.

    Returns the state of the import; an import in another state is ignored.
    """
    row = _get_locked_import(scope, import_id)
    if row.state != ImportState.WRITING:
        return ImportState(row.state)
    _store_findings(row, findings, lines)
    if row.problems:
        _transition_import(row, ImportState.REFUSED)
        row.reason = stored_message(Message("import.changed_meanwhile"))
        scope.add(row)
        return ImportState.REFUSED
    author = ImportAuthor(row.by, _resolve_author_principal(scope, row.by))
    row.posts = writer.write_posts(scope, import_id, wishes, plan=row.plan, author=author)
    _transition_import(row, ImportState.WRITTEN)
    # The digest identifies the file; its bytes are not needed any more.
    row.content = b""
    row.reason = None
    scope.add(row)
    audit.record(scope, "import.written", f"import:{import_id}", posts=row.posts)
    return ImportState.WRITTEN


def _resolve_author_principal(scope: Scope, author: str) -> UUID | None:
    kind, _, key = author.partition(":")
    return queries.get_member(scope, UUID(key)).principal_id if kind == "member" else None


def fail_import(scope: Scope, import_id: UUID) -> None:
    """Refuse an import whose validation or writing failed; the file can be uploaded again."""
    row = _get_locked_import(scope, import_id)
    if row.state in (ImportState.WAITING, ImportState.WRITING):
        _transition_import(row, ImportState.REFUSED)
        row.reason = stored_message(Message("import.gave_up"))
        scope.add(row)


def undo_import(scope: Scope, import_id: UUID, *, creators: Collection[UUID]) -> tuple[int, int]:
    """Cancel the unpublished deliveries of an import; return their number and that of published
    ones.

    Raises NotFound for an import of other creators, Conflict if it is not written. A repeated call
    returns the same numbers.
    """
    row = _get_locked_import(scope, import_id)
    _check_creator_access(row, creators)
    if row.state == ImportState.TAKEN_BACK:
        return row.taken, row.left_before
    if row.state != ImportState.WRITTEN:
        raise Conflict("import.not_written")
    row.taken, row.left_before = writer.take_back_posts(scope, import_id)
    _transition_import(row, ImportState.TAKEN_BACK)
    scope.add(row)
    audit.record(scope, "import.taken_back", f"import:{import_id}", count=row.taken)
    return row.taken, row.left_before


def get_import(scope: Scope, import_id: UUID, *, creators: Collection[UUID]) -> ImportView:
    """Return an import. Raises NotFound if it has posts of other creators."""
    row = scope.session.exec(
        select(Import)
        .where(Import.tenant_id == scope.tenant_id, Import.id == import_id)
        .options(_WITHOUT_BYTES)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("import.unknown")
    _check_creator_access(row, creators)
    return _import_view_from_row(scope, row, [_finding_from_json(one) for one in row.report])


def list_imports(scope: Scope, *, creators: Collection[UUID]) -> list[ImportView]:
    """Return the imports whose posts all belong to these creators, newest first."""
    rows = scope.session.exec(
        select(Import)
        .where(Import.tenant_id == scope.tenant_id)
        .order_by(col(Import.created_at).desc(), col(Import.id))
        .limit(200)
        .options(_WITHOUT_BYTES, defer(Import.report))  # type: ignore[arg-type]  # as above
    ).all()
    mine = set(map(str, creators))
    return [_import_view_from_row(scope, row, ()) for row in rows if set(row.creators) <= mine][
        :MAX_SHOWN
    ]


def _finding_from_json(kept: Mapping[str, Any]) -> ImportFinding:
    return ImportFinding(
        kept["line"], kept["column"], Message.from_json(kept["said"]), kept["grave"]
    )


def _import_view_from_row(
    scope: Scope, row: Import, findings: Sequence[ImportFinding]
) -> ImportView:
    reason = Message.from_json(row.reason) if row.reason else None
    counts = (row.done, row.lines, row.problems, row.marks, tuple(findings), reason)
    about = (
        row.id,
        row.name,
        row.by,
        row.created_at or scope.now,
        ImportState(row.state),
        row.plan,
    )
    return ImportView(*about, *counts, row.posts, row.taken, row.left_before)
