"""The rule for URLs of posts: a URL resolves to the account's post, and to nothing else."""

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Absent, Found, LookupResult, Published, Rejected, Unknown
from connectors.contract.post_addresses import ClaimedAddress, SupportsAddressLookup

STRANGE = ("https://example.com/", "https://example.com/watch", "https://example.com/p/1")
"""URLs of another site."""


def addresses_are_resolved(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that the URL of a copy resolves to its native ID.

    URLs that are not posts, belong to another account's post or name a deleted post are not found.
    An invalid response proves nothing.
    """
    if world.address is None:
        return []
    if not isinstance(connector, SupportsAddressLookup):
        return ["post addresses are not resolved"]
    house = SendingHarness(world, connector)
    unit = world.unit()
    outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["the post was not published"]
    url = world.address(outcome.native_id)
    wanted = world.named_as(outcome.native_id)
    seen = _resolve_address(house, connector, world, url)
    breaches = (
        []
        if isinstance(seen, Found) and seen.native_id == wanted
        else [f"{seen} instead of {wanted}"]
    )
    for other in (*STRANGE, *world.elsewhere):
        if isinstance(_resolve_address(house, connector, world, other), Found):
            breaches.append(f"{other} is accepted as a post of the account")
    if not world.named_on:
        return breaches
    for mode in ("garbage", "status:503"):
        world.inject_fault(mode, world.named_on)
        if not isinstance(_resolve_address(house, connector, world, url), Unknown):
            breaches.append(f"{mode}: proof from a malformed response")
    if isinstance(house.remove(unit, outcome.native_id), Rejected):
        return breaches
    gone = _resolve_address(house, connector, world, url)
    return breaches + ([] if isinstance(gone, Absent) else ["found after its removal"])


def _resolve_address(
    house: SendingHarness, connector: SupportsAddressLookup, world: ConnectorWorld, url: str
) -> LookupResult:
    answers: tuple[StepResult, ...] = ()
    place = ClaimedAddress(url, world.account.account, world.destination, world.least_media)
    while isinstance(turn := connector.resolve_address(place, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn
