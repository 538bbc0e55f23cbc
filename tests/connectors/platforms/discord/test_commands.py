"""Discord's menu of commands: what is put there, what is left alone, and what is made of what
somebody chose."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.bot_commands import CommandMenu
from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Reauthorize, Rejected, Retry
from connectors.platforms.discord.commands import command_response_step, command_text, write_menu
from subscribers.intake import fan_commands

MENU = fan_commands.command_menu(sells=False)
WORDS = {f"/{command.name}" for command in MENU.commands} | {"/stop all", ""}


def turn(*answers: StepResult, menu: CommandMenu = MENU) -> Any:
    return write_menu("300", menu.commands, menu.retired, answers)


def standing(*commands: dict[str, Any]) -> Response:
    return Response("commands", 200, {}, list(commands))


def walk(first: Response, menu: CommandMenu = MENU) -> list[WireStep]:
    """The steps after the menu was read, each of them taken in; there is an end to them."""
    answers, steps = [first], []
    while isinstance(step := turn(*answers, menu=menu), Send):
        steps.append(step.step)
        answers.append(
            Response(step.step.name, 204 if step.step.method == "DELETE" else 201, {}, {})
        )
        assert len(steps) < 20
    assert step is None
    return steps


def kept(step: WireStep, number: int) -> dict[str, Any]:
    """A command as Discord tells it: empty fields left out, some of its own added, lists in its own
    order."""
    told = {name: value for name, value in (step.json or {}).items() if value not in ([], None)}
    told |= {
        "id": str(number),
        "version": "1",
        "application_id": "300",
        "nsfw": False,
        "dm_permission": True,
    }
    return {**told, "contexts": told["contexts"][::-1]}


def test_an_empty_menu_is_filled_and_then_left_alone() -> None:
    assert turn().step.path == "/applications/300/commands?with_localizations=true"
    steps = walk(standing())
    assert [step.json["name"] for step in steps if step.json] == [
        command.name for command in MENU.commands
    ]
    assert {(step.kind, step.method, step.token) for step in steps} == {
        (StepKind.AUTH, "POST", "bot")
    }
    assert walk(standing(*map(kept, steps, range(len(steps))))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"description": "…"},
        {"description_localizations": {"fr": "…"}},
        {"description_localizations": None},
        {"contexts": [0]},
        {"integration_types": [1]},
        {"default_member_permissions": "0"},
        {"options": []},
        {"options": [{"name": "what"}]},
        {"options": "what"},
    ],
)
def test_what_stands_otherwise_is_written_again(other: dict[str, Any]) -> None:
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    changed = [{**each, **other} if each["name"] == "stop" else each for each in there]
    assert [step.json["name"] for step in walk(standing(*changed)) if step.json] == ["stop"]


def test_what_another_program_put_there_stays() -> None:
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    foreign = (
        {"id": "50", "name": "dance", "type": 1},
        {"id": "51", "name": "stop", "type": 2},
        {"name": 5},
        "x",
    )
    # what a platform may say
    assert walk(standing(*there, *foreign)) == []  # type: ignore[arg-type]  # see above


def test_what_is_no_longer_offered_is_taken_out() -> None:
    menu = CommandMenu(MENU.commands, frozenset({"dance", "sing"}))
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    steps = walk(standing(*there, {"id": "50", "name": "dance", "type": 1}), menu)
    assert [(step.method, step.path) for step in steps] == [
        ("DELETE", "/applications/300/commands/50")
    ]
    gone = Response("erase", 404, {}, {"code": 10063, "message": "Unknown application command"})
    assert turn(standing(*there, {"id": "50", "name": "dance", "type": 1}), gone, menu=menu) is None


def test_refusals_are_told_apart() -> None:
    full = Response(
        "command",
        400,
        {},
        {"code": 30032, "message": "Maximum number of application commands reached"},
    )
    assert isinstance(turn(standing(), full), Rejected)
    assert isinstance(turn(Response("commands", 401, {}, {"code": 0})), Reauthorize)
    slow = turn(standing(), Response("command", 429, {}, {"retry_after": 19.5, "global": False}))
    assert isinstance(slow, Retry)
    assert slow.after.total_seconds() == 19.5
    for unclear in (StepAnswerLost("command", "reset"), Response("command", 503, {}, None)):
        assert isinstance(turn(standing(), unclear), Retry)
    assert isinstance(turn(Response("commands", 200, {}, {"not": "a list"})), Retry)


def test_names_and_sentences_are_as_discord_takes_them() -> None:
    for step in walk(standing(), fan_commands.command_menu(sells=True)):
        drawn = dict(step.json or {})
        for one in (drawn, *drawn["options"]):
            assert re.fullmatch(r"[a-z]{1,32}", one["name"])
            french = one["description_localizations"]["fr"]
            assert french != one["description"]
            assert all(0 < len(text) <= 100 for text in (french, one["description"]))


def test_a_choice_is_what_would_have_been_typed() -> None:
    assert command_text({"name": "human", "type": 1}, MENU.commands) == "/human"
    assert (
        command_text(
            {"name": "stop", "options": [{"name": "what", "type": 3, "value": "all"}]},
            MENU.commands,
        )
        == "/stop all"
    )
    assert command_text({"name": "purchases", "type": 1}, MENU.commands) == ""
    assert command_text({"name": "stop", "type": 3}, MENU.commands) == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_OPTIONS = st.lists(
    st.dictionaries(st.sampled_from(["name", "value", "type", "options"]), _JSON | st.just("all"))
)


@given(st.sampled_from(["stop", "human", "report"]) | st.text(), _OPTIONS | _JSON)
def test_nothing_else_gets_in_with_a_choice(name: str, options: Any) -> None:
    assert command_text({"name": name, "type": 1, "options": options}, MENU.commands) in WORDS


def test_an_answer_carries_ids_alone() -> None:
    there = command_response_step("300", "555")
    assert (there.method, there.path) == ("PATCH", "/webhooks/300/{token}/messages/@original")
    assert there.json is not None
    assert there.json["content"] == "https://discord.com/channels/@me/555"
    assert (command_response_step("300", "").method, command_response_step("300", "").json) == (
        "DELETE",
        None,
    )
