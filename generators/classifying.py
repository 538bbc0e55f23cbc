"""The contract of every classifier: views of one picture in, one finding out. It may raise what people say, no more.

A classifier that is away, slow, unknown or talks nonsense raises EngineError: nothing was found, and people decide.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from gate.units import Rating

Prohibited = Literal["", "minor", "category"]


@dataclass(frozen=True)
class View:
    """One way to see a picture, as an opaque file: whole, a tile of it, or what was hidden beside it."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """What a classifier found in all views together. `source` is `classifier:name@version`; `prohibited` says why
    something is X; `people` is the most it counted in one view, None where it counts none; `words` were read in it."""

    source: str
    rating: Rating
    prohibited: Prohibited = ""
    people: int | None = None
    words: tuple[str, ...] = field(default=(), repr=False)


class Classifier(Protocol):
    """Looks at pictures. Safe to call from several threads; the same question may be asked again."""

    def look(self, views: tuple[View, ...]) -> Seen:
        """What the views show. Raises EngineError where nothing can be said."""
        ...

    def about(self) -> str:
        """The source it speaks as. Raises EngineError."""
        ...

    def knows(self, source: str) -> bool:
        """Whether what this source says counts."""
        ...
