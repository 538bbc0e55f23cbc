"""Crossposts of announcement channels on Discord: published once, to a public place, and recognized
by their flag."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.discord.crossposts import (
    CROSSPOST_OPTION,
    CROSSPOST_PREFIX,
    CROSSPOSTED,
    FOLLOWERS_SURFACE,
)
from connectors.shared.http_responses import CROSSPOST_STEP
from connectors.shared.options import OPTION_FALSE, OPTION_TRUE
from connectors.transport import references
from foundation.i18n.translation import Message
from gate.contract.units import REPOST_KIND, PlatformOption, Rating, Verdict
from gate.policy.bundle import shipped_bundle
from schedules.posts import thread_parts
from schedules.posts.thread_parts import ThreadPart
from tests.connectors.platforms.discord.test_publisher import (
    DISCORD,
    PLACE,
    SOUGHT,
    UNIT,
    sent,
    snowflake_time,
)

CHOSEN = replace(UNIT, options=(PlatformOption(CROSSPOST_OPTION, (OPTION_TRUE,)),), parts=2)
AGAIN = replace(UNIT, surface=FOLLOWERS_SURFACE, comment=REPOST_KIND, reply_to="900", parts=2)
COPY = Published(f"{CROSSPOST_PREFIX}900", PLACE.url("900"))


def said(status: int, body: Any, step: str = CROSSPOST_STEP) -> Response:
    return Response(step, status, {}, body)


def test_channel_type_is_checked_before_a_crosspost() -> None:
    look = sent(CHOSEN)
    assert (look.kind, look.method, look.path) == (StepKind.STAGE, "GET", "/channels/200")
    assert (
        sent(CHOSEN, said(200, {"id": "200", "type": 5}, "place")).path == "/channels/200/messages"
    )
    text = DISCORD.next_step(CHOSEN, (said(200, {"id": "200", "type": 0}, "place"),))
    assert text == Rejected(Message("discord.not_announcement"), permanent=False)
    assert isinstance(DISCORD.next_step(CHOSEN, (said(503, None, "place"),)), Retry)
    assert (
        sent(replace(UNIT, options=(PlatformOption(CROSSPOST_OPTION, (OPTION_FALSE,)),))).path
        == "/channels/200/messages"
    )


def test_crosspost_references_only_the_message_above() -> None:
    step = sent(AGAIN)
    assert (step.kind, step.method, step.path) == (
        StepKind.PUBLISH,
        "POST",
        "/channels/200/messages/900/crosspost",
    )
    assert step.json is None
    assert references.uploaded_references(step, "discord", (), above="900") == ("900",)
    assert references.stray_reference(step, "discord", ("900",)) == ""
    assert references.stray_reference(step, "discord", ("901",)) == "egress.remote_reference"


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(200, {"id": "900", "flags": CROSSPOSTED}), COPY),
        (said(400, {"code": 40033}), COPY),
        (
            said(400, {"code": 50024}),
            Rejected(Message("discord.not_announcement"), permanent=False),
        ),
        (said(404, {"code": 10008}), Rejected(Message("connectors.above_gone"), permanent=True)),
        (said(403, {"code": 50013}), Rejected(Message("discord.not_passed_on"), permanent=False)),
        (said(200, {"id": "900", "flags": 0}), Uncertain),
        (said(200, None), Uncertain),
        (said(502, None), Uncertain),
        (StepAnswerLost(CROSSPOST_STEP, "ReadTimeout"), Uncertain),
        (said(429, {"retry_after": 1800.5, "global": False}), Retry),
        (said(401, {"code": 0}), Reauthorize),
    ],
)
def test_failed_crosspost_does_not_disconnect_the_account(
    answer: StepResult, meant: Outcome | type[Outcome]
) -> None:
    found = DISCORD.next_step(AGAIN, (answer,))
    assert isinstance(found, meant) if isinstance(meant, type) else found == meant


def test_lost_crosspost_is_found_by_the_message_flag() -> None:
    sought = replace(SOUGHT, reply_to="900", comment=True, passed_on=True)
    look = DISCORD.look_up(sought, ())
    assert isinstance(look, Send)
    assert look.step.path == "/channels/200/messages/900"
    found = DISCORD.look_up(
        sought, (said(200, {"id": "900", "flags": CROSSPOSTED | 1 << 2}, "look"),)
    )
    assert found == Found(f"{CROSSPOST_PREFIX}900", PLACE.url("900"), snowflake_time("900"))
    assert DISCORD.look_up(sought, (said(200, {"id": "900", "flags": 0}, "look"),)) == Absent()
    for unclear in (
        said(200, {"id": "901", "flags": 1}, "look"),
        said(404, {"code": 10008}, "look"),
    ):
        assert isinstance(DISCORD.look_up(sought, (unclear,)), Unknown)


def test_crosspost_is_removed_with_its_message() -> None:
    copy = PlatformCopy(f"{CROSSPOST_PREFIX}900", UNIT.account)
    gone = DISCORD.remove(copy, ())
    assert isinstance(gone, Send)
    assert (gone.step.method, gone.step.path) == ("DELETE", "/channels/200/messages/900")
    assert DISCORD.remove(copy, (said(404, {"code": 10008}, "delete"),)) == Published(
        copy.native_id
    )
    assert DISCORD.read_metrics(copy, ()) is None


def test_crosspost_is_the_last_part_with_its_own_place() -> None:
    first, last = thread_parts.build_thread_units(
        replace(CHOSEN, parts=1), (), DISCORD.capabilities
    )
    assert (first.parts, first.comment, first.options) == (2, "", CHOSEN.options)
    assert (last.parts, last.comment, last.place_id, last.options) == (
        2,
        REPOST_KIND,
        FOLLOWERS_SURFACE,
        (),
    )
    assert (last.texts, last.media) == (first.texts, first.media)
    assert len({first.native_key, last.native_key, first.digest(), last.digest()}) == 4
    follows = [(ThreadPart("more"), ()), (ThreadPart("and more"), ())]
    parts = thread_parts.build_thread_units(replace(CHOSEN, parts=1), follows, DISCORD.capabilities)
    assert [(one.text_of("body"), one.parts, one.comment) for one in parts] == [
        ("hello", 4, ""),
        ("more", 4, ""),
        ("and more", 4, ""),
        ("hello", 4, REPOST_KIND),
    ]
    assert len({one.native_key for one in parts}) == 4
    assert thread_parts.build_thread_units(UNIT, (), DISCORD.capabilities) == (UNIT,)


@pytest.mark.parametrize("rating", [Rating.S, Rating.N, Rating.E])
def test_crosspost_above_general_is_blocked(rating: Rating) -> None:
    row = shipped_bundle().row("discord", "followers", on=date(2026, 12, 1))
    assert row.verdict(Rating.G) is Verdict.A
    assert row.verdict(rating) is Verdict.B
