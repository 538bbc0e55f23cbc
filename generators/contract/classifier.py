"""The contract of every classifier: views of one picture in, one finding out. It may raise what
people say, no more.

A classifier that is away, slow, unknown or talks nonsense raises EngineError: nothing was found,
and people decide.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from gate.contract.units import Rating
from generators.contract.engines import EngineError

ProhibitedReason = Literal["", "minor", "category"]


@dataclass(frozen=True)
class PictureView:
    """One way to see a picture, as an opaque file: whole, a tile of it, or what was hidden beside
    it."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class DetectedFace:
    """A face in one view. `vector` are little-endian 32-bit floats of length 1; `size` is its share
    of the view's shorter edge and `sure` how sure the model is that it is one, both in percent."""

    view: str
    vector: bytes = field(repr=False)
    size: int
    sure: int


@dataclass(frozen=True)
class DetectedFaces:
    """The faces of a picture as one model tells them apart; vectors of another `model`
    (name@version) mean something else. No faces is an answer too."""

    model: str
    found: tuple[DetectedFace, ...] = ()


@dataclass(frozen=True)
class ClassifierReport:
    """What a classifier found in all views together. `source` is `classifier:name@version`;
    `prohibited` says why something is X; `people` is the most it counted in one view, None where it
    counts none; `words` were read in it; `faces` is None where it tells none apart."""

    source: str
    rating: Rating
    prohibited: ProhibitedReason = ""
    people: int | None = None
    words: tuple[str, ...] = field(default=(), repr=False)
    faces: DetectedFaces | None = None


class AudioUnsupported(EngineError):
    """A classifier that looks at pictures alone was asked to listen."""


class Classifier(Protocol):
    """Looks at pictures, and may listen. Safe to call from several threads; the same question may
    be asked again."""

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        """What the views show. Raises EngineError where nothing can be said."""
        ...

    def classify_audio(self, sound: PictureView, *, seconds: float) -> ClassifierReport:
        """What is heard in a sound of so many seconds: its rating, and in `words` what is said.
        Raises EngineError, Deaf where it looks at pictures alone."""
        ...

    def describe_source(self) -> str:
        """The source it speaks as. Raises EngineError."""
        ...

    def is_known_source(self, source: str) -> bool:
        """Whether what this source says counts."""
        ...
