"""X's official API description (OpenAPI 3.0), applied to our requests, which are parsed here, and
to the fake's responses.

Paths, queries, JSON bodies and the fields of multipart bodies are validated; files, tokens and
headers are not. The description is newer than most clients: it has `post.fields` where they use
`tweet.fields`, so the older names are validated here.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from tests.fakes.openapi import Description, find_description
from tests.fakes.x.state import invalid

JSON, MULTIPART, FORM = (
    "application/json",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
)
LONGEST = 20
"""Number of digits that no number of X reaches."""
OLDER = {
    "tweet.fields": (
        "post.fields",
        {
            "referenced_tweets",
            "author_id",
            "in_reply_to_user_id",
            "edit_history_tweet_ids",
            "note_tweet",
        },
    ),
    "dm_event.fields": ("dm_event.fields", {"sender_id", "participant_ids", "referenced_tweets"}),
    "expansions": ("expansions", {"referenced_tweets.id", "edit_history_tweet_ids"}),
}
"""Older names of parameters: the described name, and values that only the older API accepted."""


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request. `parts` is the path, `kind` the content type, `said` the body."""

    method: str
    path: str
    parts: list[str]
    query: Mapping[str, str]
    pairs: list[tuple[str, str]]
    kind: str
    said: Any
    files: Mapping[str, bytes]
    header: str

    def listed(self, *names: str) -> set[str]:
        """Return the values of comma-separated parameters."""
        return {word for name in names for word in self.query.get(name, "").split(",") if word}


def load_description() -> Path | None:
    """Return the path of the description if the reference data is available."""
    return find_description("x-openapi.json")


class Spec(Description):
    """The description, applied to our requests and to the fake's responses."""

    def judge(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]],
        kind: str,
        body: Any,
        *,
        older: bool,
    ) -> str:
        """Return the first violation in a request, or "". With `older`, older names are accepted
        too."""
        if self.path is None:
            return ""
        return self.noted(
            method, path, self._trouble(method.lower(), path, query, kind, body, older=older)
        )

    def check_answer(self, method: str, path: str, status: int, value: Any) -> None:
        """Check a response of the fake. A violation is recorded with the rejected requests and
        raised."""
        name = self.named(path, method.lower())
        if name is None:
            return
        described = self.document["paths"][name][method.lower()]["responses"].get(str(status), {})
        schema = described.get("content", {}).get(JSON, {}).get("schema")
        trouble = (
            self.errors(f"{name} {method} {status}", schema, value)
            if schema
            else f"no such status: {status}"
        )
        if trouble:
            self.refused.append(f"answer to {method} {path}: {trouble}")
            raise AssertionError(self.refused[-1])

    def _trouble(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]],
        kind: str,
        body: Any,
        *,
        older: bool,
    ) -> str:
        name = self.named(path, method)
        if name is None:
            return "no such path"
        described = self.document["paths"][name][method]
        asked = self._path_trouble(name, path, described) or self._query_trouble(
            f"{name} {method}", self._parameters(described, "query"), query, older=older
        )
        if asked:
            return asked
        content = described.get("requestBody", {}).get("content", {})
        if not content:
            return "a body where none is taken" if body is not None else ""
        if kind not in content:
            return f"a body of type {kind or 'none'}"
        schema = content[kind]["schema"]
        told = self._fields(schema, body) if kind == MULTIPART and isinstance(body, dict) else body
        return self.errors(f"{name} {method} {kind}", schema, told)

    def _fields(self, schema: Mapping[str, Any], body: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields of a form, with numbers converted."""
        known = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]][
            "properties"
        ]
        return {name: _typed(known.get(name, {}), value, set()) for name, value in body.items()}

    def _parameters(self, described: Mapping[str, Any], place: str) -> dict[str, Mapping[str, Any]]:
        known, asked = self.document["components"]["parameters"], described.get("parameters", ())
        told = (known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in asked)
        return {one["name"]: one for one in told if one["in"] == place}

    def _path_trouble(self, name: str, path: str, described: Mapping[str, Any]) -> str:
        known = self._parameters(described, "path")
        for part, given in zip(name.strip("/").split("/"), path.strip("/").split("/"), strict=True):
            if part.startswith("{"):
                trouble = self.errors(f"{name} {part}", known[part.strip("{}")]["schema"], given)
                if trouble:
                    return f"{part}: {trouble}"
        return ""

    def _query_trouble(
        self,
        key: str,
        known: Mapping[str, Mapping[str, Any]],
        query: Iterable[tuple[str, str]],
        *,
        older: bool,
    ) -> str:
        needed = {name for name, one in known.items() if one.get("required")}
        seen: set[str] = set()
        for given, value in query:
            name, more = OLDER.get(given, (given, set())) if older else (given, set())
            if name not in known or name in seen:
                return f"the query parameter [{given}] is not one of {sorted(known)}, each once"
            seen.add(name)
            schema = known[name]["schema"]
            told = _typed(schema, value, more)
            # An empty list means that all values belong to the older API only, which is valid.
            trouble = "" if told == [] and value else self.errors(f"{key} {name}", schema, told)
            if trouble:
                return f"{given}: {trouble}"
        return f"missing: {sorted(needed - seen)}" if needed - seen else ""


def _typed(schema: Mapping[str, Any], value: str, more: set[str]) -> Any:
    """Convert a query or form value to the described type. Return it unchanged, to be rejected
    later, if it does not have this type."""
    if schema.get("type") == "array":
        return [each for each in value.split(",") if each not in more]
    whole = (
        schema.get("type") == "integer"
        and value.isascii()
        and value.isdecimal()
        and len(value) < LONGEST
    )
    return int(value) if whole else value


def read(request: Request, body: bytes) -> ParsedRequest:
    """Parse a request. Raise Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said: Any = None
    files: dict[str, bytes] = {}
    try:
        if body and kind == MULTIPART:
            said, files = _parts(request.headers["content-type"], body)
        elif body and kind == FORM:
            said = dict(parse_qsl(body.decode(), keep_blank_values=True))
        elif body and kind == JSON:
            said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid("The body could not be read.") from error
    pairs = request.query_params.multi_items()
    path = request.url.path
    header = request.headers.get("authorization", "")
    return ParsedRequest(
        request.method,
        path,
        path.strip("/").split("/"),
        dict(pairs),
        pairs,
        kind,
        said,
        files,
        header,
    )


def _parts(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    whole = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    fields, files = {}, {}
    for part in whole.iter_parts():
        name, data = (
            str(part.get_param("name", header="content-disposition")),
            part.get_payload(decode=True),
        )
        if not isinstance(data, bytes):
            raise ValueError("parts within a part")
        if part.get_filename() is None:
            fields[name] = data.decode()
        else:
            files[name] = data
    return fields, files
