"""What the API answers when it does not do what was asked: a code for programs, and its sentence in English."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused, Unavailable
from foundation.words import Message, say
from web.api_fields import place, problem

LANGUAGE = "en"
MOST_FIELDS = 20
AWAY = (OperationalError, PoolTimeout)
STATUS: Mapping[type[GreenroomError], int] = {NotFound: 404, Refused: 403, Conflict: 409, BadInput: 422}
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


class ApiRefused(Exception):
    """A request that is answered otherwise than by what it asked for; nothing of it is kept."""

    def __init__(
        self,
        status: int,
        message: Message,
        *,
        headers: Mapping[str, str] | None = None,
        states: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.message = status, message
        self.headers, self.states = dict(headers or {}), states
        super().__init__(str(message))

    def response(self) -> JSONResponse:
        """As it is sent."""
        return answer(self.status, self.message, headers=self.headers, states=self.states)


def answer(
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
        message=say(message, LANGUAGE),
        states=dict(states) if states is not None else None,
        fields=list(fields) or None,
    )
    body = ErrorOut(error=said).model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, status, dict(headers or {}))


def away() -> JSONResponse:
    """The database restarts, or has no connection to spare."""
    return answer(503, Message("api.away"), headers={"retry-after": "5"})


def status_of(error: GreenroomError) -> int:
    """The HTTP status of an error of a room."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)


def _place(error: Mapping[str, Any], body: object) -> tuple[str, ...]:
    """Where a value stands; what lies outside the body is named by its steps alone."""
    return place(error, body, within=1 if error["loc"][0] == "body" else len(error["loc"]))


def install(app: FastAPI) -> None:
    """Have every error of the app answered so. Nothing of the request is repeated."""

    @app.exception_handler(ApiRefused)
    def refused(_: Request, error: ApiRefused) -> JSONResponse:
        return error.response()

    @app.exception_handler(GreenroomError)
    def said(_: Request, error: GreenroomError) -> JSONResponse:
        later = {"retry-after": "5"} if isinstance(error, Unavailable) else {}
        return answer(status_of(error), error.message, headers=later)

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def unreached(_: Request, __: Exception) -> JSONResponse:
        return away()

    @app.exception_handler(Exception)
    def broken(_: Request, __: Exception) -> JSONResponse:
        return answer(500, Message("api.broken"))

    @app.exception_handler(RequestValidationError)
    def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        found = dict.fromkeys((_place(one, error.body), problem(one)) for one in error.errors()[:MOST_FIELDS])
        if any(at[0] == "path" for at, _ in found):  # what is no id names nothing, like an unknown one
            return answer(404, Message("api.no_route"))
        fields = [FieldError(at=".".join(at)[:200], problem=why[:200]) for at, why in found]
        return answer(422, Message("api.unfit"), fields=fields)

    @app.exception_handler(HTTPException)
    def plain(_: Request, error: HTTPException) -> JSONResponse:
        code = _OF_HTTP.get(error.status_code, "api.unreadable")
        return answer(error.status_code, Message(code), headers=error.headers)
