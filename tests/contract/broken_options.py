"""Connectors with one fault each in what posts choose; the suite must find it."""

from dataclasses import replace

from connectors.contract import Answer, Send
from connectors.discord import Discord
from connectors.outcomes import Outcome
from connectors.telegram import Telegram
from gate.units import Unit


class ForgetsOptions(Telegram):
    """Sends whatever was chosen as if nothing was."""

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        return super().next(replace(unit, options=()), answers)


class PostsAgain(Discord):
    """Says a post once more, where it should be passed on."""

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        return super().next(replace(unit, comment="", reply_to=""), answers)
