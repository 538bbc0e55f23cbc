"""The bot's menu of commands, its description and its profile text.

They are in French for users whose Telegram is in French, and in English for all others. The menu
and the description are always replaced, because no other program answers commands with this token,
and users must be informed that they talk to a program. A profile text written by the owner is not
changed.

Source: https://core.telegram.org/bots/api#setmycommands, #setmydescription, #setmyshortdescription
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract.bot_commands import CommandMenu
from connectors.contract.connector import Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome
from connectors.platforms.telegram.errors import outcome_of_failure, result
from foundation.i18n.translation import Message, render_message

ENGLISH = "en"
FRENCH = "fr"
OTHERS = ""
"""The language code for users of all other languages."""

PRIVATE = {"type": "all_private_chats"}
"""The scope of the menu. The bot does not answer in groups."""

ABOUT = Message("telegram.about")
SHORT = Message("telegram.about.short")


@dataclass(frozen=True)
class _Part:
    """One text in one language: its name in methods, its field, and the wanted value."""

    what: str
    field: str
    language: str
    wanted: Any
    where: Mapping[str, Any]

    def step(self, act: str, more: Mapping[str, Any]) -> WireStep:
        spoken = {"language_code": self.language} if self.language else {}
        path = f"/bot{{token}}/{act}My{self.what}"
        body = {**more, **self.where, **spoken}
        return WireStep(
            self.named(act), StepKind.AUTH, "POST", path, body, token="path", deadline=10.0
        )

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
            return Send(part.step("get", {}))
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
            return Send(part.step("set", {part.field: part.wanted}))
        if result(given[wrote]) is not True:
            return outcome_of_failure(given[wrote], creates=False)
    return None


def _iter_parts(menu: CommandMenu) -> Iterator[_Part]:
    for language, spoken in ((OTHERS, ENGLISH), (FRENCH, FRENCH)):
        listed = [
            {"command": each.name, "description": render_message(each.about, spoken)}
            for each in menu.commands
        ]
        yield _Part("Commands", "commands", language, listed, {"scope": PRIVATE})
        yield _Part("Description", "description", language, render_message(ABOUT, spoken), {})
        yield _Part(
            "ShortDescription", "short_description", language, render_message(SHORT, spoken), {}
        )
