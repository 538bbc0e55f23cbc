"""Findings of the doctor: one part, its level, and a sentence on what to do."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.i18n.translation import Message


class FindingLevel(StrEnum):
    """How a part is: fine; works, but knows better; does not work or is not safe."""

    OK = "fine"
    WARN = "warn"
    ERROR = "bad"


@dataclass(frozen=True)
class Finding:
    """One part and a sentence about it, which says what to do when it is not fine."""

    part: str
    level: FindingLevel
    message: Message


def finding_ok(part: str, code: str, **params: str | int) -> Finding:
    """A part that is as it should be."""
    return Finding(part, FindingLevel.OK, Message(code, params))


def finding_warning(part: str, code: str, **params: str | int) -> Finding:
    """A part that works, with something to know."""
    return Finding(part, FindingLevel.WARN, Message(code, params))


def finding_error(part: str, code: str, **params: str | int) -> Finding:
    """A part that does not work or is not safe."""
    return Finding(part, FindingLevel.ERROR, Message(code, params))
