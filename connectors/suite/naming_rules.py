"""The rule of addresses: what one names is the copy that stands there, and nothing else is taken for it."""

from connectors.contract import Answer, Connector, Send
from connectors.naming import Address, Names
from connectors.outcomes import Absent, Found, Published, Rejected, Sighting, Unknown
from connectors.suite.house import House
from connectors.suite.world import World

STRANGE = ("https://example.com/", "https://example.com/watch", "https://example.com/p/1")
"""Addresses of another site."""


def addresses_are_read(world: World, connector: Connector) -> list[str]:
    """The address of a copy names it by its native id. What is no post, somebody else's or gone is not found, and out
    of a broken answer comes no proof."""
    if world.address is None:
        return []
    if not isinstance(connector, Names):
        return ["nobody reads addresses"]
    house, unit = House(world, connector), world.unit()
    outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["it was never published"]
    url, wanted = world.address(outcome.native_id), world.named_as(outcome.native_id)
    seen = _named(house, connector, world, url)
    breaches = [] if isinstance(seen, Found) and seen.native_id == wanted else [f"{seen}, where {wanted} stands"]
    for other in (*STRANGE, *world.elsewhere):
        if isinstance(_named(house, connector, world, other), Found):
            breaches.append(f"{other} is taken for a post of the account")
    if not world.named_on:
        return breaches
    for mode in ("garbage", "status:503"):
        world.ask(mode, world.named_on)
        if not isinstance(_named(house, connector, world, url), Unknown):
            breaches.append(f"{mode}: proof out of a broken answer")
    if isinstance(house.remove(unit, outcome.native_id), Rejected):
        return breaches
    gone = _named(house, connector, world, url)
    return breaches + ([] if isinstance(gone, Absent) else ["found, and it is gone"])


def _named(house: House, connector: Names, world: World, url: str) -> Sighting:
    answers: tuple[Answer, ...] = ()
    place = Address(url, world.account.account, world.destination, world.least_media)
    while isinstance(turn := connector.named(place, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
