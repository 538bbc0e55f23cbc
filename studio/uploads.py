"""Photos, films and sounds handed in at the dashboard or by a program: kept as they came until they were brought in.

A page or a route calls `receive`; the workers decode, strip and record (`ingest`), the one path every picture takes.
What came is forgotten as soon as there is an asset or a reason: it may hold where and when a photo was taken.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import OpenScope, Scope, stored
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import derived
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore, digest_of
from foundation.words import Message
from gate import binding
from generators import containers, films
from generators.classifying import Classifier
from studio import avowing, ingesting, library, models, storing
from studio.events import UploadDue
from studio.looking import Compare
from studio.states import UPLOAD_STATES, UploadState

LONGEST_NAME = 120


@dataclass(frozen=True)
class Upload:
    """A file on its way: `waiting`, `ready` with its asset, or `refused` with the reason. `size` in bytes."""

    id: UUID
    creator_id: UUID
    name: str
    size: int
    state: UploadState
    reason: Message | None
    asset_id: UUID | None
    at: datetime


def receive(
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
    """Keep a file and have the workers bring it into the library; returns the upload's id (see `upload`).

    The same file of the same creator is the same upload, and one asset; one that was refused is tried again.
    `by` is the actor who brings it, `card` the shoot card it is put on once it is in the library; files handed in by
    one gesture share a `batch`; `generated` says that a model made it, of one that is in the library too, and cannot be
    unsaid. Raises BadInput, before anything is kept, `photo.…` (generators/containers.py) for what is no whole JPEG,
    PNG or WebP of at most 64 MiB and `film.…` (generators/tracks.py) for a film or a sound that is not taken;
    `storing.Full` beyond what the tenant may keep; Unavailable when the store is full or away.
    """
    shown = _shown(name)
    if films.moves(data):
        films.inspect(data, name=shown)
    else:
        containers.inspect(data, name=shown)
    sha256 = digest_of(data)
    upload_id = derived(scope.tenant_id, creator_id, f"upload:{sha256}")
    library.alone(scope, "upload", upload_id)
    row = scope.session.get(models.Upload, (scope.tenant_id, upload_id))
    if row is not None and row.state != UploadState.REFUSED:
        if card is not None and row.asset_id is not None:
            binding.want(scope, row.asset_id, card, by=by)
        if generated and not row.generated and row.asset_id is not None:
            avowing.put(scope, row.asset_id, by=by)
        row.generated = row.generated or generated
        scope.add(row)
        return row.id
    storing.check(scope, store.allowed, len(data))
    library.alone(scope, "object", sha256)  # nobody who erases these bytes comes in between
    store.put(scope.tenant_id, data)
    if row is None:
        row = models.Upload(
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
        _move(row, UploadState.WAITING)
        row.card_id, row.generated = card, row.generated or generated
    scope.add(row)
    outbox.put(scope, UploadDue(scope.tenant_id, row.id), dedupe=f"upload:{row.id}")
    return row.id


def _shown(name: str) -> str:
    """The file's own name: no folders, nothing a line cannot hold."""
    bare = "".join(letter for letter in PurePath(name.replace("\\", "/")).name if letter.isprintable())
    return bare[-LONGEST_NAME:] or "photo"


def upload(scope: Scope, upload_id: UUID) -> Upload:
    """How a file stands. Raises NotFound; another tenant's looks the same."""
    return _value(scope, _row(scope, upload_id))


def uploads(scope: Scope, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
    """How these files stand, by id; one that is not here is absent."""
    if not upload_ids:
        return {}
    rows = scope.session.exec(
        select(models.Upload).where(
            models.Upload.tenant_id == scope.tenant_id, col(models.Upload.id).in_(list(upload_ids))
        )
    )
    return {row.id: _value(scope, row) for row in rows}


def recent(scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 100) -> list[Upload]:
    """A creator's files that wait, and those that became something since then, the newest first."""
    rows = scope.session.exec(
        select(models.Upload)
        .where(
            models.Upload.tenant_id == scope.tenant_id,
            models.Upload.creator_id == creator_id,
            (col(models.Upload.updated_at) >= since) | (models.Upload.state == str(UploadState.WAITING)),
        )
        .order_by(col(models.Upload.created_at).desc())
        .limit(limit)
    )
    return [_value(scope, row) for row in rows]


def ingest(
    event: UploadDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    classifier: Classifier | None = None,
    compare: Compare | None = None,
) -> None:
    """Bring a file into the library, or say why it cannot be; then forget what came. Others' faults are tried again."""
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        row = _row(scope, event.subject_id)
        if row.state != UploadState.WAITING:
            return
        ours = _there(scope, row)
    if ours is not None:
        return _end(event, ours, None, tenant=tenant, store=store, said=False)
    try:
        with heartbeat() as pulse:  # a film takes its time
            data = store.get(event.tenant_id, row.sha256)
            prepared = ingesting.from_camera(data, name=row.name, generated=row.generated)
            pulse.check()
            asset_id: UUID | None = ingesting.bring(
                tenant,
                store,
                tenant_id=event.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                compare=compare,
            )
        reason = None
    except BadInput as refused:
        asset_id, reason = None, refused.message
    except NotFound:
        asset_id, reason = None, Message("upload.lost", {"file": row.name})
    _end(event, asset_id, reason, tenant=tenant, store=store, said=row.generated)


def gave_up(event: UploadDue, *, tenant: OpenScope, store: ObjectStore) -> None:
    """The row of a file failed too often: a person is told, and may hand it in again."""
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        _settle(scope, event.subject_id, None, Message("upload.gave_up"))
    with suppress(Unavailable):  # it may be the store that was away
        _end(event, None, None, tenant=tenant, store=store)


def _there(scope: Scope, row: models.Upload) -> UUID | None:
    """The asset of a file that was brought in before, or is the very bytes of one."""
    key = ingesting.key_of(row.sha256)
    made = library.made(scope, row.creator_id, [key])
    return made.get(key) or library.of_bytes(scope, row.creator_id, row.sha256)


_CAME = "SELECT sha256 FROM uploads WHERE tenant_id = :tenant AND id = :id"


def _end(
    event: UploadDue,
    asset_id: UUID | None,
    reason: Message | None,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    said: bool = True,
) -> None:
    """Say what became of a file, and forget what came: in one transaction, so that who dies here leaves neither bytes
    that nobody deletes nor a file that waits without them. `said`: whether what it says of its maker was heard."""
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        sha256 = scope.run(_CAME, tenant=scope.tenant_id, id=event.subject_id).scalar_one()  # the row is read locked
        library.alone(scope, "object", sha256)
        _settle(scope, event.subject_id, asset_id, reason, said=said)
        if not library.wants(scope, sha256):
            store.delete(event.tenant_id, sha256)


def _settle(scope: Scope, upload_id: UUID, asset_id: UUID | None, reason: Message | None, *, said: bool = True) -> None:
    row = _row(scope, upload_id, lock=True)
    if row.state != UploadState.WAITING:
        return
    _move(row, UploadState.READY if asset_id is not None else UploadState.REFUSED)
    row.asset_id, row.reason = asset_id, stored(reason)
    scope.add(row)
    if asset_id is not None and row.generated and not said:
        avowing.put(scope, asset_id, by=row.by)
    if asset_id is not None and row.card_id is not None:
        binding.want(scope, asset_id, row.card_id, by=row.by)


def _move(row: models.Upload, after: UploadState) -> None:
    UPLOAD_STATES.check(UploadState(row.state), after)
    row.state, row.reason = str(after), None


def _row(scope: Scope, upload_id: UUID, *, lock: bool = False) -> models.Upload:
    row = scope.session.get(models.Upload, (scope.tenant_id, upload_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("upload.unknown")
    return row


def _value(scope: Scope, row: models.Upload) -> Upload:
    return Upload(
        row.id,
        row.creator_id,
        row.name,
        row.size,
        UploadState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.asset_id,
        row.created_at or scope.now,
    )
