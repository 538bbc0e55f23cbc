"""Connectors with one fault each in post options; the suite must detect each."""

from dataclasses import replace

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.telegram.publisher import Telegram
from gate.contract.units import Unit


class ForgetsOptions(Telegram):
    """Ignores the options of a post."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, options=()), answers)


class RepostsCrossposts(Discord):
    """Posts a message again instead of crossposting it."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, comment="", reply_to=""), answers)
