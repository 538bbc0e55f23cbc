"""Connectors that ask whether a post still stands, with one fault each; the suite must find every one."""

from connectors.contract import Answer, Copy, Send
from connectors.fanvue import Fanvue
from connectors.standing import Missing, Stand, Standing


class MissesWhatItCannotRead(Fanvue):
    """Takes an outage for the end of a post."""

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        return super().still(copy, answers) or Missing()


class NeverMisses(Fanvue):
    """Takes whatever was posted for standing."""

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        seen = super().still(copy, answers)
        return Standing() if isinstance(seen, Missing) else seen
