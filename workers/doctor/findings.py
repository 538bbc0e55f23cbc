"""Findings of the doctor: a part, its level and a message with the remedy."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.i18n.translation import Message


class FindingLevel(StrEnum):
    """Levels of a finding; the values are part of the JSON output."""

    OK = "fine"
    WARN = "warn"
    ERROR = "bad"


@dataclass(frozen=True)
class Finding:
    """The finding for one part; its message gives the remedy if the level is not OK."""

    part: str
    level: FindingLevel
    message: Message


def finding_ok(part: str, code: str, **params: str | int) -> Finding:
    """Return a finding for a part without problems."""
    return Finding(part, FindingLevel.OK, Message(code, params))


def finding_warning(part: str, code: str, **params: str | int) -> Finding:
    """Return a finding for a part that works with a restriction."""
    return Finding(part, FindingLevel.WARN, Message(code, params))


def finding_error(part: str, code: str, **params: str | int) -> Finding:
    """Return a finding for a part that does not work or is not safe."""
    return Finding(part, FindingLevel.ERROR, Message(code, params))
