"""Validation of requests and responses against the machine-readable description of the Bot API, if
it is available."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PLACES = (os.environ.get("GREENROOM_SHARED", ""), str(Path(__file__).parents[4] / "shared"))
FILE = Path("platforms/specs/telegram-bot-api.json")


@cache
def described() -> Mapping[str, Any] | None:
    """Return the description, or None if it is not available; then nothing is validated."""
    for place in filter(None, PLACES):
        if (Path(place) / FILE).is_file():
            found: Mapping[str, Any] = json.loads((Path(place) / FILE).read_text("utf-8"))
            return found
    return None


@dataclass
class Checks:
    """Violations in order of detection."""

    broken: list[str] = field(default_factory=list)

    def request(self, method: str, fields: Mapping[str, Any], files: frozenset[str]) -> str | None:
        """Return the first violation in a request, or None. Fields are parsed values."""
        known = described()
        if known is None:
            return None
        if method not in known["methods"]:
            return self._note(f"{method}: no such method")
        wanted = {each["name"]: each for each in known["methods"][method].get("fields", [])}
        attached = {name for name in files if not _attaches(fields, name)}
        for name in (set(fields) | attached) - set(wanted):
            return self._note(f"{method}: no such field {name}")
        for name, each in wanted.items():
            if name in fields or name in files:
                wrong = (
                    None
                    if name in files
                    else self._wrong(each["types"], fields[name], f"{method}.{name}")
                )
                if wrong is not None:
                    return self._note(wrong)
            elif each["required"]:
                return self._note(f"{method}: {name} is missing")
        return None

    def answer(self, method: str, given: Any) -> None:
        """Record a violation in a response of the fake."""
        known = described()
        if known is not None:
            wrong = self._wrong(known["methods"][method]["returns"], given, method)
            if wrong is not None:
                self._note(f"answer of {wrong}")

    def update(self, given: Any) -> None:
        """Record a violation in an update of the fake."""
        if (
            described() is not None
            and (wrong := self._wrong(["Update"], given, "Update")) is not None
        ):
            self._note(f"update: {wrong}")

    def _note(self, wrong: str) -> str:
        self.broken.append(wrong)
        return wrong

    def _wrong(self, types: list[str], value: Any, where: str) -> str | None:
        found = [self._one(each, value, where) for each in types]
        return None if not found or None in found else found[-1]

    def _one(self, kind: str, value: Any, where: str) -> str | None:
        simple: Mapping[str, Any] = {
            "Integer": int,
            "Boolean": bool,
            "True": bool,
            "String": str,
            "Float": (int, float),
        }
        if kind in simple:
            good = isinstance(value, simple[kind]) and (kind in {"Boolean", "True"}) == isinstance(
                value, bool
            )
            return None if good else f"{where}: no {kind}: {value!r:.80}"
        if kind == "InputFile":
            return f"{where}: no file"
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                return f"{where}: no list"
            inner = [self._one(kind.removeprefix("Array of "), one, f"{where}[]") for one in value]
            return next(filter(None, inner), None)
        return self._object(kind, value, where)

    def _object(self, kind: str, value: Any, where: str) -> str | None:
        known = described() or {}
        shape = known["types"].get(kind)
        if shape is None or not isinstance(value, dict):
            return f"{where}: no {kind}"
        if "subtypes" in shape:
            return self._wrong(shape["subtypes"], value, where)
        wanted = {each["name"]: each for each in shape.get("fields", [])}
        for name in set(value) - set(wanted):
            return f"{where}: {kind} has no {name}"
        for name, each in wanted.items():
            if name in value:
                wrong = self._wrong(each["types"], value[name], f"{where}.{name}")
                if wrong is not None:
                    return wrong
            elif each["required"]:
                return f"{where}: {kind} lacks {name}"
        return None


def _attaches(fields: Mapping[str, Any], name: str) -> bool:
    return f'"attach://{name}"' in json.dumps(fields.get("media", []))
