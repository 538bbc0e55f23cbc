"""Mastodon's API as its documentation describes it, in OpenAPI: what it says of our requests and of the fake's answers.

Judged are paths, queries, JSON bodies and the names of multipart fields; of a body in form encoding it says nothing.
Headers are not judged (the document calls the idempotency key an object), nor formats such as dates and addresses.
"""

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no stubs
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

NAME = "platforms/specs/mastodon-openapi.json"
JSON, MULTIPART = "application/json", "multipart/form-data"
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def document() -> Path | None:
    """The description in the folder of reference data; None, and a warning, where there is none."""
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
        whole: Resource[Any] = Resource.from_contents(self._document, default_specification=DRAFT202012)
        empty: Registry[Any] = Registry()
        known: Registry[Any] = empty.with_resource("urn:mastodon", whole)
        return known

    def judge(self, method: str, path: str, query: Iterable[tuple[str, str]], kind: str, body: Any) -> str:
        """What is wrong with a request by the document; "" when it is as described."""
        if self.path is None:
            return ""
        self.judged += 1
        trouble = self._trouble(method.lower(), path, query, kind, body)
        if trouble:
            self.refused.append(f"{method} {path}: {trouble}")
        return trouble

    def check_answer(self, method: str, path: str, status: int, value: Any) -> None:
        """Whether the fake answers as described; its own mistake is kept with the refused requests, and raised."""
        name = self._named(path, method.lower())
        if name is None:
            return
        described = self._document["paths"][name][method.lower()]["responses"].get(str(status), {})
        schema = described.get("content", {}).get(JSON, {}).get("schema")
        trouble = self._errors(f"{name} {method} {status}", schema, value) if schema else ""
        if trouble:
            self.refused.append(f"answer to {method} {path}: {trouble}")
            raise AssertionError(self.refused[-1])

    def _trouble(self, method: str, path: str, query: Iterable[tuple[str, str]], kind: str, body: Any) -> str:
        name = self._named(path, method)
        if name is None:
            return "no such path"
        described = self._document["paths"][name][method]
        asked = self._query_trouble(f"{name} {method}", described, query)
        if asked or kind not in {JSON, MULTIPART, ""}:
            return asked
        content = described.get("requestBody", {}).get("content", {})
        schema = content.get(kind or JSON, {}).get("schema")
        if schema is None:
            return "a body where none is taken" if body is not None else ""
        # A text with pictures is two kinds of status at once: exactly one of them would forbid it.
        either = {"anyOf" if part == "oneOf" else part: value for part, value in schema.items()}
        unknown = set(body) - self._members(schema) if isinstance(body, dict) else set()
        return f"unknown: {sorted(unknown)}" if unknown else self._errors(f"{name} {method} {kind}", either, body)

    def _query_trouble(self, key: str, described: Mapping[str, Any], query: Iterable[tuple[str, str]]) -> str:
        known = {one["name"]: one["schema"] for one in described.get("parameters", ()) if one["in"] == "query"}
        needed = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query" and "required" in one}
        for named, value in query:
            name = named.removesuffix("[]")
            if name not in known:
                return f"unknown parameter {named}"
            needed.discard(name)
            schema = known[name]["items"] if known[name].get("type") == "array" else known[name]
            if errors := self._errors(f"{key} {name}", schema, _typed(str(schema.get("type")), value)):
                return f"{name}: {errors}"
        return f"missing: {sorted(needed)}" if needed else ""

    def _members(self, schema: Mapping[str, Any]) -> set[str]:
        """The names an object may have, whichever kind of it is meant."""
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        inner = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
        return set(schema.get("properties", ())).union(*map(self._members, inner))

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

    def _errors(self, key: str, schema: Mapping[str, Any], value: Any) -> str:
        if key not in self._validators:
            moved = json.loads(json.dumps(schema).replace('"#/', '"urn:mastodon#/'))
            self._validators[key] = Draft202012Validator(moved, registry=self._registry)
        error = next(iter(self._validators[key].iter_errors(value)), None)
        return f"{'/'.join(map(str, error.path))}: {error.message[:200]}" if error else ""


def _typed(kind: str, value: str) -> Any:
    """A word of a query as the document types it; unchanged, and so refused, where it is not of that type."""
    if kind == "integer" and value.lstrip("-").isdecimal():
        return int(value)
    return BOOLEANS.get(value, value) if kind == "boolean" else value
