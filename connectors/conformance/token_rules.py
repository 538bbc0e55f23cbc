"""The rule for token refresh. It returns its breaches."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.connector import (
    Connector,
    OAuthClient,
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    SupportsTokenRefresh,
    WireStep,
)
from connectors.contract.outcomes import Reauthorize, Retry, Uncertain
from foundation.sealed import Sealed

SECRET = Sealed(b"a-second-token")
MAX_STEPS = 4
"""Maximum number of requests of one refresh."""

Day = Callable[[WireStep], StepResult]
SURE: dict[str, Day] = {
    "request not sent": lambda step: StepNotSent(step.name, "refused"),
    "429": lambda step: Response(step.name, 429, {"retry-after": "30"}, {}),
}
"""Results of a refresh request after which the refresh token is certainly unused."""

DOUBTFUL: dict[str, Day] = {
    "lost response": lambda step: StepAnswerLost(step.name, "reset"),
    "502": lambda step: Response(step.name, 502),
    "broken JSON": lambda step: Response(step.name, 200),
}
"""Results of a refresh request after which the refresh token may be used up. They prove nothing
about the account."""


def tokens_are_renewed(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check the refresh of tokens by sign-in requests.

    It is retried if the refresh token is certainly unused. If the token may be used up, the outcome
    is no refusal, and it is Uncertain if the token works only once. The new token must work, and a
    token that was used up must lead to Reauthorize.
    """
    if not isinstance(connector, SupportsTokenRefresh):
        return (
            ["tokens expire, but the connector does not renew them"]
            if world.grants is not None
            else []
        )
    grant = RefreshGrant(world.account.account, SECRET, OAuthClient("client", Sealed(b"s")))
    breaches = list[str]()
    once = connector.refresh_grace <= timedelta(0)
    for day, answered in SURE.items():
        if not isinstance(end := _refresh_tokens(connector, grant, answered), Retry):
            breaches.append(f"{day}: not retried but {type(end).__name__}")
    for day, answered in DOUBTFUL.items():
        end = _refresh_tokens(connector, grant, answered)
        if not isinstance(end, Uncertain if once else Uncertain | Retry):
            breaches.append(f"{day}: reported as {type(end).__name__}")
    return breaches + (
        _find_refresh_breaches(world, connector, world.grants, once=once)
        if world.grants is not None
        else []
    )


def _refresh_tokens(connector: SupportsTokenRefresh, grant: RefreshGrant, answered: Day) -> object:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := connector.refresh(grant, answers), Send) and len(answers) < MAX_STEPS:
        if turn.step.kind is not StepKind.AUTH:
            raise TypeError(f"{turn.step.name} of a renewal is {turn.step.kind}")
        answers = (*answers, answered(turn.step))
    return turn


def _find_refresh_breaches(
    world: ConnectorWorld,
    connector: SupportsTokenRefresh,
    grants: Callable[[], RefreshGrant],
    *,
    once: bool,
) -> list[str]:
    house = SendingHarness(world, world.connector)
    breaches = list[str]()
    grant = grants()

    def send(step: WireStep) -> StepResult:
        return house.send(step)

    end = _refresh_tokens(connector, grant, send)
    if not isinstance(end, RenewedTokens):
        return [f"a valid token is not renewed: {type(end).__name__}"]
    if isinstance(connector, SupportsAccountSetup):
        world.account = replace(world.account, token=end.token)
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := connector.verify_account(world.account.account, answers), Send):
            answers = (*answers, house.send(turn.step))
        breaches += [] if turn is None else [f"the new token does not work: {type(turn).__name__}"]
    if once and not isinstance(again := _refresh_tokens(connector, grant, send), Reauthorize):
        breaches.append(f"a used refresh token is reported as {type(again).__name__}")
    world.inject_fault("reset_after", world.grants_on)
    if not isinstance(
        lost := _refresh_tokens(connector, grants(), send), Uncertain if once else Uncertain | Retry
    ):
        breaches.append(f"a lost token pair is reported as {type(lost).__name__}")
    return breaches
