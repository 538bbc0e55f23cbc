"""Videos and audio of the library: companion images, hashes and classification.

A video has a poster and sheets with every reviewed frame. They are renditions of the same asset and
share its rating, so a member who views them has seen what was rated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

import numpy as np
from PIL import Image

from foundation.db.database import Scope
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from generators.analysis.video_views import video_view_batches
from generators.contract.classifier import (
    AudioUnsupported,
    Classifier,
    ClassifierReport,
    PictureView,
)
from generators.contract.engines import EngineError
from generators.media import perceptual_hashes
from generators.media.pictures import POST_PROFILE, CaptureTime, DecodedPhoto, RenderedPicture
from generators.video import frame_sheets
from generators.video.video_files import DecodedVideo
from studio.library.playback import POSTER_PART, SHEET_PART

MAX_WORDS = 20_000
"""Maximum number of characters read and heard in one video. Text is never truncated; a video with
more must be reviewed by members."""

HASHED = 256
"""Minimum size in pixels of frames before hashing; hashes are computed at 32 × 32."""

FLAT = 6.0
"""Standard deviation of grey levels below which a frame has no hash, because all black frames
resemble each other."""


@dataclass(frozen=True)
class PartialClassification:
    """An incomplete classification of a video: `seen` is the result so far, and `again` is True if
    a retry may help."""

    seen: ClassifierReport | None
    again: bool


@dataclass(frozen=True)
class CompanionPicture:
    """An image stored with a video or an image."""

    profile: str
    sha256: str
    size: int
    width: int
    height: int
    mime: str = "image/jpeg"


def poster_photo(film: DecodedVideo) -> DecodedPhoto:
    """Return the poster of a video as a photo."""
    at = film.taken
    taken = CaptureTime(at.date(), at.time(), UTC) if at is not None else None
    shown = frame_sheets.make_poster(film)
    return DecodedPhoto(
        shown, "image/jpeg", film.sha256, taken=taken, hidden_preview=film.hidden_cover
    )


def video_rendition(film: DecodedVideo, shown: DecodedPhoto) -> RenderedPicture:
    """Return a video as a rendition. It is recognized by the hash of its poster, audio only by its
    bytes."""
    known = bool(film.looked.frames) and not _is_flat(shown.pixels)
    return RenderedPicture(
        film.data,
        film.mime,
        film.width,
        film.height,
        POST_PROFILE.name,
        "",
        phash=perceptual_hashes.phash(shown.pixels) if known else b"",
        dhash=b"",
        turned=perceptual_hashes.transformed_hashes(shown.pixels) if known else (),
    )


def frame_hashes(film: DecodedVideo | None) -> list[str]:
    """Return the distinct perceptual hashes of a video's frames in hexadecimal, without flat
    frames."""
    shown = (
        (frame.to_small_image(HASHED) for frame in film.looked.frames) if film is not None else ()
    )
    return list(
        dict.fromkeys(
            perceptual_hashes.phash(image).hex() for image in shown if not _is_flat(image)
        )
    )


def _is_flat(image: Image.Image) -> bool:
    return float(np.asarray(image.convert("L").resize((32, 32)), dtype=np.float32).std()) < FLAT


def store_companions(
    store: ObjectStore, tenant_id: UUID, film: DecodedVideo, shown: DecodedPhoto, sha256: str
) -> list[CompanionPicture]:
    """Store the poster and the frame sheets of a video. Raises Unavailable when the disk is
    full."""
    drawn = [
        (POSTER_PART, shown.pixels),
        *((SHEET_PART, sheet) for sheet in frame_sheets.make_frame_sheets(film)),
    ]
    found = []
    for number, (profile, image) in enumerate(drawn):
        data = frame_sheets.encode_frame_sheet(image, mark=f"{sha256}.{number}")
        found.append(
            CompanionPicture(
                profile, store.put(tenant_id, data), len(data), image.width, image.height
            )
        )
    return found


def record_companions(
    scope: Scope, asset_id: UUID, sha256: str, beside: Sequence[CompanionPicture]
) -> None:
    """Record the companion images of a video or an image."""
    for one in beside:
        asset_records.record_rendition(
            scope,
            asset_id,
            sha256=one.sha256,
            mime=one.mime,
            size=one.size,
            width=one.width,
            height=one.height,
            profile=one.profile,
            parent=sha256,
        )


def classify_video(
    film: DecodedVideo, classifier: Classifier
) -> ClassifierReport | PartialClassification:
    """Classify every view and the sound of a video. If the classifier fails, the results obtained
    before are returned."""
    said: list[ClassifierReport] = []
    try:
        for views in video_view_batches(film):
            said.append(classifier.classify_views(views))
        if film.heard is not None:
            said.append(
                classifier.classify_audio(
                    PictureView("sound", "audio/mp4", film.heard), seconds=film.seconds
                )
            )
    except AudioUnsupported:
        return PartialClassification(_merge_reports(said), again=False)
    except EngineError:
        return PartialClassification(_merge_reports(said), again=True)
    seen = _merge_reports(said)
    return seen if seen is not None else PartialClassification(None, again=True)


def _merge_reports(said: Sequence[ClassifierReport]) -> ClassifierReport | None:
    """Return the merged reports: the highest rating, the largest number of persons, and all words.

    Return None if the reports are from different classifier versions or there are more than
    `MAX_WORDS` characters.
    """
    words = tuple(dict.fromkeys(word for one in said for word in one.words))
    if len({one.source for one in said}) != 1 or sum(map(len, words)) > MAX_WORDS:
        return None
    worst = max(said, key=lambda one: (one.rating.rank, one.prohibited == "minor"))
    counted = [one.people for one in said if one.people is not None]
    return ClassifierReport(
        worst.source, worst.rating, worst.prohibited, max(counted, default=None), words
    )
