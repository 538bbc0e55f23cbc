"""Mastodon's API as its documentation describes it, in OpenAPI, applied to our requests and to the
fake's responses.

Paths, queries, JSON bodies and the names of multipart fields are validated. The document does not
describe form-encoded bodies. Headers are not validated (the document declares the idempotency key
as an object), nor are formats such as dates and URLs.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.fakes.openapi import Description, find_description

JSON, MULTIPART = "application/json", "multipart/form-data"
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def load_description() -> Path | None:
    """Return the path of the description if the reference data is available."""
    return find_description("mastodon-openapi.json")


class Spec(Description):
    """The description, applied to our requests and to the fake's responses."""

    def judge(
        self, method: str, path: str, query: Iterable[tuple[str, str]], kind: str, body: Any
    ) -> str:
        """Return the first violation in a request, or ""."""
        if self.path is None:
            return ""
        return self.noted(method, path, self._trouble(method.lower(), path, query, kind, body))

    def check_answer(self, method: str, path: str, status: int, value: Any) -> None:
        """Check a response of the fake. A violation is recorded with the rejected requests and
        raised."""
        name = self.named(path, method.lower())
        if name is None:
            return
        described = self.document["paths"][name][method.lower()]["responses"].get(str(status), {})
        schema = described.get("content", {}).get(JSON, {}).get("schema")
        trouble = self.errors(f"{name} {method} {status}", schema, value) if schema else ""
        if trouble:
            self.refused.append(f"answer to {method} {path}: {trouble}")
            raise AssertionError(self.refused[-1])

    def _trouble(
        self, method: str, path: str, query: Iterable[tuple[str, str]], kind: str, body: Any
    ) -> str:
        name = self.named(path, method)
        if name is None:
            return "no such path"
        described = self.document["paths"][name][method]
        asked = self._query_trouble(f"{name} {method}", described, query)
        if asked or kind not in {JSON, MULTIPART, ""}:
            return asked
        content = described.get("requestBody", {}).get("content", {})
        schema = content.get(kind or JSON, {}).get("schema")
        if schema is None:
            return "a body where none is taken" if body is not None else ""
        # A text with pictures matches two kinds of status, so `oneOf` would reject it.
        either = {"anyOf" if part == "oneOf" else part: value for part, value in schema.items()}
        unknown = set(body) - self._members(schema) if isinstance(body, dict) else set()
        return (
            f"unknown: {sorted(unknown)}"
            if unknown
            else self.errors(f"{name} {method} {kind}", either, body)
        )

    def _query_trouble(
        self, key: str, described: Mapping[str, Any], query: Iterable[tuple[str, str]]
    ) -> str:
        known = {
            one["name"]: one["schema"]
            for one in described.get("parameters", ())
            if one["in"] == "query"
        }
        needed = {
            one["name"]
            for one in described.get("parameters", ())
            if one["in"] == "query" and "required" in one
        }
        for named, value in query:
            name = named.removesuffix("[]")
            if name not in known:
                return f"unknown parameter {named}"
            needed.discard(name)
            schema = known[name]["items"] if known[name].get("type") == "array" else known[name]
            if errors := self.errors(
                f"{key} {name}", schema, _typed(str(schema.get("type")), value)
            ):
                return f"{name}: {errors}"
        return f"missing: {sorted(needed)}" if needed else ""

    def _members(self, schema: Mapping[str, Any]) -> set[str]:
        """Return the property names of an object in any of its alternatives."""
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        inner = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
        return set(schema.get("properties", ())).union(*map(self._members, inner))


def _typed(kind: str, value: str) -> Any:
    """Convert a query value to the described type. Return it unchanged, to be rejected later, if it
    does not have this type."""
    if kind == "integer" and value.lstrip("-").isdecimal():
        return int(value)
    return BOOLEANS.get(value, value) if kind == "boolean" else value
