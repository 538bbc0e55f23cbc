"""Copies of a picture of the library, cut and finished by the workers: new assets whose parent is the first one.

A page calls `ask`; the workers do the rest (`make`). The first picture is never touched. What is known of it goes on to
its copies: who is in it, its labels, since when it is, and what its rating keeps up (`gate/recording.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import OpenScope, Scope, stored
from foundation.errors import BadInput, NotFound
from foundation.ids import derived
from foundation.jobs import Pulse, heartbeat
from foundation.settings import GeneratorsSettings
from foundation.storage import ObjectStore, digest_of
from foundation.words import Message, canonical
from gate import recording
from generators import crops, finishing, forms, media, provenance, subjects
from generators.classifying import Classifier
from generators.contract import EngineMissing, JobTooLarge, Progress
from generators.cutouts import Cutter
from generators.finishing import Finish
from generators.media import POST, Photo
from generators.provenance import Credential
from generators.subjects import Box
from generators.upscaling import Upscaler
from studio import ingesting, library, models, origins, reads, storing
from studio.events import CopyDue
from studio.ingesting import Prepared, Source
from studio.looking import Compare
from studio.states import UPLOAD_STATES, UploadState

KEPT_CUTS = 64
"""Pictures whose cuts a page remembers."""


@dataclass(frozen=True)
class Copy:
    """A copy on its way: `waiting`, `ready` with its asset, or `refused` with the reason."""

    id: UUID
    creator_id: UUID
    asset_id: UUID
    finish: Finish
    state: UploadState
    reason: Message | None
    made_id: UUID | None
    at: datetime
    step: int = 0
    steps: int = 0
    """How many of so many tiles are done, of one that a model makes larger; 0 before that."""


class _Stopped(Exception):
    """Somebody stopped the copy, or another worker settled it."""


def ask(scope: Scope, asset_id: UUID, finish: Finish, *, by: str, store: ObjectStore) -> UUID:
    """Have the workers make a copy of a picture, finished so; returns the copy's id.

    The same copy asked for twice is one; one that was refused is tried again. Raises NotFound for no such picture and
    what is withheld, BadInput for a film and where nothing would be done; `storing.Full` where there is no room.
    """
    found, picture = reads.shown(scope, asset_id), _picture(scope, asset_id)
    if not finish.changes:
        raise BadInput("copy.nothing")
    kept = finish.to_json()
    copy_id = derived(scope.tenant_id, asset_id, f"copy:{canonical(kept).decode()}")
    library.alone(scope, "copy", copy_id)
    row = scope.session.get(models.PictureCopy, (scope.tenant_id, copy_id))
    if row is not None and row.state == UploadState.READY and not reads.cards_of(scope, [row.made_id or row.id]):
        _move(row, UploadState.REFUSED)  # the copy was erased meanwhile: it is made again
    if row is not None and row.state != UploadState.REFUSED:
        return row.id
    storing.check(scope, store.allowed, picture.size)  # a copy weighs about as much
    if row is None:
        row = models.PictureCopy(
            tenant_id=scope.tenant_id,
            id=copy_id,
            creator_id=found.creator_id,
            asset_id=asset_id,
            finish=kept,
            by=by,
        )
    else:
        _move(row, UploadState.WAITING)
    scope.add(row)
    outbox.put(scope, CopyDue(scope.tenant_id, row.id), dedupe=f"copy:{row.id}")
    return row.id


def check_models(known: GeneratorsSettings, finish: Finish) -> None:
    """Raise BadInput for what needs a model that nobody set on this installation."""
    if finish.finer and not known.upscale_model:
        raise BadInput("upscale.no_model")
    if finish.background and not known.cutout_model:
        raise BadInput("cutout.no_model")


def recent(scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 100) -> list[Copy]:
    """A creator's copies that wait, and those that became something since then, the newest first."""
    rows = scope.session.exec(
        select(models.PictureCopy)
        .where(
            models.PictureCopy.tenant_id == scope.tenant_id,
            models.PictureCopy.creator_id == creator_id,
            (col(models.PictureCopy.updated_at) >= since) | (models.PictureCopy.state == str(UploadState.WAITING)),
        )
        .order_by(col(models.PictureCopy.created_at).desc())
        .limit(limit)
    )
    return [_value(scope, row) for row in rows]


@dataclass(frozen=True)
class Cuts:
    """Where a picture of `size` pixels would be cut, by form; those it is too small for are absent."""

    size: tuple[int, int]
    by_form: Mapping[str, Box]


def cuts(tenant_id: UUID, sha256: str, store: ObjectStore) -> Cuts:
    """Where the copies of these bytes would be cut. Raises NotFound, Unavailable; BadInput for no picture."""
    return _cuts(tenant_id, sha256, store.get)


@lru_cache(KEPT_CUTS)
def _cuts(tenant_id: UUID, sha256: str, get: Callable[[UUID, str], bytes]) -> Cuts:
    pixels = media.on(media.read(get(tenant_id, sha256), name=sha256[:8]).pixels, (255, 255, 255))
    keep, found = subjects.subject(pixels), {}
    for form in forms.FORMS:
        try:
            found[form.name] = crops.window(pixels.size, form, keep)
        except BadInput:
            continue
    return Cuts(pixels.size, found)


def make(
    event: CopyDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
    cutter: Callable[[], Cutter | None] = lambda: None,
    upscaler: Callable[[], Upscaler | None] = lambda: None,
) -> None:
    """Make the copy and bring it into the library, or say why it cannot be. Others' faults are tried again; made twice
    it is the same asset. One that is stopped ends with its tile."""
    try:
        with tenant(event.tenant_id, ingesting.INGESTING) as scope:
            row = _row(scope, event.subject_id)
            if row.state != UploadState.WAITING:
                return
            first, picture = _creation(scope, row.asset_id), _picture(scope, row.asset_id)
        data = store.get(event.tenant_id, picture.sha256)
        with heartbeat() as pulse:
            told = partial(_told, tenant, event, pulse)
            prepared = _finished(row, first, data, credential, Models(cutter, upscaler, told))
            pulse.check()
        with tenant(event.tenant_id, ingesting.INGESTING) as scope:
            asset_id = library.of_bytes(scope, row.creator_id, digest_of(prepared.data))
        if asset_id is None:
            asset_id = ingesting.bring(
                tenant,
                store,
                tenant_id=event.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                compare=compare,
                still=partial(_wanted, copy_id=row.id, asset_id=row.asset_id),
            )
        reason = None
    except _Stopped:
        return
    except (BadInput, EngineMissing, JobTooLarge) as refused:
        asset_id, reason = None, refused.message
    except NotFound:
        asset_id, reason = None, Message("copy.lost")
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        _settle(scope, event.subject_id, asset_id, reason)


def _wanted(scope: Scope, *, copy_id: UUID, asset_id: UUID) -> None:
    """Raise where the copy was stopped meanwhile, or its picture may not be used any more."""
    if _row(scope, copy_id, lock=True).state != UploadState.WAITING:
        raise _Stopped
    _picture(scope, asset_id)


def _told(tenant: OpenScope, event: CopyDue, pulse: Pulse, done: int, total: int) -> None:
    """Say how far a copy is. Raises LeaseLost where another worker has it, _Stopped where nobody waits for it."""
    pulse.check()
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        row = _row(scope, event.subject_id, lock=True)
        if row.state != UploadState.WAITING:
            raise _Stopped
        row.step, row.steps = done, total
        scope.add(row)


def stop(scope: Scope, copy_id: UUID) -> None:
    """Want a copy no more: one that is being made ends with its tile. Raises NotFound; one that is done stays."""
    _settle(scope, copy_id, None, Message("copy.stopped"))
    outbox.cancel_all(scope, copy_id, CopyDue.kind)


def gave_up(event: CopyDue, *, tenant: OpenScope) -> None:
    """The row of a copy failed too often: a person is told, and may ask again."""
    with tenant(event.tenant_id, ingesting.INGESTING) as scope:
        _settle(scope, event.subject_id, None, Message("copy.gave_up"))


@dataclass(frozen=True)
class Models:
    """What a copy may need beside its picture, each made at its first use, and who is told how far it is."""

    cutter: Callable[[], Cutter | None]
    upscaler: Callable[[], Upscaler | None]
    told: Progress


def _finished(
    row: models.PictureCopy,
    first: models.Creation,
    data: bytes,
    credential: Callable[[], Credential],
    models_of: Models,
) -> Prepared:
    """The copy as it will be stored. What an engine made is marked and signed as such once more: cutting breaks the
    first mark, and is no camera's work either."""
    asked = Finish.from_json(row.finish)
    flat = media.on(media.read(data, name=str(row.asset_id)).pixels, (255, 255, 255))
    finer = models_of.upscaler() if asked.finer else None
    cutter = models_of.cutter() if asked.background else None
    pixels = finishing.finish(flat, asked, cutter, finer, models_of.told)
    photo = Photo(pixels=pixels, mime="image/jpeg", sha256=digest_of(data))
    by_engine = first.engine != origins.CAMERA
    kind = provenance.source_of(first.engine)
    rendered = media.render(photo, POST, xmp=provenance.xmp(kind) if by_engine else b"")
    final = rendered.data
    if by_engine:
        origin = provenance.Origin(first.engine, first.model, kind, first.label)
        final = provenance.sign(final, rendered.mime, credential(), origin)
    source = Source(
        key=f"copy:{row.id}",
        origin="generated" if first.seed is not None else "upload",
        ai="none",  # that of its parent, if higher
        engine=first.engine,
        model=first.model,
        label=first.label,
        seed=first.seed,
        prompt=first.prompt,
        alt=first.alt,
        parent=row.asset_id,
        parameters={
            **{key: said["text"] if isinstance(said, dict) else said for key, said in row.finish.items()},
            **({"larger_by": finer.name, "larger_by_sha256": finer.digest} if finer is not None else {}),
        },
    )
    return Prepared(rendered, photo, final, source)


def _picture(scope: Scope, asset_id: UUID) -> recording.Stored:
    """The bytes a copy is made of. Raises NotFound for what is withheld or gone, BadInput for a film."""
    found = recording.rendition(scope, asset_id, POST.name)
    if found is None or reads.shown(scope, asset_id).standing.withheld:
        raise NotFound("library.asset_unknown", destination="-")
    if not found.mime.startswith("image/"):
        raise BadInput("copy.film")
    return found


def _creation(scope: Scope, asset_id: UUID) -> models.Creation:
    row = scope.session.exec(
        select(models.Creation).where(
            models.Creation.tenant_id == scope.tenant_id, models.Creation.asset_id == asset_id
        )
    ).first()
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def _settle(scope: Scope, copy_id: UUID, asset_id: UUID | None, reason: Message | None) -> None:
    row = _row(scope, copy_id, lock=True)
    if row.state != UploadState.WAITING:
        return
    _move(row, UploadState.READY if asset_id is not None else UploadState.REFUSED)
    row.made_id, row.reason = asset_id, stored(reason)
    scope.add(row)


def _move(row: models.PictureCopy, after: UploadState) -> None:
    UPLOAD_STATES.check(UploadState(row.state), after)
    row.state, row.reason = str(after), None
    row.step = row.steps = 0


def _row(scope: Scope, copy_id: UUID, *, lock: bool = False) -> models.PictureCopy:
    row = scope.session.get(models.PictureCopy, (scope.tenant_id, copy_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("library.asset_unknown", destination="-")
    return row


def copies(scope: Scope, copy_ids: Sequence[UUID]) -> list[Copy]:
    """How these copies stand, in this order. Raises NotFound; another tenant's looks the same."""
    return [_value(scope, _row(scope, one)) for one in copy_ids]


def _value(scope: Scope, row: models.PictureCopy) -> Copy:
    return Copy(
        row.id,
        row.creator_id,
        row.asset_id,
        Finish.from_json(row.finish),
        UploadState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.made_id,
        row.created_at or scope.now,
        row.step,
        row.steps,
    )
