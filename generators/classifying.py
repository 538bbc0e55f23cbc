"""The contract of every classifier: views of one picture in, one finding out. It may raise what people say, no more.

A classifier that is away, slow, unknown or talks nonsense raises EngineError: nothing was found, and people decide.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from gate.units import Rating
from generators.contract import EngineError

Prohibited = Literal["", "minor", "category"]


@dataclass(frozen=True)
class View:
    """One way to see a picture, as an opaque file: whole, a tile of it, or what was hidden beside it."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Face:
    """A face in one view. `vector` are little-endian 32-bit floats of length 1; `size` is its share of the view's
    shorter edge and `sure` how sure the model is that it is one, both in percent."""

    view: str
    vector: bytes = field(repr=False)
    size: int
    sure: int


@dataclass(frozen=True)
class Faces:
    """The faces of a picture as one model tells them apart; vectors of another `model` (name@version) mean something
    else. No faces is an answer too."""

    model: str
    found: tuple[Face, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a classifier found in all views together. `source` is `classifier:name@version`; `prohibited` says why
    something is X; `people` is the most it counted in one view, None where it counts none; `words` were read in it;
    `faces` is None where it tells none apart."""

    source: str
    rating: Rating
    prohibited: Prohibited = ""
    people: int | None = None
    words: tuple[str, ...] = field(default=(), repr=False)
    faces: Faces | None = None


class Deaf(EngineError):
    """A classifier that looks at pictures alone was asked to listen."""


class Classifier(Protocol):
    """Looks at pictures, and may listen. Safe to call from several threads; the same question may be asked again."""

    def look(self, views: tuple[View, ...]) -> Seen:
        """What the views show. Raises EngineError where nothing can be said."""
        ...

    def hear(self, sound: View, *, seconds: float) -> Seen:
        """What is heard in a sound of so many seconds: its rating, and in `words` what is said. Raises EngineError,
        Deaf where it looks at pictures alone."""
        ...

    def about(self) -> str:
        """The source it speaks as. Raises EngineError."""
        ...

    def knows(self, source: str) -> bool:
        """Whether what this source says counts."""
        ...
