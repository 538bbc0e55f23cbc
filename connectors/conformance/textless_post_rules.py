"""The rule for pictures without text after a lost answer. It returns its breaches."""

from dataclasses import replace

from connectors.conformance.harness import SendingHarness, may_ask_member
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Published, Rejected, Uncertain
from gate.contract.units import Unit

TEXTLESS_FAULTS = ("", "reset_before", "reset_after", "status:503_after", "garbage")


def textless_posts_are_found(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a picture without text is published exactly once and reported, whatever fault
    occurs.

    A similar post that a user publishes from the account at the same time must not be mistaken for
    it. The delivery may then remain uncertain, but is not repeated.
    """
    if world.title or isinstance(connector.next_step(_build_textless_unit(world), ()), Rejected):
        return []  # a title counts as text
    breaches = []
    for mode in TEXTLESS_FAULTS:
        breaches += [
            f"{mode or 'a normal run'}: {told}"
            for told in _find_publish_breaches(world, connector, mode)
        ]
        world.clock.advance(3600)
    for mode in ("reset_before", "reset_after"):
        other = replace(_build_textless_unit(world), media=world.media[1:2] or world.media[:1])
        SendingHarness(world, connector).publish(other)  # unknown to the connector
        breaches += [
            f"{mode} next to another post: {told}"
            for told in _find_publish_breaches(world, connector, mode, beside=True)
        ]
        world.clock.advance(3600)
    return breaches


def _build_textless_unit(world: ConnectorWorld) -> Unit:
    return replace(world.unit(media=1), texts=())


def _find_publish_breaches(
    world: ConnectorWorld, connector: Connector, mode: str, *, beside: bool = False
) -> list[str]:
    before = {native_id for native_id, _ in world.fake.accepted_posts()}
    if mode:
        world.inject_fault(mode, "posts")
    unit = _build_textless_unit(world)
    outcome = SendingHarness(world, connector).publish(unit).outcome
    new = {native_id for native_id, _ in world.fake.accepted_posts()} - before
    if len(new) > 1:
        return [f"sent {len(new)} times"]
    if isinstance(outcome, Published):
        return (
            []
            if outcome.native_id in new
            else ["misreported: published, but it is another post or missing"]
        )
    doubted = isinstance(outcome, Uncertain) and (
        beside
        or not (world.can_look and world.tells_files)
        or (mode == "reset_before" and may_ask_member(world, connector, unit))
    )
    return [] if doubted else [f"lost: {type(outcome).__name__}"]
