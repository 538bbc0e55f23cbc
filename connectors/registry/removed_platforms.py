"""The connector of a platform whose package was removed. Its accounts remain, but no request is
sent."""

from collections.abc import Mapping
from datetime import timedelta

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import LookupQuery, PlatformCopy, Send, StepResult
from connectors.contract.outcomes import LookupResult, Outcome, Retry, Unknown
from foundation.i18n.translation import Message
from gate.contract.units import Unit

ASK_AGAIN = timedelta(hours=1)
"""Delay of deliveries while the package is missing. A reinstalled package needs a restart."""


class RemovedPlatform:
    """A platform without a connector."""

    def __init__(self, platform: str) -> None:
        self.capabilities = Capabilities(
            platform=platform,
            surfaces=(),
            max_text=0,
            max_media=0,
            mimes=(),
            max_bytes=0,
            look="none",
            resend_is_look=False,
            can_delete=False,
            can_chat=False,
            can_sell=False,
            stages=False,
        )
        self._later = Retry(
            ASK_AGAIN, "account", Message("connectors.away", {"platform": platform})
        )

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return a Retry."""
        return self._later

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Return Unknown."""
        return Unknown(self._later.reason)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return a Retry, since a removal is never abandoned."""
        return self._later

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return None."""
        return None
