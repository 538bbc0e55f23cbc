"""The rule for presence checks: existing posts are never reported as deleted, and an invalid
response proves nothing."""

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from connectors.contract.outcomes import Published, Rejected
from connectors.contract.post_presence import (
    MissingPost,
    PostPresence,
    PresenceReport,
    SupportsPresenceCheck,
)


def deleted_posts_are_noticed(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that an existing post is reported as present and a deleted one as missing.

    An unreadable response, a refused token and an outage must yield neither.
    """
    if world.viewer or not isinstance(connector, SupportsPresenceCheck):
        return []
    house = SendingHarness(world, connector)
    unit = world.unit()
    outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["the post was not published"]
    copy = PlatformCopy(world.named_as(outcome.native_id), unit.account)
    breaches = (
        []
        if isinstance(_check_presence(house, connector, copy), PresenceReport)
        else ["a live post is not found"]
    )
    for mode in ("garbage", "status:503", "status:401", "status:403"):
        world.inject_fault(mode, world.watched_on or world.named_on)
        seen = _check_presence(house, connector, copy)
        if seen is not None:
            breaches.append(f"{mode}: {type(seen).__name__} from a malformed response")
    if world.take_down is not None:
        world.take_down(outcome.native_id)
    elif isinstance(house.remove(unit, outcome.native_id), Rejected):
        return breaches
    gone = _check_presence(house, connector, copy)
    return breaches + ([] if isinstance(gone, MissingPost) else [f"{gone} for a deleted post"])


def _check_presence(
    house: SendingHarness, connector: SupportsPresenceCheck, copy: PlatformCopy
) -> PostPresence | None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := connector.check_presence(copy, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
