"""Connectors that change words, or comment their own posts, with one fault each; the suite must find every one."""

from dataclasses import replace

from connectors.contract import Answer, Send, Sought
from connectors.fanvue import Fanvue
from connectors.feed import Feed
from connectors.instagram import Instagram
from connectors.outcomes import Absent, Outcome, Published, Sighting
from connectors.sandbox import Sandbox
from gate.units import Unit


class BelievesInChanges(Sandbox):
    """Says that other words stand, whatever was answered."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        return Published(native_id) if answers else super().edit(unit, native_id, answers)


class DropsPictures(Feed):
    """Forgets what a post shows when its words are changed."""

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        return super().edit(replace(unit, media=()), native_id, answers)


class ClaimsToChange(Fanvue):
    """Says that it changes words, and knows no way."""

    capabilities = replace(Fanvue.capabilities, edits=True)


class CommentsAgain(Instagram):
    """Says that a comment whose answer was lost is nowhere."""

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        return Absent() if sought.comment else super().find(sought, answers)
