"""The rule for reader roles: assigning and removing them is idempotent and never uncertain. It
returns its breaches."""

from connectors.conformance.comment_rules import LOST_ANSWER_FAULTS
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry
from connectors.contract.reader_roles import READER_NOT_THERE, ROLE_ACTION, SupportsReaderRoles


def roles_are_given_once(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a role is assigned and removed as reported, idempotently, and retried after a
    fault.

    A user who has not joined gets `READER_NOT_THERE`.
    """
    if world.roles is None:
        return (
            ["it assigns roles that its world does not have"]
            if isinstance(connector, SupportsReaderRoles)
            else []
        )
    if not isinstance(connector, SupportsReaderRoles):
        return ["the platform has roles, but the connector does not assign them"]
    house = SendingHarness(world, connector)
    roles = world.roles
    breaches = list[str]()
    for give in (True, False):
        for mode in LOST_ANSWER_FAULTS:
            world.inject_fault(mode, roles.on, seconds=3.0)
            if not isinstance(end := _set_role(house, connector, world, roles.member, give), Retry):
                breaches.append(
                    f"{mode} of {'assigning' if give else 'removing'} a role is not retried: "
                    f"{type(end).__name__}"
                )
        for _ in range(2):
            if not isinstance(
                end := _set_role(house, connector, world, roles.member, give), Published
            ):
                breaches.append(
                    f"{'assigning' if give else 'removing'} a role is reported as "
                    f"{type(end).__name__}"
                )
            if roles.borne() is not give:
                breaches.append(f"reported as {'assigned' if give else 'removed'}, but it is not")
    end = _set_role(house, connector, world, roles.stranger, True)
    if not isinstance(end, Rejected) or end.reason.code != READER_NOT_THERE:
        breaches.append(f"assigning it to a missing member is reported as {type(end).__name__}")
    if not isinstance(end := _set_role(house, connector, world, roles.stranger, False), Published):
        breaches.append(f"removing it from a missing member is reported as {type(end).__name__}")
    return breaches


def _set_role(
    house: SendingHarness,
    connector: SupportsReaderRoles,
    world: ConnectorWorld,
    fan: str,
    give: bool,
) -> Outcome:
    answers: tuple[StepResult, ...] = ()
    role = world.roles.role if world.roles is not None else ""
    while True:
        turn = connector.set_role(world.account.account, fan, role, give, answers)
        if not isinstance(turn, Send):
            return turn
        if (turn.step.kind, turn.step.action) not in (
            ("control", ROLE_ACTION),
            ("control", "look"),
        ):
            raise TypeError(f"{turn.step.name} of a role is {turn.step.kind}/{turn.step.action}")
        answers = (*answers, house.send(turn.step))
