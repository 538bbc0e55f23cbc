"""The official OpenAPI description of a platform's API from the reference data, shared by the fakes
that validate requests against one."""

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no stubs
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ITSELF = "urn:description"


def find_description(name: str) -> Path | None:
    """Return the path of a description in the reference data. Warn and return None if it is
    missing."""
    folder = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[3] / "shared"))
    path = folder / "platforms/specs" / name
    if path.is_file():
        return path
    warnings.warn(
        f"{path} is missing (set GREENROOM_SHARED): requests are not validated", stacklevel=3
    )
    return None


@dataclass
class Description:
    """The description and the requests that it rejected. Without a file nothing is validated."""

    path: Path | None
    refused: list[str] = field(default_factory=list)
    judged: int = 0
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The parsed description."""
        document: Mapping[str, Any] = (
            json.loads(self.path.read_text("utf-8")) if self.path else {"paths": {}}
        )
        return document

    @cached_property
    def _registry(self) -> "Registry[Any]":
        whole: Resource[Any] = Resource.from_contents(
            self.document, default_specification=DRAFT202012
        )
        empty: Registry[Any] = Registry()
        known: Registry[Any] = empty.with_resource(ITSELF, whole)
        return known

    def named(self, path: str, method: str) -> str | None:
        """Return the path template that matches a request, preferring literal segments to
        placeholders. `method` is in lower case."""
        asked = path.strip("/").split("/")
        fitting = []
        for name, described in self.document["paths"].items():
            parts = name.strip("/").split("/")
            same = len(parts) == len(asked) and all(
                part == given or part.startswith("{")
                for part, given in zip(parts, asked, strict=True)
            )
            if same and method in described:
                fitting.append(name)
        return min(fitting, key=lambda name: name.count("{"), default=None)

    def errors(self, key: str, schema: Mapping[str, Any], value: Any) -> str:
        """Return the first violation of a schema of the description, or "". `key` identifies the
        schema."""
        if key not in self._validators:
            moved = json.loads(json.dumps(schema).replace('"#/', f'"{ITSELF}#/'))
            self._validators[key] = Draft202012Validator(moved, registry=self._registry)
        error = next(iter(self._validators[key].iter_errors(value)), None)
        return f"{'/'.join(map(str, error.path))}: {error.message[:200]}" if error else ""

    def noted(self, method: str, path: str, trouble: str) -> str:
        """Count a validation and record `trouble` if it is not empty. Return `trouble`."""
        self.judged += 1
        if trouble:
            self.refused.append(f"{method} {path}: {trouble}")
        return trouble
