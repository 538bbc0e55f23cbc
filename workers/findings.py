"""What the doctor says of a part."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.words import Message


class Verdict(StrEnum):
    """How a part is: fine; works, but knows better; does not work or is not safe."""

    FINE = "fine"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One part and a sentence about it, which says what to do when it is not fine."""

    part: str
    verdict: Verdict
    says: Message


def fine(part: str, code: str, **params: str | int) -> Finding:
    """A part that is as it should be."""
    return Finding(part, Verdict.FINE, Message(code, params))


def warn(part: str, code: str, **params: str | int) -> Finding:
    """A part that works, with something to know."""
    return Finding(part, Verdict.WARN, Message(code, params))


def bad(part: str, code: str, **params: str | int) -> Finding:
    """A part that does not work or is not safe."""
    return Finding(part, Verdict.BAD, Message(code, params))
