"""Rules of what lies behind a price: it leaves with it or not at all, and whether it was bought is seen."""

from dataclasses import replace

from connectors.contract import Answer, Connector, Copy, Send, StepKind
from connectors.locking import KEPT, Locked, Locks
from connectors.outcomes import Outcome, Published, Rejected
from connectors.suite.house import House
from connectors.suite.world import World
from foundation.ids import uuid7
from foundation.money import Money

PRICE = Money(500, "USD")


def prices_are_told_or_refused(world: World, connector: Connector) -> list[str]:
    """What is behind a price leaves with it, where a place keeps it there; elsewhere nothing leaves."""
    unit = replace(world.unit(media=1), price=PRICE)
    story = House(world, connector).publish(unit)
    if not (unit.media and connector.capabilities.locks_at(unit.surface)):
        return ["what has a price is given away"] if story.steps or not isinstance(story.outcome, Rejected) else []
    wires = [step.json or {} for step in story.steps if step.kind is StepKind.PUBLISH]
    return [] if wires and all(world.tells_price(wire, PRICE) for wire in wires) else ["the price does not travel"]


def what_was_bought_is_seen(world: World, connector: Connector) -> list[str]:
    """A locked message is unpaid, then paid, and never paid by a broken answer; what was bought is not taken back."""
    if world.bought is None or not isinstance(connector, Locks):
        return []
    house, sent = House(world, connector), world.now()
    outcome = house.publish(world.unit()).outcome
    if not isinstance(outcome, Published):
        return ["a locked message is not sent"]
    copy, breaches = Copy(outcome.native_id, world.account.account, world.viewer), []

    def seen(of: Copy) -> object:
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := connector.locked(of, sent, answers), Send):
            answers = (*answers, house.send(turn.step))
        return turn

    if seen(copy) != Locked("unpaid"):
        breaches.append("what nobody bought is not told as unpaid")
    world.bought(outcome.native_id)
    for mode in ("garbage", "status:503", "reset_after"):
        world.ask(mode, "lookups")
        if seen(copy) is not None:
            breaches.append(f"{mode}: an answer nobody can read says how it stands")
    paid = seen(copy)
    if not isinstance(paid, Locked) or paid.state != "paid":
        breaches.append("what was bought is not seen")
    if seen(replace(copy, native_id=str(uuid7()))) != Locked("gone"):
        breaches.append("a message that is not there stands")
    end = _removed(house, connector, copy)
    if not isinstance(end, Rejected) or end.reason.code != KEPT or copy.native_id not in world.fake.standing():
        breaches.append("what was bought is taken back, or nobody is told why it is not")
    return breaches


def _removed(house: House, connector: Connector, copy: Copy) -> Send | Outcome:
    answers: tuple[Answer, ...] = ()
    while isinstance(turn := connector.remove(copy, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
