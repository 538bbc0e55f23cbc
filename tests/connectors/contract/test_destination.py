"""Predicates that a destination check proves, disproves or leaves unknown."""

from typing import Any

import pytest

from connectors.contract.connector import PlatformCopy, Response, Send, StepAnswerLost, StepResult
from connectors.contract.destination import Destination, DestinationReport, MarkReport
from connectors.contract.outcomes import Reauthorize, Rejected, Retry
from connectors.platforms.bluesky.publisher import Bluesky
from connectors.platforms.discord.destination import ITS_OWN, REGISTERED, RESTRICTED
from connectors.platforms.discord.destination import inspect_destination as see_discord
from connectors.platforms.mastodon.account import REGISTER_PREDICATE, RULES_UNCHANGED_PREDICATE
from connectors.platforms.telegram.destination import (
    ASSURED,
    BY_REQUEST,
    MAX_READERS,
    NO_GROUP,
    PRIVATE,
    PUBLIC,
)
from connectors.platforms.telegram.destination import inspect_destination as see_telegram
from gate.policy.bundle import shipped_bundle

HERE = Destination("mia_bot", "-1001", by_request=True, adults=("7", "8"))
OWNER = {"status": "creator", "user": {"id": 1, "is_bot": False}}
BOT = {"status": "administrator", "user": {"id": 99, "is_bot": True}}


def said(step: str, result: Any, status: int = 200) -> StepResult:
    """Return a response of Telegram."""
    good = (
        {"ok": True, "result": result}
        if status == 200
        else {"ok": False, "description": "Bad Request: no"}
    )
    return Response(step, status, {}, good)


def looked(
    place: Destination = HERE, *, inside: tuple[int, ...] = (), **world: Any
) -> tuple[Any, list[str]]:
    """Run a destination check. Return its result and the methods it requested. `inside` are
    verified readers in the channel; `many` is the total number of members."""
    answers: tuple[StepResult, ...] = ()
    asked = []
    while isinstance(turn := see_telegram(place, answers), Send):
        step = turn.step
        asked.append(step.path.rpartition("/")[2])
        assert (step.action, step.token) == ("look", "path")
        if step.name in world:
            answers = (*answers, world[step.name])
            continue
        told: Any = {
            "chat": {"id": -1001, "type": "channel", "title": "Mia", **world.get("is_", {})},
            "group": {"id": -2002, "type": "supergroup", **world.get("group_is", {})},
            "admins": [OWNER, BOT],
            "count": world.get("many", 1 + len(inside)),
        }.get(step.name)
        if step.name.startswith("reader:"):
            user = int((step.json or {})["user_id"])
            told = {"status": "member" if user in inside else "left", "user": {"id": user}}
        answers = (*answers, said(step.name, told))
    return turn, asked


def test_channel_with_only_verified_readers_is_assured() -> None:
    end, asked = looked(inside=(7, 8))
    assert end == DestinationReport((PRIVATE, NO_GROUP, ASSURED, BY_REQUEST))
    assert asked == [
        "getChat",
        "getChatAdministrators",
        "getChatMemberCount",
        "getChatMember",
        "getChatMember",
    ]


def test_readers_are_not_queried_after_all_members_are_counted() -> None:
    assert looked(inside=(7,))[1].count("getChatMember") == 1
    assert looked()[1].count("getChatMember") == 0


@pytest.mark.parametrize("name", [{"username": "mia"}, {"active_usernames": ["mia2"]}])
def test_channel_with_username_is_public(name: dict[str, Any]) -> None:
    assert looked(is_=name)[0] == DestinationReport((PUBLIC,), (PRIVATE, BY_REQUEST, ASSURED))


def test_more_members_than_known_readers_fails_assured() -> None:
    assert looked(inside=(7, 8), many=4)[0] == DestinationReport((PRIVATE, NO_GROUP), (ASSURED,))
    assert looked(inside=(7,), many=3)[0] == DestinationReport((PRIVATE, NO_GROUP), (ASSURED,)), (
        "a user who left is not counted"
    )


def test_join_by_request_is_unknown_without_a_members_statement() -> None:
    end, _ = looked(Destination("mia_bot", "-1001", adults=("7",)), inside=(7,))
    assert BY_REQUEST not in end.holds
    assert BY_REQUEST not in end.fails


def test_uncountable_members_leave_assured_unknown() -> None:
    crowd = tuple(str(number) for number in range(100, 100 + MAX_READERS + 1))
    end, asked = looked(Destination("mia_bot", "-1001", by_request=True, adults=crowd), many=50)
    assert (end, asked.count("getChatMember")) == (
        DestinationReport((PRIVATE, NO_GROUP)),
        MAX_READERS,
    )
    end, _ = looked(many=3, **{"reader:7": said("reader:7", None, 400)})
    assert end == DestinationReport((PRIVATE, NO_GROUP))


def test_linked_group_is_public_or_unknown() -> None:
    linked = {"linked_chat_id": -2002}
    assert looked(is_=linked)[0] == DestinationReport((PRIVATE, ASSURED, BY_REQUEST))
    assert looked(is_=linked, group_is={"username": "talk"})[0].fails == (NO_GROUP,)
    assert looked(is_=linked, group=said("group", None, 400))[0] == DestinationReport(
        (PRIVATE, ASSURED, BY_REQUEST)
    )


@pytest.mark.parametrize("step", ["chat", "admins", "count"])
def test_failed_request_yields_no_report(step: str) -> None:
    assert isinstance(looked(**{step: StepAnswerLost(step, "reset")})[0], Retry)
    assert isinstance(looked(**{step: Response(step, 401, {}, {"ok": False})})[0], Reauthorize)


def test_bot_without_channel_is_rejected() -> None:
    assert isinstance(looked(Destination("mia_bot"))[0], Rejected)


CHANNEL, THREAD, PARENT = "1", "1", "2"


def discord(*bodies: dict[str, Any] | None) -> Any:
    """Return the result of a check of channel 1 on server 5."""
    answers: tuple[StepResult, ...] = ()
    for body in bodies:
        turn = see_discord(Destination("1:5:9"), answers)
        assert isinstance(turn, Send)
        status = 200 if body is not None else 403
        answers = (
            *answers,
            Response(turn.step.name, status, {}, body if body is not None else {"code": 50001}),
        )
    return see_discord(Destination("1:5:9"), answers)


def test_discord_channel_is_restricted_or_not() -> None:
    assert discord({"id": "1", "type": 0, "guild_id": "5", "nsfw": True}) == DestinationReport(
        (REGISTERED, RESTRICTED, ITS_OWN)
    )
    for open_ in ({"nsfw": False}, {}, {"nsfw": "true"}):
        assert discord({"id": "1", "type": 0, "guild_id": "5", **open_}) == DestinationReport(
            (REGISTERED,), (RESTRICTED, ITS_OWN)
        )


def test_discord_thread_inherits_restriction_of_its_parent() -> None:
    thread = {
        "id": "1",
        "type": 11,
        "guild_id": "5",
        "parent_id": "2",
        "nsfw": True,
        "name": "nsfw-18",
    }
    assert isinstance(discord(thread), Send)
    assert (
        RESTRICTED in discord(thread, {"id": "2", "type": 0, "guild_id": "5", "nsfw": False}).fails
    )
    assert (
        RESTRICTED in discord(thread, {"id": "2", "type": 0, "guild_id": "5", "nsfw": True}).holds
    )
    assert not isinstance(discord(thread, None), DestinationReport)
    assert discord({**thread, "parent_id": None}) == DestinationReport((REGISTERED,))


def test_channel_of_another_server_fails_registered() -> None:
    assert REGISTERED in discord({"id": "1", "type": 0, "guild_id": "6", "nsfw": True}).fails


def test_policy_rows_name_the_predicates_of_each_platform() -> None:
    rows = shipped_bundle().rows
    told = {name: {probe.see for probe in rows[name].probe or ()} for name in rows}
    assert told["telegram.private_channel"] == {PRIVATE, BY_REQUEST, NO_GROUP, ASSURED}
    assert told["telegram.public_channel"] == {PUBLIC}
    assert told["discord.guild_channel"] == {REGISTERED, RESTRICTED, ITS_OWN}
    assert told["mastodon.registered"] == {REGISTER_PREDICATE, RULES_UNCHANGED_PREDICATE}


URI = "at://did:plc:mia/app.bsky.feed.post/3kabc"


def read_back(
    value: dict[str, Any] | None, *, status: int = 200, error: str = "RecordNotFound"
) -> Any:
    """Read back the marks of a record that was sent with the label `porn`."""
    copy, flags = PlatformCopy(URI, "did:plc:mia"), ("selfLabels=porn",)
    turn = Bluesky().read_marks(copy, flags, ())
    assert isinstance(turn, Send)
    assert turn.step.token == "none"  # the record is public
    body = {"uri": URI, "value": value} if value is not None else {"error": error, "message": "no"}
    return Bluesky().read_marks(copy, flags, (Response("look", status, {}, body),))


def test_bluesky_labels_are_reported_kept_or_lost() -> None:
    borne = {"labels": {"values": [{"val": "porn"}, {"val": "sexual"}]}}
    assert read_back(borne) == MarkReport()
    for lost in (
        {},
        {"labels": None},
        {"labels": {"values": []}},
        {"labels": {"values": [{"val": "nudity"}]}},
    ):
        assert read_back(lost) == MarkReport(("selfLabels=porn",))
    assert read_back(None, status=400) == MarkReport(there=False)
    assert not isinstance(read_back(None, status=502, error="Upstream"), MarkReport)
    assert Bluesky().read_marks(PlatformCopy(URI, "did:plc:mia"), (), ()) == MarkReport()
