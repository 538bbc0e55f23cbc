"""Parsed requests to Google, its errors, and validation against the discovery document.

The document allows additional fields; here they are rejected, as Google's frontend does (400,
`Unknown name`). Without the reference data nothing is validated.
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
LONGEST = 20
"""Number of digits that no number in a query reaches."""

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: status, body and headers."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def api_error(
    status: int, reason: str, message: str, domain: str = "youtube.video", *, at: str = ""
) -> Refusal:
    """Return an error of the API. `at` is the type and name of its location, such as `parameter
    id`."""
    error = {"message": message, "domain": domain, "reason": reason}
    if at:
        error["locationType"], error["location"] = at.split(" ", 1)
    return Refusal(status, {"error": {"code": status, "message": message, "errors": [error]}})


def unauthorized(*, shown: bool) -> Refusal:
    """Return the error for an unknown token, or a missing one if `shown` is false."""
    reason, message = (
        ("authError", "Invalid Credentials") if shown else ("required", "Login Required.")
    )
    refusal = api_error(401, reason, message, "global", at="header Authorization")
    refusal.body["error"]["status"] = "UNAUTHENTICATED"
    refusal.headers["www-authenticate"] = (
        'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    )
    return refusal


def insufficient() -> Refusal:
    """Return the error for a missing scope."""
    message = "Request had insufficient authentication scopes."
    refusal = api_error(403, "insufficientPermissions", message, "global")
    refusal.body["error"]["status"] = "PERMISSION_DENIED"
    return refusal


def bad_request(message: str, reason: str = "badRequest") -> Refusal:
    """Return the error for an invalid request."""
    return api_error(400, reason, message, "global")


def not_found() -> Refusal:
    """Return the error for a missing object."""
    return api_error(404, "notFound", "Not Found", "global")


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request. `said` is its JSON body, `form` its form; `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    pairs: list[tuple[str, str]]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    said: Any
    data: bytes

    @property
    def parts(self) -> tuple[str, ...]:
        """Requested parts of a resource."""
        every = [one for name, value in self.pairs if name == "part" for one in value.split(",")]
        return tuple(dict.fromkeys(one.strip() for one in every if one.strip()))

    @property
    def ids(self) -> list[str]:
        """Requested IDs."""
        every = [one for name, value in self.pairs if name == "id" for one in value.split(",")]
        return list(dict.fromkeys(one for one in every if one))

    @property
    def header(self) -> str:
        """Value of the Authorization header."""
        return self.headers.get("authorization", "")

    def fields(self) -> Json:
        """Return the fields of the JSON body. Raise Refusal."""
        if not isinstance(self.said, dict):
            raise bad_request("Invalid JSON payload received.", "parseError")
        return self.said


def read(request: Request, data: bytes) -> ParsedRequest:
    """Parse a request. Raise Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form: dict[str, str] = {}
    said: Any = None
    try:
        if kind == FORM:
            form = dict(parse_qsl(data.decode(), keep_blank_values=True))
        elif kind == JSON and data:
            said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request("Invalid JSON payload received.", "parseError") from error
    pairs = request.query_params.multi_items()
    path = request.scope["path"].rstrip("/")
    return ParsedRequest(
        request.method, path, dict(pairs), pairs, dict(request.headers), form, said, data
    )


def load_description() -> Path | None:
    """Return the path of the description if the reference data is available."""
    return find_description("youtube-v3-discovery.trimmed.json")


class Spec(Description):
    """The discovery document, applied to requests and to the fake's responses."""

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The document, with schemas that reject additional fields."""
        whole: Json = json.loads(self.path.read_text("utf-8")) if self.path else {}
        schemas = {name: _strict(schema) for name, schema in whole.get("schemas", {}).items()}
        return {
            "schemas": schemas,
            "resources": whole.get("resources", {}),
            "parameters": whole.get("parameters", {}),
        }

    def judge(self, asked: ParsedRequest, operation: str) -> str:
        """Return the first violation in a request for an operation such as `videos.list`, or ""."""
        if self.path is None:
            return ""
        resource, method = operation.split(".")
        described = self.document["resources"][resource]["methods"][method]
        trouble = self._query(
            operation, {**self.document["parameters"], **described["parameters"]}, asked.pairs
        )
        body = described.get("request", {}).get("$ref")
        if not trouble and body:
            trouble = self._errors(body, asked.said)
        return self.noted(asked.method, asked.path, trouble)

    def check_answer(self, schema: str, value: Json) -> Json:
        """Check and return a response of the fake. A violation is recorded with the rejected
        requests and raised."""
        trouble = self._errors(schema, value) if self.path else ""
        if trouble:
            self.refused.append(f"answer {schema}: {trouble}")
            raise AssertionError(self.refused[-1])
        return value

    def scopes(self, operation: str) -> frozenset[str]:
        """Return the scopes of which an operation requires one. Empty without the document."""
        resource, method = operation.split(".")
        methods = self.document["resources"].get(resource, {}).get("methods", {})
        return frozenset(methods.get(method, {}).get("scopes", ()))

    def _errors(self, schema: str, value: Any) -> str:
        return self.errors(schema, {"$ref": f"#/schemas/{schema}"}, value)

    def _query(
        self, operation: str, known: Mapping[str, Mapping[str, Any]], pairs: list[tuple[str, str]]
    ) -> str:
        names = [name for name, _ in pairs]
        missing = [name for name, one in known.items() if one.get("required") and name not in names]
        if missing:
            return f"Required parameter: {missing[0]}"
        for name, value in pairs:
            if name not in known or (names.count(name) > 1 and not known[name].get("repeated")):
                return f'Unknown name "{name}": Cannot bind query parameter.'
            trouble = self.errors(
                f"{operation} {name}", _strict(known[name]), _typed(known[name], value)
            )
            if trouble:
                return f"{name}{trouble}"
        return ""


def _strict(told: Mapping[str, Any]) -> Json:
    """Convert a schema of the discovery document to JSON Schema without additional fields."""
    if "$ref" in told:
        return {"$ref": f"#/schemas/{told['$ref']}"}
    made: Json = {
        name: told[name] for name in ("type", "enum") if name in told and told[name] != "any"
    }
    made |= {name: int(told[name]) for name in ("minimum", "maximum") if name in told}
    if "items" in told:
        made["items"] = _strict(told["items"])
    if "properties" in told:
        made["properties"] = {name: _strict(each) for name, each in told["properties"].items()}
    if told.get("type") == "object":
        made["additionalProperties"] = (
            _strict(told["additionalProperties"]) if "additionalProperties" in told else False
        )
    return made


def _typed(described: Mapping[str, Any], value: str) -> Any:
    """Convert a query value to the described type. Return it unchanged, to be rejected later, if it
    does not have this type."""
    match described.get("type"):
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
        case "integer" if value.isascii() and value.isdecimal() and len(value) < LONGEST:
            return int(value)
        case _:
            return value
