"""Connectors with one fault each in what posts choose; the suite must find it."""

from dataclasses import replace

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.telegram.publisher import Telegram
from gate.contract.units import Unit


class ForgetsOptions(Telegram):
    """Sends whatever was chosen as if nothing was."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, options=()), answers)


class RepostsCrossposts(Discord):
    """Says a post once more, where it should be passed on."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, comment="", reply_to=""), answers)
