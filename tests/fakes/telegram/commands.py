"""Profiles of bots: commands by scope and language, and descriptions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram.chats import Refusal, Told

MOST, LONGEST, DESCRIPTION, SHORT = 100, 256, 512, 120


@dataclass
class BotProfile:
    """The profile of a bot. Texts with an empty language apply to users whose language has none."""

    commands: dict[tuple[str, str], list[Told]] = field(default_factory=dict)
    """Commands by scope (normalized JSON) and language."""
    descriptions: dict[str, str] = field(default_factory=dict)
    shorts: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    """Changes, in order."""

    def menu(self, language: str, scope: str = "all_private_chats") -> dict[str, str]:
        """Return the commands that a user of a language sees in chats of a scope."""
        of = json.dumps({"type": scope})
        listed = self.commands.get((of, language)) or self.commands.get((of, "")) or []
        return {one["command"]: one["description"] for one in listed}


class CommandMethods:
    """The methods of profiles. Source: https://core.telegram.org/bots/api#setmycommands and the
    following sections."""

    def do_setMyCommands(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        if len(asked["commands"]) > MOST:
            raise Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for one in asked["commands"]:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(one["description"]) <= LONGEST:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        bot.shown.commands[_scope(asked), _language(asked)] = asked["commands"]
        bot.shown.written.append("commands")
        return True

    def do_getMyCommands(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        return bot.shown.commands.get((_scope(asked), _language(asked)), [])

    def do_setMyDescription(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        return _say(bot.shown, bot.shown.descriptions, asked, "description", DESCRIPTION)

    def do_getMyDescription(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        return {"description": _said(bot.shown.descriptions, asked)}

    def do_setMyShortDescription(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        return _say(bot.shown, bot.shown.shorts, asked, "short_description", SHORT)

    def do_getMyShortDescription(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        return {"short_description": _said(bot.shown.shorts, asked)}


def _scope(asked: Told) -> str:
    return json.dumps(asked.get("scope", {"type": "default"}))


def _language(asked: Told) -> str:
    language = str(asked.get("language_code", ""))
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise Refusal(400, "Bad Request: LANG_CODE_INVALID")
    return language


def _say(shown: BotProfile, words: dict[str, str], asked: Told, name: str, most: int) -> bool:
    if len(asked.get(name, "")) > most:
        raise Refusal(400, "Bad Request: BOT_TEXT_TOO_LONG")
    words[_language(asked)] = asked.get(name, "")
    shown.written.append(name)
    return True


def _said(words: dict[str, str], asked: Told) -> str:
    """Return the text for a language, or the default one."""
    return words.get(_language(asked)) or words.get("", "")
