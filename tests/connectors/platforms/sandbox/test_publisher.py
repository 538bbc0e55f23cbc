"""The sandbox connector: paths, updates, payments, and lookups in a timeline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Published,
    Rejected,
    Retry,
    Unknown,
)
from connectors.platforms.sandbox.publisher import LISTED, MAX_PAGES, Sandbox
from foundation.ids import uuid7
from gate.contract.units import (
    COMMENT_REFERENCE,
    Button,
    Invoice,
    Medium,
    Reference,
    Subject,
    Text,
    Unit,
)
from sandbox.post_limits import SURFACES

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SANDBOX = Sandbox()
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("draft", uuid7()),
    platform="sandbox",
    surface="sandbox.as_telegram",
    channel_id=uuid7(),
    account="nova",
    audience="public",
    texts=(Text("body", "hello"), Text("title", "Title")),
    native_key="key-1",
)
SOUGHT = LookupQuery("key-1", "hello", NOW, "nova")


def listing(posts: list[dict[str, Any]], now: datetime = NOW) -> Response:
    return Response("look", 200, {"x-sandbox-now": now.isoformat()}, {"posts": posts})


def post(number: int, text: str = "other", at: datetime = NOW) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "url": f"http://s/{number}",
        "key": "",
        "text": text,
        "created_at": at.isoformat(),
    }


def test_post_names_its_surface() -> None:
    turn = SANDBOX.next_step(UNIT, ())
    assert isinstance(turn, Send)
    assert (turn.step.kind, turn.step.path) == (StepKind.PUBLISH, "/api/{account}/posts")
    assert turn.step.json is not None
    assert (turn.step.json["surface"], turn.step.json["title"]) == ("as_telegram", "Title")


def test_message_is_sent_to_its_recipient() -> None:
    invoice = Invoice("Pack", "12 pictures", 500, "XTS", "order-1")
    unit = replace(
        UNIT,
        viewer="Léo/1",
        buttons=(Button("Buy", "buy", "o1"),),
        invoice=invoice,
        service="receipt",
    )
    turn = SANDBOX.next_step(unit, ())
    assert isinstance(turn, Send)
    assert turn.step.path == "/api/{account}/chats/L%C3%A9o%2F1/messages"
    assert turn.step.json is not None
    assert turn.step.json["invoice"]["amount"] == 500
    assert turn.step.json["buttons"] == [{"label": "Buy", "action": "buy", "ref": "o1"}]
    assert turn.step.json["service"] == "receipt"


@pytest.mark.parametrize(
    "change",
    [
        {"texts": (Text("body", "x" * 4097),)},
        {"media": (Medium("0" * 64, "image/gif", 5),)},
        {"media": (Medium("0" * 64, "image/png", 26 * 1024 * 1024),)},
        {"media": tuple(Medium(f"{n:064}", "image/png", 5) for n in range(11))},
    ],
)
def test_unit_over_the_limits_is_rejected(change: dict[str, Any]) -> None:
    assert isinstance(SANDBOX.next_step(replace(UNIT, **change), ()), Rejected)


@pytest.mark.parametrize(
    "surface", [name for name in Sandbox.capabilities.surfaces if name != "chat"]
)
def test_surface_enforces_its_own_limits(surface: str) -> None:
    """Content that the platform would reject later is rejected before any request."""
    look = SURFACES[surface]
    unit = replace(UNIT, surface=f"sandbox.{surface}")
    files = tuple(Medium(f"{number:064}", "image/png", 5) for number in range(look.max_media + 1))
    for count in range(look.max_media + 2):
        taken = look.least_media <= count <= look.max_media
        assert (
            isinstance(SANDBOX.next_step(replace(unit, media=files[:count]), ()), Send) is taken
        ), count
    media = files[: look.least_media]
    for length in (look.max_text, look.max_text + 1):
        turn = SANDBOX.next_step(
            replace(unit, media=media, texts=(Text("body", "x" * length),)), ()
        )
        assert isinstance(turn, Send) is (length <= look.max_text), length


def test_text_reply_to_a_comment_needs_no_picture() -> None:
    here = Reference(COMMENT_REFERENCE, "r1")
    assert isinstance(
        SANDBOX.next_step(replace(UNIT, surface="sandbox.as_instagram", references=(here,)), ()),
        Send,
    )


def test_picture_used_twice_is_staged_once() -> None:
    medium = Medium("0" * 64, "image/png", 5)
    unit = replace(UNIT, media=(medium, medium))
    first = SANDBOX.next_step(unit, ())
    assert isinstance(first, Send)
    then = SANDBOX.next_step(unit, (Response(first.step.name, 200, body={"sha256": "0" * 64}),))
    assert isinstance(then, Send)
    assert then.step.kind is StepKind.PUBLISH


def test_suspended_account_is_disconnected() -> None:
    answer = Response("publish", 403, body={"error": "account_suspended"})
    assert isinstance(SANDBOX.next_step(UNIT, (answer,)), Disconnected)


def test_oldest_match_in_the_window_is_found() -> None:
    seen = listing(
        [post(3, "hello"), post(2, " hello "), post(1, "hello", NOW - timedelta(minutes=2))]
    )
    assert SANDBOX.look_up(SOUGHT, (seen,)) == Found("p2", "http://s/2", NOW)


def test_lookup_continues_until_it_reaches_back() -> None:
    full = [post(n) for n in range(LISTED, 0, -1)]
    turn = SANDBOX.look_up(SOUGHT, (listing(full),))
    assert isinstance(turn, Send)
    assert turn.step.path.endswith("&before=p1")
    assert isinstance(SANDBOX.look_up(SOUGHT, (listing(full),) * MAX_PAGES), Unknown)
    reaches = [*full[:-1], post(1, at=NOW - timedelta(hours=1))]
    assert isinstance(SANDBOX.look_up(SOUGHT, (listing(reaches),)), Absent)


def test_accelerated_clock_matches_by_text() -> None:
    """Our clock is a day ahead, so times of the sandbox prove nothing about the attempt."""
    ahead = replace(SOUGHT, armed_at=NOW + timedelta(days=1))
    assert SANDBOX.look_up(ahead, (listing([post(2), post(1, "hello")]),)) == Found(
        "p1", "http://s/1", NOW
    )
    assert isinstance(SANDBOX.look_up(ahead, (listing([post(2)]),)), Absent)


@pytest.mark.parametrize(
    "answer",
    [
        Response("look", 503, body={}),
        Response("look", 404, body={"error": "no_such_account"}),
        Response("look", 200, body=None),
        Response("look", 200, body={"posts": [{"no": "id"}]}),
        StepAnswerLost("look", "ReadTimeout"),
    ],
)
def test_failed_lookup_is_unknown(answer: Any) -> None:
    assert isinstance(SANDBOX.look_up(SOUGHT, (answer,)), Unknown)


def test_messages_without_lookup_are_unknown() -> None:
    sought = replace(SOUGHT, account="nova-nolook", chat="leo")
    assert isinstance(SANDBOX.look_up(sought, ()), Unknown)
    assert isinstance(SANDBOX.look_up(replace(sought, chat=""), ()), Send)


def test_updates_are_read_completely_or_not_at_all() -> None:
    entries = [
        {
            "id": "7",
            "type": "message",
            "fan": "leo",
            "handle": "Léo",
            "text": "hi",
            "message_id": "m1",
            "language": "fr",
        },
        {"id": "8", "type": "button", "fan": "leo", "ref": "buy:o1", "message_id": "m2"},
        {
            "id": "9",
            "type": "checkout",
            "fan": "leo",
            "query_id": "q1",
            "payload": "o1",
            "amount": 5,
            "currency": "XTS",
        },
        {
            "id": "10",
            "type": "payment",
            "fan": "leo",
            "charge_id": "c1",
            "payload": "o1",
            "amount": 5,
            "currency": "XTS",
        },
        {"id": "11", "type": "gift", "fan": "leo"},
    ]
    news = SANDBOX.listen(
        "6", (Response("updates", 200, body={"updates": entries, "cursor": "11"}),)
    )
    assert isinstance(news, ChatUpdates)
    updates = news.updates
    assert news.cursor == "11"
    assert updates[0] == ChatUpdate("7", "message", "leo", "Léo", "fr", "m1", None, "hi")
    assert [(update.kind, update.ref) for update in updates[1:]] == [
        ("button", "buy:o1"),
        ("checkout", "q1"),
        ("payment", "o1"),
        ("unsupported", ""),
    ]
    assert (updates[3].charge_id, updates[3].amount_minor, updates[3].currency) == ("c1", 5, "XTS")
    broken = [{"type": "message"}, *entries]
    assert (
        SANDBOX.listen("6", (Response("updates", 200, body={"updates": broken, "cursor": "11"}),))
        is None
    )
    assert SANDBOX.listen("6", (StepAnswerLost("updates", "x"),)) is None


def test_repeated_refund_counts_as_done() -> None:
    step = SANDBOX.refund("c1", "leo", 500, "XTS")
    assert (step.kind, step.action) == (StepKind.CONTROL, "refund")
    assert SANDBOX.refund_outcome(Response("refund", 200, body={"charge_id": "c1"})) == Published(
        "c1"
    )
    already = {"error": "CHARGE_ALREADY_REFUNDED", "charge_id": "c1"}
    assert SANDBOX.refund_outcome(Response("refund", 409, body=already)) == Published("c1")
    assert isinstance(
        SANDBOX.refund_outcome(Response("refund", 409, body={"error": "other"})), Rejected
    )
    assert isinstance(SANDBOX.refund_outcome(StepAnswerLost("refund", "x")), Retry)


def test_messages_have_no_metrics() -> None:
    assert SANDBOX.read_metrics(PlatformCopy("m1", "nova", "leo"), ()) is None


@pytest.mark.parametrize(
    "ahead", [timedelta(), timedelta(seconds=64), timedelta(seconds=75), timedelta(hours=30)]
)
def test_post_is_found_if_our_clock_is_ahead(ahead: timedelta) -> None:
    """The message was sent, its response lost, and the lookup follows ten seconds later; our clock
    is ahead by `ahead`."""
    plain, later = replace(SOUGHT, native_key="", account="p"), timedelta(seconds=10)
    sought = replace(plain, armed_at=NOW + ahead, asked_at=NOW + ahead + later)
    turn = SANDBOX.look_up(sought, (listing([post(1, "hello", NOW)], NOW + later),))
    assert isinstance(turn, Found)
    early = listing([post(1, "hello", NOW - timedelta(seconds=70))], NOW + later)
    assert isinstance(SANDBOX.look_up(sought, (early,)), Absent)


def test_thread_part_is_sent_and_found_under_its_parent() -> None:
    turn = SANDBOX.next_step(replace(UNIT, parts=2, reply_to="p7"), ())
    assert isinstance(turn, Send)
    assert turn.step.json is not None
    assert turn.step.json["reply_to"] == "p7"
    alone = SANDBOX.next_step(UNIT, ())
    assert isinstance(alone, Send)
    assert alone.step.json is not None
    assert "reply_to" not in alone.step.json
    posts = listing([{**post(2, "hello"), "reply_to": "p7"}, post(1, "hello")])
    under = SANDBOX.look_up(replace(SOUGHT, reply_to="p7"), (posts,))
    assert isinstance(under, Found)
    assert under.native_id == "p2"
    first = SANDBOX.look_up(SOUGHT, (posts,))
    assert isinstance(first, Found)
    assert first.native_id == "p1"
    assert isinstance(SANDBOX.look_up(replace(SOUGHT, reply_to="p8"), (posts,)), Absent)


def test_thread_over_the_part_limit_is_rejected() -> None:
    many = SANDBOX.next_step(replace(UNIT, parts=26), ())
    assert isinstance(many, Rejected)
    assert many.reason.code == "connectors.too_many_parts"
    assert isinstance(SANDBOX.next_step(replace(UNIT, parts=25), ()), Send)
