"""Refused tokens: renewed or tried again, and only then reported to a member."""

import pytest

from channels.accounts import credentials
from channels.accounts.credentials import RenewalClaim
from channels.accounts.states import ChannelState
from connectors.contract.connector import RenewedTokens
from connectors.contract.outcomes import Published, Reauthorize, Retry
from foundation.sealed import Sealed
from tests.channels.builders import World

YOUNG, OLD = 5, 400


def make_renewable(lea: World) -> None:
    with lea.scope() as scope:
        scope.run(
            "UPDATE tokens SET refresh_box = :box WHERE tenant_id = :tenant",
            box=b"refresh",
            tenant=lea.tenant_id,
        )


def refuse(lea: World, shown: int) -> str:
    with lea.scope() as scope:
        return credentials.record_token_refusal(scope, lea.channel_id, shown=shown)


def renew(lea: World) -> None:
    with lea.scope() as scope:
        claim = credentials.claim_renewal(scope, lea.channel_id)
        assert isinstance(claim, RenewalClaim)
        pair = RenewedTokens(Sealed(b"new"), None, None)
        assert credentials.store_renewed_tokens(scope, claim, pair)


@pytest.mark.parametrize("age", [0, YOUNG, OLD])
@pytest.mark.parametrize("later", [0, YOUNG, OLD])
def test_refused_token_is_renewed_once(lea: World, age: int, later: int) -> None:
    make_renewable(lea)
    lea.pass_time(age)
    assert refuse(lea, 1) == "renew"
    assert refuse(lea, 1) == "again", "its renewal is in progress"
    renew(lea)
    assert refuse(lea, 1) == "again", "a response to a request with the old token"
    lea.pass_time(later)
    assert refuse(lea, 2) == ("renew" if later == OLD else "dead")


@pytest.mark.parametrize("age", [0, OLD])
@pytest.mark.parametrize("later", [2, OLD])
def test_token_without_renewal_is_tried_once_more(lea: World, age: int, later: int) -> None:
    lea.pass_time(age)
    assert refuse(lea, 1) == "again"
    assert refuse(lea, 1) == "again", "two requests were in progress"
    lea.pass_time(later)
    assert refuse(lea, 1) == ("again" if later == OLD else "dead")


def test_single_401_does_not_stop_the_account(lea: World) -> None:
    lea.network.fault("status:401", account=lea.account, on="posts")
    assert isinstance(lea.publish(lea.unit("once")), Retry)
    assert lea.channel().state == ChannelState.ACTIVE
    lea.pass_time(2)
    assert isinstance(lea.publish(lea.unit("once")), Published)
    lea.pass_time(OLD)
    lea.network.fault("status:401", account=lea.account, on="posts", times=2)
    assert isinstance(lea.publish(lea.unit("twice")), Retry)
    lea.pass_time(2)
    assert isinstance(lea.publish(lea.unit("twice")), Reauthorize)
    assert lea.channel().state == ChannelState.REAUTHORIZE
