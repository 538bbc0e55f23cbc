"""Fanvue's API as its reference pages describe it (compiled as OpenAPI 3.1): requests, responses
and errors.

Paths, queries and JSON bodies are validated; tokens and headers are not. The description allows
additional fields and so would accept misspelt ones; the fake rejects them in request bodies. Where
the description says `oneOf` although two shapes match a finished media file, it is read as `anyOf`.
`LATER` contains additions of newer pages, `UNDESCRIBED` what it lacks.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from tests.fakes.openapi import Description, find_description

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
VERSION, VERSION_HEADER = "2025-06-26", "x-fanvue-api-version"
LONGEST = 20
"""Number of digits that no number of Fanvue reaches."""
LATER: Mapping[str, Mapping[str, Any]] = {
    "get /chats/{userUuid}/messages": {"markAsRead": {"type": "boolean"}}
}
"""Query parameters that newer pages add, by method and path."""
LATER_SOURCES = ("appStore", "checkoutLink", "fanExperience", "refund", "chargeback")
"""Sources of earnings that newer pages add."""
UNDESCRIBED = {("DELETE", "posts", 2)}
"""Method, first segment and number of segments of a path that Fanvue's index lists without a
description."""

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: status, body (XML if it is a text) and headers."""

    def __init__(
        self, status: int, body: Json | str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def invalid(*errors: str) -> Refusal:
    """Return the error for an invalid request (`ValidationError`)."""
    return Refusal(400, {"errors": list(errors)})


def refused(message: str) -> Refusal:
    """Return the error for a valid request that cannot be fulfilled, such as a malformed ID or a
    fan who cannot be contacted."""
    return Refusal(400, {"message": message})


def unauthorized() -> Refusal:
    """Return the error for an unknown token (`UnauthorizedResponse`)."""
    return Refusal(401, {"error": "Unauthorized"})


def forbidden(why: str) -> Refusal:
    """Return the error for a forbidden action (`UnauthorizedResponse`, which the description uses
    for 403 too)."""
    return Refusal(403, {"error": why})


def not_found(message: str = "Not Found") -> Refusal:
    """Return the error for a missing or foreign object (`NotFoundResponse`)."""
    return Refusal(404, {"message": message})


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request. `parts` is the path without `/v1`, `kind` the content type, `said` the
    body."""

    method: str
    parts: list[str]
    newer: bool
    """True if the path started with `/v1`."""
    query: Mapping[str, str]
    pairs: list[tuple[str, str]]
    kind: str
    said: Any
    data: bytes
    header: str
    version: str

    @property
    def path(self) -> str:
        """Path as in the description."""
        return "/" + "/".join(self.parts)

    def fields(self) -> Json:
        """Return the fields of the body. Raise Refusal."""
        if not isinstance(self.said, dict) or self.kind != JSON:
            raise invalid("body: Expected a JSON object")
        return self.said


def split(path: str) -> tuple[list[str], bool]:
    """Return the segments of a path without `v1`, and True if it had that prefix."""
    parts = path.strip("/").split("/")
    return (parts[1:] or [""], True) if parts[0] == "v1" else (parts, False)


def read(request: Request, data: bytes) -> ParsedRequest:
    """Parse a request. Raise Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parts, newer = split(request.scope["path"])
    said: Any = None
    try:
        if data and parts[0] != "store":
            said = dict(parse_qsl(data.decode(), keep_blank_values=True)) if kind == FORM else None
            said = json.loads(data) if kind == JSON else said
    except (ValueError, RecursionError) as error:
        raise invalid("body: Could not be read") from error
    pairs = request.query_params.multi_items()
    header, version = (request.headers.get(name, "") for name in ("authorization", VERSION_HEADER))
    return ParsedRequest(
        request.method, parts, newer, dict(pairs), pairs, kind, said, data, header, version
    )


def load_description() -> Path | None:
    """Return the path of the description if the reference data is available."""
    return find_description("fanvue-openapi.json")


class Spec(Description):
    """The description, applied to our requests and to the fake's responses."""

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The description, with alternatives that may overlap."""
        whole: Mapping[str, Any] = (
            json.loads(self.path.read_text("utf-8")) if self.path else {"paths": {}}
        )
        loosened: Mapping[str, Any] = _loosened(whole)
        sources = (
            loosened.get("components", {})
            .get("schemas", {})
            .get("get_earnings_data__EarningSource")
        )
        if sources:
            sources["enum"] += LATER_SOURCES
        return loosened

    def judge(self, asked: ParsedRequest) -> str:
        """Return the first violation in a request, or ""."""
        if self.path is None:
            return ""
        return self.noted(asked.method, asked.path, self._trouble(asked))

    def check_answer(self, asked: ParsedRequest, status: int, value: Any) -> None:
        """Check a response of the fake. A violation is recorded with the rejected requests and
        raised."""
        name = self.named(asked.path, asked.method.lower())
        # A signed URL is plain text, although the description says JSON.
        if name is None or not isinstance(value, dict):
            return
        described = self.document["paths"][name][asked.method.lower()]["responses"].get(
            str(status), {}
        )
        schema = described.get("content", {}).get(JSON, {}).get("schema")
        trouble = (
            self.errors(f"{name} {asked.method} {status}", schema, value)
            if schema
            else f"no {status} there"
        )
        if trouble:
            self.refused.append(f"answer to {asked.method} {asked.path}: {trouble}")
            raise AssertionError(self.refused[-1])

    def scope(self, method: str, path: str) -> str:
        """Return the scope that the description requires for an operation, or ""."""
        name = self.named(path, method.lower())
        told = self.document["paths"][name][method.lower()].get("description", "") if name else ""
        named = told.partition("Scope required: `")[2].partition("`")[0]
        return str(named or told.partition("Scopes: ")[2].partition(".")[0])

    def _trouble(self, asked: ParsedRequest) -> str:
        if (asked.method, asked.parts[0], len(asked.parts)) in UNDESCRIBED:
            return "a query or a body where none is taken" if asked.pairs or asked.data else ""
        name = self.named(asked.path, asked.method.lower())
        if name is None:
            return "no such path"
        key = f"{asked.method.lower()} {name}"
        described = self.document["paths"][name][asked.method.lower()]
        known = {
            one["name"]: one["schema"]
            for one in described.get("parameters", ())
            if one["in"] == "query"
        }
        trouble = self._query_trouble(key, known | dict(LATER.get(key, {})), asked)
        content = described.get("requestBody", {}).get("content", {})
        if trouble or not content:
            return trouble or ("a body where none is taken" if asked.data else "")
        if asked.kind not in content:
            return f"a body of type {asked.kind or 'none'}"
        return self.errors(
            key, content[asked.kind]["schema"] | {"unevaluatedProperties": False}, asked.said
        )

    def _query_trouble(
        self, key: str, known: Mapping[str, Mapping[str, Any]], asked: ParsedRequest
    ) -> str:
        for name, value in asked.pairs:
            if name not in known or [each for each, _ in asked.pairs].count(name) > 1:
                return f"{name}: not one of {sorted(known)}, each once"
            trouble = self.errors(f"{key} {name}", known[name], _typed(known[name], value))
            if trouble:
                return f"{name}: {trouble}"
        return ""


def _loosened(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            "anyOf" if name == "oneOf" else name: _loosened(each) for name, each in value.items()
        }
    return [_loosened(each) for each in value] if isinstance(value, list) else value


def _typed(schema: Mapping[str, Any], value: str) -> Any:
    """Convert a query value to the described type. Return it unchanged, to be rejected later, if it
    does not have this type."""
    match schema.get("type"):
        case "array":
            return value.split(",")
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
        case "number" | "integer" if value.isascii() and value.isdecimal() and len(value) < LONGEST:
            return int(value)
        case _:
            return value
