"""The Mastodon connector: character counts, rejections, server rules, and proof from lists of
posts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.destination import Destination, DestinationReport, MarkReport
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.mastodon.account import (
    ADULT,
    REGISTER_PREDICATE,
    RULES_UNCHANGED_PREDICATE,
    SURFACE,
    rules_digest,
)
from connectors.platforms.mastodon.publisher import PUBLISH, SENSITIVE_MARK, WARNING_MARK, Mastodon
from connectors.platforms.mastodon.text import text_length
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit

MASTODON = Mastodon()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = [
    {"id": "1", "text": "Be kind", "hint": ""},
    {"id": "2", "text": "Mark what is for adults", "hint": "CW"},
]
PICTURE = Medium("a" * 64, "image/png", 100, alt="a lake")
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="mastodon",
    surface=SURFACE,
    channel_id=uuid7(),
    account="109@social.example",
    audience="public",
    texts=(Text("body", "hello"),),
    native_key="key-1",
)
FORM: dict[str, str | Sealed] = {
    "server": "social.example",
    "rules": ADULT,
    "redirect_uri": "https://here/auth/account",
}


def said(step: str, status: int, body: Any = None) -> Response:
    return Response(step, status, {"date": "Sun, 22 Nov 2026 12:00:00 GMT"}, body)


def refusal(status: int, sentence: str) -> Response:
    return said(PUBLISH, status, {"error": sentence})


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", 0),
        ("👨‍👩‍👧‍👦é", 2),
        ("https://a.example/" + "x" * 300, 23),
        ("see https://a.example/b. Then", len("see . Then") + 23),
        ("(https://a.example/b)", 25),
        ("@mia@social.example hi", len("@mia hi")),
        ("mail mia@social.example", len("mail mia@social.example")),
    ],
)
def test_links_and_mentions_count_as_on_the_server(text: str, counts: int) -> None:
    assert text_length(text) == counts


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (refusal(401, "The access token is invalid"), Reauthorize),
        (refusal(403, "This action is outside the authorized scopes"), Reauthorize),
        (refusal(403, "Your login is currently disabled"), Disconnected),
        (refusal(403, "This action is not allowed"), Rejected),
        (refusal(404, "Record not found"), Published),
        (refusal(404, "no page here"), Rejected),
        (refusal(422, "Media 7 not found or already attached to another post"), Retry),
        (
            refusal(
                422, "Cannot attach files that have not finished processing. Try again in a moment!"
            ),
            Retry,
        ),
        (refusal(422, "Validation failed: Text character limit of 500 exceeded"), Rejected),
        (refusal(500, "oops"), Uncertain),
        (said(PUBLISH, 200, {"id": "  "}), Uncertain),
        (said(PUBLISH, 200, {"id": "115", "url": "https://social.example/@mia/115"}), Published),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(MASTODON.next_step(UNIT, (answer,)), meant)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (refusal(404, "Record not found"), Uncertain),
        (refusal(404, "The post you are trying to reply to does not appear to exist."), Rejected),
    ],
)
def test_reply_to_a_deleted_post_is_never_published(told: Response, meant: type[Outcome]) -> None:
    assert isinstance(MASTODON.next_step(replace(UNIT, reply_to="7"), (told,)), meant)


FILM = Medium("f" * 64, "video/mp4", 30 * 2**20, alt="waves on a beach")


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ((FILM,), ""),
        ((FILM, PICTURE), "mastodon.film_alone"),
        ((FILM, FILM), "mastodon.film_alone"),
        ((replace(FILM, size=41 * 2**20),), "connectors.medium_unfit"),
        ((replace(FILM, alt=" "),), "connectors.alt_missing"),
        ((replace(PICTURE, size=17 * 2**20),), "connectors.medium_unfit"),
        ((PICTURE,) * 4, ""),
    ],
)
def test_video_is_alone_and_may_be_larger_than_a_picture(
    media: tuple[Medium, ...], code: str
) -> None:
    turn = MASTODON.next_step(replace(UNIT, media=media), ())
    assert (turn.reason.code if isinstance(turn, Rejected) else "") == code


def test_content_warning_needs_text() -> None:
    wordless = replace(UNIT, texts=(), media=(PICTURE,), flags=(SENSITIVE_MARK, WARNING_MARK))
    refused = MASTODON.next_step(wordless, ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "mastodon.words_needed"
    assert isinstance(MASTODON.next_step(replace(wordless, flags=()), ()), Send)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (said("delete", 200, {"id": "7", "text": "x"}), Published),
        (said("delete", 404, {"error": "Record not found"}), Published),
        (said("delete", 410, None), Published),
        (said("delete", 200, None), Retry),
        (said("delete", 200, {"id": "8"}), Retry),
        (said("delete", 404, {"error": "no page here"}), Rejected),
        (said("delete", 404, None), Rejected),
    ],
)
def test_removal_needs_proof_from_the_server(told: Response, meant: type[Outcome]) -> None:
    assert isinstance(MASTODON.remove(PlatformCopy("7", UNIT.account), (told,)), meant)


def test_content_warning_counts_toward_the_limit() -> None:
    assert MASTODON.count_text(UNIT) == (5, 500)
    assert MASTODON.count_text(replace(UNIT, flags=(SENSITIVE_MARK, WARNING_MARK))) == (
        5 + len("18+ · NSFW"),
        500,
    )


def test_adult_post_has_a_content_warning() -> None:
    turn = MASTODON.next_step(replace(UNIT, flags=(SENSITIVE_MARK, WARNING_MARK)), ())
    assert isinstance(turn, Send)
    assert turn.step.json is not None
    assert turn.step.json["sensitive"] is True
    assert turn.step.json["spoiler_text"]
    assert turn.step.headers == {"idempotency-key": "key-1"}
    assert isinstance(MASTODON.next_step(replace(UNIT, flags=("made_with_ai=true",)), ()), Rejected)


@pytest.mark.parametrize("alt", ["", " ", "x" * 1501])
def test_picture_requires_alt_text(alt: str) -> None:
    assert isinstance(
        MASTODON.next_step(replace(UNIT, media=(replace(PICTURE, alt=alt),)), ()), Rejected
    )


def uploaded(status: int, url: str | None) -> Response:
    return said(f"stage:{PICTURE.sha256[:24]}", status, {"id": "7", "url": url})


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ((said("poll:7", 206, {"id": "7", "url": None}),) * 3, Retry),
        ((said("poll:7", 404, {"error": "Record not found"}),), Retry),
        ((said("poll:7", 422, {"error": "Validation failed"}),), Rejected),
        ((said("poll:7", 503),), Retry),
    ],
)
def test_unready_picture_prevents_the_post(
    told: tuple[Response, ...], meant: type[Outcome]
) -> None:
    assert isinstance(
        MASTODON.next_step(replace(UNIT, media=(PICTURE,)), (uploaded(202, None), *told)), meant
    )


def test_picture_is_posted_when_it_has_a_url() -> None:
    unit = replace(UNIT, media=(PICTURE,))
    asked = MASTODON.next_step(unit, (uploaded(202, None),))
    assert isinstance(asked, Send)
    assert asked.step.kind is StepKind.CONTROL
    ready = said("poll:7", 200, {"id": "7", "url": "https://social.example/7.png"})
    turn = MASTODON.next_step(unit, (uploaded(202, None), ready))
    assert isinstance(turn, Send)
    assert turn.step.json is not None
    assert turn.step.json["media_ids"] == ["7"]


# connecting


SERVER = {"domain": "social.example", "rules": RULES}
MET = said("instance", 200, SERVER)
MIA = {"id": "109", "username": "mia"}
BACK = {
    **FORM,
    "client_id": "c",
    "client_secret": Sealed(b"s"),
    "code": Sealed(b"code"),
    "verifier": Sealed(b"v"),
}
LET_IN = Response("token", 200, {}, {"token_type": "Bearer"}, {"access_token": Sealed(b"t")})


def admitted(me: Any, status: int = 200, server: Any = SERVER) -> Any:
    """Return the outcome of connecting with a valid code, for these responses about the account and
    the server."""
    known = (LET_IN, said("me", status, me))
    return MASTODON.connect(
        BACK, (*known, said("instance", 200, server)) if status == 200 else known
    )


def test_oauth_flow_registers_an_application() -> None:
    asked = MASTODON.connect(FORM, (MET,))
    assert isinstance(asked, Send)
    assert asked.step.json is not None
    assert asked.step.json["redirect_uris"] == FORM["redirect_uri"]
    app = Response("app", 200, {}, {"client_id": "c"}, {"client_secret": Sealed(b"s")})
    visit = MASTODON.connect(FORM, (MET, app))
    assert isinstance(visit, OAuthVisit)
    assert (visit.page, visit.asked["client_id"]) == ("/oauth/authorize", "c")
    assert visit.keep["client_secret"] == Sealed(b"s")


def test_account_is_its_id_on_the_named_server() -> None:
    found = admitted(MIA)
    assert isinstance(found, ConnectedAccount)
    assert (found.account, found.name, found.surface) == (
        "109@social.example",
        "@mia@social.example",
        SURFACE,
    )
    assert found.options["register"] == {"adult": True, "rules": rules_digest({"rules": RULES})}
    assert (found.app_key, found.token) == ("social.example", Sealed(b"t"))


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (MASTODON.connect({**FORM, "server": ""}, ()), "mastodon.no_server"),
        (MASTODON.connect({**FORM, "server": "https://a.example/@mia"}, ()), "mastodon.no_server"),
        (MASTODON.connect({**FORM, "rules": ""}, ()), "mastodon.rules_unread"),
        (
            MASTODON.connect(FORM, (said("instance", 200, "no server of theirs"),)),
            "mastodon.no_server",
        ),
        (
            MASTODON.connect(FORM, (said("instance", 200, {"domain": "bad domain!"}),)),
            "mastodon.no_server",
        ),
        (MASTODON.connect(FORM, (MET, said("app", 401, {"error": "no"}))), "mastodon.not_let_in"),
        (MASTODON.connect(FORM, (MET, said("app", 422, {"error": "no"}))), "connectors.refused"),
        (MASTODON.connect(BACK, (said("token", 400, {"error": "invalid_grant"}),)), "oauth.again"),
        (MASTODON.connect(BACK, (said("token", 200, {"token_type": "Bearer"}),)), "oauth.again"),
        (MASTODON.connect(BACK, (said("token", 503),)), "oauth.again"),
        (MASTODON.connect(BACK, (StepAnswerLost("token", "ReadTimeout"),)), "oauth.again"),
        (admitted({"error": "This action is outside the authorized scopes"}, 403), "oauth.scopes"),
        (admitted({**MIA, "moved": {"id": "2"}}), "mastodon.moved"),
        (admitted({**MIA, "id": "../1"}), "connectors.unreadable"),
        (admitted(MIA, server={"domain": "bad domain!"}), "connectors.unreadable"),
    ],
)
def test_failed_connection_gives_a_reason(end: Any, code: str) -> None:
    assert isinstance(end, Rejected)
    assert end.reason.code == code


@pytest.mark.parametrize(
    ("form", "answer", "meant"),
    [
        (FORM, said("instance", 503), Retry),
        (FORM, said("instance", 429), Retry),
        (FORM, said("instance", 404), Rejected),
        (FORM, StepNotSent("instance", "ConnectError"), Rejected),
        (FORM, StepAnswerLost("instance", "ReadTimeout"), Rejected),
        (BACK, StepNotSent("token", "ConnectError"), Retry),
    ],
)
def test_busy_server_is_retried_and_unknown_host_rejected(
    form: dict[str, Any], answer: StepResult, meant: type
) -> None:
    assert isinstance(MASTODON.connect(form, (answer,)), meant)


def test_account_check_verifies_the_token_owner() -> None:
    def tested(status: int, body: Any) -> Send | Outcome | None:
        return MASTODON.verify_account(UNIT.account, (said("me", status, body),))

    assert tested(200, {"id": "109"}) is None
    assert isinstance(tested(200, {"id": "110"}), Reauthorize)
    assert isinstance(tested(200, {"id": "109", "moved": {"id": "3"}}), Disconnected)
    assert isinstance(tested(401, {"error": "The access token was revoked"}), Reauthorize)
    assert isinstance(tested(403, {"error": "Your login is currently disabled"}), Disconnected)
    assert isinstance(tested(502, None), Retry)


# destination check


def seen(
    rules: Any, *, adult: bool = True, status: int = 200
) -> Send | DestinationReport | Outcome:
    register = {"adult": adult, "rules": rules_digest({"rules": RULES})}
    body = {"domain": "social.example", "rules": rules}
    return MASTODON.inspect_destination(
        Destination(UNIT.account, register=register), (said("instance", status, body),)
    )


def test_changed_rules_fail_the_destination_check() -> None:
    assert seen(RULES) == DestinationReport((REGISTER_PREDICATE, RULES_UNCHANGED_PREDICATE))
    assert seen([{**rule, "id": "9"} for rule in reversed(RULES)]) == DestinationReport(
        (REGISTER_PREDICATE, RULES_UNCHANGED_PREDICATE)
    )
    assert seen([*RULES, {"id": "3", "text": "Nothing for adults"}]) == DestinationReport(
        (REGISTER_PREDICATE,), (RULES_UNCHANGED_PREDICATE,)
    )
    assert seen([]) == DestinationReport((REGISTER_PREDICATE,), (RULES_UNCHANGED_PREDICATE,))
    assert seen(RULES, adult=False) == DestinationReport(fails=(REGISTER_PREDICATE,))
    assert isinstance(seen(None, status=503), Retry)


def test_unregistered_account_fails_the_destination_check() -> None:
    assert MASTODON.inspect_destination(Destination(UNIT.account), ()) == DestinationReport(
        fails=(REGISTER_PREDICATE,)
    )


# lookups


def post(
    number: int,
    *,
    ago: float = 0,
    text: str = "hello",
    reply: str | None = None,
    edited: bool = False,
) -> dict[str, Any]:
    at = (NOW - timedelta(seconds=ago)).isoformat()
    return {
        "id": str(number),
        "created_at": at,
        "edited_at": NOW.isoformat() if edited else None,
        "in_reply_to_id": reply,
        "url": f"https://s.example/{number}",
        "t": text,
    }


def sought(
    posts: Any, *, known: frozenset[str] = frozenset(), reply_to: str = ""
) -> Send | Outcome | Any:
    """Return the result of a lookup in which every post read has its original text."""
    wanted = LookupQuery(
        "key-1", "hello", NOW, UNIT.account, known=known, asked_at=NOW, reply_to=reply_to
    )
    answers: tuple[StepResult, ...] = (said("look", 200, posts),)
    while isinstance(turn := MASTODON.look_up(wanted, answers), Send):
        number = turn.step.name.partition(":")[2]
        text = next(one["t"] for one in posts if one["id"] == number)
        answers = (*answers, said(turn.step.name, 200, {"id": number, "text": text}))
    return turn


def test_post_is_found_by_its_text() -> None:
    found = sought([post(3, text="other"), post(2), post(1, ago=300)])
    assert found == Found("2", "https://s.example/2", NOW)
    assert sought([post(2), post(1)]).native_id == "1", (
        "of two matches the older one was sent first"
    )
    assert isinstance(sought([post(1, ago=61)]), Absent)
    assert isinstance(sought([post(2, text="other")]), Absent)
    assert isinstance(sought([post(2)], known=frozenset({"2"})), Absent)
    assert isinstance(sought([post(2)], reply_to="1"), Absent)
    assert sought([post(2, reply="1")], reply_to="1").native_id == "2"


def test_edited_post_is_unknown() -> None:
    assert isinstance(sought([post(2, text="hello!", edited=True)]), Unknown)
    assert sought([post(2, text="hello!", edited=True), post(1)]).native_id == "1"
    assert sought([post(2, edited=True)]).native_id == "2", (
        "edited, but with the text that was sent"
    )
    assert isinstance(sought([post(2, text="hello!", edited=True, ago=61)]), Absent)
    assert isinstance(sought([post(2, text="hello!", edited=True)], known=frozenset({"2"})), Absent)


@pytest.mark.parametrize("posts", [None, {"error": "x"}, ["odd"], [{"created_at": "x"}]])
def test_unreadable_list_is_unknown(posts: Any) -> None:
    assert isinstance(sought(posts), Unknown)


def test_empty_post_is_not_looked_up() -> None:
    assert isinstance(MASTODON.look_up(LookupQuery("key-1", " ", NOW, UNIT.account), ()), Unknown)


def test_too_many_posts_prove_nothing() -> None:
    assert isinstance(sought([post(number, text="other") for number in range(1, 8)]), Unknown)
    assert isinstance(
        sought([post(number, text="other", reply="9") for number in range(100, 140)]), Unknown
    )


def test_short_page_proves_nothing_unless_it_reaches_back() -> None:
    """Twenty posts are the servers' default page: all may be of the last minute, and ours the next
    one."""
    recent = [post(number, text="other", reply="9") for number in range(100, 120)]
    assert isinstance(sought(recent), Unknown)
    assert isinstance(sought([*recent, post(1, ago=300)]), Absent), (
        "the page reaches back before the attempt"
    )
    assert isinstance(sought(recent[:19]), Absent), "the page is complete"


def test_marks_are_read_back() -> None:
    copy, flags = PlatformCopy("7", UNIT.account), (SENSITIVE_MARK, WARNING_MARK)
    assert MASTODON.read_marks(copy, (), ()) == MarkReport()

    def back(status: int, body: Any) -> Send | MarkReport | Outcome:
        return MASTODON.read_marks(copy, flags, (said("look", status, body),))

    assert back(200, {"id": "7", "sensitive": True, "spoiler_text": "18+"}) == MarkReport()
    assert back(200, {"id": "7", "sensitive": False, "spoiler_text": ""}) == MarkReport(
        (SENSITIVE_MARK, WARNING_MARK)
    )
    assert back(404, {"error": "Record not found"}) == MarkReport(there=False)
    assert isinstance(back(404, None), Rejected)
    assert isinstance(back(503, None), Retry)
