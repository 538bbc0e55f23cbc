"""Account lifecycle: repeated connection, pauses, and dead tokens."""

from datetime import timedelta
from typing import Any

import pytest

from channels.accounts import lifecycle, queries
from channels.accounts.states import ChannelState
from channels.limits import send_limits
from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import Published, Retry
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tenants.agencies import agencies
from tenants.notices import notices
from tests.channels.builders import World

REST = Message("channel.token_refused")


def connect(lea: World, **changes: Any) -> object:
    channel = lea.channel()
    given: dict[str, Any] = {
        "creator_id": channel.creator_id,
        "platform": channel.platform,
        "surface": channel.surface,
        "account": channel.account,
        "name": channel.name,
        "base_url": channel.base_url,
        "token": channel.token,
        "zone": channel.zone,
    }
    with lea.scope() as scope:
        return lifecycle.connect_account(scope, **{**given, **changes})


def count(lea: World, statement: str) -> int:
    with lea.scope() as scope:
        return int(scope.run(statement).scalar_one())


def test_reconnecting_the_same_account_keeps_its_channel(lea: World) -> None:
    before = lea.channel()
    same = connect(
        lea, name="Nouveau nom", min_gap=timedelta(minutes=10), chat_surface="sandbox.chat"
    )
    after = lea.channel()
    assert same == before.id == after.id
    assert (after.name, after.min_interval, after.chat_surface) == (
        "Nouveau nom",
        timedelta(minutes=10),
        "sandbox.chat",
    )
    assert count(lea, "SELECT generation FROM tokens") == 2
    assert count(lea, "SELECT count(*) FROM outbox WHERE kind = 'channel.connected'") == 1


def test_imported_history_counts_as_account_use(lea: World) -> None:
    def moved_in(days: int) -> timedelta | None:
        with lea.scope() as scope:
            lifecycle.record_imported_history(
                scope, lea.channel_id, scope.now - timedelta(days=days)
            )
            last = queries.get_channel(scope, lea.channel_id).last_ok_at
            return None if last is None else scope.now - last

    assert lea.channel().last_ok_at is None
    assert moved_in(1) == timedelta(days=1)
    gone_by = moved_in(9)
    assert gone_by is not None
    assert gone_by < timedelta(days=2)  # the more recent value is kept


def test_account_of_another_creator_cannot_be_connected(lea: World) -> None:
    with lea.scope() as scope:
        other = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="UTC", languages=["en"]
        )
    with pytest.raises(Conflict):
        connect(lea, creator_id=other)
    assert lea.channel().creator_id == lea.creator_id


def test_reconnecting_reactivates_the_channel(lea: World) -> None:
    with lea.scope() as scope:
        lifecycle.require_reauthorization(scope, lea.channel_id, REST)
        lifecycle.require_reauthorization(scope, lea.channel_id, REST)
    with lea.scope() as scope, pytest.raises(Conflict):
        lifecycle.resume_account(scope, lea.channel_id)
    assert lea.channel().reason == REST
    assert count(lea, "SELECT count(*) FROM notices WHERE settled_at IS NULL") == 1
    connect(lea)
    assert lea.channel().state == ChannelState.ACTIVE
    assert count(lea, "SELECT count(*) FROM notices WHERE settled_at IS NULL") == 0
    assert isinstance(lea.publish(lea.unit()), Published)


def test_new_token_is_used_for_requests(lea: World) -> None:
    _, told = lea.network.json("POST", f"/control/token/{lea.account}", {})
    connect(lea, token=Sealed(told["token"].encode()))
    assert isinstance(lea.publish(lea.unit()), Published)
    connect(lea, token=None)  # without a new token the stored one is kept
    assert isinstance(lea.publish(lea.unit("still")), Published)


def test_pause_lasts_until_resumed(lea: World) -> None:
    with lea.scope() as scope:
        lifecycle.pause_account(scope, lea.channel_id, REST)
    connect(lea)  # reconnecting does not end a member's pause
    assert lea.channel().state == ChannelState.PAUSED
    with lea.scope() as scope:
        blocked = send_limits.claim_send_slot(scope, lea.channel())
        assert blocked is not None
        assert blocked.reason.code == "channel.is_paused"
        lifecycle.resume_account(scope, lea.channel_id)
        lifecycle.resume_account(scope, lea.channel_id)
        assert send_limits.claim_send_slot(scope, lea.channel()) is None


def test_pause_with_an_end_expires(lea: World) -> None:
    with lea.scope() as scope:
        lifecycle.pause_account(scope, lea.channel_id, REST, until=scope.now + timedelta(hours=1))
    with lea.scope() as scope:
        blocked = send_limits.claim_send_slot(scope, lea.channel())
        assert blocked is not None
        assert blocked.until - scope.now <= timedelta(hours=1)
    lea.pass_time(3601)
    assert isinstance(lea.publish(lea.unit()), Published)
    assert lea.channel().state == ChannelState.ACTIVE


def test_attempt_in_progress_stops_before_its_next_step_on_disconnection(
    lea: World,
) -> None:
    """The uploads are done but nothing is visible; no platform response changes the state that a
    member requested."""
    turn = lea.arm(lea.unit(pictures=2))
    assert isinstance(turn, PreparedStep)
    with lea.scope() as scope:
        lifecycle.start_disconnection(scope, lea.channel_id, REST)
    outcome = lea.carry(turn)
    assert isinstance(outcome, Retry)
    assert outcome.reason == Message("attempt.stopped_midway")
    assert lea.posts() == []
    with lea.scope() as scope:
        lifecycle.mark_gone(scope, lea.channel_id, REST)
        lifecycle.require_reauthorization(scope, lea.channel_id, REST)
        lifecycle.mark_readmitted(scope, lea.channel_id)
    assert lea.channel().state == ChannelState.LEAVING
    with lea.scope() as scope:
        lifecycle.finish_disconnection(scope, lea.channel(), REST)
    assert (lea.channel().state, lea.channel().token) == (ChannelState.DISCONNECTED, None)
    connect(lea, token=Sealed(b"new"))
    with lea.scope() as scope:
        lifecycle.finish_disconnection(
            scope, lea.channel(), REST
        )  # too late: the account was connected again
    assert lea.channel().state == ChannelState.ACTIVE
    assert lea.channel().token is not None


@pytest.mark.parametrize("why", [lifecycle.SHUT_OUT_REASON, lifecycle.ACCESS_LOST_REASON])
@pytest.mark.parametrize("back", ["let in", "connected again"])
@pytest.mark.parametrize(
    ("until", "later", "after"), [(None, 0, "paused"), (1, 0, "paused"), (1, 2, "active")]
)
def test_pause_survives_losing_platform_access(
    lea: World, why: str, back: str, *, until: int | None, later: int, after: str
) -> None:
    """The account is paused again until the original end; an expired pause is over."""
    with lea.scope() as scope:
        ends = scope.now + timedelta(hours=until) if until is not None else None
        lifecycle.pause_account(scope, lea.channel_id, REST, until=ends)
        lifecycle.mark_shut_out(scope, lea.channel_id, why)
        lifecycle.mark_shut_out(scope, lea.channel_id, why)
    assert lea.channel().state == ChannelState.GONE
    lea.pass_time(later * 3600)
    if back == "let in":
        with lea.scope() as scope:
            lifecycle.mark_readmitted(scope, lea.channel_id)
    else:
        connect(lea)
    stands = lea.channel()
    assert str(stands.state) == after
    assert (stands.reason, stands.paused_until) == (
        (REST, ends) if after == "paused" else (None, None)
    )


@pytest.mark.parametrize(
    "about", ["channel:{}:two_listeners", "channel:{}:menu", "channel:{}:unread", "role:{}:give"]
)
def test_disconnection_settles_open_notices_of_the_account(lea: World, about: str) -> None:
    with lea.scope() as scope:
        notices.put(scope, REST, cause=about.format(lea.channel_id), creator_id=lea.creator_id)
        notices.put(scope, REST, cause=about.format(uuid7()), creator_id=lea.creator_id)
        lifecycle.start_disconnection(scope, lea.channel_id, REST)
    assert count(lea, "SELECT count(*) FROM notices WHERE settled_at IS NULL") == 1


def test_account_that_is_gone_stays_gone(lea: World) -> None:
    with lea.scope() as scope:
        lifecycle.mark_gone(scope, lea.channel_id, REST)
        lifecycle.require_reauthorization(
            scope, lea.channel_id, REST
        )  # a dead token does not change the state of an account that is gone
    assert lea.channel().state == ChannelState.GONE
    with lea.scope() as scope:
        assert send_limits.claim_send_slot(scope, lea.channel()) is not None


def test_channels_are_found_by_name_and_creator(lea: World) -> None:
    with lea.scope() as scope:
        assert queries.get_channel_by_name(scope, lea.creator_id, "Essai").id == lea.channel_id
        assert [channel.id for channel in queries.list_creator_channels(scope, lea.creator_id)] == [
            lea.channel_id
        ]
        with pytest.raises(NotFound):
            queries.get_channel(scope, uuid7())
    assert "Sealed" not in repr(lea.channel())


def test_minimum_interval_survives_reconnection(lea: World) -> None:
    def apart(minutes: int) -> timedelta:
        with lea.scope() as scope:
            lifecycle.set_min_interval(scope, lea.channel_id, minutes)
        return lea.channel().min_interval

    connect(lea, min_gap=timedelta(seconds=3))
    assert apart(30) == timedelta(minutes=30, seconds=3)
    connect(lea, min_gap=timedelta(seconds=3))
    assert apart(45) == timedelta(minutes=45, seconds=3)
    assert apart(0) == timedelta(seconds=3)
    for wrong in (-1, 24 * 60 + 1):
        with pytest.raises(BadInput):
            apart(wrong)
    with pytest.raises(NotFound), lea.scope() as scope:
        lifecycle.set_min_interval(scope, uuid7(), 5)
