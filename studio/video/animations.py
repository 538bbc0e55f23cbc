"""Animations: videos that a model generates from a library image, ingested once.

The video is a child of its image and inherits its persons, label, dates and withdrawals. It is
unrated until a member or the classifier rates it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ops.clock import monotonic
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from gate.assets.asset_records import StoredRendition
from gate.contract.units import Rating
from gate.ratings import ratings
from generators.contract.classifier import Classifier
from generators.contract.engines import EngineBusy, EngineMissing, JobTooLarge
from generators.contract.picture_checks import PictureChecks
from generators.contract.video import MAX_SIDE, GeneratedVideo, VideoEngine, VideoJob
from generators.provenance import content_credentials
from generators.provenance.content_credentials import LoadCredential, SigningCredential
from generators.video import video_files
from studio.costs import quotas
from studio.ingest import pipeline, video_assets
from studio.ingest.classification import CompareFaces
from studio.library import assets, storage_quota
from studio.library.assets import FRAMES_PARAMETER, SECONDS_PARAMETER
from studio.recipes import prompt_rating
from studio.runs import device_queue
from studio.runs.states import JobState
from studio.video import clips
from studio.video.clips import PROGRESS_INTERVAL, ClipEnded, ClipKind, ClipProgressWatch
from studio.video.events import AnimationDue
from studio.video.models import ClipRow

ANIMATION_ACTOR = "system:moving"
MAX_PROMPT_LENGTH = 500
"""Maximum number of characters in the prompt."""

MIN_SIDE = 480
"""Minimum longer edge in pixels of a video from a small image."""

Engine = Callable[[], VideoEngine]
"""Returns the engine, which is created on first use because importing one may take seconds and
memory."""


@dataclass(frozen=True)
class AnimationRequest:
    """A request for an animation. Fields not described here are as in
    `generators.contract.video.VideoJob`."""

    asset_id: UUID
    model: str
    seconds: float = 3.0
    words: str = ""
    motion: int | None = None
    seed: int = 0
    steps: int = 25


def request_animation(
    scope: Scope, *, creator_id: UUID, wanted: AnimationRequest, key: str, by: str
) -> UUID:
    """Request an animation, once per `key`; return the clip ID. `by` is the actor.

    It waits for the generation hours and the agency's quota, in which it counts as one image.
    Raises NotFound for an image that is not in the creator's library, Refused for a withheld image
    and a prohibited prompt, BadInput for media other than images, JobTooLarge for an excessive
    length or a narrow format.
    """
    if (known := clips.find_clip_by_key(scope, key)) is not None:
        return known
    if len(wanted.words) > MAX_PROMPT_LENGTH:
        raise BadInput("film.words_long", most=MAX_PROMPT_LENGTH).about("words")
    _build_video_job(wanted, _get_source_rendition(scope, creator_id, wanted), b"")
    prompt_rating.rate_text(scope, [wanted.words, wanted.model], "model.video")
    held = quotas.generation_wait(scope, creator_id)
    row = ClipRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        key=key,
        kind=str(ClipKind.MODEL),
        spec={**asdict(wanted), "asset_id": str(wanted.asset_id)},
        by=by,
        total=wanted.steps,
    )
    clips.set_clip_wait(row, held)
    scope.add(row)
    outbox.put(
        scope,
        AnimationDue(scope.tenant_id, row.id),
        at=held.until if held is not None else None,
        group=_animation_queue_group(wanted.model),
    )
    return row.id


def wake_waiting_animations(scope: Scope) -> int:
    """Make animations that wait for hours or quotas due now, after the limits have changed; return
    their number."""
    rows = scope.session.exec(
        select(ClipRow).where(
            ClipRow.tenant_id == scope.tenant_id,
            col(ClipRow.waits_until).is_not(None),
            ClipRow.state == str(JobState.QUEUED),
        )
    ).all()
    waiting = [row for row in rows if outbox.cancel(scope, AnimationDue.kind, row.id)]
    for row in waiting:
        outbox.put(
            scope,
            AnimationDue(scope.tenant_id, row.id),
            group=_animation_queue_group(_request_from_json(row.spec).model),
        )
    return len(waiting)


def make_animation(
    event: AnimationDue,
    *,
    tenant: OpenScope,
    engine: Engine,
    store: ObjectStore,
    credential: LoadCredential,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
    per_day: int = 0,
    told_every: float = PROGRESS_INTERVAL,
) -> None:
    """Generate an animation and ingest it, or store the reason why it is impossible.

    After a crash it starts again, or finds the ingested video. Temporary failures are retried.
    `per_day` is the installation's daily image quota, 0 for unlimited. Raises `outbox.RetryLater`
    if it must wait.
    """
    row = clips.begin_clip(tenant, event, actor=ANIMATION_ACTOR, per_day=per_day)
    if row is None:
        return
    try:
        with heartbeat() as pulse:
            watch = ClipProgressWatch(tenant, row, pulse, every=told_every, actor=ANIMATION_ACTOR)
            prepared = _render_animation(row, engine, store, credential, watch)
            asset_id = pipeline.ingest_asset(
                tenant,
                store,
                tenant_id=row.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                checks=checks,
                compare=compare,
                still=lambda scope: _get_source_rendition(
                    scope, row.creator_id, _request_from_json(row.spec)
                ),
            )
    except ClipEnded:
        return
    except EngineBusy as busy:  # the GPU is in use
        raise outbox.RetryLater(timedelta(seconds=busy.after)) from busy
    except (BadInput, Refused, NotFound, EngineMissing, JobTooLarge) as refused:
        clips.fail_clip(tenant, event, refused.message, actor=ANIMATION_ACTOR)
        return
    clips.finish_clip(tenant, row, asset_id, actor=ANIMATION_ACTOR)


def _render_animation(
    row: ClipRow,
    engine: Engine,
    store: ObjectStore,
    credential: LoadCredential,
    watch: ClipProgressWatch,
) -> pipeline.PreparedAsset:
    """Generate and prepare the video, after checking that its image may still be used."""
    wanted = _request_from_json(row.spec)
    with watch.tenant(row.tenant_id, ANIMATION_ACTOR) as scope:
        picture = _get_source_rendition(scope, row.creator_id, wanted)
        declared = prompt_rating.rate_text(scope, [wanted.words, wanted.model], "model.video")
        # Do not generate a video that could not be stored.
        storage_quota.check_storage(scope, store.quota_bytes, 1)
    began = monotonic()
    made = engine().animate(
        _build_video_job(wanted, picture, store.get(row.tenant_id, picture.sha256)), watch
    )
    seconds = monotonic() - began
    watch.pulse.check_lease()
    with watch.tenant(row.tenant_id, ANIMATION_ACTOR) as scope:
        _get_source_rendition(scope, row.creator_id, wanted)
        storage_quota.check_storage(scope, store.quota_bytes, len(made.data))
    return _prepare_asset(row, wanted, made, credential(), declared=declared, seconds=seconds)


def _prepare_asset(
    row: ClipRow,
    wanted: AnimationRequest,
    made: GeneratedVideo,
    credential: SigningCredential,
    *,
    declared: Rating,
    seconds: float,
) -> pipeline.PreparedAsset:
    """Prepare a generated video. Its frames are reviewed like those of any video, and signing is
    the last step."""
    key = f"clip:{row.id}"
    film = video_files.reopen_video(made.data, name=key)
    photo = video_assets.poster_photo(film)
    origin = content_credentials.ProvenanceClaim(
        made.engine, made.model, "trainedAlgorithmicMedia", str(made.label)
    )
    source = pipeline.AssetSource(
        key=key,
        origin="generated",
        ai="generated",
        engine=made.engine,
        model=made.model,
        label=str(made.label),
        seed=made.seed,
        prompt=made.prompt,
        alt=wanted.words[:300],
        parent=wanted.asset_id,
        redrawn=True,
        parameters={
            **made.parameters,
            SECONDS_PARAMETER: round(film.seconds),
            FRAMES_PARAMETER: len(film.looked.frames),
        },
        declared=declared,
        seconds=seconds,
    )
    data = content_credentials.sign_media(film.data, film.mime, credential, origin)
    return pipeline.PreparedAsset(
        video_assets.video_rendition(film, photo), photo, data, source, film
    )


def _get_source_rendition(
    scope: Scope, creator_id: UUID, wanted: AnimationRequest
) -> StoredRendition:
    """Return the source image.

    Raises NotFound for an image that is not in the creator's library, Refused for a withheld one,
    BadInput for other media.
    """
    assets.check_assets_owned(scope, creator_id, [wanted.asset_id])
    found = asset_records.newest_rendition(scope, wanted.asset_id, assets.DEFAULT_PROFILE)
    if found is None:
        raise NotFound("library.asset_unknown", destination="-")
    if not found.mime.startswith("image/"):
        raise BadInput("film.of_none")
    if ratings.display_ratings(scope, [found.sha256])[found.sha256].is_withheld:
        raise Refused("clip.withheld")
    return found


def _build_video_job(wanted: AnimationRequest, picture: StoredRendition, data: bytes) -> VideoJob:
    """Return the engine job in the proportions of the image. Raises JobTooLarge."""
    longer = max(picture.width, picture.height)
    share = min(max(longer, MIN_SIDE), MAX_SIDE) / longer
    wide, high = (2 * round(edge * share / 2) for edge in (picture.width, picture.height))
    return VideoJob(
        picture=data,
        seed=wanted.seed,
        model=wanted.model,
        width=wide,
        height=high,
        seconds=wanted.seconds,
        prompt=wanted.words,
        motion=wanted.motion,
        steps=wanted.steps,
    )


def _animation_queue_group(model: str) -> str:
    return device_queue.model_group(model, engine="films")


def _request_from_json(spec: dict[str, Any]) -> AnimationRequest:
    return AnimationRequest(**{**spec, "asset_id": UUID(spec["asset_id"])})
