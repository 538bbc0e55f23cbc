"""The rule of platforms that tell what is gone: what stands is never missed, and nothing comes of a broken answer."""

from connectors.contract import Answer, Connector, Copy, Send
from connectors.outcomes import Published, Rejected
from connectors.standing import Missing, Stand, Standing, Watched
from connectors.suite.house import House
from connectors.suite.world import World


def what_is_gone_is_missed(world: World, connector: Connector) -> list[str]:
    """A post that stands is told so; one that is gone is missed. Out of an answer that nobody can read, a refused token
    or an outage comes neither."""
    if world.viewer or not isinstance(connector, Watched):
        return []
    house, unit = House(world, connector), world.unit()
    outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["it was never published"]
    copy = Copy(world.named_as(outcome.native_id), unit.account)
    breaches = [] if isinstance(_seen(house, connector, copy), Standing) else ["it stands, and is not seen"]
    for mode in ("garbage", "status:503", "status:401", "status:403"):
        world.ask(mode, world.watched_on or world.named_on)
        seen = _seen(house, connector, copy)
        if seen is not None:
            breaches.append(f"{mode}: {type(seen).__name__} out of a broken answer")
    if world.take_down is not None:
        world.take_down(outcome.native_id)
    elif isinstance(house.remove(unit, outcome.native_id), Rejected):
        return breaches
    gone = _seen(house, connector, copy)
    return breaches + ([] if isinstance(gone, Missing) else [f"{gone}, and it is gone"])


def _seen(house: House, connector: Watched, copy: Copy) -> Stand | None:
    answers: tuple[Answer, ...] = ()
    while isinstance(turn := connector.still(copy, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
