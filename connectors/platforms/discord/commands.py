"""Slash commands of the bot: registration in Discord's menu, and responses."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from connectors.contract.bot_commands import BotCommand
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome
from connectors.platforms.discord.errors import error_code, outcome_of_failure
from connectors.platforms.discord.ids import CHANNEL_URL, is_id
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import quote_segment
from foundation.i18n.translation import Message, render_message

ENGLISH = "en"
FRENCH = "fr"
COMMAND_ARGUMENT = "what"
"""The name of the only option of a command."""

UNKNOWN_COMMAND = 10063
_SLASH = 1
_TEXT = 3
_SERVER = 0
_DIRECT = 1
_INSTALLED = 0
_NO_PREVIEW = 1 << 2


def write_menu(
    application: str,
    wanted: Sequence[BotCommand],
    retired: Set[str],
    answers: tuple[StepResult, ...],
) -> Send | Outcome | None:
    """Register each wanted command that is missing or different, and delete the retired ones.

    The other commands of the application may belong to another program. Commands are therefore
    written one by one, never as a whole list. Return None when the menu is complete. Source:
    https://discord.com/developers/docs/interactions/application-commands
    """
    if not answers:
        return Send(
            _build_step("commands", "GET", f"{_commands_path(application)}?with_localizations=true")
        )
    standing = _parse_commands(answers[0])
    if standing is None or not _is_done(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    path = _commands_path(application)
    gone = sorted(retired & standing.keys())
    other = [
        each
        for each in map(_build_command, wanted)
        if not _is_matching(each, standing.get(each["name"]))
    ]
    due = [
        *(_build_step("command", "POST", path, each) for each in other),
        *(
            _build_step("erase", "DELETE", f"{path}/{quote_segment(standing[name]['id'])}")
            for name in gone
        ),
    ]
    return Send(due[len(answers) - 1]) if len(answers) <= len(due) else None


def command_response_step(application: str, chat: str) -> WireStep:
    """Return the step that completes the deferred response to a command.

    With a `chat`, the response links to it, for a user who chose the command elsewhere. In the chat
    itself the reply is a message, so the deferred response is deleted.
    """
    path = f"/webhooks/{quote_segment(application)}/{{token}}/messages/@original"
    if not chat:
        return bot_request(
            "answered", StepKind.CONTROL, "DELETE", path, token="path", action="ack", deadline=10.0
        )
    told = {
        "content": f"{CHANNEL_URL}/@me/{quote_segment(chat)}",
        "flags": _NO_PREVIEW,
        "allowed_mentions": {"parse": []},
    }
    return bot_request(
        "answered", StepKind.CONTROL, "PATCH", path, told, token="path", action="ack", deadline=10.0
    )


def command_text(data: Mapping[str, Any], wanted: Sequence[BotCommand]) -> str:
    """Return a chosen command as the user would have typed it, or "" if it is not in `wanted`.

    Only values offered in the menu are accepted.
    """
    command = next((each for each in wanted if each.name == data.get("name")), None)
    if command is None or data.get("type", _SLASH) != _SLASH:
        return ""
    options = data.get("options")
    values = (
        [each.get("value") for each in options if isinstance(each, dict)]
        if isinstance(options, list)
        else []
    )
    return " ".join((f"/{command.name}", *(word for word in command.words if values[:1] == [word])))


def _commands_path(application: str) -> str:
    return f"/applications/{quote_segment(application)}/commands"


def _build_step(
    name: str, method: str, path: str, body: Mapping[str, Any] | None = None
) -> WireStep:
    return bot_request(name, StepKind.AUTH, method, path, body, deadline=10.0)


def _is_done(answer: StepResult) -> bool:
    if not isinstance(answer, Response):
        return False
    # a command that no longer exists counts as deleted
    gone = answer.step == "erase" and answer.status == 404 and error_code(answer) == UNKNOWN_COMMAND
    return 200 <= answer.status < 300 or gone


def _parse_commands(answer: StepResult) -> dict[str, Mapping[str, Any]] | None:
    """Return the registered slash commands by name, or None if the answer is unusable."""
    if (
        not isinstance(answer, Response)
        or not answer.is_success
        or not isinstance(answer.body, list)
    ):
        return None
    told = [
        each
        for each in answer.body
        if isinstance(each, dict) and each.get("type", _SLASH) == _SLASH
    ]
    return {
        each["name"]: each
        for each in told
        if isinstance(each.get("name"), str) and is_id(each.get("id"))
    }


def _build_command(command: BotCommand) -> dict[str, Any]:
    """Return a command in Discord's form, available to all users in direct messages and on
    servers."""
    return {
        "name": command.name,
        "type": _SLASH,
        **_localize_description(command.about),
        "options": [_build_option(command)] if command.words else [],
        "contexts": [_SERVER, _DIRECT],
        "integration_types": [_INSTALLED],
        "default_member_permissions": None,
    }


def _build_option(command: BotCommand) -> dict[str, Any]:
    choices = [
        {
            "name": render_message(about, ENGLISH),
            "name_localizations": {FRENCH: render_message(about, FRENCH)},
            "value": word,
        }
        for word, about in command.words.items()
    ]
    return {
        "type": _TEXT,
        "name": COMMAND_ARGUMENT,
        **_localize_description(command.asks or command.about),
        "choices": choices,
    }


def _localize_description(about: Message) -> dict[str, Any]:
    """Return the description in English, the default, and in French."""
    return {
        "description": render_message(about, ENGLISH),
        "description_localizations": {FRENCH: render_message(about, FRENCH)},
    }


def _is_matching(wanted: Any, standing: Any) -> bool:
    """Return True if a registered command contains all wanted fields. Discord adds fields and omits
    empty ones."""
    if isinstance(wanted, dict):
        return isinstance(standing, Mapping) and all(
            _is_matching(part, standing.get(name)) for name, part in wanted.items()
        )
    if isinstance(wanted, list):
        there = standing or []
        found = isinstance(there, list) and len(there) == len(wanted)
        return found and all(any(_is_matching(each, one) for one in there) for each in wanted)
    return bool(wanted == standing)
