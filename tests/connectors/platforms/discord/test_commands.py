"""Command menu on Discord: commands written, left unchanged or deleted, and the text of a chosen
command."""

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
    """Return the steps after the menu was read, each answered with success. Fail after twenty."""
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
    """Return a command as Discord reports it: without empty fields, with additional ones, and with
    reordered lists."""
    told = {name: value for name, value in (step.json or {}).items() if value not in ([], None)}
    told |= {
        "id": str(number),
        "version": "1",
        "application_id": "300",
        "nsfw": False,
        "dm_permission": True,
    }
    return {**told, "contexts": told["contexts"][::-1]}


def test_empty_menu_is_filled_and_then_unchanged() -> None:
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
def test_differing_command_is_written_again(other: dict[str, Any]) -> None:
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    changed = [{**each, **other} if each["name"] == "stop" else each for each in there]
    assert [step.json["name"] for step in walk(standing(*changed)) if step.json] == ["stop"]


def test_foreign_command_is_kept() -> None:
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    foreign = (
        {"id": "50", "name": "dance", "type": 1},
        {"id": "51", "name": "stop", "type": 2},
        {"name": 5},
        "x",
    )
    # entries that the platform may return
    assert walk(standing(*there, *foreign)) == []  # type: ignore[arg-type]  # see above


def test_withdrawn_command_is_deleted() -> None:
    menu = CommandMenu(MENU.commands, frozenset({"dance", "sing"}))
    there = [kept(step, number) for number, step in enumerate(walk(standing()))]
    steps = walk(standing(*there, {"id": "50", "name": "dance", "type": 1}), menu)
    assert [(step.method, step.path) for step in steps] == [
        ("DELETE", "/applications/300/commands/50")
    ]
    gone = Response("erase", 404, {}, {"code": 10063, "message": "Unknown application command"})
    assert turn(standing(*there, {"id": "50", "name": "dance", "type": 1}), gone, menu=menu) is None


def test_refused_command_maps_to_outcome() -> None:
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


def test_command_names_and_texts_fit_the_limits() -> None:
    for step in walk(standing(), fan_commands.command_menu(sells=True)):
        drawn = dict(step.json or {})
        for one in (drawn, *drawn["options"]):
            assert re.fullmatch(r"[a-z]{1,32}", one["name"])
            french = one["description_localizations"]["fr"]
            assert french != one["description"]
            assert all(0 < len(text) <= 100 for text in (french, one["description"]))


def test_chosen_command_becomes_its_text() -> None:
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
def test_choice_yields_only_known_texts(name: str, options: Any) -> None:
    assert command_text({"name": name, "type": 1, "options": options}, MENU.commands) in WORDS


def test_command_response_contains_ids_only() -> None:
    there = command_response_step("300", "555")
    assert (there.method, there.path) == ("PATCH", "/webhooks/300/{token}/messages/@original")
    assert there.json is not None
    assert there.json["content"] == "https://discord.com/channels/@me/555"
    assert (command_response_step("300", "").method, command_response_step("300", "").json) == (
        "DELETE",
        None,
    )
