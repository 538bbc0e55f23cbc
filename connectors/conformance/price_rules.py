"""The rules for prices: locked media are never published for free, free media never cost anything,
and purchases are detected."""

from dataclasses import replace
from typing import Any

from connectors.conformance.harness import PublishReport, SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.contract.paid_media import BOUGHT_STAYS, PaidMessageStatus, SupportsPaidMessages
from connectors.transport.transport import EgressForbidden
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Unit

ANY = Money(500, "USD")


def prices_are_enforced(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a unit is published at its price or not at all, and that a unit without a price is
    free."""
    asking = connector.capabilities.price_range(world.surface)
    if asking is None:
        return _find_free_post_breaches(world, connector, world.unit(media=1, price=ANY))
    breaches = []
    for minor in (asking.least, asking.most):
        price = Money(minor, asking.currency)
        breaches += _find_price_breaches(world, connector, world.unit(media=2, price=price), price)
    breaches += _find_price_breaches(
        world, connector, replace(world.unit(media=1), price=None), None
    )
    beyond = (Money(asking.least - 1, asking.currency), Money(asking.most + 1, asking.currency))
    for wrong in (*beyond, replace(beyond[0], minor=asking.least, currency="XTS")):
        breaches += _find_free_post_breaches(world, connector, world.unit(media=1, price=wrong))
    if not world.least_media:
        bare = world.unit(price=Money(asking.least, asking.currency))
        breaches += _find_free_post_breaches(world, connector, bare)
    return breaches + _find_resend_breaches(world, connector, Money(asking.least, asking.currency))


def _publish_unit(world: ConnectorWorld, connector: Connector, unit: Unit) -> PublishReport | None:
    """Publish a unit. Return None if the transport blocked the request."""
    try:
        return SendingHarness(world, connector).publish(unit)
    except EgressForbidden:
        return None


def _find_price_breaches(
    world: ConnectorWorld, connector: Connector, unit: Unit, price: Money | None
) -> list[str]:
    story = _publish_unit(world, connector, unit)
    outcome: Any = story.outcome if story is not None else None
    if not isinstance(outcome, Published):
        return [f"a post that {_describe_price(price)} is not sent: {type(outcome).__name__}"]
    there = world.priced(outcome.native_id)
    return (
        []
        if there == (price.minor if price is not None else None)
        else [f"a post that {_describe_price(price)} has the price {there}"]
    )


def _describe_price(price: Money | None) -> str:
    return "is free" if price is None else f"costs {price}"


def _find_free_post_breaches(world: ConnectorWorld, connector: Connector, unit: Unit) -> list[str]:
    """Check that a unit with an unsupported price is not sent."""
    before = len(world.fake.accepted_posts())
    _publish_unit(world, connector, unit)
    return (
        []
        if len(world.fake.accepted_posts()) == before
        else [f"sent at the unsupported price {unit.price}"]
    )


def _find_resend_breaches(world: ConnectorWorld, connector: Connector, price: Money) -> list[str]:
    """Check that a lost answer causes no duplicate."""
    world.inject_fault("reset_after", "posts")
    unit = world.unit(media=1, price=price)
    before = len(world.fake.accepted_posts())
    story = _publish_unit(world, connector, unit)
    made = len(world.fake.accepted_posts()) - before
    known = story is not None and (isinstance(story.outcome, Published) or not world.can_look)
    return ([] if made == 1 else [f"sent {made} times"]) + (
        [] if known else ["a post with a lost response is not found"]
    )


def purchases_are_seen(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a locked message is reported as unpaid and then as paid, never because of an
    invalid response, and is not deleted once it is bought."""
    if world.bought is None or not isinstance(connector, SupportsPaidMessages):
        return []
    house = SendingHarness(world, connector)
    sent = world.now()
    outcome = house.publish(world.unit()).outcome
    if not isinstance(outcome, Published):
        return ["a locked message is not sent"]
    copy = PlatformCopy(outcome.native_id, world.account.account, world.viewer)
    breaches = []

    def seen(of: PlatformCopy) -> object:
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := connector.read_paid_status(of, sent, answers), Send):
            answers = (*answers, house.send(turn.step))
        return turn

    if seen(copy) != PaidMessageStatus("unpaid"):
        breaches.append("an unsold message is not reported as unpaid")
    world.bought(outcome.native_id)
    for mode in ("garbage", "status:503", "reset_after"):
        world.inject_fault(mode, "lookups")
        if seen(copy) is not None:
            breaches.append(f"{mode}: a status from a malformed response")
    paid = seen(copy)
    if not isinstance(paid, PaidMessageStatus) or paid.state != "paid":
        breaches.append("a purchase is not seen")
    if seen(replace(copy, native_id=str(uuid7()))) != PaidMessageStatus("gone"):
        breaches.append("a missing message is reported as present")
    end = _remove_post(house, connector, copy)
    if (
        not isinstance(end, Rejected)
        or end.reason.code != BOUGHT_STAYS
        or copy.native_id not in world.fake.live_post_ids()
    ):
        breaches.append("a purchased message is removed, or kept without a reason")
    return breaches


def _remove_post(house: SendingHarness, connector: Connector, copy: PlatformCopy) -> Send | Outcome:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := connector.remove(copy, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
