"""Commands of fans: their names, spelling, and availability. Their effects are in `update_intake`.

A command chosen from a platform's menu is handled like typed text.
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
    BotCommand(
        "memory",
        Message("command.memory"),
        Message("command.memory.how"),
        {"all": Message("command.memory.all")},
    ),
    BotCommand("terms", Message("command.terms")),
    BotCommand("privacy", Message("command.privacy")),
    BotCommand("report", Message("command.report")),
)
SALES = frozenset({"purchases", "subscription", "paysupport"})
"""Commands that exist only on platforms with sales."""

RETIRED: frozenset[str] = frozenset()
"""Names formerly in `KNOWN`; they are removed from menus that still contain them."""

_OTHERWISE = {"signaler": "report", "abonnement": "subscription", "memoire": "memory"}
_BEGINS = re.compile(r"/(?:stop|[a-z]+\b)")
"""A fan who writes /stopp or /stopall also opts out; any other command must match to its end."""


ASKS_FOR_PERSON = re.compile(
    r"\b(?:speak|talk) (?:to|with) (?:a |some ?one |somebody )?(?:real |actual "
    r")?(?:human|person|someone)"
    r"|\bparler (?:a|avec) (?:un |une )?(?:vraie? )?(?:humaine?|personne|quelqu'un)"
)
ASKS_FOR_REFUND = re.compile(
    r"\b(?:refund|chargeback|rembours\w*|arnaque\w*|scam(?:med)?|escroqu\w*)\b"
)
"""Requests for a person or a refund in plain words, in normalized text."""


def parse_command(said: str) -> str:
    """Return the command that a message starts with, or ""."""
    found = _BEGINS.match(normalize_reply(said))
    name = found[0][1:] if found else ""
    name = _OTHERWISE.get(name, name)
    return name if any(name == command.name for command in KNOWN) else ""


def command_menu(*, sells: bool) -> CommandMenu:
    """Return the commands for a platform's menu, with those about sales if the platform `sells`."""
    return CommandMenu(
        tuple(command for command in KNOWN if sells or command.name not in SALES), RETIRED
    )
