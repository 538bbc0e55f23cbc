"""The Discord connector: nonces, file names, rejections, histories and permissions."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.chats import ChatUpdate
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
)
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.discord import account
from connectors.platforms.discord.ids import (
    ChannelRef,
    attachment_name,
    channel_id_in,
    is_attachment_of,
    message_nonce,
    snowflake_at,
    snowflake_time,
)
from connectors.platforms.discord.lookup import LISTED
from connectors.platforms.discord.publisher import MAX_ALT, REMOVED_PREFIX, Discord
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Button, Invoice, Medium, Rating, Subject, Text, Unit
from gate.decision import unit_rules
from gate.policy.bundle import shipped_bundle

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLACE = ChannelRef("200", "100", "300")
DISCORD = Discord()
PICTURE = Medium("a" * 64, "image/jpeg", 10, alt="un port")
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="discord",
    surface="discord.guild_channel",
    channel_id=uuid7(),
    account=PLACE.account,
    audience="public",
    texts=(Text("body", "hello"),),
    native_key="key-1",
)
SOUGHT = LookupQuery("key-1", "hello", NOW, PLACE.account)
MESSAGE = {"id": "900", "channel_id": "200"}


def sent(unit: Unit, *answers: StepResult) -> Any:
    turn = DISCORD.next_step(unit, answers)
    assert isinstance(turn, Send), turn
    return turn.step


def answer(status: int, code: int = 0, **more: Any) -> Response:
    return Response("publish", status, {}, {"code": code, "message": "…", **more})


def written(
    at: datetime = NOW, *, number: int = 0, author: str = "300", **more: Any
) -> dict[str, Any]:
    message = {
        "id": str(snowflake_at(at) + number),
        "channel_id": "200",
        "author": {"id": author},
        "content": "hello",
    }
    return {**message, "attachments": [], **more}


def channel(latest: dict[str, Any]) -> Response:
    """Return the answer about a channel whose latest message is `latest`."""
    return Response("channel", 200, {}, {"id": "200", "last_message_id": latest["id"]})


def listing(*messages: dict[str, Any]) -> Response:
    return Response("look", 200, {}, list(messages))


# requests


def test_message_has_a_nonce_and_allows_no_mentions() -> None:
    step = sent(replace(UNIT, texts=(Text("body", "@everyone hello"), Text("title", "Title"))))
    assert (step.method, step.path, step.token) == ("POST", "/channels/200/messages", "bot")
    assert step.json == {
        "content": "Title\n\n@everyone hello",
        "nonce": message_nonce("key-1"),
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    assert len(message_nonce("key-1")) == 25


def test_files_are_sent_with_the_message_under_its_key() -> None:
    step = sent(
        replace(
            UNIT,
            media=(PICTURE, replace(PICTURE, mime="video/mp4", alt="")),
            flags=("spoiler=true",),
        )
    )
    names = [
        f"SPOILER_{message_nonce('key-1')[:8]}-{n}.{ending}"
        for n, ending in enumerate(("jpg", "mp4"))
    ]
    assert [file.name for file in step.files.values()] == names
    assert list(step.files) == ["files[0]", "files[1]"]
    assert step.json["payload_json"]["attachments"] == [
        {"id": "0", "filename": names[0], "description": "un port"},
        {"id": "1", "filename": names[1]},
    ]
    assert not sent(replace(UNIT, media=(PICTURE,))).files["files[0]"].name.startswith("SPOILER_")


def test_direct_channel_is_opened_before_a_message() -> None:
    unit = replace(
        UNIT, viewer="77", buttons=tuple(Button(f"b{n}", "age", str(n)) for n in range(6))
    )
    first = sent(unit)
    assert (first.kind, first.path, first.json) == (
        StepKind.STAGE,
        "/users/@me/channels",
        {"recipient_id": "77"},
    )
    then = sent(unit, Response("open", 200, {}, {"id": "555"}))
    assert (then.kind, then.path) == (StepKind.PUBLISH, "/channels/555/messages")
    rows = then.json["components"]
    assert [len(row["components"]) for row in rows] == [5, 1]
    assert rows[0]["components"][0]["custom_id"] == "age:0"
    assert isinstance(DISCORD.next_step(unit, (StepAnswerLost("open", "x"),)), Retry)
    done = DISCORD.next_step(
        unit, (Response("open", 200, {}, {"id": "555"}), Response("publish", 200, {}, MESSAGE))
    )
    assert done == Published("200/900", at=snowflake_time("900"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"texts": (Text("body", "x" * 2001),)}, "connectors.text_too_long"),
        ({"texts": (Text("body", "x" * 1999), Text("title", "y"))}, "connectors.text_too_long"),
        ({"media": (PICTURE,) * 11}, "connectors.too_many_media"),
        ({"media": (replace(PICTURE, mime="image/gif"),)}, "connectors.medium_unfit"),
        ({"media": (replace(PICTURE, size=11 * 2**20),)}, "connectors.medium_unfit"),
        ({"media": (replace(PICTURE, size=9 * 2**20),) * 3}, "discord.too_large"),
        ({"media": (replace(PICTURE, alt="x" * (MAX_ALT + 1)),)}, "discord.alt_too_long"),
        ({"invoice": Invoice("Pack", "", 500, "XTR", "o"), "viewer": "77"}, "discord.no_payments"),
        ({"buttons": (Button("x" * 81, "age", ""),), "viewer": "77"}, "connectors.text_too_long"),
    ],
)
def test_unit_over_the_limits_is_rejected(change: dict[str, Any], code: str) -> None:
    refused = DISCORD.next_step(replace(UNIT, **change), ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code
    assert render_message(refused.reason, "fr")


# responses


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (answer(400, 50035), Rejected),
        (answer(403, 40333), Retry),  # refused at the edge: not processed
        (answer(400, 50006), Rejected),
        (answer(413, 40005), Rejected),
        (answer(401), Reauthorize),
        (answer(403, 50001), Disconnected),
        (answer(403, 50013), Disconnected),
        (answer(404, 10003), Disconnected),
        (answer(404, 10004), Disconnected),
        (answer(403, 20009), Rejected),
        (answer(400, 200000), Rejected),
        (answer(500), Uncertain),
        (answer(502, 0), Uncertain),
        (answer(408, 0), Uncertain),
        (Response("publish", 200, {}, None), Uncertain),
        (Response("publish", 200, {}, {"id": "x"}), Uncertain),
        (StepAnswerLost("publish", "ReadTimeout"), Uncertain),
    ],
)
def test_publish_response_maps_to_outcome(told: StepResult, expected: type) -> None:
    assert isinstance(DISCORD.next_step(UNIT, (told,)), expected)


def test_permanent_rejections_are_marked() -> None:
    for code, permanent in ((20009, True), (240000, True), (50035, False)):
        outcome = DISCORD.next_step(UNIT, (answer(400, code),))
        assert isinstance(outcome, Rejected)
        assert outcome.permanent is permanent


@pytest.mark.parametrize(
    ("status", "code"), [(403, 50007), (403, 50001), (404, 10003), (400, 50033), (403, 50278)]
)
@pytest.mark.parametrize("step", ["open", "publish"])
def test_unreachable_recipient_does_not_disconnect_the_account(
    step: str, status: int, code: int
) -> None:
    opened = (Response("open", 200, {}, {"id": "555"}),) if step == "publish" else ()
    told = Response(step, status, {}, {"code": code})
    outcome = DISCORD.next_step(replace(UNIT, viewer="77"), (*opened, told))
    assert outcome == Rejected(Message(READER_GONE), permanent=True)


def test_rate_limit_gives_fractional_wait_and_scope() -> None:
    own = DISCORD.next_step(UNIT, (answer(429, retry_after=64.57, **{"global": False}),))
    everywhere = DISCORD.next_step(UNIT, (answer(429, retry_after=3.2, **{"global": True}),))
    unsaid = DISCORD.next_step(UNIT, (Response("publish", 429, {"retry-after": "90"}, None),))
    assert isinstance(own, Retry)
    assert isinstance(everywhere, Retry)
    assert isinstance(unsaid, Retry)
    assert (own.after, own.scope) == (timedelta(seconds=64.57), "account")
    assert (everywhere.after, everywhere.scope) == (timedelta(seconds=3.2), "app")
    assert unsaid.after == timedelta(seconds=90)


def test_nonce_of_a_deleted_message_counts_as_removed_post() -> None:
    done = DISCORD.next_step(UNIT, (answer(404, 10008),))
    assert done == Published(f"{REMOVED_PREFIX}{message_nonce('key-1')}")
    copy = PlatformCopy(done.native_id, PLACE.account)
    assert DISCORD.remove(copy, ()) == Published(done.native_id)
    assert DISCORD.read_metrics(copy, ()) is None


# lookups


def look(*answers: StepResult, sought: LookupQuery = SOUGHT) -> Any:
    return DISCORD.look_up(sought, answers)


@pytest.mark.parametrize(
    "message",
    [
        written(nonce=message_nonce("key-1"), content="edited"),
        written(
            attachments=[{"filename": attachment_name("key-1", 0, PICTURE, hidden=True)}],
            content="",
        ),
        written(),
        written(content=" hello\n"),
    ],
)
def test_lookup_finds_our_message(message: dict[str, Any]) -> None:
    found = look(listing(message, written(number=5, author="4")))
    assert found == Found(message["id"], PLACE.url(message["id"]), NOW)


@pytest.mark.parametrize(
    "message",
    [
        written(nonce=message_nonce("key-2")),
        written(attachments=[{"filename": attachment_name("key-2", 0, PICTURE, hidden=False)}]),
        written(author="4"),
        written(content="hello you"),
        written(content="Another\n\nhello"),
    ],
)
def test_lookup_ignores_other_messages(message: dict[str, Any]) -> None:
    assert look(listing(message), channel(message)) == Absent(confirmed=True)


def test_history_that_is_behind_its_channel_proves_nothing() -> None:
    listed, newer = written(author="4"), written(number=1)
    assert isinstance(look(listing(listed), channel(newer)), Unknown)


def test_known_copy_is_not_matched() -> None:
    message = written()
    assert look(
        listing(message),
        channel(message),
        sought=replace(SOUGHT, known=frozenset({message["id"]})),
    ) == Absent(confirmed=True)


def test_long_history_is_read_up_to_a_limit() -> None:
    page = listing(*[written(number=n, author="4") for n in range(LISTED)])
    turn = look(page)
    assert isinstance(turn, Send)
    assert f"after={snowflake_at(NOW) + LISTED - 1}" in turn.step.path
    assert isinstance(look(*[page] * 5), Unknown)


def test_empty_history_proves_absence_only_if_readable() -> None:
    asked = look(listing())
    assert isinstance(asked, Send)
    assert asked.step.path == "/channels/200"
    late, early = str(snowflake_at(NOW)), str(snowflake_at(NOW - timedelta(hours=1)))
    assert look(
        listing(), Response("channel", 200, {}, {"id": "200", "last_message_id": early})
    ) == Absent(confirmed=True)
    assert look(
        listing(), Response("channel", 200, {}, {"id": "200", "last_message_id": None})
    ) == Absent(confirmed=True)
    assert isinstance(
        look(listing(), Response("channel", 200, {}, {"last_message_id": late})), Unknown
    )
    assert isinstance(look(listing(), Response("channel", 403, {}, {"code": 50001})), Unknown)


@pytest.mark.parametrize("late", [timedelta(seconds=40), timedelta(hours=30)])
def test_lookup_starts_earlier_if_our_clock_is_ahead(late: timedelta) -> None:
    """The message was sent, its response lost, and the lookup follows ten seconds later; our clock
    is ahead by `late`."""
    theirs = {"date": format_datetime(NOW + timedelta(seconds=10), usegmt=True)}
    sought = replace(SOUGHT, armed_at=NOW + late, asked_at=NOW + late + timedelta(seconds=10))
    unseen, seen = Response("look", 200, theirs, []), Response("look", 200, theirs, [written()])
    again = look(unseen, sought=sought)
    assert isinstance(again, Send)
    assert again.step.path.startswith(
        f"/channels/200/messages?after={snowflake_at(NOW - timedelta(minutes=1))}&"
    )
    assert isinstance(look(unseen, seen, sought=sought), Found)
    message = written(nonce=message_nonce("key-2"))
    other = Response("look", 200, theirs, [message])
    assert look(unseen, other, channel(message), sought=sought) == Absent(confirmed=True)


def test_lookup_reads_once_if_clocks_agree() -> None:
    theirs = {"date": format_datetime(NOW, usegmt=True)}
    sought = replace(SOUGHT, asked_at=NOW + timedelta(seconds=10))
    message = written(author="4")
    page = Response("look", 200, theirs, [message])
    assert look(page, channel(message), sought=sought) == Absent(confirmed=True)


def test_refused_lookup_is_unknown() -> None:
    assert isinstance(look(Response("look", 403, {}, {"code": 50001})), Unknown)
    assert isinstance(look(listing({"id": "../x"})), Unknown)


def test_direct_message_is_looked_up_in_its_channel() -> None:
    sought = replace(SOUGHT, chat="77")
    first = look(sought=sought)
    assert (first.step.kind, first.step.action) == (StepKind.CONTROL, "look")
    opened = Response("open", 200, {}, {"id": "555"})
    assert look(opened, sought=sought).step.path.startswith("/channels/555/messages?after=")
    found = look(opened, listing(written(channel_id="555")), sought=sought)
    assert found.native_id == f"555/{snowflake_at(NOW)}"


# everything else


def test_metrics_count_reactions() -> None:
    copy = PlatformCopy("900", PLACE.account)
    told = Response(
        "metrics",
        200,
        {},
        {"id": "900", "reactions": [{"count": 2}, {"count": 3}, {"count": None}]},
    )
    assert DISCORD.read_metrics(copy, (told,)) == {"likes": 5}
    assert DISCORD.read_metrics(PlatformCopy("555/900", PLACE.account, "77"), ()) is None


@pytest.mark.parametrize(
    ("key", "kind", "told"),
    [
        ("press:7", "button", {"type": 6}),
        ("command:7", "message", {"type": 5, "data": {"flags": 64}}),
    ],
)
def test_interaction_is_acknowledged_with_its_token(
    key: str, kind: Any, told: dict[str, Any]
) -> None:
    step = DISCORD.acknowledge(ChatUpdate(key, kind, "77"))
    assert step is not None
    assert (step.path, step.json, step.token) == ("/interactions/7/{token}/callback", told, "path")
    assert step.deadline < 3
    assert DISCORD.acknowledge(ChatUpdate("message:7", "message", "77")) is None


def test_snowflake_contains_its_time_and_file_name_its_key() -> None:
    assert snowflake_time(str(snowflake_at(NOW) + 4)) == NOW
    assert snowflake_time("175928847299117063") == datetime(
        2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC
    )
    assert is_attachment_of(attachment_name("key-1", 3, PICTURE, hidden=True), "key-1")
    assert not is_attachment_of("holiday.jpg", "key-1")


@pytest.mark.parametrize(
    ("typed", "channel"),
    [
        (
            "https://discord.com/channels/123456789012345678/234567890123456789",
            "234567890123456789",
        ),
        (
            " https://ptb.discord.com/channels/123456789012345678/234567890123456789/ ",
            "234567890123456789",
        ),
        ("234567890123456789", "234567890123456789"),
        ("https://discord.gg/abc", ""),
        ("https://evil.example/channels/123456789012345678/234567890123456789", ""),
        ("#general", ""),
        ("", ""),
    ],
)
def test_channel_id_is_read_from_a_link(typed: str, channel: str) -> None:
    assert channel_id_in(typed) == channel


def joined(*, form: dict[str, str] | None = None, **changes: Any) -> Any:
    """Return the outcome of connecting with these responses."""
    told: dict[str, Any] = {
        "me": {"id": "300", "bot": True, "username": "nova"},
        "channel": {
            "id": "200",
            "type": 0,
            "guild_id": "100",
            "name": "annonces",
            "permission_overwrites": [],
        },
        "guild": {
            "id": "100",
            "name": "Studio",
            "owner_id": "1",
            "roles": [{"id": "100", "permissions": "117760"}],
        },
        "member": {"roles": []},
    }
    for name, change in changes.items():
        told[name] = {**told[name], **change}
    answers = tuple(Response(name, 200, {}, body) for name, body in told.items())
    typed = {"token": Sealed(b"x"), "channel": "200000000000000000", **(form or {})}
    return account.connect(typed, answers)


def test_permissions_are_computed_as_on_discord() -> None:
    def overwrite(who: str, **more: str) -> dict[str, str]:
        return {"id": who, "allow": "0", "deny": "0", **more}

    everything, nothing = (
        {"roles": [{"id": "100", "permissions": "8"}]},
        {"roles": [{"id": "100", "permissions": "0"}]},
    )
    closed = {"permission_overwrites": [overwrite("100", deny="2048")]}
    assert isinstance(joined(), ConnectedAccount)
    assert isinstance(joined(guild=everything, channel=closed), ConnectedAccount)
    assert isinstance(joined(guild={**nothing, "owner_id": "300"}), ConnectedAccount)
    assert joined(guild=nothing).reason.code == "discord.rights"
    assert joined(channel=closed).reason.code == "discord.rights"
    for opened in ("300", "400"):
        channel = {
            "permission_overwrites": [
                overwrite(opened, allow="2048"),
                *closed["permission_overwrites"],
            ]
        }
        assert isinstance(joined(channel=channel, member={"roles": ["400"]}), ConnectedAccount)
    role_says_no = {
        "permission_overwrites": [overwrite("400", deny="2048"), overwrite("300", allow="2048")]
    }
    assert isinstance(joined(channel=role_says_no, member={"roles": ["400"]}), ConnectedAccount)


def test_user_token_or_other_channel_type_is_rejected() -> None:
    assert joined(me={"bot": False}).reason.code == "discord.token_unknown"
    assert joined(channel={"type": 2}).reason.code == "discord.not_text"
    assert joined(channel={"guild_id": None}).reason.code == "discord.not_text"


def test_destination_check_covers_the_policy_predicates() -> None:
    row = shipped_bundle().row("discord", "guild_channel", on=NOW.date())
    there = Destination(PLACE.account)
    restricted, open_ = (
        {"id": "200", "guild_id": PLACE.guild, "nsfw": nsfw} for nsfw in (True, False)
    )
    seen = DISCORD.inspect_destination(there, (Response("look", 200, {}, restricted),))
    assert isinstance(seen, DestinationReport)
    assert set(seen.holds) == {probe.see for probe in row.probes}
    assert DISCORD.inspect_destination(there, (Response("look", 200, {}, open_),)) != seen
    assert isinstance(DISCORD.inspect_destination(there, (Response("look", 503),)), Retry)
    assert isinstance(
        DISCORD.inspect_destination(there, (Response("look", 403, {}, {"code": 50001}),)),
        Disconnected,
    )
    flagged = unit_rules.required_flags(row, Rating.N, ai=True)
    assert (
        sent(replace(UNIT, media=(PICTURE,), flags=flagged))
        .files["files[0]"]
        .name.startswith("SPOILER_")
    )


def test_listener_without_bot_does_not_import_discord() -> None:
    """discord.py costs sixteen megabytes and an event loop, which only the listener of a bot should
    pay."""
    program = (
        "import sys\n"
        "from workers.processes import listener, queue_workers\n"
        "from connectors.registry import loader\n"
        "loader.load_connectors()\n"
        "sys.exit(','.join(sorted({'discord', 'aiohttp'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
