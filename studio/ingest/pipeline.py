"""The ingest pipeline: decode, rotate, strip metadata, resize, mark, sign, hash, store and record a
file.

The recorded rendition is published byte for byte; nothing changes it afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.ids import derived_uuid
from foundation.money import Price
from foundation.outbox import outbox
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from gate.assets.erasure import is_erased
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating, highest_rating
from gate.ratings import depiction_answers, inspections, ratings, seals
from gate.ratings.aggregation import DECLARED_WORDS_SOURCE
from gate.ratings.depiction_answers import DRAWN_SOURCE
from generators.contract.classifier import Classifier
from generators.contract.engines import GeneratedPicture, OriginLabel
from generators.contract.picture_checks import CheckFinding, PictureChecks
from generators.contract.speech import GeneratedSpeech
from generators.media import picture_quality, pictures, thumbnails
from generators.media.pictures import POST_PROFILE, DecodedPhoto, RenderedPicture
from generators.provenance import content_credentials, generator_metadata
from generators.provenance.content_credentials import LoadCredential, SigningCredential
from generators.video import video_files
from generators.video.video_files import DecodedVideo
from studio.ingest import classification, file_names, origin_detection, video_assets
from studio.ingest.classification import CompareFaces
from studio.ingest.video_assets import CompanionPicture
from studio.library import erasure, models
from studio.library.assets import FRAMES_PARAMETER, SECONDS_PARAMETER, delete_objects, lock_library
from studio.runs.events import StyleScoreDue
from tenants.agencies import queries

INGEST_ACTOR = "system:ingesting"
QUALITY_PARAMETER = "score"
"""Parameter of a generated image with its technical quality, 0 to 100."""


@dataclass(frozen=True)
class AssetSource:
    """The source of a file.

    `key` identifies it once per creator; `origin` is "upload" or "generated"; `ai` is the AI level
    as in `Unit`.
    """

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
    """The asset it was made from, such as a frame of a video."""
    parts: tuple[UUID, ...] = ()
    """The assets it combines unchanged: the stills and the sound of a clip."""
    after: tuple[UUID, ...] = ()
    """The reference assets that its engine used, for style or pose."""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    declared: Rating = Rating.G
    """Rating of the prompt from which the asset was made; a minimum for the rating of the asset."""
    seconds: float | None = None
    """Engine time."""
    cost: Price | None = None
    file_name: str = ""
    """Name of the uploaded file as members see it."""
    voice_of: UUID | None = None
    """The living person whose voice a model reproduced."""
    redrawn: bool = False
    """True if a model redrew the parent, so that other people may be shown."""
    unpeopled: bool = False
    """True if our own engine drew it, which draws landscapes and rooms only, or if it is speech of
    a registered synthetic voice."""


@dataclass(frozen=True)
class PreparedAsset:
    """A rendition ready to be stored, with its photo (for a video the poster) and its source."""

    rendered: RenderedPicture
    photo: DecodedPhoto
    data: bytes = field(repr=False)
    source: AssetSource
    film: DecodedVideo | None = field(default=None, repr=False)


def source_key_of(sha256: str) -> str:
    """Return the source key of an uploaded file, so that the same file is always one asset."""
    return f"file:{sha256}"


def prepare_upload(
    data: bytes, *, name: str, alt: str = "", generated: bool = False
) -> PreparedAsset:
    """Prepare an upload; `generated` if the uploader declares that a model made it.

    Raises BadInput with the file name if it cannot be decoded safely.
    """
    if video_files.is_video_or_audio(data):
        return _prepare_video_upload(data, name=name, alt=alt, generated=generated)
    photo = pictures.decode_photo(data, name=name)
    metadata = generator_metadata.read_generator_metadata(data)
    made = origin_detection.detect_origin(
        data, photo.mime, metadata, said=generated or photo.has_hidden_signature
    )
    source = AssetSource(
        key=source_key_of(photo.sha256),
        origin="upload",
        ai=made.is_ai,
        engine=made.engine,
        model=made.left.model,
        label=made.label,
        seed=made.left.seed,
        prompt=made.left.prompt,
        alt=alt,
        file_name=file_names.display_file_name(name),
        parameters=metadata.texts,
    )
    rendered = pictures.render_photo(photo, POST_PROFILE)
    return PreparedAsset(rendered, photo, rendered.data, source)


def _prepare_video_upload(data: bytes, *, name: str, alt: str, generated: bool) -> PreparedAsset:
    """Prepare a video or audio upload: re-encoded, with all frames to be reviewed."""
    film = video_files.decode_video(data, name=name)
    metadata = generator_metadata.read_generator_metadata(data)
    made = origin_detection.detect_origin(data, film.mime, metadata, said=generated)
    source = AssetSource(
        key=source_key_of(film.sha256),
        origin="upload",
        ai=made.is_ai,
        engine=made.engine,
        model=made.left.model,
        label=made.label,
        seed=made.left.seed,
        prompt=made.left.prompt,
        alt=alt,
        file_name=file_names.display_file_name(name),
        parameters={
            **metadata.texts,
            SECONDS_PARAMETER: round(film.seconds),
            FRAMES_PARAMETER: len(film.looked.frames),
        },
    )
    photo = video_assets.poster_photo(film)
    return PreparedAsset(video_assets.video_rendition(film, photo), photo, film.data, source, film)


def prepare_generated_picture(
    picture: GeneratedPicture,
    *,
    key: str,
    alt: str,
    credential: SigningCredential,
    job_id: UUID | None = None,
    declared: Rating = Rating.G,
    seconds: float | None = None,
    cost: Price | None = None,
    parent: UUID | None = None,
    after: Sequence[UUID] = (),
) -> PreparedAsset:
    """Prepare an image made by an engine, marked in its metadata and by a signed manifest.

    `parent` is the source image, `after` are the reference images, and `seconds` is engine time.
    Signing is the last step, because any later change would invalidate the signature.
    """
    drawn_here = picture.label in (OriginLabel.DRAWN, OriginLabel.STAND_IN)
    kind = content_credentials.source_type_of(picture.engine)
    photo = pictures.decode_photo(picture.data, name=key)
    rendered = pictures.render_photo(photo, POST_PROFILE, xmp=content_credentials.xmp_packet(kind))
    origin = content_credentials.ProvenanceClaim(
        picture.engine, picture.model, kind, str(picture.label)
    )
    source = AssetSource(
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
        parameters={
            **picture.parameters,
            QUALITY_PARAMETER: picture_quality.score_quality(photo.pixels),
        },
        declared=declared,
        seconds=seconds,
        cost=cost,
        parent=parent,
        after=tuple(after),
        redrawn=parent is not None,
        unpeopled=drawn_here or picture.label is OriginLabel.PLACEHOLDER,
    )
    return PreparedAsset(
        rendered,
        photo,
        content_credentials.sign_media(rendered.data, rendered.mime, credential, origin),
        source,
    )


CLIPS = "clips"
"""Engine name of clips assembled from stills."""


def prepare_clip(
    data: bytes,
    *,
    key: str,
    parts: Sequence[UUID],
    words: Sequence[str],
    alt: str,
    made: str,
    credential: LoadCredential,
    declared: Rating = Rating.G,
) -> PreparedAsset:
    """Prepare a clip made by our slideshow encoder (`generators/video/slideshow.py`).

    Its frames are reviewed like those of any video, and its `words` like subtitles. `made` is the
    AI level as in `Unit`; unless it is "none", the clip is marked and signed.
    """
    film = replace(video_files.reopen_video(data, name=key), words=tuple(dict.fromkeys(words)))
    if made != "none":
        origin = content_credentials.ProvenanceClaim(
            CLIPS, "", "compositeWithTrainedAlgorithmicMedia"
        )
        film = replace(
            film, data=content_credentials.sign_media(film.data, film.mime, credential(), origin)
        )
    source = AssetSource(
        key=key,
        origin="generated" if made == "generated" else "upload",
        ai=made,
        engine=CLIPS,
        alt=alt,
        parts=tuple(parts),
        parameters={
            SECONDS_PARAMETER: round(film.seconds),
            FRAMES_PARAMETER: len(film.looked.frames),
        },
        declared=declared,
    )
    photo = video_assets.poster_photo(film)
    return PreparedAsset(video_assets.video_rendition(film, photo), photo, film.data, source, film)


def prepare_speech(
    said: GeneratedSpeech,
    *,
    key: str,
    words: str,
    credential: SigningCredential,
    declared: Rating,
    voice_of: UUID | None,
) -> PreparedAsset:
    """Prepare generated speech, marked as such, with its text for review, its speaker and its
    licence."""
    film = replace(video_files.reopen_video(said.data, name=key), words=(words,))
    origin = content_credentials.ProvenanceClaim(
        said.engine, said.model, "trainedAlgorithmicMedia", str(said.label)
    )
    source = AssetSource(
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
            SECONDS_PARAMETER: round(said.seconds),
            FRAMES_PARAMETER: 0,
            "voice": said.voice.id,
            "licence": said.voice.licence.name,
        },
        declared=declared,
        voice_of=voice_of,
        unpeopled=voice_of is None,
    )
    photo = video_assets.poster_photo(film)
    data = content_credentials.sign_media(film.data, film.mime, credential, origin)
    return PreparedAsset(video_assets.video_rendition(film, photo), photo, data, source, film)


def ingest_asset(
    tenant: OpenScope,
    store: ObjectStore,
    *,
    tenant_id: UUID,
    creator_id: UUID,
    prepared: PreparedAsset,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
    still: Callable[[Scope], object] | None = None,
) -> UUID:
    """Store, classify and record a prepared asset in one transaction; return its ID.

    The same source results in the same asset. An incomplete classification is recorded and repeated
    later. `still` is called in the transaction and raises an error if the sources may no longer be
    used. In this case, and if the disk is full (Unavailable), nothing is recorded and the stored
    bytes are deleted.
    """
    film = prepared.film
    (sha256, beside) = _store_media(store, tenant_id, prepared)
    with tenant(tenant_id, INGEST_ACTOR) as scope:
        sealed = bool(seals.sealed_digests(scope, [sha256]))
    # The classifier takes seconds, so it runs without an open transaction.
    found = None if sealed else classification.classify(prepared.photo, classifier, film=film)
    faces = classification.compare_faces(tenant_id, found, compare)
    checked = () if sealed else classification.run_checks(prepared.photo, checks, film=film)
    recorded = False
    try:
        with tenant(tenant_id, INGEST_ACTOR) as scope:
            # of two concurrent uploads, the second finds the asset of the first
            lock_library(scope, "ingest", creator_id, prepared.source.key)
            known = _find_asset_by_key(scope, creator_id, prepared.source.key)
            if known is not None:
                return known
            lock_library(scope, "object", sha256)
            if is_erased(scope, sha256) or not store.exists(tenant_id, sha256):
                # erased, or deleted by a concurrent upload of the same bytes
                _store_media(store, tenant_id, prepared)
            asset_id = _record_asset(scope, creator_id, prepared, sha256)
            if still is not None:
                still(scope)
            _record_known_ratings(scope, asset_id, prepared, sha256)
            video_assets.record_companions(scope, asset_id, sha256, beside)
            classification.record_classification(scope, asset_id, sha256, found, faces)
            _record_inspection(scope, sha256, prepared, checked)
        recorded = True
        return asset_id
    finally:
        # Stored bytes without a recorded asset would never be deleted.
        if not recorded:
            delete_objects(
                tenant,
                store,
                tenant_id,
                [sha256, *(one.sha256 for one in beside)],
                actor=INGEST_ACTOR,
            )


def _record_inspection(
    scope: Scope, sha256: str, prepared: PreparedAsset, checked: Iterable[CheckFinding]
) -> None:
    film = prepared.film
    for one in checked:
        inspections.record_model_finding(
            scope, sha256, model=one.model, explicit=one.explicit, face=one.face
        )
    inspections.record_file_inspection(
        scope,
        sha256,
        hidden=prepared.photo.hidden_preview,
        turned=[look.hex() for look in prepared.rendered.turned],
        words=film.words if film is not None else (),
        frames=video_assets.frame_hashes(film),
    )


def _record_known_ratings(
    scope: Scope, asset_id: UUID, prepared: PreparedAsset, sha256: str
) -> None:
    """Record facts known before classification: the minimum rating, and the speaker."""
    source = prepared.source
    _rate_as_parts(scope, sha256, source.parts)
    # in the same transaction as the asset, so that it never exists without its speaker
    if source.voice_of is not None:
        ratings.record_depiction(
            scope, asset_id, source.voice_of, how="voice", confirmed_by="generation"
        )
    if source.unpeopled:
        depiction_answers.record_answer(
            scope, asset_id, DepictionAnswer.NO_PEOPLE, source=DRAWN_SOURCE, principal=None
        )
    if source.declared is not Rating.G:
        ratings.record_rating(scope, sha256, source.declared, source=DECLARED_WORDS_SOURCE)
    if source.after:
        outbox.put(scope, StyleScoreDue(scope.tenant_id, asset_id), dedupe=f"look.score:{asset_id}")


def _store_media(
    store: ObjectStore, tenant_id: UUID, prepared: PreparedAsset
) -> tuple[str, list[CompanionPicture]]:
    """Store a file and its companion images; return its digest. Raises Unavailable when the disk is
    full."""
    sha256 = store.put(tenant_id, prepared.data)
    if prepared.film is not None:
        return sha256, video_assets.store_companions(
            store, tenant_id, prepared.film, prepared.photo, sha256
        )
    return sha256, _store_thumbnails(store, tenant_id, prepared.photo, sha256)


def _rate_as_parts(scope: Scope, sha256: str, parts: Sequence[UUID]) -> None:
    """Rate a combination of images with the highest of their ratings. If one of them is unrated,
    the combination stays unrated."""
    stored = asset_records.newest_renditions(scope, parts, POST_PROFILE.name)
    said = [ratings.effective_rating(scope, one.sha256) for one in stored.values()]
    known = [rating for rating in said if rating is not None]
    if known and len(known) == len(parts):
        ratings.record_rating(scope, sha256, highest_rating(known), source="rule:parts")


def _store_thumbnails(
    store: ObjectStore, tenant_id: UUID, photo: DecodedPhoto, sha256: str
) -> list[CompanionPicture]:
    """Store the thumbnails of an image that members see. Raises Unavailable when the disk
    is full."""
    # same background as the published rendition
    flat = pictures.flatten_on(photo.pixels, pictures.PAPER)
    return [
        CompanionPicture(
            one.profile,
            store.put(tenant_id, one.data),
            len(one.data),
            one.width,
            one.height,
            thumbnails.THUMBNAIL_MIME,
        )
        for one in thumbnails.make_thumbnails(flat, mark=sha256)
    ]


def _find_asset_by_key(scope: Scope, creator_id: UUID, key: str) -> UUID | None:
    return scope.session.exec(
        select(models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
            models.CreationRow.source_key == key,
        )
    ).first()


def _record_asset(scope: Scope, creator_id: UUID, prepared: PreparedAsset, sha256: str) -> UUID:
    source = prepared.source
    taken = _taken_at(scope, creator_id, prepared)
    creation_id = derived_uuid(scope.tenant_id, creator_id, source.key)
    # The gate trusts the model of a voice; what an uploaded file says of itself is no proof.
    is_uploaded_sound = source.origin == "upload" and prepared.rendered.mime.startswith("audio/")
    asset_id = erasure.erased_asset_id(scope, creation_id) or asset_records.record_asset(
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
        model=source.model if source.ai != "none" and not is_uploaded_sound else "",
        label=source.label,
        redrawn=source.redrawn,
    )
    asset_records.record_rendition(
        scope,
        asset_id,
        sha256=sha256,
        mime=prepared.rendered.mime,
        size=len(prepared.data),
        width=prepared.rendered.width,
        height=prepared.rendered.height,
        profile=POST_PROFILE.name,
        phash=prepared.rendered.phash.hex() or None,
    )
    scope.add(
        models.CreationRow(
            tenant_id=scope.tenant_id,
            id=creation_id,
            creator_id=creator_id,
            asset_id=asset_id,
            job_id=source.job_id,
            source_key=source.key,
            sha256=sha256,
            engine=source.engine,
            model=source.model,
            label=asset_records.asset_label(scope, asset_id),
            seed=source.seed,
            prompt=source.prompt,
            parameters=dict(source.parameters),
            alt=source.alt,
            file_name=source.file_name,
            taken_at=taken,
            seconds=source.seconds,
            cost=source.cost.minor if source.cost else None,
            currency=source.cost.currency if source.cost else None,
        )
    )
    return asset_id


def _taken_at(scope: Scope, creator_id: UUID, prepared: PreparedAsset) -> datetime | None:
    """Return the capture time of an upload; one in the future is ignored as a wrong clock."""
    taken = prepared.photo.taken
    if taken is None or prepared.source.origin != "upload":
        return None
    instant = taken.to_utc(ZoneInfo(queries.get_creator(scope, creator_id).zone))
    return instant if instant <= scope.now else None
