"""One delivery, every outcome: what the platform says, what the gate says, and what is not
there."""

from datetime import timedelta

import pytest

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from connectors.registry import loader
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Subject
from gate.log import queries as gate_reads
from gate.policy import emergency_stops
from schedules.approvals.time_changes import expedite_delivery
from schedules.drafts import duplicates
from schedules.posts.states import DeliveryState
from schedules.publishing import stalled_deliveries
from studio.library import assets
from tests.schedules.builders import SandboxAgency


def channel_state(lea: SandboxAgency) -> ChannelState:
    with lea.scope() as scope:
        return channel_reads.get_channel(scope, lea.channels["main"]).state


def test_due_post_with_its_picture_goes_out_once(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("Bonjour", media=(lea.photo(),), after=3600)
    lea.live(minutes=59)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert lea.posts() == []
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED, lea.why(delivery_id)
    assert lea.texts() == ["Bonjour"]
    assert lea.states(delivery_id) == ["approved", "scheduled", "publishing", "published"]
    assert [step.by for step in lea.story(delivery_id)][2:] == ["system:publishing"] * 2
    entry = lea.entry(delivery_id)
    assert entry.native_id == lea.posts()[0]["id"]
    assert entry.settled_at is not None
    assert entry.settled_at - entry.due_at < timedelta(seconds=30)
    assert lea.rows("delivery.reconcile") == []
    assert len(lea.rows("readings.read")) == 3  # the fact was heard


def test_a_bare_text_goes_out(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("just words")
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_429_waits_as_long_as_told_and_asks_nothing_meanwhile(lea: SandboxAgency) -> None:
    lea.fault("status:429", retry_after=120)
    delivery_id = lea.delivery()
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(seconds=110)
    assert len(lea.asked()) == 1
    lea.live(seconds=60)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert len(lea.asked()) == 2


def test_a_wait_longer_than_the_author_accepts_is_told_when_it_is_too_late(
    lea: SandboxAgency,
) -> None:
    lea.fault("status:429", retry_after=7200)
    delivery_id = lea.delivery(late_ok=timedelta(minutes=5))
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )


def test_another_post_of_a_blocked_account_waits_for_it_and_is_held_when_it_is_too_late_by_then(
    lea: SandboxAgency,
) -> None:
    lea.fault("status:429", retry_after=7200)
    lea.delivery("first", late_ok=None)
    second = lea.delivery("second", after=1, late_ok=timedelta(minutes=5))
    lea.live(minutes=4)
    assert lea.state(second) is DeliveryState.SCHEDULED
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.SCHEDULED
    lea.live(hours=2)
    assert (lea.state(second), lea.why(second)) == (DeliveryState.HELD, "delivery.too_late")


def test_401_stops_the_account_and_connecting_it_again_lets_the_post_go(lea: SandboxAgency) -> None:
    lea.network.json("POST", f"/control/token/{lea.accounts['main']}", {"revoke": True})
    delivery_id, next_one = lea.delivery(), lea.delivery("next", after=30)
    lea.live(minutes=1)
    assert channel_state(lea) is ChannelState.REAUTHORIZE
    for each in (delivery_id, next_one):
        assert (lea.state(each), lea.why(each)) == (DeliveryState.HELD, "delivery.account_lost")
    assert len(lea.asked()) == 2  # the token was shown once more; the second post asked nobody
    assert list(lea.notices().values()) == ["channel.notice_reauthorize_posts"]
    _, told = lea.network.json("POST", f"/control/token/{lea.accounts['main']}", {})
    lea.network.tokens[lea.accounts["main"]] = told["token"]
    lea.connect("main")
    lea.run()
    assert lea.state(delivery_id) is lea.state(next_one) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


def test_an_account_that_came_back_too_late_leaves_it_to_a_person(lea: SandboxAgency) -> None:
    lea.network.json("POST", f"/control/token/{lea.accounts['main']}", {"revoke": True})
    delivery_id = lea.delivery()
    lea.run()
    lea.live(hours=2)
    lea.connect("main")
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )
    assert len(lea.asked()) == 2


def test_a_refusal_costs_one_request_and_is_told_in_words(lea: SandboxAgency) -> None:
    lea.fault("refuse")
    delivery_id = lea.delivery()
    lea.live(hours=3)
    assert lea.state(delivery_id) is DeliveryState.FAILED
    assert len(lea.asked()) == 1
    reason = lea.entry(delivery_id).reason
    assert reason is not None
    for language in ("fr", "en"):
        assert render_message(reason, language)
    assert lea.notices() == {f"delivery:{delivery_id}": reason.code}
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_a_picture_nobody_rated_is_held_with_its_reason_and_its_decision(
    lea: SandboxAgency,
) -> None:
    photo = lea.photo(rating=None)
    delivery_id = lea.delivery(media=(photo,))
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "gate.RATING_MISSING",
    )
    with lea.scope() as scope:
        assert Message("gate.RATING_MISSING") in (
            gate_reads.last_decision_reasons(scope, Subject("delivery", delivery_id)) or ()
        )
    assert lea.asked() == []
    lea.photo()  # the same picture; somebody rates it
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_past_its_lateness_nothing_leaves(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(late_ok=timedelta(minutes=5), after=60)
    lea.pass_time(minutes=7)
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )
    assert lea.asked() == []
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_always_is_never_too_late(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(late_ok=None, after=60)
    lea.pass_time(days=3)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_a_picture_that_left_the_library_holds_its_post(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(media=(lea.photo(),), after=3600)
    with lea.scope() as scope:
        scope.run("DELETE FROM creations WHERE tenant_id = :tenant", tenant=lea.tenant_id)
    lea.live(minutes=51)
    assert lea.notices() == {f"delivery:{delivery_id}:preflight": "delivery.media_missing"}
    lea.live(minutes=10)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.media_missing",
    )
    assert lea.notices() == {f"delivery:{delivery_id}": "delivery.media_missing"}


def test_bytes_that_left_the_store_hold_the_post_at_once(lea: SandboxAgency) -> None:
    """The transport finds no file: nothing was sent, and trying every minute would not bring it
    back."""
    photo = lea.photo()
    with lea.scope() as scope:
        lea.services.store.delete(
            lea.tenant_id, assets.get_rendition(scope, photo, "sandbox").sha256
        )
    delivery_id = lea.delivery(media=(photo,), late_ok=None)
    lea.live(minutes=5)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.media_missing",
    )
    assert lea.posts() == []
    lea.photo()  # brought in again
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_a_paused_account_keeps_its_posts_on_the_calendar(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    lea.act(
        lifecycle.pause_account,
        lea.channels["main"],
        Message("channel.is_paused", {"account": "main"}),
    )
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert lea.asked() == []
    lea.act(lifecycle.resume_account, lea.channels["main"])
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_an_emergency_stop_keeps_posts_on_the_calendar_and_reopening_lets_them_go(
    lea: SandboxAgency,
) -> None:
    delivery_id = lea.delivery(after=60)
    lea.act(
        emergency_stops.close_switch, "channel", str(lea.channels["main"]), "sending", reason="test"
    )
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert lea.posts() == []
    lea.act(
        emergency_stops.reopen_switch,
        "channel",
        str(lea.channels["main"]),
        "sending",
        reason="over",
    )
    lea.live(seconds=31)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_a_stop_longer_than_the_author_accepts_is_told_when_it_ends(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(late_ok=timedelta(minutes=5), after=60)
    lea.act(emergency_stops.close_switch, "creator", str(lea.creator_id), "sending", reason="test")
    lea.live(minutes=8)
    assert (lea.state(delivery_id), lea.notices()) == (DeliveryState.SCHEDULED, {})
    lea.act(emergency_stops.reopen_switch, "creator", str(lea.creator_id), "sending", reason="over")
    lea.live(minutes=1)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )


def test_after_downtime_late_posts_leave_one_by_one_and_the_too_late_are_held(
    lea: SandboxAgency,
) -> None:
    """Six hours of silence end: no burst, nothing quietly hours late."""
    late = [
        lea.delivery(f"late {n}", after=60 + n, late_ok=timedelta(hours=6, minutes=15))
        for n in range(3)
    ]
    gone = lea.delivery("too late", after=60)
    lea.pass_time(hours=6)
    lea.run()
    assert lea.texts() == ["late 0"]
    assert (lea.state(gone), lea.why(gone)) == (DeliveryState.HELD, "downtime.too_late")
    lea.live(minutes=9)
    assert lea.texts() == ["late 0"]
    lea.live(minutes=3)
    assert lea.texts() == ["late 0", "late 1"]
    lea.live(minutes=20)
    assert lea.texts() == ["late 0", "late 1"]
    assert lea.state(late[2]) is DeliveryState.HELD


def test_posts_due_together_all_leave_when_nothing_was_down(lea: SandboxAgency) -> None:
    for number in range(8):
        lea.delivery(f"{number}", after=60)
    lea.live(minutes=2)
    assert sorted(lea.texts()) == [str(number) for number in range(8)]


@pytest.mark.parametrize("keys", [False, True])
def test_the_same_words_twice_are_two_posts(lea: SandboxAgency, keys: bool) -> None:
    lea.connect("two", keys=keys)
    first, second = lea.delivery("same", channel="two"), lea.delivery("same", channel="two")
    for one in (first, second):  # whichever leaves later
        lea.act(duplicates.allow_duplicate, one, connectors=loader.load_connectors())
    lea.run()
    assert lea.texts("two") == ["same", "same"]
    assert lea.entry(first).native_id != lea.entry(second).native_id


def test_a_delivery_of_an_erased_row_is_no_orphan(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id)
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 0  # not due yet
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    with lea.scope() as scope:
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 1
    with lea.scope() as scope:
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 0
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
