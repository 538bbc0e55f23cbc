"""The rule of tokens that end and are renewed with a second one; it gives the breaches it saw."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from connectors.contract import (
    Answer,
    Connector,
    Grant,
    OAuthClient,
    Refreshable,
    Renewed,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    WireStep,
)
from connectors.enrolment import Connectable
from connectors.outcomes import Reauthorize, Retry, Uncertain
from connectors.suite.house import House
from connectors.suite.world import World
from foundation.sealed import Sealed

SECRET = Sealed(b"a-second-token")
MOST_STEPS = 4
"""Requests of one renewal, as many as the house makes."""

Day = Callable[[WireStep], Answer]
SURE: dict[str, Day] = {
    "nothing left the house": lambda step: StepNotSent(step.name, "refused"),
    "429": lambda step: Response(step.name, 429, {"retry-after": "30"}, {}),
}
"""What surely used nothing up."""

DOUBTFUL: dict[str, Day] = {
    "a lost answer": lambda step: StepAnswerLost(step.name, "reset"),
    "502": lambda step: Response(step.name, 502),
    "broken JSON": lambda step: Response(step.name, 200),
}
"""What may have used the second token up, and says nothing of the account."""


def tokens_are_renewed(world: World, connector: Connector) -> list[str]:
    """A renewal is a sign-in. After what surely used nothing up it is asked for again; what may have used the second
    token up is no refusal, and a doubt where that works once; a pair that was given works; an account that is out is
    told so."""
    if not isinstance(connector, Refreshable):
        return ["tokens end here, and nobody renews them"] if world.grants is not None else []
    grant, breaches = Grant(world.account.account, SECRET, OAuthClient("client", Sealed(b"s"))), list[str]()
    once = connector.refresh_grace <= timedelta(0)
    for day, answered in SURE.items():
        if not isinstance(end := _asked(connector, grant, answered), Retry):
            breaches.append(f"{day}: not asked again, but {type(end).__name__}")
    for day, answered in DOUBTFUL.items():
        end = _asked(connector, grant, answered)
        if not isinstance(end, Uncertain if once else Uncertain | Retry):
            breaches.append(f"{day}: told as {type(end).__name__}")
    return breaches + (_on_the_fake(world, connector, world.grants, once=once) if world.grants is not None else [])


def _asked(connector: Refreshable, grant: Grant, answered: Day) -> object:
    answers: tuple[Answer, ...] = ()
    while isinstance(turn := connector.refresh(grant, answers), Send) and len(answers) < MOST_STEPS:
        if turn.step.kind is not StepKind.AUTH:
            raise TypeError(f"{turn.step.name} of a renewal is {turn.step.kind}")
        answers = (*answers, answered(turn.step))
    return turn


def _on_the_fake(world: World, connector: Refreshable, grants: Callable[[], Grant], *, once: bool) -> list[str]:
    house, breaches, grant = House(world, world.connector), list[str](), grants()

    def send(step: WireStep) -> Answer:
        return house.send(step)

    end = _asked(connector, grant, send)
    if not isinstance(end, Renewed):
        return [f"a good token is not renewed: {type(end).__name__}"]
    if isinstance(connector, Connectable):
        world.account = replace(world.account, token=end.token)
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := connector.check(world.account.account, answers), Send):
            answers = (*answers, house.send(turn.step))
        breaches += [] if turn is None else [f"the new token does not work: {type(turn).__name__}"]
    if once and not isinstance(again := _asked(connector, grant, send), Reauthorize):
        breaches.append(f"a token that was used up is told as {type(again).__name__}")
    world.ask("reset_after", world.grants_on)
    if not isinstance(lost := _asked(connector, grants(), send), Uncertain if once else Uncertain | Retry):
        breaches.append(f"a pair that was lost on its way is told as {type(lost).__name__}")
    return breaches
