"""Downloads of the files of a task: each one is decided again, under a separate permit, and served
once.

The pages of the phone can neither decide nor sign. They record the request, a worker decides it
within moments, and the page waits for the decision and serves the bytes or shows the reason.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.attempts import attempts, serialization
from channels.manual_tasks import task_lifecycle
from channels.manual_tasks.events import FileDownloadRequested
from channels.manual_tasks.models import FileDownloadRow, ManualTaskRow
from channels.manual_tasks.states import FILE_DOWNLOAD_STATES, OPEN_TASK_STATES, FileDownloadState
from connectors.contract.connector import Connector, SupportsManualPosting
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import Subject, Unit
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied
from gate.ratings import ratings

DOWNLOAD_LIFETIME = timedelta(seconds=60)
DECISION_TIMEOUT = timedelta(seconds=30)
"""Age after which a request is no longer decided, because its page has stopped waiting."""

POLL_INTERVAL = timedelta(milliseconds=200)


@dataclass(frozen=True)
class FileDownload:
    """The status of a file download; `reason` is that of a refusal."""

    id: UUID
    state: FileDownloadState
    reason: Message | None


def request_file(scope: Scope, task_id: UUID, sha256: str, *, creators: Collection[UUID]) -> UUID:
    """Request a file of a task as the acting member, and return the ID of the request. Raises
    NotFound, and Conflict for a closed task."""
    task = task_lifecycle.lock_task(scope, task_id, lock=False)
    known = any(one["sha256"] == sha256 for one in task.content.get("media", ()))
    if task.creator_id not in creators or task.kind != task_lifecycle.POST_TASK or not known:
        raise NotFound("handover.unknown")
    if task.state not in OPEN_TASK_STATES:
        raise Conflict("handover.not_served")
    wish = FileDownloadRow(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=task.creator_id,
        handover_id=task_id,
        sha256=sha256,
        asked_by=scope.actor,
    )
    scope.add(wish)
    outbox.put(scope, FileDownloadRequested(scope.tenant_id, wish.id), priority=0)
    return wish.id


def request_all_files(
    scope: Scope, task_id: UUID, *, creators: Collection[UUID]
) -> dict[str, UUID]:
    """Request all files of a task, each to be decided separately. Return the requests by digest.
    Raises the errors of `request_file`."""
    task = task_lifecycle.lock_task(scope, task_id, lock=False)
    if task.creator_id not in creators:
        raise NotFound("handover.unknown")
    digests = dict.fromkeys(one["sha256"] for one in task.content.get("media", ()))
    return {sha256: request_file(scope, task_id, sha256, creators=creators) for sha256 in digests}


def get_download(scope: Scope, wish_id: UUID) -> FileDownload:
    """Return the status of a download. Raises NotFound."""
    row = scope.session.get(FileDownloadRow, (scope.tenant_id, wish_id))
    if row is None:
        raise NotFound("handover.unknown")
    return FileDownload(
        row.id, FileDownloadState(row.state), Message.from_json(row.reason) if row.reason else None
    )


def claim_download(scope: Scope, wish_id: UUID) -> str:
    """Use an allowed download within its minute and while the task is open. Return the digest of
    the file to serve.

    Raises Conflict for any other: no byte is served.
    """
    sha256: str | None = scope.run(
        "UPDATE handover_saves s SET state = 'served', updated_at = house_now() FROM handovers h"
        " WHERE s.tenant_id = :tenant AND s.id = :id AND s.state = 'allowed' AND s.until > :now"
        " AND h.tenant_id = s.tenant_id AND h.id = s.handover_id AND h.state IN ('waiting', "
        "'opened')"
        " RETURNING s.sha256",
        tenant=scope.tenant_id,
        id=wish_id,
        now=scope.now,
    ).scalar()
    if (
        sha256 is None or ratings.display_ratings(scope, [sha256])[sha256].is_withheld
    ):  # withheld since it was allowed
        raise Conflict("handover.not_served")
    return sha256


def decide_download(
    event: FileDownloadRequested,
    *,
    tenant: OpenScope,
    mint: MintPermit,
    connectors: Mapping[str, Connector],
) -> None:
    """Decide whether a file of a task may be saved now: record a separate permit, or the reason of
    the refusal."""
    try:
        with tenant(event.tenant_id, task_lifecycle.MANUAL_TASKS_ACTOR) as scope:
            _decide_download(scope, event.subject_id, mint, connectors)
    except PermitDenied as denied:
        if denied.decision.is_stale:
            raise outbox.RetryLater(POLL_INTERVAL) from denied
        with tenant(event.tenant_id, task_lifecycle.MANUAL_TASKS_ACTOR) as scope:
            issuance.record_denial(scope, denied)
            _record_download_decision(
                scope,
                event.subject_id,
                FileDownloadState.REFUSED,
                reason=denied.decision.main_reason,
            )


def _decide_download(
    scope: Scope, wish_id: UUID, mint: MintPermit, connectors: Mapping[str, Connector]
) -> None:
    wish = scope.session.get(FileDownloadRow, (scope.tenant_id, wish_id))
    if wish is None or wish.state != FileDownloadState.ASKED:
        return
    asked_at = wish.created_at or scope.now
    task = task_lifecycle.lock_task(scope, wish.handover_id, lock=False)
    unit = _get_published_unit(scope, task)
    # Epochs come first in the lock order, so the task is locked after them.
    issuance.lock_unit(scope, unit)
    task = task_lifecycle.lock_task(scope, wish.handover_id)
    if task.state not in OPEN_TASK_STATES or scope.now - asked_at > DECISION_TIMEOUT:
        _record_download_decision(
            scope, wish_id, FileDownloadState.REFUSED, reason=Message("handover.not_served")
        )
        return
    medium = next((one for one in unit.media if one.sha256 == wish.sha256), None)
    if medium is None:
        raise NotFound("handover.unknown")
    connector = cast(
        SupportsManualPosting,
        account_connectors.connector_for(connectors, queries.get_channel(scope, task.channel_id)),
    )
    permit = mint(scope, unit, connector.save_file_step(str(wish_id), medium))
    _record_download_decision(scope, wish_id, FileDownloadState.ALLOWED, jti=permit.jti)


def _get_published_unit(scope: Scope, task: ManualTaskRow) -> Unit:
    """Return the unit of the task, as it was judged."""
    rows = attempts.list_attempts(
        scope, Subject(task.subject_kind, task.subject_id), None, ("send",)
    )
    found = next((row for row in rows if attempts.publish_permit(row) == task.permit_jti), None)
    if found is None:
        raise NotFound("handover.unknown")
    return serialization.unit_from_json(found.unit)


def _record_download_decision(
    scope: Scope,
    wish_id: UUID,
    state: FileDownloadState,
    *,
    reason: Message | None = None,
    jti: UUID | None = None,
) -> None:
    FILE_DOWNLOAD_STATES.check(FileDownloadState.ASKED, state)
    scope.run(
        "UPDATE handover_saves SET state = :state, reason = CAST(:reason AS jsonb), permit_jti = "
        ":jti,"
        " until = :until, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND "
        "state = 'asked'",
        tenant=scope.tenant_id,
        id=wish_id,
        state=str(state),
        reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
        jti=jti,
        until=scope.now + DOWNLOAD_LIFETIME,
    )
