"""Sentences for people. Rooms store `Message(code, params)`; the edge renders it in the reader's language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
_CATALOGUES = Path(__file__).parent / "locale"


@dataclass(frozen=True)
class Message:
    """A sentence by its code in the catalogues; `params` are ids, names, numbers and times, never free sentences."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.code}({details})" if details else self.code

    def to_json(self) -> dict[str, object]:
        """The stored form."""
        return {"code": self.code, "params": dict(self.params)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Message":
        """The value of what `to_json` stored."""
        params = stored.get("params") or {}
        if not isinstance(params, Mapping):
            raise TypeError("params of a stored message must be an object")
        return cls(str(stored["code"]), dict(params))


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every sentence of a language by code, read from `foundation/locale/<room>.<language>.po`.

    Raises ValueError for a code that two rooms define: neither would know whose sentence is shown.
    """
    sentences: dict[str, str] = {}
    for path in sorted(_CATALOGUES.glob(f"*.{language}.po")):
        for code, sentence in _entries(path, language).items():
            if code in sentences:
                raise ValueError(f"{path.name} defines {code} a second time")
            sentences[code] = sentence
    return sentences


def _entries(path: Path, language: str) -> dict[str, str]:
    with path.open("rb") as file:
        entries = read_po(file, locale=language, abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}


def say(message: Message, language: str) -> str:
    """The sentence in `language` ("fr" or "en"). Raises KeyError for a code without one: the build fails on it."""
    return catalogue(language)[message.code].format_map(dict(message.params))


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, for digests: the same value gives the same bytes (after RFC 8785).

    A dataclass is the object of its fields, anything else that JSON does not know its `str`.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return str(value)
