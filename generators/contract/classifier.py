"""The contract of classifiers: views of one picture as input, one report as output. A report may
only raise a rating that people have set.

A classifier that is unreachable, slow, unknown or inconsistent raises EngineError. There is then no
finding, and people decide.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from gate.contract.units import Rating
from generators.contract.engines import EngineError

ProhibitedReason = Literal["", "minor", "category"]


@dataclass(frozen=True)
class PictureView:
    """One view of a picture as an encoded file: the whole picture, a tile, or a picture hidden in
    the file."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class DetectedFace:
    """A face in one view. `vector` contains little-endian 32-bit floats of length 1.

    `size` is its share of the view's shorter edge and `sure` the model's confidence, both in
    percent.
    """

    view: str
    vector: bytes = field(repr=False)
    size: int
    sure: int


@dataclass(frozen=True)
class DetectedFaces:
    """The faces that one model found in a picture. Vectors of different models (name@version)
    cannot be compared. An empty result is valid."""

    model: str
    found: tuple[DetectedFace, ...] = ()


@dataclass(frozen=True)
class ClassifierReport:
    """The findings in all views. `source` is `classifier:name@version`; `prohibited` is the reason
    for a rating of X.

    `people` is the highest count in one view, or None if the classifier does not count people;
    `words` is text read in the picture; `faces` is None if it does not detect faces.
    """

    source: str
    rating: Rating
    prohibited: ProhibitedReason = ""
    people: int | None = None
    words: tuple[str, ...] = field(default=(), repr=False)
    faces: DetectedFaces | None = None


class AudioUnsupported(EngineError):
    """The classifier handles only pictures and was called with audio."""


class Classifier(Protocol):
    """A classifier of pictures and, optionally, audio. Thread-safe; calls may be repeated."""

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        """Classify the views of a picture. Raises EngineError if there is no result."""
        ...

    def classify_audio(self, sound: PictureView, *, seconds: float) -> ClassifierReport:
        """Classify audio of `seconds` length. The report contains its rating, and its transcript in
        `words`. Raises EngineError, or AudioUnsupported."""
        ...

    def describe_source(self) -> str:
        """Return the classifier's source. Raises EngineError."""
        ...

    def is_known_source(self, source: str) -> bool:
        """Return True if reports from this source are accepted."""
        ...
