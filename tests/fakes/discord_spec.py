"""Discord's own description of its API, as far as it judges what we send: paths, queries and JSON bodies."""

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

NAME = "platforms/specs/discord-openapi.json"


def document() -> Path | None:
    """Discord's description in the folder of reference data; None, and a warning, where there is none."""
    folder = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[3] / "shared"))
    if (folder / NAME).is_file():
        return folder / NAME
    warnings.warn(f"{folder / NAME} is not here (set GREENROOM_SHARED): requests are not judged by it", stacklevel=2)
    return None


@dataclass
class Spec:
    """The document, and the requests it refused; empty without a file: then nothing is judged."""

    path: Path | None
    refused: list[str] = field(default_factory=list)
    judged: int = 0
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        document: Mapping[str, Any] = json.loads(self.path.read_text("utf-8")) if self.path else {"paths": {}}
        return document

    @cached_property
    def _registry(self) -> "Registry[Any]":
        whole = Resource.from_contents(self._document, default_specification=DRAFT202012)
        return Registry().with_resource("urn:discord", whole)

    def judge(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        """What is wrong with a request by the document; "" when it is as described."""
        if self.path is None:
            return ""
        self.judged += 1
        trouble = self._trouble(method.lower(), path, query, body)
        if trouble:
            self.refused.append(f"{method} {path}: {trouble}")
        return trouble

    def _trouble(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        name = self._named(path, method)
        if name is None:
            return "no such path"
        described = self._document["paths"][name]
        known = {one["name"]: one for one in described[method].get("parameters", ()) if one["in"] == "query"}
        for key, value in query.items():
            if key not in known:
                return f"unknown parameter {key}"
            typed: Any = int(value) if known[key]["schema"].get("type") == "integer" else value
            if errors := self._errors(f"/paths/{_escaped(name)}/{method}/{key}", known[key]["schema"], typed):
                return f"{key}: {errors}"
        schema = described[method].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return "a body where none is taken" if body is not None else ""
        return self._errors(f"{name} {method}", schema, body)

    def _named(self, path: str, method: str) -> str | None:
        """The path of the document, words before placeholders."""
        asked = path.strip("/").split("/")
        fitting = []
        for name, described in self._document["paths"].items():
            parts = name.strip("/").split("/")
            same = len(parts) == len(asked) and all(
                part == given or part.startswith("{") for part, given in zip(parts, asked, strict=True)
            )
            if same and method in described:
                fitting.append(name)
        return min(fitting, key=lambda name: name.count("{"), default=None)

    def answers(self, name: str, value: Any) -> str:
        """What is wrong with an answer of the fake, by a schema of the document."""
        return self._errors(f"answer {name}", {"$ref": f"#/components/schemas/{name}"}, value)

    def _errors(self, key: str, schema: Mapping[str, Any], value: Any) -> str:
        if key not in self._validators:
            moved = json.loads(json.dumps(schema).replace('"#/', '"urn:discord#/'))
            self._validators[key] = Draft202012Validator(moved, registry=self._registry)
        error = next(iter(self._validators[key].iter_errors(value)), None)
        return f"{'/'.join(map(str, error.path))}: {error.message[:200]}" if error else ""


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
