"""A pasted Page token: its Page, its permissions and its lifetime."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.contract.account_setup import WANTED_MESSAGES, WANTED_POSTS, ConnectedAccount
from connectors.contract.connector import Response, Send, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.platforms.facebook.messages import CHAT_SURFACE, NEEDED_PERMISSIONS
from connectors.platforms.facebook.publisher import Facebook
from connectors.shared import reply_windows
from foundation.sealed import Sealed

TOKEN = Sealed(b"t")
FORM = {"page": " 17 ", "access_token": TOKEN}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL = ["pages_manage_posts", "pages_read_engagement", "pages_show_list"]


def ok(step: str, **body: Any) -> Response:
    return Response(step, 200, {"date": format_datetime(NOW, usegmt=True)}, body)


def wrong(step: str, code: int) -> Response:
    return Response(step, 400, body={"error": {"code": code, "message": "no"}})


WHO = ok("me", id="17", name="Mia")


def connect(*answers: StepResult, **form: Any) -> Send | Outcome | object:
    return Facebook().connect({**FORM, **form}, answers)


def reason(end: object) -> str:
    assert isinstance(end, Rejected), end
    return end.reason.code


def told(**data: Any) -> Response:
    return ok("rights", data={"scopes": ALL, "expires_at": 0, **data})


def test_token_and_its_permissions_are_read() -> None:
    first, second = connect(), connect(WHO)
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert (first.step.kind, first.step.path, first.step.token) == (
        StepKind.AUTH,
        "/me?fields=id,name",
        "bearer",
    )
    assert (second.step.kind, second.step.token) == (StepKind.AUTH, "path")
    assert second.step.path == "/debug_token?input_token={token}&access_token={token}"
    assert first.step.secret_fields == second.step.secret_fields == ("error.message",), (
        "error messages repeat the token"
    )
    assert connect(WHO, told()) == ConnectedAccount("17", "Mia", "facebook.page", token=TOKEN)


@pytest.mark.parametrize("typed", ["", "mia", "17/../me", "１７", "1" * 31])
def test_page_id_must_be_numeric(typed: str) -> None:
    assert reason(connect(page=typed)) == "facebook.bad_page"


@pytest.mark.parametrize(
    ("who", "word"),
    [
        (ok("me", id="18", name="Mia"), "facebook.not_the_page"),
        (ok("me", id="17"), "facebook.not_the_page"),
        (ok("me", name="Mia"), "facebook.not_the_page"),
        (wrong("me", 190), "facebook.bad_token"),
        (wrong("me", 10), "facebook.bad_token"),
    ],
)
def test_token_of_another_page_is_rejected(who: Response, word: str) -> None:
    assert reason(connect(who)) == word


def test_missing_permissions_are_named() -> None:
    end = connect(WHO, told(scopes=["pages_show_list"]))
    assert reason(end) == "facebook.right_missing"
    assert isinstance(end, Rejected)
    assert end.reason.params == {"rights": "pages_manage_posts, pages_read_engagement"}


@pytest.mark.parametrize(("hours", "holds"), [(1, False), (23, False), (25, True), (24 * 60, True)])
def test_short_lived_token_is_rejected(hours: int, holds: bool) -> None:
    end = connect(WHO, told(expires_at=int(NOW.timestamp()) + hours * 3600))
    assert isinstance(end, ConnectedAccount) is holds
    assert holds or reason(end) == "facebook.short_token"


@pytest.mark.parametrize(
    ("ends", "reads", "days"),
    [
        (60, 90, 60),
        (0, 90, 90),
        (90, 0, 90),
        (0, 0, None),
        (60, -1, 60),
        (60, "soon", 60),
        (0, 10**15, None),
    ],
)
def test_lifetime_is_the_earliest_expiry(ends: int, reads: int | str, days: int | None) -> None:
    def at(said: int | str) -> int | str:
        return int(NOW.timestamp()) + said * 86400 if isinstance(said, int) and said else said

    end = connect(WHO, told(expires_at=at(ends), data_access_expires_at=at(reads)))
    assert isinstance(end, ConnectedAccount)
    assert end.lifetime == (timedelta(days=days) if days is not None else None)


def test_page_connects_if_permissions_are_unreadable() -> None:
    for silent in (
        wrong("rights", 100),
        wrong("rights", 190),
        ok("rights"),
        told(scopes="x", expires_at="x"),
    ):
        assert isinstance(connect(WHO, silent), ConnectedAccount)
    for later in (StepAnswerLost("rights", "reset"), wrong("rights", 4), Response("rights", 500)):
        assert isinstance(connect(WHO, later), Retry)
    assert isinstance(connect(StepAnswerLost("me", "reset")), Retry)
    assert reason(Facebook().connect({"page": "17"}, ())) == "meta.no_client"


def test_messages_require_a_third_request() -> None:
    may = told(scopes=[*ALL, *NEEDED_PERMISSIONS])
    end = connect(WHO, told(), wanted=WANTED_MESSAGES)
    assert isinstance(end, Rejected)
    assert end.reason.params == {"rights": ", ".join(NEEDED_PERMISSIONS)}
    assert isinstance(connect(WHO, told(), wanted=WANTED_POSTS), ConnectedAccount), (
        "posts need neither permission"
    )
    third = connect(WHO, may, wanted=WANTED_MESSAGES)
    assert isinstance(third, Send)
    assert (third.step.method, third.step.path) == (
        "GET",
        "/me/conversations?platform=messenger&fields=id&limit=1",
    )
    heard = ConnectedAccount("17", "Mia", "facebook.page", chat_surface=CHAT_SURFACE, token=TOKEN)
    assert connect(WHO, may, ok("chats", data=[]), wanted=WANTED_MESSAGES) == heard
    assert connect(WHO, may, StepAnswerLost("chats", "reset"), wanted=WANTED_MESSAGES) == heard, (
        "the listener reports its errors"
    )
    for code in (10, 200, 3):
        assert (
            reason(connect(WHO, wrong("rights", 100), wrong("chats", code), wanted=WANTED_MESSAGES))
            == reply_windows.MESSAGES_NOT_ALLOWED
        )


def test_token_is_verified_against_the_page() -> None:
    assert isinstance(Facebook().verify_account("17", ()), Send)
    assert Facebook().verify_account("17", (ok("look", id="17"),)) is None
    assert isinstance(Facebook().verify_account("18", (ok("look", id="17"),)), Reauthorize)
    assert isinstance(Facebook().verify_account("17", (wrong("look", 190),)), Reauthorize)
    assert isinstance(Facebook().verify_account("17", (StepAnswerLost("look", "reset"),)), Retry)
