"""Connectors that read an address wrongly, each in one way."""

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.contract.post_addresses import ClaimedAddress
from connectors.platforms.sandbox.publisher import Sandbox


class TrustsLastPathSegment(Sandbox):
    """Takes the end of any address for the post's id."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        return Found(address.url.rstrip("/").rpartition("/")[2], address.url)


class IgnoresAddresses(Sandbox):
    """Cannot say what an address names."""

    resolve_address = None  # type: ignore[assignment]  # as if it were not there


class ReportsUnreadablePostAbsent(Sandbox):
    """Takes what nobody could read for what is not there."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        turn = super().resolve_address(address, answers)
        return Absent() if isinstance(turn, Unknown) else turn


class SkipsAddressLookup(Sandbox):
    """Believes an address without asking whether anything stands there."""

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        turn = super().resolve_address(address, answers)
        return Found(address.url.rpartition("/")[2]) if isinstance(turn, Send) else turn
