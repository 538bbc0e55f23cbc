"""A classifier behind HTTP. The protocol is in docs/classifiers.md; responses are untrusted."""

import base64
import json
import math
import re
import struct
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from generators.contract.classifier import (
    AudioUnsupported,
    Classifier,
    ClassifierReport,
    DetectedFace,
    DetectedFaces,
    PictureView,
    ProhibitedReason,
)
from generators.contract.engines import EngineMissing, EngineUnreachable, UnusableAnswer

NAME = "classifier"
LOOK_SECONDS = 15.0
ASK_SECONDS = 2.0
HEAR_SHARE = 4
"""Factor of the timeout for audio relative to that for pictures; the length of the audio is added
to the result."""

MAX_BYTES = 256 * 1024
"""Maximum size in bytes of a response without faces. A typical response has a few hundred bytes."""

WITH_FACES = 2 * 1024 * 1024
"""Maximum size in bytes of a response with faces, each of which takes several thousand bytes."""

SHORTEST = 64
MAX_VECTOR_WIDTH = 1024
"""Maximum dimension of a face vector; common models use 128 to 512."""

TINY = 1e-6
"""Minimum length of a vector; the direction of a shorter one is undefined."""

MAX_FACES = 32
"""Maximum number of faces in one view."""

MAX_READ = 4_000
"""Maximum number of characters stored of the text in a picture; a printed page has about half as
many."""

FACE_MODEL = r"^[a-z0-9][a-z0-9-]{0,31}@[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"
"""Pattern of the name and version of a face model, name@version, as for the classifier."""
MAX_OUTPUT = 20_000
"""Maximum length of a transcript. A longer response is refused, because the part cut off might
matter."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")

T = TypeVar("T", bound=BaseModel)
A = TypeVar("A", bound="_About")
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class _Face(BaseModel):
    """A face in a response; `vector` is not normalized."""

    model_config = ConfigDict(frozen=True, strict=True)
    vector: list[Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]] = Field(
        min_length=SHORTEST, max_length=MAX_VECTOR_WIDTH
    )
    size: float = Field(ge=0, le=1)
    sure: float = Field(ge=0, le=1)


class _ViewRating(BaseModel):
    """The result for one view."""

    model_config = ConfigDict(frozen=True, strict=True)
    rating: Literal["G", "S", "N", "E", "X"]
    prohibited: Literal["", "minor", "category"] = ""
    people: int | None = Field(default=None, ge=0, le=500)
    words: list[str] = Field(default_factory=list, max_length=100)
    faces: list[_Face] = Field(default_factory=list, max_length=MAX_FACES)


class _About(BaseModel):
    """The name and version of the classifier."""

    model_config = ConfigDict(frozen=True, strict=True)
    name: _Name
    version: _Version


class _Answer(_About):
    """The results for all views, in order."""

    views: list[_ViewRating]
    face_model: Annotated[str, StringConstraints(pattern=FACE_MODEL)] | None = None
    """The model of the face vectors, or None if the server does not compare faces."""


class _SoundRating(BaseModel):
    """The result for one sound."""

    model_config = ConfigDict(frozen=True, strict=True)
    rating: Literal["G", "S", "N", "E", "X"]
    prohibited: Literal["", "minor", "category"] = ""
    transcript: str = Field(default="", max_length=MAX_OUTPUT)


class _SoundAnswer(_About):
    """The results for the sounds, in order."""

    sounds: list[_SoundRating] = Field(min_length=1, max_length=1)


def load_engine(settings: GeneratorsSettings) -> Classifier | None:
    """Return the configured classifier, or None."""
    if not settings.classifier_url:
        return None
    known = frozenset(
        name.strip() for name in settings.classifier_versions.split(",") if name.strip()
    )
    return HttpClassifier(settings.classifier_url, known)


class HttpClassifier:
    """A classifier server. Only reports of a known `name@version`, which people have tested, are
    accepted."""

    def __init__(self, url: str, known: frozenset[str], *, seconds: float = LOOK_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._known = known
        self._seconds = seconds
        self._http = HttpClient(max_connections=4)

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        """Classify the views. Raises EngineUnreachable (down, slow, busy), EngineMissing (unknown
        version), UnusableAnswer."""
        asked = [
            {"name": view.name, "mime": view.mime, "data": base64.b64encode(view.data).decode()}
            for view in views
        ]
        body = json.dumps({"views": asked}).encode()
        headers = {"content-type": "application/json"}
        said = self._fetch_body(
            HttpRequest("POST", f"{self._url}/v1/look", headers, body, self._seconds)
        )
        answer = _parse_body(_Answer, said)
        if len(answer.views) != len(views) or (answer.face_model is None and len(said) > MAX_BYTES):
            raise UnusableAnswer("engine.classifier_nonsense")
        names = [view.name for view in views]
        return _merge_views(
            _classifier_source(self._check_known_version(answer)),
            answer.views,
            faces=_collect_faces(answer, names),
        )

    def classify_audio(self, sound: PictureView, *, seconds: float) -> ClassifierReport:
        """Classify audio. Raises the errors of `classify_views`, and AudioUnsupported if the server
        does not support audio."""
        asked = {
            "name": sound.name,
            "mime": sound.mime,
            "data": base64.b64encode(sound.data).decode(),
        }
        body = json.dumps({"sounds": [asked]}).encode()
        headers = {"content-type": "application/json"}
        deadline = self._seconds * HEAR_SHARE + seconds
        request = HttpRequest("POST", f"{self._url}/v1/hear", headers, body, deadline)
        answer = self._check_known_version(
            _parse_body(_SoundAnswer, self._fetch_body(request, deaf=True))
        )
        heard = answer.sounds[0]
        kind = (heard.prohibited or "category") if heard.rating == "X" else ""
        said = _UNPRINTABLE.sub(" ", heard.transcript).strip()
        return ClassifierReport(
            _classifier_source(answer), Rating(heard.rating), kind, None, (said,) if said else ()
        )

    def _check_known_version(self, answer: A) -> A:
        """Return the response if its version is known. Raises EngineMissing otherwise."""
        if f"{answer.name}@{answer.version}" not in self._known:
            raise EngineMissing(
                "engine.classifier_unknown", version=f"{answer.name}@{answer.version}"
            )
        return answer

    def describe_source(self) -> str:
        """Return the server's source, known or not. Raises EngineUnreachable, UnusableAnswer."""
        return _classifier_source(
            _parse_body(
                _About,
                self._fetch_body(HttpRequest("GET", f"{self._url}/v1/about", deadline=ASK_SECONDS)),
            )
        )

    def is_known_source(self, source: str) -> bool:
        """Return True if reports from this source are accepted."""
        return source.removeprefix(f"{NAME}:") in self._known

    def _fetch_body(self, request: HttpRequest, *, deaf: bool = False) -> bytes:
        """Return the response body. With `deaf`, a missing endpoint raises AudioUnsupported."""
        reply = self._http.send(request)
        if not isinstance(reply, HttpResponse):
            raise EngineUnreachable(
                "engine.unreachable", engine=NAME, setting="GREENROOM_GENERATORS__CLASSIFIER_URL"
            )
        if deaf and reply.status in (404, 405, 501):
            raise AudioUnsupported("engine.classifier_deaf")
        if reply.status != 200:
            raise EngineUnreachable("engine.server_refused", engine=NAME, status=reply.status)
        if len(reply.body) > WITH_FACES:
            raise UnusableAnswer("engine.classifier_nonsense")
        return reply.body


def _parse_body(shape: type[T], body: bytes) -> T:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise UnusableAnswer("engine.classifier_nonsense") from error


def _classifier_source(about: _About) -> str:
    return f"{NAME}:{about.name}@{about.version}"


def _collect_faces(answer: _Answer, names: Sequence[str]) -> DetectedFaces | None:
    """Return the faces of all views, or None without a face model.

    Raises UnusableAnswer for vectors that cannot be compared: of length zero, of different
    dimensions, or without a model.
    """
    found = [
        (name, face) for name, said in zip(names, answer.views, strict=True) for face in said.faces
    ]
    if (answer.face_model is None and found) or len({len(face.vector) for _, face in found}) > 1:
        raise UnusableAnswer("engine.classifier_nonsense")
    if answer.face_model is None:
        return None
    told = (
        DetectedFace(
            name, _normalize_vector(face.vector), round(face.size * 100), round(face.sure * 100)
        )
        for name, face in found
    )
    return DetectedFaces(answer.face_model, tuple(told))


def _normalize_vector(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1, so that the product of two is their cosine."""
    length = math.hypot(*vector)
    if length < TINY:
        raise UnusableAnswer("engine.classifier_nonsense")
    return struct.pack(f"<{len(vector)}f", *(number / length for number in vector))


def _merge_views(
    source: str, said: Sequence[_ViewRating], *, faces: DetectedFaces | None
) -> ClassifierReport:
    """Return the combined result of all views: the highest rating, the largest number of people in
    one view, and each word once."""
    worst = max((Rating(one.rating) for one in said), key=lambda rating: rating.rank)
    kinds = {one.prohibited or "category" for one in said if one.rating == "X"}
    counted = [one.people for one in said if one.people is not None]
    words = dict.fromkeys(_UNPRINTABLE.sub(" ", word).strip() for one in said for word in one.words)
    kept = []
    room = MAX_READ
    for word in filter(None, words):
        kept.append(word[:room])
        room -= len(kept[-1])
        if room <= 0:
            break
    prohibited: ProhibitedReason
    if "minor" in kinds:
        prohibited = "minor"
    elif kinds:
        prohibited = "category"
    else:
        prohibited = ""
    return ClassifierReport(
        source,
        worst,
        prohibited,
        max(counted, default=None),
        tuple(kept),
        faces,
    )
