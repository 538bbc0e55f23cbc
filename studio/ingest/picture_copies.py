"""Image copies: cropped and finished versions of a library image, stored as new child assets.

A page requests a copy (`request_copy`) and workers make it (`make_copy`). The source is never
changed. Copies inherit its persons, labels and date, and its rating as a minimum
(`gate/assets/asset_records.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.settings import GeneratorsSettings
from foundation.outbox import outbox
from foundation.outbox.heartbeat import Heartbeat, heartbeat
from foundation.storage.object_store import ObjectStore, bytes_digest
from gate.assets import asset_records
from generators.contract.classifier import Classifier
from generators.contract.engines import EngineMissing, JobTooLarge, Progress
from generators.contract.picture_checks import PictureChecks
from generators.media import pictures
from generators.media.pictures import POST_PROFILE, DecodedPhoto
from generators.provenance import content_credentials
from generators.provenance.content_credentials import LoadCredential
from generators.retouch import aspect_ratios, crops, finish, subject_detection, watermarks
from generators.retouch.backgrounds import BackgroundRemover
from generators.retouch.finish import CopyFinish
from generators.retouch.subject_detection import PixelBox
from generators.retouch.upscaler import Upscaler
from studio.ingest import origin_detection, pipeline
from studio.ingest.classification import CompareFaces
from studio.ingest.events import PictureCopyDue
from studio.ingest.models import PictureCopyRow
from studio.ingest.pipeline import AssetSource, PreparedAsset
from studio.ingest.states import UPLOAD_STATES, UploadState
from studio.library import assets, models, queries, storage_quota

KEPT_CUTS = 64
"""Number of images whose crop previews are kept in the cache."""


@dataclass(frozen=True)
class PictureCopyView:
    """A requested copy: `waiting`, `ready` with its asset, or `refused` with the reason."""

    id: UUID
    creator_id: UUID
    asset_id: UUID
    finish: CopyFinish
    state: UploadState
    reason: Message | None
    made_id: UUID | None
    at: datetime
    step: int = 0
    steps: int = 0
    """Total number of tiles for upscaling by a model, of which `step` are done; 0 before it starts.
    """


class _Stopped(Exception):
    """The copy was cancelled, or finished by another worker."""


def request_copy(
    scope: Scope, asset_id: UUID, finish: CopyFinish, *, by: str, store: ObjectStore
) -> UUID:
    """Request a copy of an image and return its ID.

    An identical request returns the existing copy; a rejected one is tried again. Raises NotFound
    for an unknown or withheld image, BadInput for a video and for a copy without changes,
    `storage_quota.StorageFull`.
    """
    found = queries.get_asset_bytes(scope, asset_id)
    picture = _get_source_rendition(scope, asset_id)
    if not finish.has_changes:
        raise BadInput("copy.nothing")
    if finish.watermark is not None:
        watermarks.check_watermark_letters(finish.watermark)
    kept = finish.to_json()
    copy_id = derived_uuid(scope.tenant_id, asset_id, f"copy:{canonical_json(kept).decode()}")
    assets.lock_library(scope, "copy", copy_id)
    row = scope.session.get(PictureCopyRow, (scope.tenant_id, copy_id))
    if (
        row is not None
        and row.state == UploadState.READY
        and not queries.get_asset_cards(scope, [row.made_id or row.id])
    ):
        # The copy was erased, so make it again.
        _change_copy_state(row, UploadState.REFUSED)
    if row is not None and row.state != UploadState.REFUSED:
        return row.id
    # The size of the copy is estimated by that of the source.
    storage_quota.check_storage(scope, store.quota_bytes, picture.size)
    if row is None:
        row = PictureCopyRow(
            tenant_id=scope.tenant_id,
            id=copy_id,
            creator_id=found.creator_id,
            asset_id=asset_id,
            finish=kept,
            by=by,
        )
    else:
        _change_copy_state(row, UploadState.WAITING)
    scope.add(row)
    outbox.put(scope, PictureCopyDue(scope.tenant_id, row.id), dedupe=f"copy:{row.id}")
    return row.id


def check_copy_models(known: GeneratorsSettings, finish: CopyFinish) -> None:
    """Raise BadInput if a copy needs a model that is not configured."""
    if finish.finer and not known.upscale_model:
        raise BadInput("upscale.no_model")
    if finish.background and not known.cutout_model:
        raise BadInput("cutout.no_model")


def list_recent_copies(
    scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 100
) -> list[PictureCopyView]:
    """Return a creator's waiting copies, and those finished since an instant, newest first."""
    rows = scope.session.exec(
        select(PictureCopyRow)
        .where(
            PictureCopyRow.tenant_id == scope.tenant_id,
            PictureCopyRow.creator_id == creator_id,
            (col(PictureCopyRow.updated_at) >= since)
            | (PictureCopyRow.state == str(UploadState.WAITING)),
        )
        .order_by(col(PictureCopyRow.created_at).desc())
        .limit(limit)
    )
    return [_copy_from_row(scope, row) for row in rows]


@dataclass(frozen=True)
class CropPreview:
    """The crop box per aspect ratio of an image of `size` pixels, without the ratios for which the
    image is too small."""

    size: tuple[int, int]
    by_form: Mapping[str, PixelBox]


def preview_crops(tenant_id: UUID, sha256: str, store: ObjectStore) -> CropPreview:
    """Return the crop preview of stored bytes. Raises NotFound, Unavailable, and BadInput if they
    are not an image."""
    return _build_crop_preview(tenant_id, sha256, store.get)


@lru_cache(KEPT_CUTS)
def _build_crop_preview(
    tenant_id: UUID, sha256: str, get: Callable[[UUID, str], bytes]
) -> CropPreview:
    pixels = pictures.flatten_on(
        pictures.decode_photo(get(tenant_id, sha256), name=sha256[:8]).pixels, (255, 255, 255)
    )
    keep = subject_detection.find_subject(pixels)
    found = {}
    for form in aspect_ratios.ASPECT_RATIOS:
        try:
            found[form.name] = crops.crop_window(pixels.size, form, keep)
        except BadInput:
            continue
    return CropPreview(pixels.size, found)


def make_copy(
    event: PictureCopyDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: LoadCredential,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
    cutter: Callable[[], BackgroundRemover | None] = lambda: None,
    upscaler: Callable[[], Upscaler | None] = lambda: None,
) -> None:
    """Make a copy and ingest it, or store the reason why it is impossible.

    Temporary failures are retried. A repetition results in the same asset. A cancelled copy stops
    after the current tile.
    """
    try:
        with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
            row = _get_copy_row(scope, event.subject_id)
            if row.state != UploadState.WAITING:
                return
            first = _get_creation_row(scope, row.asset_id)
            picture = _get_source_rendition(scope, row.asset_id)
        data = store.get(event.tenant_id, picture.sha256)
        with heartbeat() as pulse:
            told = partial(_record_copy_progress, tenant, event, pulse)
            prepared = _prepare_finished_copy(
                row, first, data, credential, CopyModels(cutter, upscaler, told)
            )
            pulse.check_lease()
        with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
            asset_id = assets.find_asset_by_digest(
                scope, row.creator_id, bytes_digest(prepared.data)
            )
        if asset_id is None:
            asset_id = pipeline.ingest_asset(
                tenant,
                store,
                tenant_id=event.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                checks=checks,
                compare=compare,
                still=partial(_check_copy_still_open, copy_id=row.id, asset_id=row.asset_id),
            )
        reason = None
    except _Stopped:
        return
    except (BadInput, EngineMissing, JobTooLarge) as refused:
        asset_id = None
        reason = refused.message
    except NotFound:
        asset_id = None
        reason = Message("copy.lost")
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        _record_copy_outcome(scope, event.subject_id, asset_id, reason)


def _check_copy_still_open(scope: Scope, *, copy_id: UUID, asset_id: UUID) -> None:
    """Raise an error if the copy was cancelled or its source is no longer usable."""
    if _get_copy_row(scope, copy_id, lock=True).state != UploadState.WAITING:
        raise _Stopped
    _get_source_rendition(scope, asset_id)


def _record_copy_progress(
    tenant: OpenScope, event: PictureCopyDue, pulse: Heartbeat, done: int, total: int
) -> None:
    """Store the progress. Raises LeaseLost if another worker has the copy, _Stopped if it was
    cancelled."""
    pulse.check_lease()
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        row = _get_copy_row(scope, event.subject_id, lock=True)
        if row.state != UploadState.WAITING:
            raise _Stopped
        row.step = done
        row.steps = total
        scope.add(row)


def stop_copy(scope: Scope, copy_id: UUID) -> None:
    """Cancel a copy. A copy in progress stops after the current tile; a finished one is not
    changed.

    Raises NotFound.
    """
    _record_copy_outcome(scope, copy_id, None, Message("copy.stopped"))
    outbox.cancel_all(scope, copy_id, PictureCopyDue.kind)


def fail_copy(event: PictureCopyDue, *, tenant: OpenScope) -> None:
    """Reject a copy after its last attempt; the member sees the reason and may request it again."""
    with tenant(event.tenant_id, pipeline.INGEST_ACTOR) as scope:
        _record_copy_outcome(scope, event.subject_id, None, Message("copy.gave_up"))


@dataclass(frozen=True)
class CopyModels:
    """Models that a copy may need, loaded on first use, and a progress callback."""

    cutter: Callable[[], BackgroundRemover | None]
    upscaler: Callable[[], Upscaler | None]
    told: Progress


def _prepare_finished_copy(
    row: PictureCopyRow,
    first: models.CreationRow,
    data: bytes,
    credential: LoadCredential,
    models_of: CopyModels,
) -> PreparedAsset:
    """Return the copy as it will be stored.

    Content of an engine is marked and signed again, because editing invalidates the first
    signature.
    """
    asked = CopyFinish.from_json(row.finish)
    flat = pictures.flatten_on(
        pictures.decode_photo(data, name=str(row.asset_id)).pixels, pictures.PAPER
    )
    finer = models_of.upscaler() if asked.finer else None
    cutter = models_of.cutter() if asked.background else None
    pixels = finish.apply_finish(flat, asked, cutter, finer, models_of.told)
    photo = DecodedPhoto(pixels=pixels, mime="image/jpeg", sha256=bytes_digest(data))
    by_engine = first.engine not in origin_detection.DECLARABLE_ENGINES
    kind = content_credentials.source_type_of(first.engine)
    rendered = pictures.render_photo(
        photo, POST_PROFILE, xmp=content_credentials.xmp_packet(kind) if by_engine else b""
    )
    final = rendered.data
    if by_engine:
        origin = content_credentials.ProvenanceClaim(first.engine, first.model, kind, first.label)
        final = content_credentials.sign_media(final, rendered.mime, credential(), origin)
    source = AssetSource(
        key=f"copy:{row.id}",
        origin="generated" if first.seed is not None else "upload",
        ai="none",  # inherited from its parent if that is higher
        engine=first.engine,
        model=first.model,
        label=first.label,
        seed=first.seed,
        prompt=first.prompt,
        alt=first.alt,
        parent=row.asset_id,
        parameters={
            **{
                key: said["text"] if isinstance(said, dict) else said
                for key, said in row.finish.items()
            },
            **(
                {"larger_by": finer.name, "larger_by_sha256": finer.digest}
                if finer is not None
                else {}
            ),
        },
    )
    return PreparedAsset(rendered, photo, final, source)


def _get_source_rendition(scope: Scope, asset_id: UUID) -> asset_records.StoredRendition:
    """Return the source of a copy. Raises NotFound if it is withheld or deleted, BadInput for a
    video."""
    found = asset_records.newest_rendition(scope, asset_id, POST_PROFILE.name)
    if found is None or queries.get_asset_bytes(scope, asset_id).standing.is_withheld:
        raise NotFound("library.asset_unknown", destination="-")
    if not found.mime.startswith("image/"):
        raise BadInput("copy.film")
    return found


def _get_creation_row(scope: Scope, asset_id: UUID) -> models.CreationRow:
    row = scope.session.exec(
        select(models.CreationRow).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def _record_copy_outcome(
    scope: Scope, copy_id: UUID, asset_id: UUID | None, reason: Message | None
) -> None:
    row = _get_copy_row(scope, copy_id, lock=True)
    if row.state != UploadState.WAITING:
        return
    _change_copy_state(row, UploadState.READY if asset_id is not None else UploadState.REFUSED)
    row.made_id = asset_id
    row.reason = stored_message(reason)
    scope.add(row)


def _change_copy_state(row: PictureCopyRow, after: UploadState) -> None:
    UPLOAD_STATES.check(UploadState(row.state), after)
    row.state = str(after)
    row.reason = None
    row.step = row.steps = 0


def _get_copy_row(scope: Scope, copy_id: UUID, *, lock: bool = False) -> PictureCopyRow:
    row = scope.session.get(
        PictureCopyRow, (scope.tenant_id, copy_id), with_for_update=lock or None
    )
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def get_copies(scope: Scope, copy_ids: Sequence[UUID]) -> list[PictureCopyView]:
    """Return these copies in the given order. Raises NotFound, also for copies of another
    tenant."""
    return [_copy_from_row(scope, _get_copy_row(scope, one)) for one in copy_ids]


def _copy_from_row(scope: Scope, row: PictureCopyRow) -> PictureCopyView:
    return PictureCopyView(
        row.id,
        row.creator_id,
        row.asset_id,
        CopyFinish.from_json(row.finish),
        UploadState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.made_id,
        row.created_at or scope.now,
        row.step,
        row.steps,
    )
