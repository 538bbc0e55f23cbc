"""Connectors with one fault each in giving roles; the suite must find every one."""

from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Disconnected, Outcome, Published, Rejected
from connectors.platforms.discord.publisher import Discord


class ClaimsRoleRemoval(Discord):
    """Says that a role is taken without asking anybody."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        return super().set_role(account, fan, role, give, answers) if give else Published(fan)


class DisconnectsOnMissingMember(Discord):
    """Takes whoever is not there for the end of everything."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        turn = super().set_role(account, fan, role, give, answers)
        return Disconnected(turn.reason) if isinstance(turn, Rejected) else turn
