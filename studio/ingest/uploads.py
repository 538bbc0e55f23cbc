"""Uploads of images, videos and audio in the dashboard or through the API, until they are ingested.

A page or route calls `receive_upload`; workers decode, strip and record the file (`ingest_upload`).
The uploaded bytes are deleted once there is an asset or a rejection, because they may contain the
time and location of a photo.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore, bytes_digest
from gate.consent import asset_bindings
from generators.contract.classifier import Classifier
from generators.contract.picture_checks import PictureChecks
from generators.media import pictures
from generators.video import video_files
from studio.ingest import ai_disclosure, file_names, pipeline
from studio.ingest.classification import CompareFaces
from studio.ingest.events import UploadDue
from studio.ingest.models import UploadRow
from studio.ingest.states import UPLOAD_STATES, UploadState
from studio.library import assets, storage_quota


@dataclass(frozen=True)
class UploadView:
    """An upload, which is `waiting`, `ready` with its asset, or `refused` with the reason. `size`
    is in bytes."""

    id: UUID
    creator_id: UUID
    name: str
    size: int
    state: UploadState
    reason: Message | None
    asset_id: UUID | None
    at: datetime


def receive_upload(
    scope: Scope,
    *,
    creator_id: UUID,
    name: str,
    data: bytes,
    by: str,
    store: ObjectStore,
    card: UUID | None = None,
    batch: UUID | None = None,
    generated: bool = False,
) -> UUID:
    """Store an uploaded file, queue its ingest and return the ID of the upload.

    The same file of a creator is one upload and one asset; a rejected one is tried again. `by` is
    the actor, `card` the shoot card to assign, and `batch` is shared by files uploaded together.
    `generated` declares that a model made the file; it also applies to a known asset and cannot be
    revoked. Raises BadInput before anything is stored: `photo.…`
    (generators/containers/still_images.py) unless it is a complete JPEG, PNG or WebP of at most 64
    MiB, and `film.…` (generators/containers/tracks.py) for unsupported video or audio. Raises
    `storage_quota.StorageFull`, and Unavailable if the store is full or unreachable.
    """
    shown = file_names.display_file_name(name)
    if video_files.is_video_or_audio(data):
        video_files.inspect_video(data, name=shown)
    else:
        pictures.inspect_complete_picture(data, name=shown)
    sha256 = bytes_digest(data)
    upload_id = derived_uuid(scope.tenant_id, creator_id, f"upload:{sha256}")
    assets.lock_library(scope, "upload", upload_id)
    row = scope.session.get(UploadRow, (scope.tenant_id, upload_id))
    if row is not None and row.state != UploadState.REFUSED:
        _update_known_upload(scope, row, card=card, generated=generated, by=by)
        return row.id
    storage_quota.check_storage(scope, store.quota_bytes, len(data))
    assets.lock_library(scope, "object", sha256)  # prevents a concurrent erasure of the same bytes
    store.put(scope.tenant_id, data)
    if row is None:
        row = UploadRow(
            tenant_id=scope.tenant_id,
            id=upload_id,
            creator_id=creator_id,
            name=shown,
            sha256=sha256,
            size=len(data),
            by=by,
            card_id=card,
            batch=batch,
            generated=generated,
        )
    else:
        _change_upload_state(row, UploadState.WAITING)
        row.card_id = card
        row.generated = row.generated or generated
    scope.add(row)
    outbox.put(scope, UploadDue(scope.tenant_id, row.id), dedupe=f"upload:{row.id}")
    return row.id


def _update_known_upload(
    scope: Scope, row: UploadRow, *, card: UUID | None, generated: bool, by: str
) -> None:
    """Assign an existing upload to a shoot card, and disclose that a model made it."""
    if card is not None and row.asset_id is not None:
        asset_bindings.request_binding(scope, row.asset_id, card, by=by)
    if generated and not row.generated and row.asset_id is not None:
        ai_disclosure.schedule_ai_disclosure(scope, row.asset_id, by=by)
    row.generated = row.generated or generated
    scope.add(row)


def get_upload(scope: Scope, upload_id: UUID) -> UploadView:
    """Return an upload. Raises NotFound, also for an upload of another tenant."""
    return _upload_from_row(scope, _get_upload_row(scope, upload_id))


def get_uploads(scope: Scope, upload_ids: Collection[UUID]) -> dict[UUID, UploadView]:
    """Return uploads by ID, without unknown ones."""
    if not upload_ids:
        return {}
    rows = scope.session.exec(
        select(UploadRow).where(
            UploadRow.tenant_id == scope.tenant_id, col(UploadRow.id).in_(list(upload_ids))
        )
    )
    return {row.id: _upload_from_row(scope, row) for row in rows}


def list_recent_uploads(
    scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 100
) -> list[UploadView]:
    """Return a creator's waiting uploads, and those finished since an instant, newest first."""
    rows = scope.session.exec(
        select(UploadRow)
        .where(
            UploadRow.tenant_id == scope.tenant_id,
            UploadRow.creator_id == creator_id,
            (col(UploadRow.updated_at) >= since) | (UploadRow.state == str(UploadState.WAITING)),
        )
        .order_by(col(UploadRow.created_at).desc())
        .limit(limit)
    )
    return [_upload_from_row(scope, row) for row in rows]


def ingest_upload(
    event: UploadDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
) -> None:
    """Ingest an uploaded file or store the reason for its rejection, then delete the uploaded
    bytes.

    Temporary failures are retried.
    """
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        row = _get_upload_row(scope, event.subject_id)
        if row.state != UploadState.WAITING:
            return
        ours = _find_existing_asset(scope, row)
    if ours is not None:
        return _finish_upload(event, ours, None, tenant=tenant, store=store, said=False)
    try:
        with heartbeat() as pulse:  # decoding a video takes long
            data = store.get(event.tenant_id, row.sha256)
            prepared = pipeline.prepare_upload(data, name=row.name, generated=row.generated)
            pulse.check_lease()
            asset_id: UUID | None = pipeline.ingest_asset(
                tenant,
                store,
                tenant_id=event.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                checks=checks,
                compare=compare,
            )
        reason = None
    except BadInput as refused:
        asset_id = None
        reason = refused.message
    except NotFound:
        asset_id = None
        reason = Message("upload.lost", {"file": row.name})
    _finish_upload(event, asset_id, reason, tenant=tenant, store=store, said=row.generated)


def fail_upload(event: UploadDue, *, tenant: OpenScope, store: ObjectStore) -> None:
    """Reject an upload after its last attempt; the member sees the reason and may upload it
    again."""
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        _record_upload_outcome(scope, event.subject_id, None, Message("upload.gave_up"))
    with suppress(Unavailable):  # the store may be the cause of the failure
        _finish_upload(event, None, None, tenant=tenant, store=store)


def _find_existing_asset(scope: Scope, row: UploadRow) -> UUID | None:
    """Return the asset of a file that was ingested before, or that has the same bytes."""
    key = pipeline.source_key_of(row.sha256)
    made = assets.assets_by_source(scope, row.creator_id, [key])
    return made.get(key) or assets.find_asset_by_digest(scope, row.creator_id, row.sha256)


_CAME = "SELECT sha256 FROM uploads WHERE tenant_id = :tenant AND id = :id"


def _finish_upload(
    event: UploadDue,
    asset_id: UUID | None,
    reason: Message | None,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    said: bool = True,
) -> None:
    """Record the outcome of an upload and delete its bytes, in one transaction.

    A crash therefore leaves neither orphaned bytes nor an upload without its bytes. `said` is True
    if the asset already reflects the declaration of the uploader.
    """
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        # Raw SQL: the row itself is first loaded under its lock, below.
        sha256 = scope.run(_CAME, tenant=scope.tenant_id, id=event.subject_id).scalar_one()
        assets.lock_library(scope, "object", sha256)
        _record_upload_outcome(scope, event.subject_id, asset_id, reason, said=said)
        if not assets.is_object_in_use(scope, sha256):
            store.delete(event.tenant_id, sha256)


def _record_upload_outcome(
    scope: Scope,
    upload_id: UUID,
    asset_id: UUID | None,
    reason: Message | None,
    *,
    said: bool = True,
) -> None:
    row = _get_upload_row(scope, upload_id, lock=True)
    if row.state != UploadState.WAITING:
        return
    _change_upload_state(row, UploadState.READY if asset_id is not None else UploadState.REFUSED)
    row.asset_id = asset_id
    row.reason = stored_message(reason)
    scope.add(row)
    if asset_id is not None and row.generated and not said:
        ai_disclosure.schedule_ai_disclosure(scope, asset_id, by=row.by)
    if asset_id is not None and row.card_id is not None:
        asset_bindings.request_binding(scope, asset_id, row.card_id, by=row.by)


def _change_upload_state(row: UploadRow, after: UploadState) -> None:
    UPLOAD_STATES.check(UploadState(row.state), after)
    row.state = str(after)
    row.reason = None


def _get_upload_row(scope: Scope, upload_id: UUID, *, lock: bool = False) -> UploadRow:
    row = scope.session.get(UploadRow, (scope.tenant_id, upload_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("upload.unknown")
    return row


def _upload_from_row(scope: Scope, row: UploadRow) -> UploadView:
    return UploadView(
        row.id,
        row.creator_id,
        row.name,
        row.size,
        UploadState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.asset_id,
        row.created_at or scope.now,
    )
