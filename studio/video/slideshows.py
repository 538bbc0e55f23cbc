"""Slideshows: clips of a creator's stills and optional audio, rendered by workers and ingested
once.

The stills and the audio are parents of the clip, so their restrictions apply to it
(`gate/assets/asset_records.py`).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from gate.assets.asset_records import AI_KINDS, StoredRendition
from gate.ratings import ratings
from generators.contract.classifier import Classifier
from generators.contract.picture_checks import PictureChecks
from generators.media import pictures
from generators.provenance.content_credentials import LoadCredential
from generators.video import encoder, slideshow
from generators.video.slideshow import ClipForm, SlideshowPlan, StillMotion, StillPicture
from studio.ingest import pipeline
from studio.ingest.classification import CompareFaces
from studio.library import assets, storage_quota
from studio.recipes import prompt_rating
from studio.video import clips
from studio.video.clips import PROGRESS_INTERVAL, ClipEnded, ClipProgressWatch
from studio.video.events import SlideshowDue
from studio.video.models import ClipRow
from studio.voice.models import SpeechRow

SLIDESHOW_ACTOR = "system:cutting"
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class SlideshowPicture:
    """A still with its duration in seconds, its motion and its caption."""

    asset_id: UUID
    seconds: float = 3.0
    motion: StillMotion = StillMotion.AUTO
    caption: str = ""


@dataclass(frozen=True)
class SlideshowRequest:
    """A request for a slideshow. `sound` is an audio asset; fields not described here are as in
    `generators.video.slideshow.SlideshowPlan`."""

    shots: tuple[SlideshowPicture, ...]
    form: ClipForm = ClipForm.UPRIGHT
    seed: int = 0
    fades: bool = True
    whole: bool = False
    sound: UUID | None = None

    @property
    def asset_ids(self) -> tuple[UUID, ...]:
        """Every asset once, stills first."""
        every = [
            *(one.asset_id for one in self.shots),
            *([self.sound] if self.sound is not None else []),
        ]
        return tuple(dict.fromkeys(every))

    @property
    def overlay_texts(self) -> list[str]:
        """The captions drawn on the stills."""
        return [one.caption for one in self.shots if one.caption.strip()]


def request_slideshow(
    scope: Scope, *, creator_id: UUID, wanted: SlideshowRequest, key: str, by: str
) -> UUID:
    """Request a slideshow, once per `key`; return its ID. `by` is the actor.

    Raises NotFound for assets that are not in the creator's library, Refused for a withheld image
    and a prohibited caption, BadInput `clip.…` for an invalid request, Unavailable without the
    caption font.
    """
    if (known := clips.find_clip_by_key(scope, key)) is not None:
        return known
    slideshow.check_slideshow([(one.seconds, one.caption) for one in wanted.shots], wanted.form)
    prompt_rating.rate_text(scope, wanted.overlay_texts, "model.overlay")
    _load_parts(scope, creator_id, wanted)
    row = ClipRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        key=key,
        spec=_request_to_json(wanted),
        by=by,
        total=round(
            slideshow.slideshow_seconds([one.seconds for one in wanted.shots]) * encoder.FRAME_RATE
        ),
    )
    scope.add(row)
    outbox.put(scope, SlideshowDue(scope.tenant_id, row.id))
    return row.id


def _load_parts(
    scope: Scope, creator_id: UUID, wanted: SlideshowRequest
) -> dict[UUID, StoredRendition]:
    """Return the rendition of each part.

    Raises NotFound for assets that are not in the creator's library, Refused for withheld ones,
    BadInput for the wrong media type.
    """
    assets.check_assets_owned(scope, creator_id, wanted.asset_ids)
    found = asset_records.newest_renditions(scope, wanted.asset_ids, assets.DEFAULT_PROFILE)
    standing = ratings.display_ratings(scope, [one.sha256 for one in found.values()])
    for asset_id in wanted.asset_ids:
        if asset_id not in found:
            raise NotFound("library.asset_unknown", destination="-")
        one = found[asset_id]
        if standing[one.sha256].is_withheld:
            raise Refused("clip.withheld")
        if asset_id == wanted.sound and not one.mime.startswith("audio/"):
            raise BadInput("clip.no_sound")
        if asset_id != wanted.sound and not one.mime.startswith("image/"):
            raise BadInput("clip.no_picture")
    return found


def _is_generated_speech(scope: Scope, sound: UUID | None) -> bool:
    """Return True for generated speech, which is played once and completely; other audio may be
    music."""
    query = select(SpeechRow.id).where(
        SpeechRow.tenant_id == scope.tenant_id, SpeechRow.asset_id == sound
    )
    return sound is not None and scope.session.exec(query).first() is not None


def make_slideshow(
    event: SlideshowDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: LoadCredential,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
    told_every: float = PROGRESS_INTERVAL,
) -> None:
    """Render a slideshow and ingest it, or store the reason why it is impossible.

    After a crash it starts again, or finds the ingested clip. Temporary failures are retried.
    """
    row = clips.begin_clip(tenant, event, actor=SLIDESHOW_ACTOR)
    if row is None:
        return
    wanted = _request_from_json(row.spec)
    try:
        with heartbeat() as pulse:
            prepared = _render_clip(
                row,
                wanted,
                store,
                credential,
                ClipProgressWatch(tenant, row, pulse, every=told_every, actor=SLIDESHOW_ACTOR),
            )
            asset_id = pipeline.ingest_asset(
                tenant,
                store,
                tenant_id=row.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                checks=checks,
                compare=compare,
                still=lambda scope: _load_parts(scope, row.creator_id, wanted),
            )
    except ClipEnded:
        return
    except (BadInput, Refused, NotFound) as refused:
        clips.fail_clip(tenant, event, refused.message, actor=SLIDESHOW_ACTOR)
        return
    clips.finish_clip(tenant, row, asset_id, actor=SLIDESHOW_ACTOR)


def _render_clip(
    row: ClipRow,
    wanted: SlideshowRequest,
    store: ObjectStore,
    credential: LoadCredential,
    watch: ClipProgressWatch,
) -> pipeline.PreparedAsset:
    """Render and prepare the clip, after checking that its parts may still be used."""
    with watch.tenant(row.tenant_id, SLIDESHOW_ACTOR) as scope:
        parts = _load_parts(scope, row.creator_id, wanted)
        spoken = _is_generated_speech(scope, wanted.sound)
        declared = prompt_rating.rate_text(scope, wanted.overlay_texts, "model.overlay")
        # Do not render a clip that could not be stored.
        storage_quota.check_storage(scope, store.quota_bytes, 1)
    stills = [
        _build_still(store, row.tenant_id, one, parts[one.asset_id].sha256) for one in wanted.shots
    ]
    sound = (
        store.get(row.tenant_id, parts[wanted.sound].sha256) if wanted.sound is not None else None
    )
    form = wanted.form
    seed = wanted.seed
    fades = wanted.fades
    whole = wanted.whole
    data = slideshow.render_slideshow(
        SlideshowPlan(stills, form, seed, fades, whole, sound, spoken), told=watch
    )
    watch.pulse.check_lease()
    with watch.tenant(row.tenant_id, SLIDESHOW_ACTOR) as scope:
        _load_parts(scope, row.creator_id, wanted)
        storage_quota.check_storage(scope, store.quota_bytes, len(data))
    return pipeline.prepare_clip(
        data,
        key=f"clip:{row.id}",
        parts=wanted.asset_ids,
        words=wanted.overlay_texts,
        alt=" ".join(wanted.overlay_texts)[:300],
        made=max((one.ai for one in parts.values()), key=AI_KINDS.index),
        credential=credential,
        declared=declared,
    )


def _build_still(
    store: ObjectStore, tenant_id: UUID, shot: SlideshowPicture, sha256: str
) -> StillPicture:
    photo = pictures.decode_photo(store.get(tenant_id, sha256), name=sha256)
    return StillPicture(
        pictures.flatten_on(photo.pixels, _PAPER), shot.seconds, shot.motion, shot.caption
    )


def _request_to_json(wanted: SlideshowRequest) -> dict[str, Any]:
    shots = [[str(one.asset_id), one.seconds, str(one.motion), one.caption] for one in wanted.shots]
    sound = str(wanted.sound) if wanted.sound is not None else None
    rest = {"seed": wanted.seed, "fades": wanted.fades, "whole": wanted.whole, "sound": sound}
    return {"shots": shots, "form": str(wanted.form), **rest}


def _request_from_json(spec: dict[str, Any]) -> SlideshowRequest:
    return SlideshowRequest(
        shots=tuple(
            SlideshowPicture(UUID(one), seconds, StillMotion(motion), said)
            for one, seconds, motion, said in spec["shots"]
        ),
        form=ClipForm(spec["form"]),
        seed=spec["seed"],
        fades=spec["fades"],
        whole=spec["whole"],
        sound=UUID(spec["sound"]) if spec["sound"] is not None else None,
    )
