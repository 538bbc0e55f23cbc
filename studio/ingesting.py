"""The one path from bytes to a rated rendition: decode, upright, strip, resize, mark, sign, hash, store, record.

What is recorded is what will be sent, byte for byte; nothing touches the bytes afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.ids import derived
from foundation.money import Price
from foundation.storage import ObjectStore
from gate import erasing as evidence
from gate import inspecting, ratings, recording, seals
from gate.units import Rating, highest
from gate.weighing import DECLARED
from generators import claims, films, looks, media, provenance, thumbs
from generators.classifying import Classifier
from generators.contract import Label, Picture
from generators.films import Film
from generators.media import POST, Photo, Rendered
from generators.provenance import Credential
from generators.speech import Spoken
from studio import erasing, filming, looking, models, origins
from studio.events import LookScoreDue
from studio.filming import Beside
from studio.library import FRAMES, SECONDS, alone, forget
from studio.looking import Compare
from tenants import reads as tenant_reads

INGESTING = "system:ingesting"
SCORE = "score"
"""Among the parameters of what an engine made: how well it is made, 0 to 100."""


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
    parts: tuple[UUID, ...] = ()
    """The assets it is made of, uncut: the stills of a clip, and its sound."""
    after: tuple[UUID, ...] = ()
    """The assets its engine looked at: of a look to keep, of a posture."""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    declared: Rating = Rating.G
    """What the words it was made from are rated: it is at least that."""
    seconds: float | None = None
    """How long the engine drew."""
    cost: Price | None = None
    voice_of: UUID | None = None
    """The living person whose voice a model copied."""


@dataclass(frozen=True)
class Prepared:
    """A rendition ready to be stored, the photo it was made from or, of a film, that stands for it, and its lineage."""

    rendered: Rendered
    photo: Photo
    data: bytes = field(repr=False)
    source: Source
    film: Film | None = field(default=None, repr=False)


def key_of(sha256: str) -> str:
    """What makes a file with these bytes one asset."""
    return f"file:{sha256}"


def from_camera(data: bytes, *, name: str, alt: str = "", generated: bool = False) -> Prepared:
    """An upload, `generated` where whoever handed it in says that a model made it. Raises BadInput that names the file
    when it cannot be decoded safely."""
    if films.moves(data):
        return _filmed(data, name=name, alt=alt, generated=generated)
    photo = media.read(data, name=name)
    made = origins.maker(data, photo.mime, photo.lineage, photo.claim, said=generated)
    source = Source(
        key=key_of(photo.sha256),
        origin="upload",
        ai=made.ai,
        engine=made.engine,
        model=made.left.model,
        label=made.label,
        seed=made.left.seed,
        prompt=made.left.prompt,
        alt=alt,
        parameters=photo.lineage,
    )
    rendered = media.render(photo, POST)
    return Prepared(rendered, photo, rendered.data, source)


def _filmed(data: bytes, *, name: str, alt: str, generated: bool) -> Prepared:
    """An upload that moves or sounds: made anew, with all that is to be looked at."""
    film = films.read(data, name=name)
    made = origins.maker(data, film.mime, {}, claims.source_type(data), said=generated)
    source = Source(
        key=key_of(film.sha256),
        origin="upload",
        ai=made.ai,
        engine=made.engine,
        label=made.label,
        alt=alt,
        parameters={SECONDS: round(film.seconds), FRAMES: len(film.looked.frames)},
    )
    photo = filming.photo(film)
    return Prepared(filming.rendered(film, photo), photo, film.data, source, film)


def from_engine(
    picture: Picture,
    *,
    key: str,
    alt: str,
    credential: Credential,
    job_id: UUID | None = None,
    declared: Rating = Rating.G,
    seconds: float | None = None,
    cost: Price | None = None,
    parent: UUID | None = None,
    after: Sequence[UUID] = (),
) -> Prepared:
    """What an engine made, of words or of a `parent`, having looked at what it was made `after`, in so many `seconds`
    and for what `cost`: marked as such in its metadata and by a signed manifest, last of all."""
    drawn_here = picture.label in (Label.DRAWN, Label.STAND_IN)
    kind = provenance.source_of(picture.engine)
    photo = media.read(picture.data, name=key)
    rendered = media.render(photo, POST, xmp=provenance.xmp(kind))
    origin = provenance.Origin(picture.engine, picture.model, kind, str(picture.label))
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
        declared=declared,
        seconds=seconds,
        cost=cost,
        parent=parent,
        after=tuple(after),
    )
    return Prepared(rendered, photo, provenance.sign(rendered.data, rendered.mime, credential, origin), source)


CLIPS = "clips"
"""The engine of what is cut from stills here."""


def from_stills(
    data: bytes,
    *,
    key: str,
    parts: Sequence[UUID],
    words: Sequence[str],
    alt: str,
    made: str,
    credential: Callable[[], Credential],
    declared: Rating = Rating.G,
) -> Prepared:
    """A clip our own cutter wrote (`generators/clips.py`): looked at frame by frame like any film, its `words` read as
    subtitles are. Where a model `made` anything of it (`ai` of the unit), it bears a mark, signed last of all."""
    film = replace(films.reread(data, name=key), words=tuple(dict.fromkeys(words)))
    if made != "none":
        origin = provenance.Origin(CLIPS, "", "compositeWithTrainedAlgorithmicMedia")
        film = replace(film, data=provenance.sign(film.data, film.mime, credential(), origin))
    source = Source(
        key=key,
        origin="generated" if made == "generated" else "upload",
        ai=made,
        engine=CLIPS,
        alt=alt,
        parts=tuple(parts),
        parameters={SECONDS: round(film.seconds), FRAMES: len(film.looked.frames)},
        declared=declared,
    )
    photo = filming.photo(film)
    return Prepared(filming.rendered(film, photo), photo, film.data, source, film)


def from_speech(
    said: Spoken, *, key: str, words: str, credential: Credential, declared: Rating, voice_of: UUID | None
) -> Prepared:
    """What an engine of speech said: marked as such, with its words to be read, whose voice it is and its licence."""
    film = replace(films.reread(said.data, name=key), words=(words,))
    origin = provenance.Origin(said.engine, said.model, "trainedAlgorithmicMedia", str(said.label))
    source = Source(
        key=key,
        origin="generated",
        ai="generated",
        engine=said.engine,
        model=said.model,
        label=str(said.label),
        seed=said.seed,
        prompt=words,
        parameters={
            **said.parameters,
            SECONDS: round(said.seconds),
            FRAMES: 0,
            "voice": said.voice.id,
            "licence": said.voice.licence.name,
        },
        declared=declared,
        voice_of=voice_of,
    )
    photo = filming.photo(film)
    data = provenance.sign(film.data, film.mime, credential, origin)
    return Prepared(filming.rendered(film, photo), photo, data, source, film)


def bring(
    tenant: OpenScope,
    store: ObjectStore,
    *,
    tenant_id: UUID,
    creator_id: UUID,
    prepared: Prepared,
    classifier: Classifier | None = None,
    compare: Compare | None = None,
    still: Callable[[Scope], object] | None = None,
) -> UUID:
    """Store the bytes, have the classifier look, then record asset, rendition, lineage and what was found in one
    transaction; returns the asset's id.

    The same source brought twice is the same asset. Where the classifier cannot say, that is recorded, and it is asked
    again later. `still` raises where what it was made from may not be used any more: it is asked in that transaction,
    while nobody else says anything of that. Then nothing is recorded and no bytes stay, nor when the disk is full
    (Unavailable).
    """
    film, (sha256, beside) = prepared.film, _keep(store, tenant_id, prepared)
    with tenant(tenant_id, INGESTING) as scope:
        sealed = bool(seals.sealed(scope, [sha256]))
    found = None if sealed else looking.look(prepared.photo, classifier, film=film)  # no transaction is open
    faces = looking.compared(tenant_id, found, compare)
    recorded = False
    try:
        with tenant(tenant_id, INGESTING) as scope:
            alone(scope, "ingest", creator_id, prepared.source.key)  # the second of two uploads at once finds the first
            known = _known(scope, creator_id, prepared.source.key)
            if known is not None:
                return known
            alone(scope, "object", sha256)
            if evidence.gone(scope, sha256) or not store.exists(tenant_id, sha256):
                _keep(store, tenant_id, prepared)  # erased, or forgotten by who brought the same, perhaps only just now
            asset_id = _record(scope, creator_id, prepared, sha256)
            if still is not None:
                still(scope)
            _say(scope, asset_id, prepared, sha256)
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
        recorded = True
        return asset_id
    finally:
        if not recorded:
            forget(tenant, store, tenant_id, [sha256, *(one.sha256 for one in beside)], actor=INGESTING)


def _say(scope: Scope, asset_id: UUID, prepared: Prepared, sha256: str) -> None:
    """What is known of an asset before anybody looks: its least rating, and whose voice it is."""
    source = prepared.source
    _rate_as_parts(scope, sha256, source.parts)
    if source.voice_of is not None:  # with the asset itself: it never stands there as nobody's
        ratings.depict(scope, asset_id, source.voice_of, how="voice", confirmed_by="generation")
    if source.declared is not Rating.G:
        ratings.rate(scope, sha256, source.declared, source=DECLARED)
    if source.after:
        outbox.put(scope, LookScoreDue(scope.tenant_id, asset_id), dedupe=f"look.score:{asset_id}")


def _keep(store: ObjectStore, tenant_id: UUID, prepared: Prepared) -> tuple[str, list[Beside]]:
    """Store what was made and what is kept beside it; its digest. Raises Unavailable when the disk is full."""
    sha256 = store.put(tenant_id, prepared.data)
    if prepared.film is not None:
        return sha256, filming.keep(store, tenant_id, prepared.film, prepared.photo, sha256)
    return sha256, _thumbnails(store, tenant_id, prepared.photo, sha256)


def _rate_as_parts(scope: Scope, sha256: str, parts: Sequence[UUID]) -> None:
    """What is made of rated pictures alone is rated as the highest of them; else somebody, or something, must look."""
    stored = recording.renditions(scope, parts, POST.name)
    said = [ratings.effective(scope, one.sha256) for one in stored.values()]
    known = [rating for rating in said if rating is not None]
    if known and len(known) == len(parts):
        ratings.rate(scope, sha256, highest(known), source="rule:parts")


def _thumbnails(store: ObjectStore, tenant_id: UUID, photo: Photo, sha256: str) -> list[Beside]:
    """Store the thumbnails of a picture of these bytes, which members are shown. Raises Unavailable when the disk is
    full."""
    flat = media.on(photo.pixels, (255, 255, 255))  # as what is sent
    return [
        Beside(one.profile, store.put(tenant_id, one.data), len(one.data), one.width, one.height, thumbs.MIME)
        for one in thumbs.ladder(flat, mark=sha256)
    ]


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
    creation_id = derived(scope.tenant_id, creator_id, source.key)
    asset_id = erasing.returned(scope, creation_id) or recording.record_asset(
        scope,
        creator_id=creator_id,
        origin=source.origin,
        ai=source.ai,
        engine=source.engine,
        made_at=taken or scope.now,
        source="capture" if taken else "ingest",
        parent=source.parent,
        parts=source.parts,
        after=source.after,
        model=source.model if source.ai != "none" else "",
        label=source.label,
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
            id=creation_id,
            creator_id=creator_id,
            asset_id=asset_id,
            job_id=source.job_id,
            source_key=source.key,
            sha256=sha256,
            engine=source.engine,
            model=source.model,
            label=recording.label(scope, asset_id),
            seed=source.seed,
            prompt=source.prompt,
            parameters=dict(source.parameters),
            alt=source.alt,
            taken_at=taken,
            seconds=source.seconds,
            cost=source.cost.minor if source.cost else None,
            currency=source.cost.currency if source.cost else None,
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
