"""Images submitted by remote workers: accepted exactly once each, then ingested like any other.

The web process stores the bytes and queues an event; our workers, which have the signing key,
ingest them.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore, bytes_digest
from gate.contract.units import Rating
from generators.containers import still_images
from generators.contract.classifier import Classifier
from generators.contract.engines import GeneratedPicture, OriginLabel
from generators.contract.picture_checks import PictureChecks
from generators.media import pictures
from generators.provenance.content_credentials import LoadCredential, SigningCredential
from generators.remote_protocol import MAX_PICTURE_BYTES, PictureResult
from studio.ingest import pipeline
from studio.ingest.classification import CompareFaces
from studio.ingest.states import UPLOAD_STATES, UploadState
from studio.library import assets, storage_quota
from studio.recipes import run_inputs, specs
from studio.remote_workers import leases
from studio.remote_workers.events import RemotePictureDue
from studio.runs import records
from studio.runs.models import JobRow, RemotePictureRow, RemoteRunRow
from tenants.api_keys import remote_workers

_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""MIME types of generated images by the kinds of `still_images.inspect_picture`."""

_OURS = frozenset({assets.FRAMES_PARAMETER, assets.SECONDS_PARAMETER, pipeline.QUALITY_PARAMETER})
"""Parameters that are measured by the installation; values from workers are ignored."""


def accept_result(
    scope: Scope, store: ObjectStore, machine_id: UUID, made: PictureResult, data: bytes
) -> BadInput | Refused | None:
    """Store an image submitted by a worker and queue its ingest; idempotent.

    Returns the reason if the image is unusable, which fails its run: not a complete JPEG, PNG or
    WebP of at most `MAX_PICTURE_BYTES`, wrongly labelled, or no storage left. Raises BadInput if
    the bytes do not match the digest; NotFound for an image that was not leased; Conflict for
    different bytes of the same image, an ended run or a lost lease; Unavailable if the store is
    unreachable; Refused for a revoked worker.
    """
    remote_workers.record_worker_seen(scope, machine_id)
    if bytes_digest(data) != made.sha256:
        raise BadInput("machine.digest")
    row = leases.run_of_lease(scope, machine_id, made.lease)
    if _is_already_received(scope, machine_id, made):
        return None
    if row is None:
        raise Conflict("machine.lease_lost")
    if made.number not in row.numbers:
        raise NotFound("machine.not_lent")
    if records.get_run_row(scope, row.job_id, lock=True).state in records.ENDED_RUN_STATES:
        raise Conflict("machine.run_over")
    try:
        _check_picture(made, data)
        storage_quota.check_storage(scope, store.quota_bytes, len(data))
    except (BadInput, storage_quota.StorageFull) as refused:
        records.fail_run(scope, row.job_id, refused.message)
        return refused
    # Prevents a concurrent erasure of the same bytes.
    assets.lock_library(scope, "object", made.sha256)
    store.put(scope.tenant_id, data)
    _record_remote_picture(scope, row, machine_id, made, len(data))
    leases.record_delivery(scope, row, made.number)
    return None


def _record_remote_picture(
    scope: Scope, row: RemoteRunRow, machine_id: UUID, made: PictureResult, size: int
) -> None:
    picture = RemotePictureRow(
        tenant_id=scope.tenant_id,
        id=derived_uuid(scope.tenant_id, row.job_id, "home", made.number),
        creator_id=row.creator_id,
        job_id=row.job_id,
        number=made.number,
        machine_id=machine_id,
        lease=made.lease,
        sha256=made.sha256,
        size=size,
        made=made.model_dump(mode="json"),
    )
    scope.add(picture)
    outbox.put(scope, RemotePictureDue(scope.tenant_id, picture.id), dedupe=f"home:{picture.id}")


def _is_already_received(scope: Scope, machine_id: UUID, made: PictureResult) -> bool:
    """Return True if the same image was submitted under this lease. Raises Conflict for different
    bytes."""
    known = scope.session.exec(
        select(RemotePictureRow).where(
            RemotePictureRow.tenant_id == scope.tenant_id,
            RemotePictureRow.machine_id == machine_id,
            RemotePictureRow.lease == made.lease,
            RemotePictureRow.number == made.number,
        )
    ).first()
    if known is not None and known.sha256 != made.sha256:
        raise Conflict("machine.other_bytes")
    return known is not None


def _check_picture(made: PictureResult, data: bytes) -> None:
    """Check the structure of an image before any decoder runs. Raises BadInput."""
    name = f"{made.number}"
    if len(data) > MAX_PICTURE_BYTES:
        raise BadInput("photo.too_heavy", file=name)
    if pictures.inspect_complete_picture(data, name=name).kind not in _MIMES:
        raise BadInput("photo.unsupported", file=name)
    if (made.engine == "placeholder") != (made.label == OriginLabel.PLACEHOLDER):
        # our drawings are labelled as placeholders, and no other images are
        raise BadInput("machine.label")


def ingest_result(
    event: RemotePictureDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: LoadCredential,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
) -> None:
    """Ingest a submitted image as part of its run, count it and delete the submitted bytes.

    An unreadable image fails the run; temporary failures are retried.
    """
    with tenant(event.tenant_id, records.STUDIO_ACTOR) as scope:
        row = _get_picture_row(scope, event.subject_id)
        if row.state != UploadState.WAITING:
            return
        job = records.get_run_row(scope, row.job_id)
        there = records.picture_source_key(job, row.number) in assets.assets_by_source(
            scope, job.creator_id, [records.picture_source_key(job, row.number)]
        )
        asked = _asset_builder(scope, job, row)
    reason = None
    try:
        if not there:
            with heartbeat() as pulse:
                prepared = asked(store.get(event.tenant_id, row.sha256), credential())
                pulse.check_lease()
                # An input may have been withdrawn during generation.
                run_inputs.check_run_inputs(tenant, job, actor=records.STUDIO_ACTOR)
                records.check_room(tenant, event.tenant_id, store.quota_bytes, len(prepared.data))
                pipeline.ingest_asset(
                    tenant,
                    store,
                    tenant_id=event.tenant_id,
                    creator_id=row.creator_id,
                    prepared=prepared,
                    classifier=classifier,
                    checks=checks,
                    compare=compare,
                    still=partial(run_inputs.check_run_inputs_in, job=job),
                )
    except (BadInput, run_inputs.SourcePictureUnavailable, storage_quota.StorageFull) as refused:
        reason = refused.message
    except NotFound:
        reason = Message("machine.picture_lost")
    _record_ingest_outcome(tenant, store, event, reason)


def _asset_builder(
    scope: Scope, job: JobRow, row: RemotePictureRow
) -> Callable[[bytes, SigningCredential], pipeline.PreparedAsset]:
    """Return a function that prepares submitted bytes; prompt and seed come from the run, not the
    worker."""
    made = PictureResult.model_validate(row.made)
    shots = specs.plan_pictures(
        specs.spec_of_run(scope, job), seed=job.seed, count=job.total, given=job.given
    )
    shot = shots[row.number]
    name = remote_workers.remote_worker_name(scope, row.machine_id)

    def prepared(data: bytes, credential: SigningCredential) -> pipeline.PreparedAsset:
        found = still_images.inspect_picture(data, name=name)
        picture = GeneratedPicture(
            data=data,
            mime=_MIMES[found.kind],
            width=found.width,
            height=found.height,
            engine=made.engine,
            model=made.model,
            label=OriginLabel(made.label),
            seed=shot.job.seed,
            prompt=shot.job.prompt,
            parameters={
                **{one: said for one, said in made.parameters.items() if one not in _OURS},
                "machine": name,
            },
        )
        brought = pipeline.prepare_generated_picture(
            picture,
            key=records.picture_source_key(job, row.number),
            alt=shot.scene,
            credential=credential,
            job_id=job.id,
            declared=Rating(job.rating),
            seconds=made.seconds,
            parent=job.from_asset,
            after=run_inputs.referenced_assets(job),
        )
        # The label is the word of another machine, so members say who is shown.
        return replace(brought, source=replace(brought.source, unpeopled=False))

    return prepared


def _record_ingest_outcome(
    tenant: OpenScope, store: ObjectStore, event: RemotePictureDue, reason: Message | None
) -> None:
    """Record the outcome of an ingest, update the run and delete the bytes, in one transaction."""
    with tenant(event.tenant_id, records.STUDIO_ACTOR) as scope:
        row = _get_picture_row(scope, event.subject_id, lock=True)
        if row.state != UploadState.WAITING:
            return
        after = UploadState.READY if reason is None else UploadState.REFUSED
        UPLOAD_STATES.check(UploadState(row.state), after)
        row.state = str(after)
        row.reason = stored_message(reason)
        scope.add(row)
        if reason is not None:
            records.fail_run(scope, row.job_id, reason)
        else:
            job = records.get_run_row(scope, row.job_id, lock=True)
            records.record_progress_in(scope, job, records.count_settled(scope, job))
        assets.lock_library(scope, "object", row.sha256)
        # Two runs with the same prompt and seed can produce the same bytes.
        if not assets.is_object_in_use(scope, row.sha256):
            store.delete(event.tenant_id, row.sha256)


def fail_result(event: RemotePictureDue, *, tenant: OpenScope, store: ObjectStore) -> None:
    """Fail the run of an image after the last attempt to ingest it."""
    _record_ingest_outcome(tenant, store, event, Message("job.gave_up"))


def _get_picture_row(scope: Scope, picture_id: UUID, *, lock: bool = False) -> RemotePictureRow:
    row = scope.session.get(
        RemotePictureRow, (scope.tenant_id, picture_id), with_for_update=lock or None
    )
    if row is None:
        raise NotFound("machine.picture_unknown")
    return row
