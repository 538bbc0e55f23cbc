"""Films and sounds of the library: what is kept beside them, and what a classifier is asked about them.

Beside a film lie a poster and sheets with every frame that was looked at: renditions like the film itself, of the same
asset, so that whoever is shown them has seen what was rated, and their ratings are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

import numpy as np
from PIL import Image

from foundation.database import Scope
from foundation.storage import ObjectStore
from gate import recording
from generators import hashes, reels
from generators.classifying import Classifier, Deaf, Seen, View
from generators.contract import EngineError
from generators.film_views import portions
from generators.films import Film
from generators.media import POST, Photo, Rendered, Taken
from studio.playing import POSTER, SHEET

MOST_WORDS = 20_000
"""Letters read and heard in one film. Nothing is cut away: a film with more is left to people."""

HASHED = 256
"""Pixels a frame is hashed from, at least: hashes are of 32 by 32."""

FLAT = 6.0
"""Levels of grey a frame varies by, below which its hash says nothing: a black one is like every black one."""


@dataclass(frozen=True)
class Partly:
    """A classifier that could not say all of a film: `seen` is what it did say; `again` whether asking again helps."""

    seen: Seen | None
    again: bool


@dataclass(frozen=True)
class Beside:
    """A picture kept with a film, or with a picture."""

    profile: str
    sha256: str
    size: int
    width: int
    height: int
    mime: str = "image/jpeg"


def photo(film: Film) -> Photo:
    """The picture that stands for a film."""
    at = film.taken
    taken = Taken(at.date(), at.time(), UTC) if at is not None else None
    shown = reels.poster(film)
    return Photo(shown, "image/jpeg", film.sha256, taken=taken, hidden_preview=film.hidden_cover)


def rendered(film: Film, shown: Photo) -> Rendered:
    """A film as a rendition; it is recognised by the picture that stands for it, a sound by its bytes alone."""
    known = bool(film.looked.frames) and not _flat(shown.pixels)
    return Rendered(
        film.data,
        film.mime,
        film.width,
        film.height,
        POST.name,
        "",
        phash=hashes.phash(shown.pixels) if known else b"",
        dhash=b"",
        turned=hashes.turned(shown.pixels) if known else (),
    )


def frame_hashes(film: Film | None) -> list[str]:
    """The perceptual hashes of a film's frames, in hexadecimal, each once; flat ones have none."""
    shown = (frame.small(HASHED) for frame in film.looked.frames) if film is not None else ()
    return list(dict.fromkeys(hashes.phash(image).hex() for image in shown if not _flat(image)))


def _flat(image: Image.Image) -> bool:
    return float(np.asarray(image.convert("L").resize((32, 32)), dtype=np.float32).std()) < FLAT


def keep(store: ObjectStore, tenant_id: UUID, film: Film, shown: Photo, sha256: str) -> list[Beside]:
    """Store the poster and the sheets of a film of these bytes. Raises Unavailable when the disk is full."""
    drawn = [(POSTER, shown.pixels), *((SHEET, sheet) for sheet in reels.sheets(film))]
    found = []
    for number, (profile, image) in enumerate(drawn):
        data = reels.jpeg(image, mark=f"{sha256}.{number}")
        found.append(Beside(profile, store.put(tenant_id, data), len(data), image.width, image.height))
    return found


def record(scope: Scope, asset_id: UUID, sha256: str, beside: Sequence[Beside]) -> None:
    """Write down what is kept with a film or a picture."""
    for one in beside:
        recording.record_rendition(
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


def look(film: Film, classifier: Classifier) -> Seen | Partly:
    """Have the classifier see every view of a film and hear its sound. What it said stays said when it fails after."""
    said: list[Seen] = []
    try:
        for views in portions(film):
            said.append(classifier.look(views))
        if film.heard is not None:
            said.append(classifier.hear(View("sound", "audio/mp4", film.heard), seconds=film.seconds))
    except Deaf:
        return Partly(_all(said), again=False)
    except EngineError:
        return Partly(_all(said), again=True)
    seen = _all(said)
    return seen if seen is not None else Partly(None, again=True)


def _all(said: Sequence[Seen]) -> Seen | None:
    """One finding out of all portions: the highest rating, the most people, every word. None where nothing can be said
    as a whole: other versions answered, or there are more words than are kept."""
    words = tuple(dict.fromkeys(word for one in said for word in one.words))
    if len({one.source for one in said}) != 1 or sum(map(len, words)) > MOST_WORDS:
        return None
    worst = max(said, key=lambda one: (one.rating.rank, one.prohibited == "minor"))
    counted = [one.people for one in said if one.people is not None]
    return Seen(worst.source, worst.rating, worst.prohibited, max(counted, default=None), words)
