"""Connectors with one fault each in editing posts or in first comments; the suite must detect each."""

from dataclasses import replace

from connectors.contract.connector import LookupQuery, Send, StepResult
from connectors.contract.outcomes import Absent, LookupResult, Outcome, Published
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.own_page.publisher import OwnPage
from connectors.platforms.sandbox.publisher import Sandbox
from gate.contract.units import Unit


class ClaimsEdits(Sandbox):
    """Reports an edit as done, whatever the response."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return Published(native_id) if answers else super().edit(unit, native_id, answers)


class DropsEditedPictures(OwnPage):
    """Removes the media of a post when its text is edited."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().edit(replace(unit, media=()), native_id, answers)


class ClaimsEditSupport(Fanvue):
    """Declares edit support without implementing it."""

    capabilities = replace(Fanvue.capabilities, edits=True)


class RepeatsFirstComment(Instagram):
    """Confirms that a comment with a lost response is absent."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return Absent(confirmed=True) if sought.comment else super().look_up(sought, answers)
