"""The bot's menu of commands, its description and its profile text.

They are in French for users whose Telegram is in French, and in English for all others. The menu
and the description are always replaced, because no other program answers commands with this token,
and users must be informed that they talk to a program. A profile text written by the owner is not
changed.

Source: https://core.telegram.org/bots/api#setmycommands, #setmydescription, #setmyshortdescription
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.contract.bot_commands import CommandMenu
from connectors.contract.connector import Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome
from connectors.platforms.telegram.bot_steps import BotCall, build_step
from connectors.platforms.telegram.errors import outcome_of_failure, result
from foundation.i18n.translation import Message, render_message

if TYPE_CHECKING:
    from telegram import BotCommandScope

    from connectors.platforms.telegram.bot_request import StepBot

ENGLISH = "en"
FRENCH = "fr"
OTHERS = ""
"""The language code for users of all other languages."""

ABOUT = Message("telegram.about")
SHORT = Message("telegram.about.short")


@dataclass(frozen=True)
class _Part:
    """One text in one language: its field in answers, the wanted value, and the calls that read and
    write it."""

    what: str
    field: str
    language: str
    wanted: Any
    read: BotCall
    write: BotCall

    def step(self, act: str) -> WireStep:
        call = self.read if act == "get" else self.write
        return build_step(self.named(act), StepKind.AUTH, call, seconds=10.0)

    def named(self, act: str) -> str:
        return f"{act}{self.what}:{self.language}"

    def parse_current(self, answer: StepResult) -> Any:
        """Return the current value in an answer, or None if it contains none."""
        found = result(answer)
        shown = found.get(self.field) if isinstance(found, dict) else found
        return shown if isinstance(shown, type(self.wanted)) else None


def write_menu(menu: CommandMenu, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Read each text and write those that differ. Return None if no text differs any more.

    A repeat is harmless, so a lost answer is retried.
    """
    given = {answer.step: answer for answer in answers}
    own_profile = False
    for part in _iter_parts(menu):
        asked = part.named("get")
        wrote = part.named("set")
        if asked not in given:
            return Send(part.step("get"))
        stands = part.parse_current(given[asked])
        if stands is None:
            return outcome_of_failure(given[asked], creates=False)
        own_profile |= (
            part.what == "ShortDescription"
            and part.language == OTHERS
            and stands not in ("", part.wanted)
        )
        if stands == part.wanted or (own_profile and part.what == "ShortDescription"):
            continue
        if wrote not in given:
            return Send(part.step("set"))
        if result(given[wrote]) is not True:
            return outcome_of_failure(given[wrote], creates=False)
    return None


def _iter_parts(menu: CommandMenu) -> Iterator[_Part]:
    for language, spoken in ((OTHERS, ENGLISH), (FRENCH, FRENCH)):
        yield _commands_part(menu, language, spoken)
        yield _description_part(language, render_message(ABOUT, spoken))
        yield _short_description_part(language, render_message(SHORT, spoken))


def _commands_part(menu: CommandMenu, language: str, spoken: str) -> _Part:
    """Return the menu, whose scope is private chats. The bot does not answer in groups."""
    listed = [(each.name, render_message(each.about, spoken)) for each in menu.commands]
    wanted = [{"command": name, "description": about} for name, about in listed]

    async def read(bot: "StepBot") -> None:
        await bot.get_my_commands(_private_chats(), language or None)

    async def write(bot: "StepBot") -> None:
        await bot.set_my_commands(listed, _private_chats(), language or None)

    return _Part("Commands", "commands", language, wanted, read, write)


def _private_chats() -> "BotCommandScope":
    from telegram import BotCommandScopeAllPrivateChats  # noqa: PLC0415  the bot has loaded it

    return BotCommandScopeAllPrivateChats()


def _description_part(language: str, wanted: str) -> _Part:
    return _Part(
        "Description",
        "description",
        language,
        wanted,
        lambda bot: bot.get_my_description(language or None),
        lambda bot: bot.set_my_description(wanted, language or None),
    )


def _short_description_part(language: str, wanted: str) -> _Part:
    return _Part(
        "ShortDescription",
        "short_description",
        language,
        wanted,
        lambda bot: bot.get_my_short_description(language or None),
        lambda bot: bot.set_my_short_description(wanted, language or None),
    )
