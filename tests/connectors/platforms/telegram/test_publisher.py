"""The Telegram connector: contents of requests, meaning of responses, and updates."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.platforms.telegram.account import channel_of
from connectors.platforms.telegram.balance import PAGE
from connectors.platforms.telegram.publisher import ALLOWED, UPDATES_WAIT, Telegram
from connectors.shared.http_responses import READER_GONE
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Button, Invoice, Medium, Subject, Text, Unit

TELEGRAM = Telegram()
POST = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="telegram",
    surface="telegram.public_channel",
    channel_id=uuid7(),
    account="lea_bot",
    audience="public",
    texts=(Text("body", "Bonjour"),),
    destination="-1001000000000",
)
DM = replace(POST, surface="telegram.bot_dm", audience="viewer", destination="", viewer="5001")
PHOTO = Medium("a" * 64, "image/jpeg", 1000)
VIDEO = Medium("b" * 64, "video/mp4", 2000)
INVOICE = Invoice("Matin calme", "Le port", 250, "XTR", "payload")
FAN = {"id": 5001, "is_bot": False, "first_name": "Leo", "language_code": "fr"}
CHAT = {"id": 5001, "type": "private", "first_name": "Leo"}


def sent(unit: Unit) -> tuple[str, Any, dict[str, str]]:
    """Return the method, the fields, and the file digests by name."""
    turn = TELEGRAM.next_step(unit, ())
    assert isinstance(turn, Send), turn
    assert turn.step.token == "path"
    files = {name: file.sha256 for name, file in turn.step.files.items()}
    return turn.step.path.removeprefix("/bot{token}/"), turn.step.json, files


def why(unit: Unit) -> str:
    turn = TELEGRAM.next_step(unit, ())
    assert isinstance(turn, Rejected), turn
    return turn.reason.code


def said(status: int, description: str = "", **parameters: int) -> Response:
    body = {"ok": False, "error_code": status, "description": description, "parameters": parameters}
    return Response("publish", status, {}, body)


def good(result: Any, step: str = "publish") -> Response:
    return Response(step, 200, {}, {"ok": True, "result": result})


def message(number: int, **more: Any) -> dict[str, Any]:
    return {
        "message_id": number,
        "date": 1_790_000_000,
        "chat": {"id": -1001000000000, "type": "channel"},
        **more,
    }


def test_each_post_shape_is_one_request() -> None:
    preview = {"link_preview_options": {"is_disabled": True}}
    assert sent(POST) == (
        "sendMessage",
        {"chat_id": -1001000000000, "text": "Bonjour", **preview},
        {},
    )
    assert sent(replace(POST, media=(PHOTO,))) == (
        "sendPhoto",
        {"chat_id": -1001000000000, "caption": "Bonjour"},
        {"photo": "a" * 64},
    )
    assert sent(replace(POST, media=(VIDEO,)))[0] == "sendVideo"
    method, fields, files = sent(replace(POST, media=(PHOTO, VIDEO), flags=("has_spoiler=true",)))
    assert (method, files) == ("sendMediaGroup", {"m0": "a" * 64, "m1": "b" * 64})
    assert fields["media"] == [
        {"type": "photo", "media": "attach://m0", "has_spoiler": True, "caption": "Bonjour"},
        {"type": "video", "media": "attach://m1", "supports_streaming": True, "has_spoiler": True},
    ]


def test_message_to_one_fan_has_buttons_and_protection() -> None:
    unit = replace(DM, buttons=(Button("Acheter", "buy", "7"),), flags=("protect_content=true",))
    _, fields, _ = sent(unit)
    assert (fields["chat_id"], fields["protect_content"]) == (5001, True)
    assert fields["reply_markup"] == {
        "inline_keyboard": [[{"text": "Acheter", "callback_data": "buy:7"}]]
    }


def test_invoice_uses_stars_without_a_provider() -> None:
    method, fields, _ = sent(replace(DM, invoice=INVOICE))
    assert method == "sendInvoice"
    assert (fields["currency"], fields["provider_token"]) == ("XTR", "")
    assert fields["prices"] == [{"label": "Matin calme", "amount": 250}]


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(POST, destination=""), "telegram.no_channel"),
        (replace(POST, texts=(Text("body", "x" * 4097),)), "connectors.text_too_long"),
        (
            replace(POST, texts=(Text("body", "🎞" * 2049),)),
            "connectors.text_too_long",
        ),  # two UTF-16 units each
        (
            replace(POST, texts=(Text("body", "x" * 1025),), media=(PHOTO,)),
            "telegram.caption_too_long",
        ),
        (replace(POST, media=(PHOTO,) * 11), "connectors.too_many_media"),
        (replace(POST, media=(replace(PHOTO, size=11 * 2**20),)), "connectors.medium_unfit"),
        (replace(POST, media=(replace(VIDEO, size=51 * 2**20),)), "connectors.medium_unfit"),
        (replace(POST, media=(replace(PHOTO, mime="application/zip"),)), "connectors.medium_unfit"),
        (replace(POST, texts=()), "telegram.empty"),
        (replace(DM, buttons=(Button("Buy", "buy", "x" * 64),)), "telegram.buttons_unfit"),
        (
            replace(DM, buttons=(Button("Buy", "buy", "7"),), media=(PHOTO, VIDEO)),
            "telegram.buttons_unfit",
        ),
        (replace(DM, invoice=replace(INVOICE, title="x" * 33)), "telegram.invoice_too_long"),
        (replace(DM, invoice=replace(INVOICE, currency="EUR")), "telegram.invoice_unfit"),
        (replace(POST, invoice=INVOICE), "telegram.invoice_unfit"),
        (replace(DM, invoice=replace(INVOICE, payload="é" * 65)), "telegram.invoice_unfit"),
    ],
)
def test_unit_over_the_limits_is_rejected(unit: Unit, code: str) -> None:
    assert why(unit) == code


def test_longest_permitted_text_is_sent() -> None:
    assert sent(replace(POST, texts=(Text("body", "🎞" * 2048),)))[0] == "sendMessage"
    assert sent(replace(POST, texts=(Text("body", "x" * 1024),), media=(PHOTO,)))[0] == "sendPhoto"


@pytest.mark.parametrize(
    ("answer", "to_channel", "to_fan"),
    [
        (said(400, "Bad Request: chat not found"), Rejected, READER_GONE),
        (said(400, "Bad Request: message is too long"), Rejected, Rejected),
        (
            said(400, "Bad Request: need administrator rights in the channel chat"),
            Disconnected,
            Rejected,
        ),
        (
            said(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100123),
            Reauthorize,
            Reauthorize,
        ),
        (said(401, "Unauthorized"), Reauthorize, Reauthorize),
        (said(404, "Not Found"), Rejected, Rejected),
        (said(403, "Forbidden: bot was kicked from the channel chat"), Disconnected, READER_GONE),
        (said(403, "Forbidden: bot was blocked by the user"), Disconnected, READER_GONE),
        (said(413, "Request Entity Too Large"), Rejected, Rejected),
        (said(429, "Too Many Requests: retry after 7", retry_after=7), Retry, Retry),
        (said(500, "Internal Server Error"), Uncertain, Uncertain),
        (Response("publish", 302, {}, None), Uncertain, Uncertain),
        (Response("publish", 200, {}, None), Uncertain, Uncertain),
        (good(True), Uncertain, Uncertain),
        (good([]), Uncertain, Uncertain),
        (StepNotSent("publish", "ConnectError"), Retry, Retry),
        (StepAnswerLost("publish", "ReadTimeout"), Uncertain, Uncertain),
    ],
)
def test_publish_response_maps_to_outcome(
    answer: StepResult, to_channel: type[Outcome], to_fan: type[Outcome] | str
) -> None:
    assert isinstance(TELEGRAM.next_step(POST, (answer,)), to_channel)
    outcome = TELEGRAM.next_step(DM, (answer,))
    if isinstance(to_fan, str):
        assert isinstance(outcome, Rejected)
        assert (outcome.reason.code, outcome.permanent) == (to_fan, True)
    else:
        assert isinstance(outcome, to_fan)


def test_rate_limit_waits_as_requested() -> None:
    outcome = TELEGRAM.next_step(POST, (said(429, retry_after=7),))
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=7)


def test_album_id_contains_all_its_messages() -> None:
    public = {"id": -1001000000000, "type": "channel", "username": "lea"}
    outcome = TELEGRAM.next_step(POST, (good([message(7, chat=public), message(8, chat=public)]),))
    assert isinstance(outcome, Published)
    assert (outcome.native_id, outcome.url) == ("-1001000000000/7,8", "https://t.me/lea/7")
    private = TELEGRAM.next_step(POST, (good(message(7)),))
    assert isinstance(private, Published)
    assert private.url == "https://t.me/c/1000000000/7"


def test_every_message_of_an_album_is_deleted() -> None:
    # type: tuple[Copy, tuple[Answer, ...]]
    copy, answers = PlatformCopy("-1001000000000/7,8", "lea_bot"), ()
    asked = []
    for answer in (good(True, "delete"), said(400, "Bad Request: message to delete not found")):
        turn = TELEGRAM.remove(copy, answers)
        assert isinstance(turn, Send)
        asked.append(turn.step.json)
        answers = (*answers, answer)
    assert asked == [{"chat_id": -1001000000000, "message_id": number} for number in (7, 8)]
    assert TELEGRAM.remove(copy, answers) == Published(copy.native_id)


def test_post_linked_by_a_member_can_be_deleted() -> None:
    for link, chat in (("https://t.me/lea/9", "@lea"), ("t.me/c/123456/9", -100123456)):
        turn = TELEGRAM.remove(PlatformCopy(link, "lea_bot"), ())
        assert isinstance(turn, Send)
        assert turn.step.json == {"chat_id": chat, "message_id": 9}
    assert isinstance(TELEGRAM.remove(PlatformCopy("elsewhere", "lea_bot"), ()), Rejected)
    old = TELEGRAM.remove(
        PlatformCopy("-1/9", "lea_bot"),
        (said(400, "Bad Request: message can't be deleted for everyone"),),
    )
    assert isinstance(old, Rejected)


def heard(*entries: Any) -> tuple[tuple[ChatUpdate, ...], str]:
    found = TELEGRAM.listen("", (good(list(entries), "updates"),))
    assert isinstance(found, ChatUpdates)
    return found.updates, found.cursor


def asked(cursor: str) -> WireStep:
    turn = TELEGRAM.listen(cursor, ())
    assert isinstance(turn, Send)
    return turn.step


def told(number: int, **more: Any) -> dict[str, Any]:
    body = {"message_id": 3, "date": 1_790_000_000, "from": FAN, "chat": CHAT, **more}
    return {"update_id": number, "message": body}


def test_updates_are_read_in_order_with_the_next_offset() -> None:
    updates, cursor = heard(told(10, text="bonjour"), told(11, text="ça va ?"))
    assert [(update.key, update.kind, update.text, update.fan) for update in updates] == [
        ("10", "message", "bonjour", "5001"),
        ("11", "message", "ça va ?", "5001"),
    ]
    assert (cursor, updates[0].language, updates[0].native_id) == ("12", "fr", "3")
    assert heard() == ((), "")
    assert TELEGRAM.listen("12", (said(409, "Conflict"),)) is None
    assert asked("12").path == "/bot{token}/getUpdates"
    assert asked("12").json == {
        "offset": 12,
        "timeout": UPDATES_WAIT,
        "allowed_updates": list(ALLOWED),
    }
    assert "offset" not in (asked("").json or {})
    assert "pre_checkout_query" in ALLOWED


def test_long_poll_waits_for_updates() -> None:
    step = asked("12")
    assert (step.json or {})["timeout"] == UPDATES_WAIT
    assert (step.deadline, TELEGRAM.capabilities.poll_seconds) == (UPDATES_WAIT + 10, 0)
    assert isinstance(TELEGRAM.listen("12", (good([], "updates"),)), ChatUpdates), (
        "an empty response ends the poll"
    )


def test_payments_and_buttons_are_received() -> None:
    paid = {
        "currency": "XTR",
        "total_amount": 250,
        "invoice_payload": "p",
        "telegram_payment_charge_id": "c1",
        "provider_payment_charge_id": "",
    }
    query = {
        "id": "q1",
        "from": FAN,
        "currency": "XTR",
        "total_amount": 250,
        "invoice_payload": "p",
    }
    press = {"id": "cb1", "from": FAN, "chat_instance": "1", "data": "buy:7"}
    updates, _ = heard(
        told(1, successful_payment=paid),
        {"update_id": 2, "pre_checkout_query": query},
        {"update_id": 3, "callback_query": press},
        told(
            4,
            refunded_payment={
                key: value for key, value in paid.items() if not key.startswith("provider")
            },
        ),
        told(5, photo=[{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]),
    )
    assert [update.kind for update in updates] == [
        "payment",
        "checkout",
        "button",
        "refund",
        "unsupported",
    ]
    assert (updates[0].charge_id, updates[0].amount_minor, updates[0].payload) == ("c1", 250, "p")
    assert (updates[1].ref, updates[2].ref) == ("q1", "buy:7")
    ack = TELEGRAM.acknowledge(updates[2])
    assert ack is not None
    assert ack.json == {"callback_query_id": "cb1"}
    assert TELEGRAM.acknowledge(updates[0]) is None


def test_irrelevant_updates_are_skipped() -> None:
    group = {"id": -5, "type": "group", "title": "friends"}
    updates, cursor = heard(
        told(1, chat=group, text="hello all"),
        told(2, **{"from": {**FAN, "is_bot": True}}, text="I am a bot"),
        {"update_id": 3, "channel_post": {}},
        {"update_id": 4, "message": {"broken": True}},
        {"update_id": 5, "something_new": {}},
    )
    assert (updates, cursor) == ((), "6")
    assert TELEGRAM.listen("", (good([{"no": "number"}], "updates"),)) is None


def test_join_requests_and_reaction_counts_are_received() -> None:
    place = {"id": -1007, "type": "channel", "title": "x"}
    asks = {"chat": place, "from": FAN, "user_chat_id": FAN["id"], "date": 1_790_000_000}
    fire, paid = {"type": "emoji", "emoji": "🔥"}, {"type": "paid"}
    reactions = [{"type": fire, "total_count": 3}, {"type": paid, "total_count": 90}]
    counts = {"chat": place, "message_id": 12, "date": 1_790_000_100, "reactions": reactions}
    updates, _ = heard(
        {"update_id": 1, "chat_join_request": asks},
        {"update_id": 2, "message_reaction_count": counts},
    )
    assert [(one.kind, one.fan, one.ref) for one in updates] == [
        ("join", str(FAN["id"]), "-1007"),
        ("counted", "", "-1007"),
    ]
    assert (updates[1].native_id, updates[1].amount_minor) == ("-1007/12", 3)
    assert updates[1].at is not None
    assert {"chat_join_request", "message_reaction_count"} <= set(ALLOWED)


def test_refund_is_looked_up_on_every_page() -> None:
    page = [{"id": f"c{number}", "source": {}} for number in range(PAGE)]
    first = TELEGRAM.look_up_refund("c7", ())
    assert isinstance(first, Send)
    assert first.step.json == {"offset": 0, "limit": PAGE}
    looks: tuple[StepResult, ...] = (good({"transactions": page}, "look"),)
    second = TELEGRAM.look_up_refund("c7", looks)
    assert isinstance(second, Send)
    assert second.step.json == {"offset": PAGE, "limit": PAGE}
    assert TELEGRAM.look_up_refund("c7", (*looks, good({"transactions": []}, "look"))) is None
    back = good({"transactions": [{"id": "c7", "receiver": {"type": "user"}}]}, "look")
    assert isinstance(TELEGRAM.look_up_refund("c7", (*looks, back)), Published)
    assert isinstance(TELEGRAM.look_up_refund("c7", (StepAnswerLost("look", "x"),)), Retry)
    assert isinstance(
        TELEGRAM.refund_outcome(said(400, "Bad Request: CHARGE_ALREADY_REFUNDED")), Published
    )
    assert isinstance(TELEGRAM.refund_outcome(StepAnswerLost("refund", "x")), Uncertain)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", ""),
        (" @monCanal ", "@monCanal"),
        ("monCanal", "@monCanal"),
        ("https://t.me/monCanal", "@monCanal"),
        ("-1001234567890", "-1001234567890"),
        ("not a channel", "not a channel"),
    ],
)
def test_channel_is_accepted_in_several_forms(typed: str, read: str) -> None:
    assert channel_of({"channel": typed}) == read


def test_connecting_without_a_channel_takes_two_requests() -> None:
    form = {"token": Sealed(b"t"), "channel": ""}
    bot = good({"id": 7, "is_bot": True, "username": "lea_bot"}, "getMe")
    turns = [TELEGRAM.connect(form, ()), TELEGRAM.connect(form, (bot,))]
    assert [turn.step.name for turn in turns if isinstance(turn, Send)] == [
        "getMe",
        "deleteWebhook",
    ]
    end = TELEGRAM.connect(form, (bot, good(True, "deleteWebhook")))
    assert isinstance(end, ConnectedAccount)
    assert (end.account, end.surface, end.chat_surface) == ("lea_bot", "", "telegram.bot_dm")
    lost = TELEGRAM.connect(form, (StepAnswerLost("getMe", "x"),))
    assert isinstance(lost, Retry)


@pytest.mark.parametrize(
    ("chat", "rights", "code"),
    [
        ({}, ("can_invite_users", "can_restrict_members"), ""),
        (
            {"username": "open"},
            ("can_invite_users", "can_restrict_members"),
            "telegram.public_door",
        ),
        ({}, ("can_invite_users",), "telegram.no_door_right"),
        ({}, (), "telegram.no_door_right"),
    ],
)
def test_subscriber_admission_needs_a_private_channel_and_rights(
    chat: dict[str, str], rights: tuple[str, ...], code: str
) -> None:
    form = {
        "token": Sealed(b"t"),
        "channel": "-1007",
        "lets_in": "subscribers",
        "joins": "by_request",
    }
    member = {"status": "administrator", "can_post_messages": True, **dict.fromkeys(rights, True)}
    answers = (
        good({"id": 7, "is_bot": True, "username": "lea_bot"}, "getMe"),
        good({"id": -1007, "type": "channel", "title": "Place", **chat}, "getChat"),
        good(member, "getChatMember"),
        good(True, "deleteWebhook"),
    )
    end = TELEGRAM.connect(form, answers)
    if code:
        assert isinstance(end, Rejected)
        assert end.reason.code == code
        return
    assert isinstance(end, ConnectedAccount)
    assert (end.options["lets_in"], end.options["destination"], end.options["by_request"]) == (
        "subscribers",
        "-1007",
        True,
    )
    by_hand = TELEGRAM.connect({**form, "lets_in": "by_hand"}, answers)
    assert isinstance(by_hand, ConnectedAccount)
    assert (
        by_hand.options["lets_in"] == ""
    )  # set explicitly, because new options are merged over the stored ones


def test_token_of_another_bot_is_detected() -> None:
    assert (
        TELEGRAM.verify_account("lea_bot", (good({"id": 7, "username": "Lea_Bot"}, "look"),))
        is None
    )
    assert isinstance(
        TELEGRAM.verify_account("lea_bot", (good({"id": 8, "username": "eve_bot"}, "look"),)),
        Reauthorize,
    )
    assert isinstance(TELEGRAM.verify_account("lea_bot", (said(401, "Unauthorized"),)), Reauthorize)
