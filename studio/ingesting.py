"""The one path from bytes to a rated rendition: decode, upright, strip, resize, mark, sign, hash, store, record.

What is recorded is what will be sent, byte for byte; nothing touches the bytes afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation.database import OpenScope, Scope
from foundation.ids import derived
from foundation.storage import ObjectStore
from gate import inspecting, recording, seals
from generators import films, looks, media, provenance
from generators.classifying import Classifier
from generators.contract import Label, Picture
from generators.films import Film
from generators.media import POST, Photo, Rendered
from generators.provenance import Credential
from studio import filming, looking, models
from studio.library import alone
from studio.looking import Compare
from studio.playing import FRAMES, SECONDS
from tenants import reads as tenant_reads

INGESTING = "system:ingesting"
CAMERA, UNNAMED = "camera", "unnamed"
SCORE = "score"
"""Among the parameters of what an engine made: how well it is made, 0 to 100."""

MADE_BY_MODELS = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")


@dataclass(frozen=True)
class Source:
    """Where bytes come from. `key` makes them once per creator; `origin`: upload or generated; `ai` as in the unit."""

    key: str
    origin: str
    ai: str
    engine: str
    model: str = ""
    label: str = ""
    seed: int | None = None
    prompt: str = ""
    alt: str = ""
    job_id: UUID | None = None
    parent: UUID | None = None
    """The asset it was made from: a still of a film, a film of a picture."""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A rendition ready to be stored, the photo it was made from or, of a film, that stands for it, and its lineage."""

    rendered: Rendered
    photo: Photo
    data: bytes = field(repr=False)
    source: Source
    film: Film | None = field(default=None, repr=False)


def from_camera(data: bytes, *, name: str, alt: str = "") -> Prepared:
    """An upload. Raises BadInput that names the file when it cannot be decoded safely."""
    if films.moves(data):
        return _filmed(data, name=name, alt=alt)
    photo = media.read(data, name=name)
    maker = _maker(data, photo.mime, photo.lineage)
    source = Source(
        key=f"file:{photo.sha256}",
        origin="upload",
        ai="generated" if maker else "none",
        engine=maker or CAMERA,
        alt=alt,
        parameters=photo.lineage,
    )
    rendered = media.render(photo, POST)
    return Prepared(rendered, photo, rendered.data, source)


def _filmed(data: bytes, *, name: str, alt: str) -> Prepared:
    """An upload that moves or sounds: made anew, with all that is to be looked at."""
    film = films.read(data, name=name)
    maker = _maker(data, film.mime, {})
    source = Source(
        key=f"file:{film.sha256}",
        origin="upload",
        ai="generated" if maker else "none",
        engine=maker or CAMERA,
        alt=alt,
        parameters={SECONDS: round(film.seconds), FRAMES: len(film.looked.frames)},
    )
    photo = filming.photo(film)
    return Prepared(filming.rendered(film, photo), photo, film.data, source, film)


def _maker(data: bytes, mime: str, lineage: Mapping[str, str]) -> str:
    """The engine that made an upload, as its own mark or the prompt left in it says; nothing for a camera's.

    A mark that no longer verifies still says so: nobody adds one to a photograph.
    """
    mark = provenance.verify(data, mime)
    if mark.source in MADE_BY_MODELS:
        return mark.engine or UNNAMED
    return UNNAMED if lineage else ""


def from_engine(
    picture: Picture, *, key: str, alt: str, credential: Credential, job_id: UUID | None = None
) -> Prepared:
    """What an engine made: marked as such in its metadata and by a signed manifest, last of all."""
    drawn_here = picture.label in (Label.DRAWN, Label.STAND_IN)
    kind = provenance.source_of(picture.engine)
    photo = media.read(picture.data, name=key)
    rendered = media.render(photo, POST, xmp=provenance.xmp(kind))
    origin = provenance.Origin(picture.engine, picture.model, kind)
    source = Source(
        key=key,
        origin="generated",
        ai="none" if drawn_here else "generated",
        engine=picture.engine,
        model=picture.model,
        label=str(picture.label),
        seed=picture.seed,
        prompt=picture.prompt,
        alt=alt,
        job_id=job_id,
        parameters={**picture.parameters, SCORE: looks.score(photo.pixels)},
    )
    return Prepared(rendered, photo, provenance.sign(rendered.data, rendered.mime, credential, origin), source)


def bring(
    tenant: OpenScope,
    store: ObjectStore,
    *,
    tenant_id: UUID,
    creator_id: UUID,
    prepared: Prepared,
    classifier: Classifier | None = None,
    compare: Compare | None = None,
) -> UUID:
    """Store the bytes, have the classifier look, then record asset, rendition, lineage and what was found in one
    transaction; returns the asset's id.

    The same source brought twice is the same asset. Where the classifier cannot say, that is recorded, and it is asked
    again later. Raises Unavailable when the disk is full: then nothing is recorded.
    """
    film, sha256 = prepared.film, store.put(tenant_id, prepared.data)
    beside = filming.keep(store, tenant_id, film, prepared.photo, sha256) if film is not None else []
    with tenant(tenant_id, INGESTING) as scope:
        sealed = bool(seals.sealed(scope, [sha256]))
    found = None if sealed else looking.look(prepared.photo, classifier, film=film)  # no transaction is open
    faces = looking.compared(tenant_id, found, compare)
    with tenant(tenant_id, INGESTING) as scope:
        alone(scope, "ingest", creator_id, prepared.source.key)  # the second of two uploads at once finds the first
        known = _known(scope, creator_id, prepared.source.key)
        if known is not None:
            return known
        asset_id = _record(scope, creator_id, prepared, sha256)
        filming.record(scope, asset_id, sha256, beside)
        looking.note(scope, asset_id, sha256, found, faces)
        inspecting.read(
            scope,
            sha256,
            hidden=prepared.photo.hidden_preview,
            turned=[look.hex() for look in prepared.rendered.turned],
            words=film.words if film is not None else (),
            frames=filming.frame_hashes(film),
        )
    return asset_id


def _known(scope: Scope, creator_id: UUID, key: str) -> UUID | None:
    return scope.session.exec(
        select(models.Creation.asset_id).where(
            models.Creation.tenant_id == scope.tenant_id,
            models.Creation.creator_id == creator_id,
            models.Creation.source_key == key,
        )
    ).first()


def _record(scope: Scope, creator_id: UUID, prepared: Prepared, sha256: str) -> UUID:
    source, taken = prepared.source, _taken_at(scope, creator_id, prepared)
    asset_id = recording.record_asset(
        scope,
        creator_id=creator_id,
        origin=source.origin,
        ai=source.ai,
        engine=source.engine,
        made_at=taken or scope.now,
        source="capture" if taken else "ingest",
        parent=source.parent,
        model=source.model if source.ai != "none" else "",
    )
    recording.record_rendition(
        scope,
        asset_id,
        sha256=sha256,
        mime=prepared.rendered.mime,
        size=len(prepared.data),
        width=prepared.rendered.width,
        height=prepared.rendered.height,
        profile=POST.name,
        phash=prepared.rendered.phash.hex() or None,
    )
    scope.add(
        models.Creation(
            tenant_id=scope.tenant_id,
            id=derived(scope.tenant_id, creator_id, source.key),
            creator_id=creator_id,
            asset_id=asset_id,
            job_id=source.job_id,
            source_key=source.key,
            sha256=sha256,
            engine=source.engine,
            model=source.model,
            label=source.label,
            seed=source.seed,
            prompt=source.prompt,
            parameters=dict(source.parameters),
            alt=source.alt,
            taken_at=taken,
        )
    )
    return asset_id


def _taken_at(scope: Scope, creator_id: UUID, prepared: Prepared) -> datetime | None:
    """The camera's time; one in the future is a wrong clock and counts as none."""
    taken = prepared.photo.taken
    if taken is None or prepared.source.origin != "upload":
        return None
    instant = taken.instant(ZoneInfo(tenant_reads.creator(scope, creator_id).zone))
    return instant if instant <= scope.now else None
