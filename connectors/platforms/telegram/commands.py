"""What a bot shows before anybody writes: the menu of its commands, and that it is a bot. Pure.

In French for whoever uses Telegram in French, in English for everybody else. The menu and the
description are ours as a whole: nobody else answers commands under this token, and whoever comes
must read that a program does. On its profile the owner may have written something of their own,
which is left alone.

Source: https://core.telegram.org/bots/api#setmycommands, #setmydescription,
#setmyshortdescription
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
"""The language of whoever has no words of their own."""

PRIVATE = {"type": "all_private_chats"}
"""Where the menu is shown: in a group the bot answers nobody."""

ABOUT = Message("telegram.about")
SHORT = Message("telegram.about.short")


@dataclass(frozen=True)
class _Part:
    """One thing in one language: what it is called in a method, the field that bears it, and what
    should stand."""

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
        """What stands, by an answer that says it; None for any other."""
        found = result(answer)
        shown = found.get(self.field) if isinstance(found, dict) else found
        return shown if isinstance(shown, type(self.wanted)) else None


def write_menu(menu: CommandMenu, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Read what stands and write what should stand otherwise; None when all is as wanted.

    Written again, it stands as before: a lost answer is a Retry.
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
