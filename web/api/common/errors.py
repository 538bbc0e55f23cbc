"""What of a request cannot be used, as its caller sent it: no word of ours in the place or in the
problem.

What the API answers when it does not do what was asked: a code for programs, and its sentence in
English.
"""

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
    """Where in a request a value stands that pydantic refused; `sent` lies `within` so many
    steps."""
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
    """The steps that lead somewhere: what pydantic calls a kind that it tried leads nowhere, and
    what is missing comes last."""
    for nth, step in enumerate(steps, start=1):
        known = dict(enumerate(sent)) if isinstance(sent, list) else sent
        if isinstance(known, Mapping) and step in known:
            sent = known[step]
        elif not (missing and nth == len(steps)):
            continue
        yield step


def error_text(error: Mapping[str, Any]) -> str:
    """What pydantic says, in words of JSON: objects, and texts by their characters."""
    if error["type"] in _OBJECTS:
        return "Input should be an object"
    if error["type"] == "too_long" and isinstance(error["input"], str):
        return f"String should have at most {error['ctx']['max_length']} characters"
    return quoted_name(error["msg"]).removeprefix("Value error, ")


def quoted_name(value: object) -> str:
    """A name somebody sent, as UTF-8 can say it."""
    return str(value).encode(errors="replace").decode()


ERROR_LANGUAGE = "en"
MAX_FIELD_ERRORS = 20
DATABASE_AWAY_ERRORS = (OperationalError, PoolTimeout)
ERROR_STATUS: Mapping[type[GreenroomError], int] = {
    NotFound: 404,
    Refused: 403,
    Conflict: 409,
    BadInput: 422,
}
_OF_HTTP = {404: "api.no_route", 405: "api.no_method", 400: "api.unreadable"}


class FieldError(BaseModel):
    """One value that cannot be used."""

    at: Annotated[str, Field(examples=["body.at.zone"])]
    problem: str


class Problem(BaseModel):
    """Why a request was not done. `states` names where each of its deliveries stands (409, 412)."""

    code: Annotated[str, Field(examples=["delivery.not_movable"])]
    message: str
    states: dict[str, str] | None = None
    fields: list[FieldError] | None = None


class ErrorOut(BaseModel):
    """The body of every answer from 400 on."""

    error: Problem


class ApiError(Exception):
    """A request that is answered otherwise than by what it asked for; nothing of it is kept."""

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
        """As it is sent."""
        return error_response(self.status, self.message, headers=self.headers, states=self.states)


def error_response(
    status: int,
    message: Message,
    *,
    headers: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    fields: Sequence[FieldError] = (),
) -> JSONResponse:
    """An error as JSON."""
    said = Problem(
        code=message.code,
        message=render_message(message, ERROR_LANGUAGE),
        states=dict(states) if states is not None else None,
        fields=list(fields) or None,
    )
    body = ErrorOut(error=said).model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, status, dict(headers or {}))


def unavailable_response() -> JSONResponse:
    """The database restarts, or has no connection to spare."""
    return error_response(503, Message("api.away"), headers={"retry-after": "5"})


def error_status(error: GreenroomError) -> int:
    """The HTTP status of an error of a room."""
    return next((status for kind, status in ERROR_STATUS.items() if isinstance(error, kind)), 503)


def _locate_error(error: Mapping[str, Any], body: object) -> tuple[str, ...]:
    """Where a value stands; what lies outside the body is named by its steps alone."""
    return field_location(error, body, within=1 if error["loc"][0] == "body" else len(error["loc"]))


def install_error_handlers(app: FastAPI) -> None:
    """Have every error of the app answered so. Nothing of the request is repeated."""

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
        if any(
            at[0] == "path" for at, _ in found
        ):  # what is no id names nothing, like an unknown one
            return error_response(404, Message("api.no_route"))
        fields = [FieldError(at=".".join(at)[:200], problem=why[:200]) for at, why in found]
        return error_response(422, Message("api.unfit"), fields=fields)

    @app.exception_handler(HTTPException)
    def plain(_: Request, error: HTTPException) -> JSONResponse:
        code = _OF_HTTP.get(error.status_code, "api.unreadable")
        return error_response(error.status_code, Message(code), headers=error.headers)
