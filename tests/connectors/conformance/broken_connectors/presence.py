"""Connectors that ask whether a post still stands, with one fault each; the suite must find every
one."""

from connectors.contract.connector import PlatformCopy, Send, StepResult
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.fanvue.publisher import Fanvue


class ReportsOutageAsDeletion(Fanvue):
    """Takes an outage for the end of a post."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        return super().check_presence(copy, answers) or MissingPost()


class NeverReportsDeletion(Fanvue):
    """Takes whatever was posted for standing."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        seen = super().check_presence(copy, answers)
        return PresenceReport() if isinstance(seen, MissingPost) else seen
