"""The rule for crossposts: posts that a platform shows again to the followers of their destination.
It returns its breaches."""

from dataclasses import replace

from connectors.conformance.first_comment_rules import FIRST_COMMENT_FAULTS
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Published
from connectors.shared.options import OPTION_TRUE
from gate.contract.units import REPOST_KIND, PlatformOption


def crossposts_are_made_once(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a post is crossposted exactly once, whatever fault occurs, and that the crosspost
    can be deleted."""
    can = connector.capabilities
    if not can.passes_on or world.viewer:
        return []
    if world.passed_on is None:
        return ["the world cannot show crossposts"]
    house = SendingHarness(world, connector)
    breaches = list[str]()
    for mode in FIRST_COMMENT_FAULTS:
        unit = replace(
            world.unit(), parts=2, options=(PlatformOption(can.passes_on, (OPTION_TRUE,)),)
        )
        post = house.publish(unit).outcome
        if not isinstance(post, Published) or world.passed_on(post.native_id):
            return [*breaches, "the post was not published, or was crossposted without the option"]
        if mode:
            world.inject_fault(mode, "passes")
        again = replace(
            unit, surface=can.passes_to, comment=REPOST_KIND, reply_to=post.native_id, options=()
        )
        story = house.publish(again)
        if not isinstance(story.outcome, Published) or not world.passed_on(post.native_id):
            breaches.append(f"{mode or 'a normal run'}: reported as {type(story.outcome).__name__}")
        elif not isinstance(house.remove(again, story.outcome.native_id), Published):
            breaches.append("a crosspost cannot be removed")
    return breaches
