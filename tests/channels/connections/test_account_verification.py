"""Refusals of requests other than posts: the account is verified first, and only that result stops
it."""

from collections.abc import Callable

import pytest

from channels.accounts.states import ChannelState
from channels.connections import token_renewal
from channels.connections.account_setup import verify_account
from channels.connections.events import AccountTestRequested
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from tests.channels.builders import CONNECTORS, World

WHY = Message("connectors.account_gone", {"word": "gone"})
LOST: dict[str, Callable[[], Outcome]] = {
    "reauthorize": lambda: Reauthorize(WHY),
    "disconnected": lambda: Disconnected(WHY),
}


def apply(lea: World, outcome: Outcome, *, secondary: bool) -> Outcome:
    """Apply the outcome up to three times, as long as it is retried."""
    end = outcome
    for _ in range(3):
        with lea.scope() as scope:
            end = token_renewal.apply_outcome_to_account(
                scope, lea.channel(), outcome, shown=1, secondary=secondary
            )
        lea.pass_time(2)
    return end


def verify(lea: World) -> None:
    verify_account(
        AccountTestRequested(lea.tenant_id, lea.channel_id),
        tenant=lea.tenant,
        transport=lea.transport(),
        connectors=CONNECTORS,
    )


@pytest.mark.parametrize("lost", sorted(LOST))
def test_secondary_refusal_verifies_before_stopping_the_account(lea: World, lost: str) -> None:
    end = apply(lea, LOST[lost](), secondary=True)
    assert isinstance(end, Retry), "retried until it was verified"
    assert lea.channel().state == ChannelState.ACTIVE
    with lea.scope() as scope:
        assert outbox.is_pending(scope, lea.channel_id, AccountTestRequested.kind)
    verify(lea)
    assert lea.channel().state == ChannelState.ACTIVE
    assert isinstance(apply(lea, LOST[lost](), secondary=True), Rejected), (
        "the request itself is refused"
    )
    assert lea.channel().state == ChannelState.ACTIVE


def test_dead_token_is_found_by_verification(lea: World) -> None:
    lea.network.json("POST", f"/control/token/{lea.account}", {"revoke": True})
    apply(lea, Reauthorize(WHY), secondary=True)
    assert lea.channel().state == ChannelState.ACTIVE
    verify(lea)
    assert lea.channel().state == ChannelState.REAUTHORIZE


@pytest.mark.parametrize("lost", sorted(LOST))
def test_refused_post_stops_the_account(lea: World, lost: str) -> None:
    apply(lea, LOST[lost](), secondary=False)
    assert lea.channel().state in (ChannelState.REAUTHORIZE, ChannelState.GONE)
