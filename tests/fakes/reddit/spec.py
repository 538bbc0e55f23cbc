"""Parsed requests to Reddit, and its errors: JSON with a status, lists in a body with status 200,
and XML."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

JSON, FORM, MULTIPART = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: status, body (XML if it is a text) and headers."""

    def __init__(
        self, status: int, body: Json | str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


class PostErrors(Exception):
    """Errors of a post as Reddit returns them with status 200: lists of `[code, message, field]`."""

    def __init__(self, code: str, message: str, about: str | None, **more: Any) -> None:
        super().__init__(f"{code} {message}")
        self.errors, self.more = [[code, message, about]], more


def bad_request(**more: Any) -> Refusal:
    """Return the error for an invalid request."""
    return Refusal(400, {"message": "Bad Request", "error": 400, **more})


def unauthorized() -> Refusal:
    """Return the error for an unknown token."""
    told = {"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'}
    return Refusal(401, {"message": "Unauthorized", "error": 401}, told)


def insufficient_scope() -> Refusal:
    """Return the error for a missing scope."""
    told = {"www-authenticate": 'Bearer realm="reddit", error="insufficient_scope"'}
    return Refusal(403, {"message": "Forbidden", "error": 403}, told)


def forbidden(reason: str = "") -> Refusal:
    """Return the error for a forbidden action or object."""
    return Refusal(
        403, ({"reason": reason} if reason else {}) | {"message": "Forbidden", "error": 403}
    )


def not_found(reason: str = "") -> Refusal:
    """Return the error for a missing object."""
    return Refusal(
        404, ({"reason": reason} if reason else {}) | {"message": "Not Found", "error": 404}
    )


def too_many(headers: Mapping[str, str] | None = None) -> Refusal:
    """Return the error for too many requests, or for a client without a specific User-Agent."""
    return Refusal(429, {"message": "Too Many Requests", "error": 429}, headers)


def stored(status: int, code: str, message: str, more: str = "") -> Refusal:
    """Return an error of the object store."""
    words = (
        f"<Code>{code}</Code><Message>{html.escape(message)}</Message>{more}<RequestId>0<"
        "/RequestId>"
    )
    return Refusal(status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{words}</Error>')


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request. `parts` is the path without `.json` and outer slashes."""

    method: str
    parts: list[str]
    query: Mapping[str, str]
    kind: str
    """Content type of the body."""
    form: Mapping[str, str]
    """Fields of a form. Empty for other bodies."""
    body: Any
    """Parsed JSON body."""
    header: str
    """Value of the Authorization header."""
    agent: str

    @property
    def raw(self) -> bool:
        """Return True if `<`, `>` and `&` are returned unescaped."""
        return self.query.get("raw_json") == "1"

    def said(self, name: str, usual: str = "") -> str:
        """Return a parameter of the form or the query."""
        return self.form.get(name, self.query.get(name, usual))


def split(path: str) -> list[str]:
    """Return the segments of a path."""
    return path.strip("/").removesuffix(".json").split("/")


def read(request: Request, data: bytes) -> ParsedRequest:
    """Parse a request. Raise Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form: dict[str, str] = {}
    body: Any = None
    try:
        if kind == FORM:
            form = dict(parse_qsl(data.decode(), keep_blank_values=True))
        elif kind == JSON and data:
            body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request() from error
    return ParsedRequest(
        request.method,
        split(request.scope["path"]),
        dict(request.query_params),
        kind,
        form,
        body,
        request.headers.get("authorization", ""),
        request.headers.get("user-agent", ""),
    )


def truth(told: object) -> bool:
    """Return a boolean of a form as Reddit's published code (`VBoolean`) does. A JSON body has real
    booleans."""
    word = str(told).lower()
    return bool(told) and word != "off" and word[0] not in "fn"


def number(told: str, usual: int, most: int) -> int:
    """Return a number from 1 to `most`, or the default if it is invalid."""
    return (
        min(most, max(1, int(told)))
        if told.isascii() and told.isdecimal() and len(told) < 10
        else usual
    )


def escaped(told: Any) -> Any:
    """Return a response with `&lt;`, `&gt;` and `&amp;` in all text, as it is without `raw_json`."""
    match told:
        case str():
            return html.escape(told, quote=False)
        case dict():
            return {name: escaped(each) for name, each in told.items()}
        case list():
            return [escaped(each) for each in told]
    return told
