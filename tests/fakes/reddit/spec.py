"""Requests to Reddit as they were read, and its errors: JSON with a status, in-body lists under
200, XML."""

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
    """An error answer: status, body (XML where it is a text), headers."""

    def __init__(
        self, status: int, body: Json | str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


class PostErrors(Exception):
    """What is wrong with a post, as Reddit says it under status 200: lists of `[code, message,
    field]`."""

    def __init__(self, code: str, message: str, about: str | None, **more: Any) -> None:
        super().__init__(f"{code} {message}")
        self.errors, self.more = [[code, message, about]], more


def bad_request(**more: Any) -> Refusal:
    """A request that is wrong in itself."""
    return Refusal(400, {"message": "Bad Request", "error": 400, **more})


def unauthorized() -> Refusal:
    """Nobody is known by this token."""
    told = {"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'}
    return Refusal(401, {"message": "Unauthorized", "error": 401}, told)


def insufficient_scope() -> Refusal:
    """The person did not say yes to this."""
    told = {"www-authenticate": 'Bearer realm="reddit", error="insufficient_scope"'}
    return Refusal(403, {"message": "Forbidden", "error": 403}, told)


def forbidden(reason: str = "") -> Refusal:
    """What may not be done or seen."""
    return Refusal(
        403, ({"reason": reason} if reason else {}) | {"message": "Forbidden", "error": 403}
    )


def not_found(reason: str = "") -> Refusal:
    """What is not there."""
    return Refusal(
        404, ({"reason": reason} if reason else {}) | {"message": "Not Found", "error": 404}
    )


def too_many(headers: Mapping[str, str] | None = None) -> Refusal:
    """Asked too often, or by nobody in particular."""
    return Refusal(429, {"message": "Too Many Requests", "error": 429}, headers)


def stored(status: int, code: str, message: str, more: str = "") -> Refusal:
    """An error of the object store."""
    words = (
        f"<Code>{code}</Code><Message>{html.escape(message)}</Message>{more}<RequestId>0<"
        "/RequestId>"
    )
    return Refusal(status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{words}</Error>')


@dataclass(frozen=True)
class ParsedRequest:
    """A request as it was read. `parts` is the path without slashes at its ends and `.json`."""

    method: str
    parts: list[str]
    query: Mapping[str, str]
    kind: str
    """The type of its body."""
    form: Mapping[str, str]
    """What a form says; empty for other bodies."""
    body: Any
    """What a JSON body says."""
    header: str
    """What authorizes it."""
    agent: str

    @property
    def raw(self) -> bool:
        """Whether `<`, `>` and `&` are told as they are."""
        return self.query.get("raw_json") == "1"

    def said(self, name: str, usual: str = "") -> str:
        """One parameter, from the form or the query."""
        return self.form.get(name, self.query.get(name, usual))


def split(path: str) -> list[str]:
    """The words of a path."""
    return path.strip("/").removesuffix(".json").split("/")


def read(request: Request, data: bytes) -> ParsedRequest:
    """The request in parts. Raises Refusal."""
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
    """A yes or no of a form, as Reddit's published code (`VBoolean`) reads it; a JSON body has its
    own."""
    word = str(told).lower()
    return bool(told) and word != "off" and word[0] not in "fn"


def number(told: str, usual: int, most: int) -> int:
    """A number from 1 to `most`; what is none is the usual one."""
    return (
        min(most, max(1, int(told)))
        if told.isascii() and told.isdecimal() and len(told) < 10
        else usual
    )


def escaped(told: Any) -> Any:
    """An answer for whoever did not ask for `raw_json`: every text in it with `&lt;`, `&gt;` and
    `&amp;`."""
    match told:
        case str():
            return html.escape(told, quote=False)
        case dict():
            return {name: escaped(each) for name, each in told.items()}
        case list():
            return [escaped(each) for each in told]
    return told
