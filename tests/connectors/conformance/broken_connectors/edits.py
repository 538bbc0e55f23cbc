"""Connectors that change words, or comment their own posts, with one fault each; the suite must
find every one."""

from dataclasses import replace

from connectors.contract.connector import LookupQuery, Send, StepResult
from connectors.contract.outcomes import Absent, LookupResult, Outcome, Published
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.own_page.publisher import OwnPage
from connectors.platforms.sandbox.publisher import Sandbox
from gate.contract.units import Unit


class ClaimsEdits(Sandbox):
    """Says that other words stand, whatever was answered."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return Published(native_id) if answers else super().edit(unit, native_id, answers)


class DropsEditedPictures(OwnPage):
    """Forgets what a post shows when its words are changed."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().edit(replace(unit, media=()), native_id, answers)


class ClaimsEditSupport(Fanvue):
    """Says that it changes words, and knows no way."""

    capabilities = replace(Fanvue.capabilities, edits=True)


class RepeatsFirstComment(Instagram):
    """Says that a comment whose answer was lost is nowhere."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return Absent() if sought.comment else super().look_up(sought, answers)
