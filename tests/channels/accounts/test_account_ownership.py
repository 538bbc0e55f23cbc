"""A platform account belongs to one agency at a time, which the database enforces."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.accounts import lifecycle, queries
from channels.accounts.states import ChannelState
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.gate.builders import World, world

HOLDING = {ChannelState.ACTIVE, ChannelState.PAUSED, ChannelState.LEAVING}
OVER = Message("channel.left")


def connect(scope: Scope, of: World, account: str, platform: str = "telegram") -> UUID:
    return lifecycle.connect_account(
        scope,
        creator_id=of.creator_id,
        platform=platform,
        surface="telegram.public_channel",
        account=account,
        name="Account",
        base_url="https://api.example",
        token=Sealed(b"token"),
        zone="Europe/Paris",
    )


def find(scope: Scope, account: str) -> queries.Channel | None:
    return next((one for one in queries.list_channels(scope) if one.account == account), None)


def act(scope: Scope, of: World, account: str, what: str) -> None:
    """Apply one event to an account of an agency; events that its state forbids change nothing."""
    found = find(scope, account)
    if what == "connect":
        connect(scope, of, account)
    elif found is None:
        return
    elif what == "pause":
        lifecycle.pause_account(scope, found.id, OVER, until=scope.now + timedelta(hours=1))
    elif what == "lose":
        lifecycle.require_reauthorization(scope, found.id, OVER)
    elif what == "shut_out":
        lifecycle.mark_shut_out(scope, found.id)
    elif what == "readmit":
        lifecycle.mark_readmitted(scope, found.id)
    else:
        lifecycle.start_disconnection(scope, found.id, OVER)
        lifecycle.finish_disconnection(scope, queries.get_channel(scope, found.id), OVER)


EVENTS = st.sampled_from(["connect", "pause", "lose", "shut_out", "readmit", "disconnect"])


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1), EVENTS), min_size=4, max_size=12))
def test_two_agencies_never_hold_the_same_account(
    agencies: tuple[World, World], story: list[tuple[int, str]]
) -> None:
    account = f"{uuid7().hex}/-100"
    for which, what in [(0, "connect"), *story]:
        of = agencies[which]
        other = agencies[1 - which]
        try:
            with of.scope() as scope:
                act(scope, of, account, what)
        except Conflict:
            pass
        held = [state(of, account) in HOLDING, state(other, account) in HOLDING]
        assert held != [True, True]


def state(of: World, account: str) -> ChannelState | None:
    with of.scope() as scope:
        found = find(scope, account)
    return found.state if found is not None else None


@pytest.fixture
def agencies(tenant: OpenScope) -> tuple[World, World]:
    return world(tenant, uuid7()), world(tenant, uuid7())


def test_second_agency_is_refused_until_the_account_is_free(
    agencies: tuple[World, World],
) -> None:
    first, second = agencies
    account = f"{uuid7().hex}/-100"
    with first.scope() as scope:
        held = connect(scope, first, account)
    with second.scope() as scope:
        with pytest.raises(Conflict, match="other_agency"):
            connect(scope, second, account)
        connect(scope, second, f"{account}1")  # the transaction is still usable
    with first.scope() as scope:
        act(scope, first, account, "disconnect")
    with second.scope() as scope:
        connect(scope, second, account)
    with first.scope() as scope, pytest.raises(Conflict, match="other_agency"):
        connect(scope, first, account)
    assert state(first, account) is ChannelState.DISCONNECTED
    assert held


def test_account_connected_elsewhere_is_not_readmitted(
    agencies: tuple[World, World],
) -> None:
    first, second = agencies
    account = f"{uuid7().hex}/-100"
    with first.scope() as scope:
        held = connect(scope, first, account)
        lifecycle.mark_shut_out(scope, held)
    with second.scope() as scope:
        connect(scope, second, account)
    with first.scope() as scope:
        lifecycle.mark_readmitted(scope, held)
    with first.scope() as scope:
        channel = queries.get_channel(scope, held)
        assert channel.state is ChannelState.GONE
        assert not lifecycle.can_return(channel)


def test_manual_account_handle_may_belong_to_two_agencies(agencies: tuple[World, World]) -> None:
    handle = f"onlyfans/{uuid7().hex}"
    for of in agencies:
        with of.scope() as scope:
            connect(scope, of, handle, "byhand")
