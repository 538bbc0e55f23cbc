"""Connectors with one fault each in reading post URLs."""

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.contract.post_addresses import ClaimedAddress
from connectors.platforms.sandbox.publisher import Sandbox


class TrustsLastPathSegment(Sandbox):
    """Uses the last path segment of any URL as the post ID."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        return Found(address.url.rstrip("/").rpartition("/")[2], address.url)


class IgnoresAddresses(Sandbox):
    """Does not support resolving URLs."""

    resolve_address = None  # type: ignore[assignment]  # as if it were not there


class ReportsUnreadablePostAbsent(Sandbox):
    """Reports a post absent if the response is unreadable."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        turn = super().resolve_address(address, answers)
        return Absent() if isinstance(turn, Unknown) else turn


class SkipsAddressLookup(Sandbox):
    """Accepts a URL without requesting the post."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        turn = super().resolve_address(address, answers)
        return Found(address.url.rpartition("/")[2]) if isinstance(turn, Send) else turn
