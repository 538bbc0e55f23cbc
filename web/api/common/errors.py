"""Error responses of the API: a stable code, a message in English, and the invalid fields as the
client sent them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused, Unavailable
from foundation.i18n.translation import Message, render_message

_OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})


def field_location(error: Mapping[str, Any], sent: object, *, within: int = 0) -> tuple[str, ...]:
    """Return the path of an invalid value in the request. `sent` is the value found after the first
    `within` steps of pydantic's location."""
    steps = error["loc"]
    return tuple(
        map(
            quoted_name,
            (
                *steps[:within],
                *_filter_location_steps(steps[within:], sent, missing=error["type"] == "missing"),
            ),
        )
    )


def _filter_location_steps(
    steps: tuple[object, ...], sent: object, *, missing: bool
) -> Iterator[object]:
    """Yield the steps that exist in the sent value, and the name of a missing field at the end.
    Pydantic also adds names of union members, which clients do not know."""
    for nth, step in enumerate(steps, start=1):
        known = dict(enumerate(sent)) if isinstance(sent, list) else sent
        if isinstance(known, Mapping) and step in known:
            sent = known[step]
        elif not (missing and nth == len(steps)):
            continue
        yield step


def error_text(error: Mapping[str, Any]) -> str:
    """Return pydantic's message in terms of JSON: objects, and strings measured in characters."""
    if error["type"] in _OBJECTS:
        return "Input should be an object"
    if error["type"] == "too_long" and isinstance(error["input"], str):
        return f"String should have at most {error['ctx']['max_length']} characters"
    return quoted_name(error["msg"]).removeprefix("Value error, ")


def quoted_name(value: object) -> str:
    """Return text of the client in a form that UTF-8 can encode. JSON allows lone surrogates."""
    return str(value).encode(errors="replace").decode()


ERROR_LANGUAGE = "en"
MAX_FIELD_ERRORS = 20
"""Maximum number of invalid fields in an error response."""
DATABASE_AWAY_ERRORS = (OperationalError, PoolTimeout)
"""Errors of a database that is restarting or has no free connection."""
ERROR_STATUS: Mapping[type[GreenroomError], int] = {
    NotFound: 404,
    Refused: 403,
    Conflict: 409,
    BadInput: 422,
}
_OF_HTTP = {404: "api.no_route", 405: "api.no_method", 400: "api.unreadable"}


class FieldError(BaseModel):
    """An invalid value and its path in the request."""

    at: Annotated[str, Field(examples=["body.at.zone"])]
    problem: str


class Problem(BaseModel):
    """The error of a request. `states` contains the current states of the resources involved, keyed
    by ID (409 and 412). `fields` lists invalid values (422)."""

    code: Annotated[str, Field(examples=["delivery.not_movable"])]
    message: str
    states: dict[str, str] | None = None
    fields: list[FieldError] | None = None


class ErrorOut(BaseModel):
    """The body of every error response (status 400 and above)."""

    error: Problem


class ApiError(Exception):
    """An error response. Raising it rolls back the request's transaction."""

    def __init__(
        self,
        status: int,
        message: Message,
        *,
        headers: Mapping[str, str] | None = None,
        states: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.states = states
        super().__init__(str(message))

    def response(self) -> JSONResponse:
        """Build the HTTP response."""
        return error_response(self.status, self.message, headers=self.headers, states=self.states)


def error_response(
    status: int,
    message: Message,
    *,
    headers: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    fields: Sequence[FieldError] = (),
) -> JSONResponse:
    """Build the JSON response of an error."""
    said = Problem(
        code=message.code,
        message=render_message(message, ERROR_LANGUAGE),
        states=dict(states) if states is not None else None,
        fields=list(fields) or None,
    )
    body = ErrorOut(error=said).model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, status, dict(headers or {}))


def unavailable_response() -> JSONResponse:
    """Build the response (503) for a database that is restarting or has no free connection."""
    return error_response(503, Message("api.away"), headers={"retry-after": "5"})


def error_status(error: GreenroomError) -> int:
    """Return the HTTP status of a domain error."""
    return next((status for kind, status in ERROR_STATUS.items() if isinstance(error, kind)), 503)


def _locate_error(error: Mapping[str, Any], body: object) -> tuple[str, ...]:
    """Return the path of an invalid value. Locations outside the body (path, query, header) are
    used unchanged."""
    return field_location(error, body, within=1 if error["loc"][0] == "body" else len(error["loc"]))


def install_error_handlers(app: FastAPI) -> None:
    """Make the app answer all errors with an `ErrorOut` body. Messages do not repeat values of the
    request."""

    @app.exception_handler(ApiError)
    def refused(_: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(GreenroomError)
    def respond_to_error(_: Request, error: GreenroomError) -> JSONResponse:
        later = {"retry-after": "5"} if isinstance(error, Unavailable) else {}
        return error_response(error_status(error), error.message, headers=later)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def unreached(_: Request, __: Exception) -> JSONResponse:
        return unavailable_response()

    @app.exception_handler(Exception)
    def broken(_: Request, __: Exception) -> JSONResponse:
        return error_response(500, Message("api.broken"))

    @app.exception_handler(RequestValidationError)
    def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        found = dict.fromkeys(
            (_locate_error(one, error.body), error_text(one))
            for one in error.errors()[:MAX_FIELD_ERRORS]
        )
        if any(at[0] == "path" for at, _ in found):  # an invalid id is treated like an unknown one
            return error_response(404, Message("api.no_route"))
        fields = [FieldError(at=".".join(at)[:200], problem=why[:200]) for at, why in found]
        return error_response(422, Message("api.unfit"), fields=fields)

    @app.exception_handler(HTTPException)
    def plain(_: Request, error: HTTPException) -> JSONResponse:
        code = _OF_HTTP.get(error.status_code, "api.unreadable")
        return error_response(error.status_code, Message(code), headers=error.headers)
