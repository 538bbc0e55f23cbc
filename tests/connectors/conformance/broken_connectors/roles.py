"""Connectors with one fault each in assigning roles; the suite must detect each."""

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Disconnected, Outcome, Published, Rejected
from connectors.platforms.discord.publisher import Discord


class ClaimsRoleRemoval(Discord):
    """Reports a role as removed without a request."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        return super().set_role(account, fan, role, give, answers) if give else Published(fan)


class DisconnectsOnMissingMember(Discord):
    """Disconnects the account if a member is missing."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        turn = super().set_role(account, fan, role, give, answers)
        return Disconnected(turn.reason) if isinstance(turn, Rejected) else turn
