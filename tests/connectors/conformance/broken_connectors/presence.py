"""Connectors with one fault each in checking the presence of a post; the suite must detect each."""

from connectors.contract.connector import PlatformCopy, Send, StepResult
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.fanvue.publisher import Fanvue


class ReportsOutageAsDeletion(Fanvue):
    """Reports a post as deleted during an outage."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        return super().check_presence(copy, answers) or MissingPost()


class NeverReportsDeletion(Fanvue):
    """Reports every published post as present."""

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        seen = super().check_presence(copy, answers)
        return PresenceReport() if isinstance(seen, MissingPost) else seen
