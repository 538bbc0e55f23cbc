"""The pictures and clips of a creator's day: start their runs once, and read their results."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from generators.contract.engines import OriginLabel
from studio.library import assets
from studio.runs import runner
from studio.runs.states import JobState
from studio.video import clips, slideshows
from studio.video.slideshows import SlideshowPicture, SlideshowRequest

LIBRARY_LOOKBACK = 1000
"""Newest pictures of the library that are searched for photos."""

MAX_LIBRARY_PHOTOS = 12
"""Maximum number of library photos that a day uses."""

PHOTO_LABELS = frozenset({str(OriginLabel.NONE), str(OriginLabel.DRAWN)})
"""Labels of photos, and of the drawings that replace photos in the demo agency."""

CLIP_STILLS = 4
"""Number of the day's pictures in one clip."""

MAX_CLIP_ATTEMPTS = 5
"""Maximum number of requests for one clip of a day."""

ENDED_JOB_STATES = frozenset({JobState.DONE, JobState.FAILED, JobState.STOPPED})


@dataclass(frozen=True)
class JobResult:
    """The state of a run or clip, with its assets and the reason of a failure."""

    state: JobState
    assets: tuple[UUID, ...]
    reason: Message | None = None

    @property
    def has_ended(self) -> bool:
        """True if no further asset will follow."""
        return self.state in ENDED_JOB_STATES


def derive_seed(creator_id: UUID, day: date, what: str) -> int:
    """Return the seed of a day's picture or text, the same for each repeat."""
    digest = hashlib.sha256(f"{creator_id}:{day}:{what}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def start_day_run(
    scope: Scope,
    creator_id: UUID,
    recipe_id: UUID,
    *,
    name: str,
    day: date,
    origin: str,
    count: int | None = None,
) -> UUID:
    """Queue the run of a prompt template for a day, once per origin, day and `name`; return the job
    ID. A run that failed is resumed. Raises the errors of `runner.start_run`."""
    job_id = runner.start_run(
        scope,
        creator_id=creator_id,
        recipe_id=recipe_id,
        seed=derive_seed(creator_id, day, name),
        key=f"{origin}:{creator_id}:{day}:{name}",
        count=count,
    )
    scope.session.flush()
    if runner.run_progress(scope, job_id)[0] is JobState.FAILED:
        runner.resume_run(scope, job_id)
    return job_id


def read_runs(scope: Scope, jobs: Iterable[UUID]) -> list[JobResult]:
    """Return the results of runs, in the given order. Raises NotFound."""
    return [
        JobResult(
            runner.run_progress(scope, job_id)[0],
            tuple(runner.run_assets(scope, job_id)),
            runner.failure_reason(scope, job_id),
        )
        for job_id in jobs
    ]


def request_day_clips(
    scope: Scope, creator_id: UUID, pictures: Sequence[UUID], *, count: int, key: str
) -> list[UUID]:
    """Request `count` slideshows of a day's pictures, once per `key`; return their IDs. Each begins
    with another picture; one that failed is requested again. Raises the errors of
    `slideshows.request_slideshow`."""
    made = []
    for number in range(count):
        turn = number % len(pictures)
        stills = [*pictures[turn:], *pictures[:turn]][:CLIP_STILLS]
        wanted = SlideshowRequest(tuple(SlideshowPicture(asset) for asset in stills), seed=number)
        made.append(_request_clip(scope, creator_id, wanted, key=f"{key}:{number}"))
    return made


def _request_clip(scope: Scope, creator_id: UUID, wanted: SlideshowRequest, *, key: str) -> UUID:
    """Request a slideshow under the first key whose clip did not fail."""
    for attempt in range(MAX_CLIP_ATTEMPTS):
        clip_id = slideshows.request_slideshow(
            scope,
            creator_id=creator_id,
            wanted=wanted,
            key=f"{key}:{attempt}",
            by=scope.actor,
        )
        scope.session.flush()
        if clips.get_clip(scope, clip_id).state is not JobState.FAILED:
            break
    return clip_id


def read_clips(scope: Scope, jobs: Iterable[UUID]) -> list[JobResult]:
    """Return the results of clips, in the given order. Raises NotFound."""
    views = [clips.get_clip(scope, job_id) for job_id in jobs]
    return [
        JobResult(view.state, () if view.asset_id is None else (view.asset_id,), view.reason)
        for view in views
    ]


def list_library_photos(scope: Scope, creator_id: UUID, ceiling: Rating) -> list[UUID]:
    """Return photos of the library that no engine generated and that are not rated above `ceiling`,
    newest first."""
    items = assets.list_assets(scope, creator_id, limit=LIBRARY_LOOKBACK)
    return [
        item.asset_id
        for item in items
        if item.label in PHOTO_LABELS and (item.rating is None or item.rating.rank <= ceiling.rank)
    ]


def choose_day_photos(photos: Sequence[UUID], day: date) -> list[UUID]:
    """Return the photos that a day uses, in a different order each day."""
    turn = day.toordinal() % len(photos) if photos else 0
    return [*photos[turn:], *photos[:turn]][:MAX_LIBRARY_PHOTOS]
