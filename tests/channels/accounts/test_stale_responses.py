"""Responses to requests with an old token do not affect the token that a member entered since."""

from typing import Any

import pytest

from channels.accounts import credentials, lifecycle
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.connections import token_renewal
from connectors.contract.connector import RenewedTokens
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Retry
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from tests.channels.builders import World

DEAD = Message("connectors.token_refused")


def connect(lea: World, token: bytes, refresh: bytes | None = None) -> Channel:
    """Connect the account again as a member does."""
    stands = lea.channel()
    given: dict[str, Any] = {
        name: getattr(stands, name)
        for name in ("creator_id", "platform", "surface", "account", "name", "base_url")
    }
    with lea.scope() as scope:
        lifecycle.connect_account(
            scope,
            **given,
            zone=stands.zone,
            token=Sealed(token),
            refresh=Sealed(refresh) if refresh else None,
        )
    return lea.channel()


def disconnect(lea: World) -> None:
    """Disconnect the account, which erases its credentials."""
    with lea.scope() as scope:
        lifecycle.start_disconnection(scope, lea.channel_id, DEAD)
    with lea.scope() as scope:
        lifecycle.finish_disconnection(scope, lea.channel(), DEAD)


def weigh(lea: World, before: Channel, outcome: Outcome, *, shown: bool = True) -> Outcome:
    """Apply the response to a request that was sent with the account's earlier state."""
    with lea.scope() as scope:
        return token_renewal.apply_outcome_to_account(
            scope, before, outcome, shown=before.generation if shown else None
        )


@pytest.mark.parametrize("shown", [True, False])
def test_new_token_survives_a_refusal_of_the_old_one(lea: World, shown: bool) -> None:
    """The owner of a bot created a new token and entered it while a request with the old one was in
    progress."""
    before = lea.channel()
    connect(lea, b"new")
    assert isinstance(weigh(lea, before, Reauthorize(DEAD), shown=shown), Retry)
    assert lea.channel().state == ChannelState.ACTIVE


def test_new_token_is_lost_by_its_own_refusal(lea: World) -> None:
    after = connect(lea, b"new")
    assert isinstance(weigh(lea, after, Reauthorize(DEAD)), Retry), "it is tried once more"
    lea.pass_time(2)
    assert isinstance(weigh(lea, after, Reauthorize(DEAD)), Reauthorize)
    assert lea.channel().state == ChannelState.REAUTHORIZE


@pytest.mark.parametrize("outcome", [Reauthorize(DEAD), Disconnected(DEAD)])
def test_reconnected_account_survives_an_earlier_response(lea: World, outcome: Outcome) -> None:
    before = lea.channel()
    disconnect(lea)
    connect(lea, b"new")
    assert isinstance(weigh(lea, before, outcome), Retry)
    assert lea.channel().state == ChannelState.ACTIVE


def test_earlier_renewal_does_not_overwrite_new_tokens(lea: World) -> None:
    """The response arrives after the account was disconnected, its tokens revoked, and connected
    again."""
    connect(lea, b"old", b"old refresh")
    lea.pass_time(credentials.MIN_TOKEN_AGE.total_seconds() + 1)
    with lea.scope() as scope:
        assert (
            credentials.record_token_refusal(scope, lea.channel_id, shown=lea.channel().generation)
            == "renew"
        )
        claim = credentials.claim_renewal(scope, lea.channel_id)
    assert claim is not None
    disconnect(lea)
    for _ in range(claim.generation):
        stands = connect(lea, b"new", b"new refresh")
        with lea.scope() as scope:
            assert not credentials.store_renewed_tokens(
                scope, claim, RenewedTokens(Sealed(b"ended"), Sealed(b"ended"), None)
            )
            assert credentials.release_renewal(scope, claim) is None
        assert lea.channel().token == stands.token == Sealed(b"new")
