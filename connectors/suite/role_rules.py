"""The rule of roles: given and taken as often as one likes, and never in doubt; it gives the breaches it saw."""

from connectors.contract import Answer, Connector, Send
from connectors.outcomes import Outcome, Published, Rejected, Retry
from connectors.roles import NOT_THERE, ROLE, GivesRoles
from connectors.suite.house import House
from connectors.suite.remark_rules import LOST
from connectors.suite.world import World


def roles_are_given_once(world: World, connector: Connector) -> list[str]:
    """A role is borne once it is told given, and no more once it is told taken; done twice is done once, a bad day is
    tried again, and who is not there is nobody's fault."""
    if world.roles is None:
        return ["roles are given that its world does not know"] if isinstance(connector, GivesRoles) else []
    if not isinstance(connector, GivesRoles):
        return ["there are roles, and nobody gives them"]
    house, roles, breaches = House(world, connector), world.roles, list[str]()
    for give in (True, False):
        for mode in LOST:
            world.ask(mode, roles.on, seconds=3.0)
            if not isinstance(end := _turned(house, connector, world, roles.member, give), Retry):
                breaches.append(f"{mode} of {'giving' if give else 'taking'} is not tried again: {type(end).__name__}")
        for _ in range(2):
            if not isinstance(end := _turned(house, connector, world, roles.member, give), Published):
                breaches.append(f"{'giving' if give else 'taking'} is told as {type(end).__name__}")
            if roles.borne() is not give:
                breaches.append(f"it is told {'given' if give else 'taken'} and is not")
    end = _turned(house, connector, world, roles.stranger, True)
    if not isinstance(end, Rejected) or end.reason.code != NOT_THERE:
        breaches.append(f"giving it to who is not there is told as {type(end).__name__}")
    if not isinstance(end := _turned(house, connector, world, roles.stranger, False), Published):
        breaches.append(f"taking it from who is not there is told as {type(end).__name__}")
    return breaches


def _turned(house: House, connector: GivesRoles, world: World, fan: str, give: bool) -> Outcome:
    answers: tuple[Answer, ...] = ()
    role = world.roles.role if world.roles is not None else ""
    while True:
        turn = connector.role(world.account.account, fan, role, give, answers)
        if not isinstance(turn, Send):
            return turn
        if (turn.step.kind, turn.step.action) not in (("control", ROLE), ("control", "look")):
            raise TypeError(f"{turn.step.name} of a role is {turn.step.kind}/{turn.step.action}")
        answers = (*answers, house.send(turn.step))
