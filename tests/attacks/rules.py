"""Attacks on the rules themselves: older ones, unsigned ones, looser ones."""

from foundation.ids import HOUSE
from gate import inforce
from tests.attacks.stage import SCENARIOS, Result, Stage, attack
from tests.gate.builders import unit
from tests.gate.releases import signed

__all__ = ["SCENARIOS"]


@attack("P-10")
def older_rules_brought_back(stage: Stage) -> Result:
    """The newest rules close the place; somebody brings back the version before, which allowed it."""

    def take(version: str, sandbox: str) -> None:
        with stage.world.open(HOUSE, "system:test") as scope:
            inforce.take(scope, signed(version, sandbox=sandbox))

    whole = unit(stage.world)
    if not stage.harm:
        take("2027.02.01-1", "A")
        return stage.by_the_house(whole)
    take("2027.02.02-1", "A")
    take("2027.02.03-1", "H")
    refused = stage.refused(lambda _: take("2027.02.02-1", "A"))
    stage.by_the_house(whole)
    return Result(refused.verdict, refused.reasons, stage.sent(whole))
