"""The commands a fan may give: their names, who has them, and how they are written. What they do,
`conversation` says.

A command chosen from a platform's menu is heard as if its words had been typed.
"""

import re

from connectors.contract.bot_commands import BotCommand, CommandMenu
from foundation.i18n.translation import Message
from subscribers.replies.reply_checks import normalize_reply

KNOWN = (
    BotCommand("start", Message("command.start")),
    BotCommand(
        "stop",
        Message("command.stop"),
        Message("command.stop.how"),
        {"all": Message("command.stop.all")},
    ),
    BotCommand("human", Message("command.human")),
    BotCommand("age", Message("command.age")),
    BotCommand("purchases", Message("command.purchases")),
    BotCommand("subscription", Message("command.subscription")),
    BotCommand("paysupport", Message("command.paysupport")),
    BotCommand("terms", Message("command.terms")),
    BotCommand("privacy", Message("command.privacy")),
    BotCommand("report", Message("command.report")),
)
SALES = frozenset({"purchases", "subscription", "paysupport"})
"""Those that mean something only where something is sold."""

RETIRED: frozenset[str] = frozenset()
"""Names that were once in `KNOWN`: they are taken out of the menus that still have them."""

_OTHERWISE = {"signaler": "report", "abonnement": "subscription"}
_BEGINS = re.compile(r"/(?:stop|[a-z]+\b)")
"""Whoever writes /stopp or /stopall wants peace all the same; any other name ends where it ends."""


ASKS_FOR_PERSON = re.compile(
    r"\b(?:speak|talk) (?:to|with) (?:a |some ?one |somebody )?(?:real |actual "
    r")?(?:human|person|someone)"
    r"|\bparler (?:a|avec) (?:un |une )?(?:vraie? )?(?:humaine?|personne|quelqu'un)"
)
ASKS_FOR_REFUND = re.compile(
    r"\b(?:refund|chargeback|rembours\w*|arnaque\w*|scam(?:med)?|escroqu\w*)\b"
)
"""The same two wishes in plain words, folded."""


def parse_command(said: str) -> str:
    """The name of the command a message begins with; "" where it begins with none."""
    found = _BEGINS.match(normalize_reply(said))
    name = found[0][1:] if found else ""
    name = _OTHERWISE.get(name, name)
    return name if any(name == command.name for command in KNOWN) else ""


def command_menu(*, sells: bool) -> CommandMenu:
    """What is offered to choose from on a platform where something is sold, or nothing."""
    return CommandMenu(
        tuple(command for command in KNOWN if sells or command.name not in SALES), RETIRED
    )
