"""Fanvue's API as its reference pages describe it (OpenAPI 3.1, put together from them): requests,
answers, errors.

Judged are paths, queries and JSON bodies; tokens and headers are not. The document leaves fields
that it does not name open, and so does not refuse a misspelt one: in bodies of requests it does
here. It says `oneOf` where two of its shapes fit a finished medium: read as `anyOf`. What later
pages added to it stands in `LATER`, what it lacks in `UNDESCRIBED`.
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
"""Digits that no number of Fanvue has."""
LATER: Mapping[str, Mapping[str, Any]] = {
    "get /chats/{userUuid}/messages": {"markAsRead": {"type": "boolean"}}
}
"""Parameters of queries that newer pages have; by method and path."""
LATER_SOURCES = ("appStore", "checkoutLink", "fanExperience", "refund", "chargeback")
"""Where earnings come from, in newer pages."""
UNDESCRIBED = {("DELETE", "posts", 2)}
"""Method, first word and number of words of a path that is in Fanvue's index alone, without a
description."""

Json = dict[str, Any]


class Refusal(Exception):
    """An error answer: status, body (XML where it is a text), headers."""

    def __init__(
        self, status: int, body: Json | str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def invalid(*errors: str) -> Refusal:
    """A request that is wrong in itself (`ValidationError`)."""
    return Refusal(400, {"errors": list(errors)})


def refused(message: str) -> Refusal:
    """A request that is right in itself and cannot be done: an id that is none, a fan who may not
    be written to."""
    return Refusal(400, {"message": message})


def unauthorized() -> Refusal:
    """Nobody is known by this token (`UnauthorizedResponse`)."""
    return Refusal(401, {"error": "Unauthorized"})


def forbidden(why: str) -> Refusal:
    """What may not be done (`UnauthorizedResponse`, as the description says of 403 too)."""
    return Refusal(403, {"error": why})


def not_found(message: str = "Not Found") -> Refusal:
    """What is not there, or is somebody else's (`NotFoundResponse`)."""
    return Refusal(404, {"message": message})


@dataclass(frozen=True)
class ParsedRequest:
    """A request as it was read. `parts` is the path without `/v1`, `kind` the type of its body,
    `said` what it says."""

    method: str
    parts: list[str]
    newer: bool
    """Whether it came under `/v1`."""
    query: Mapping[str, str]
    pairs: list[tuple[str, str]]
    kind: str
    said: Any
    data: bytes
    header: str
    version: str

    @property
    def path(self) -> str:
        """The path as the description knows it."""
        return "/" + "/".join(self.parts)

    def fields(self) -> Json:
        """What it says by name. Raises Refusal."""
        if not isinstance(self.said, dict) or self.kind != JSON:
            raise invalid("body: Expected a JSON object")
        return self.said


def split(path: str) -> tuple[list[str], bool]:
    """The words of a path without `v1`, and whether it had that."""
    parts = path.strip("/").split("/")
    return (parts[1:] or [""], True) if parts[0] == "v1" else (parts, False)


def read(request: Request, data: bytes) -> ParsedRequest:
    """The request in parts. Raises Refusal."""
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
    """The description, where reference data is at hand."""
    return find_description("fanvue-openapi.json")


class Spec(Description):
    """What it says of our requests and of the fake's answers."""

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What it says, with alternatives that may overlap."""
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
        """What is wrong with a request; "" when it is as described."""
        if self.path is None:
            return ""
        return self.noted(asked.method, asked.path, self._trouble(asked))

    def check_answer(self, asked: ParsedRequest, status: int, value: Any) -> None:
        """Whether the fake answers as described; its own mistake is kept with the refused requests,
        and raised."""
        name = self.named(asked.path, asked.method.lower())
        if name is None or not isinstance(
            value, dict
        ):  # a signed address is plain text, whatever the document says
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
        """The scope that an operation is said to need; "" where none is told."""
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
    """A word of a query as it is described; unchanged, and so refused, where it is not of that
    type."""
    match schema.get("type"):
        case "array":
            return value.split(",")
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
        case "number" | "integer" if value.isascii() and value.isdecimal() and len(value) < LONGEST:
            return int(value)
        case _:
            return value
