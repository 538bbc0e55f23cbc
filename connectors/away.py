"""What stands for a connector whose package was removed: its accounts are still there, and nothing is sent to them."""

from collections.abc import Mapping
from datetime import timedelta

from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, Send, Sought
from connectors.outcomes import Outcome, Retry, Sighting, Unknown
from foundation.words import Message
from gate.units import Unit

ASK_AGAIN = timedelta(hours=1)
"""Until the package is back, which takes a start of the house."""


class Away:
    """A platform that nothing here speaks to any more; pure."""

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
        self._later = Retry(ASK_AGAIN, "account", Message("connectors.away", {"platform": platform}))

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Nothing leaves; later."""
        return self._later

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Nobody can tell."""
        return Unknown(self._later.reason)

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Later, or by a person: what has to go is never given up."""
        return self._later

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """No numbers."""
        return None
