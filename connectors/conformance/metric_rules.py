"""The rules for account data: follower counts, earnings and money movements."""

from datetime import timedelta

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.balance import MovementPage, SupportsBalance
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.earnings import Earnings, SupportsEarnings, TimeSpan
from connectors.contract.metrics import SupportsFollowerCount


def followers_are_counted(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that the returned follower count equals the platform's, and that an invalid response
    yields none."""
    if world.followers is None:
        return []
    if not isinstance(connector, SupportsFollowerCount):
        return ["followers are not requested"]
    house = SendingHarness(world, connector)
    world.followers(12)
    counted = _count_followers(house, connector, world)
    world.inject_fault("garbage", world.followers_on)
    unreadable = _count_followers(house, connector, world)
    breaches = [] if counted == 12 else [f"{counted} followers instead of 12"]
    return breaches + ([] if unreadable is None else ["followers from a malformed response"])


def _count_followers(
    house: SendingHarness, connector: SupportsFollowerCount, world: ConnectorWorld
) -> object:
    answers: tuple[StepResult, ...] = ()
    while isinstance(
        turn := connector.count_followers(world.account.account, world.destination, answers), Send
    ):
        answers = (*answers, house.send(turn.step))
    return turn


def earnings_are_reported(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that earnings are exact to the cent, with stable keys, and that an invalid response
    yields none."""
    if world.earned is None:
        return []
    if not isinstance(connector, SupportsEarnings):
        return ["earnings are not requested"]
    house = SendingHarness(world, connector)
    for minor in (1200, 500, 500):
        world.earned(minor)
    told, again = (_read_earnings(house, connector, world) for _ in range(2))
    world.inject_fault("garbage", world.earned_on)
    unreadable = _read_earnings(house, connector, world)
    if not isinstance(told, Earnings) or not isinstance(again, Earnings):
        return ["no earnings are returned"]
    came = sorted((row.kind, row.gross.minor) for row in told.rows)
    breaches = (
        []
        if came == [("sale", 500), ("sale", 500), ("sale", 1200)]
        else [f"{came} instead of 1200, 500, 500"]
    )
    if {row.key for row in told.rows} != {row.key for row in again.rows} or len(
        {row.key for row in told.rows}
    ) != 3:
        breaches.append("the keys of movements are not unique and stable")
    return breaches + ([] if unreadable is None else ["earnings from a malformed response"])


def movements_are_listed(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that movements are listed once each and in order, from any position, and that an
    invalid response yields none."""
    if world.moved is None:
        return []
    if not isinstance(connector, SupportsBalance):
        return ["movements are not requested"]
    house = SendingHarness(world, connector)
    numbers = [world.moved(minor) for minor in (250, 30, 30)]
    whole, rest = (_list_movements(house, connector, start) for start in (0, 2))
    world.inject_fault("garbage", world.moved_on)
    unreadable = _list_movements(house, connector, 0)
    if not isinstance(whole, MovementPage) or not isinstance(rest, MovementPage):
        return ["no movements are returned"]
    came = [(row.native_id, row.minor) for row in whole.rows if row.came and row.kind == "charge"]
    breaches = (
        []
        if came == list(zip(numbers, (250, 30, 30), strict=True))
        else [f"{came} instead of {numbers}"]
    )
    if (rest.count, [row.native_id for row in rest.rows]) != (1, numbers[2:]):
        breaches.append("the cursor does not continue the list")
    if whole.lies is None or whole.lies.minor != 310:
        breaches.append(f"a balance of {whole.lies} instead of 310")
    return breaches + (
        ["a list from a malformed response"] if isinstance(unreadable, MovementPage) else []
    )


def _list_movements(house: SendingHarness, connector: SupportsBalance, start: int) -> object:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := connector.list_movements(start, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn


def last_day(world: ConnectorWorld) -> TimeSpan:
    """Return the last 24 hours by the fake's clock, with an hour of margin."""
    return TimeSpan(world.clock() - timedelta(days=1), world.clock() + timedelta(hours=1))


def _read_earnings(
    house: SendingHarness, connector: SupportsEarnings, world: ConnectorWorld
) -> object:
    answers: tuple[StepResult, ...] = ()
    while isinstance(
        turn := connector.read_earnings(world.account.account, last_day(world), answers), Send
    ):
        answers = (*answers, house.send(turn.step))
    return turn
