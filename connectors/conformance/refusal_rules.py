"""The rule for refusals that prove nothing about the account. It returns its breaches."""

from dataclasses import replace

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector
from connectors.contract.edits import SupportsEdits
from connectors.contract.outcomes import Disconnected, Published, Reauthorize
from gate.contract.units import Text

UNEXPLAINED_REFUSAL = "status:404"
"""A response of a platform that does not know the request and states no reason."""


def unexplained_refusals_keep_the_account(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that an unknown request is not taken as proof that the account or its token is invalid.

    Only `verify_account` may conclude that from a 404 without a reason.
    """
    house = SendingHarness(world, connector)
    world.inject_fault(UNEXPLAINED_REFUSAL, "posts")
    outcomes = [("a post", house.publish(world.unit()).first_response)]
    unit = world.unit()
    story = house.publish(unit)
    if not isinstance(story.outcome, Published):
        return ["the post was not published"]
    if isinstance(connector, SupportsEdits) and not world.viewer:
        world.inject_fault(UNEXPLAINED_REFUSAL, "edits")
        by = replace(unit, texts=(Text("title", world.title), Text("body", "other words")))
        edited = house.edit(by, story.outcome.native_id, story.told)
        outcomes.append(("an edit", edited))
    if connector.capabilities.can_remove(chat=world.viewer):
        world.inject_fault(UNEXPLAINED_REFUSAL, "deletes")
        outcomes.append(("a removal", house.remove(unit, story.outcome.native_id)))
    return [
        f"404 of {request} is reported as {type(outcome).__name__}"
        for request, outcome in outcomes
        if isinstance(outcome, Reauthorize | Disconnected)
    ]
