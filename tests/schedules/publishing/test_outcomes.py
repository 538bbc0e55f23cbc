"""Every outcome of a delivery: responses of the platform, decisions of the gate, and missing media."""

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
from insights.metrics.events import READING_AGES
from schedules.approvals.time_changes import expedite_delivery
from schedules.drafts import duplicates
from schedules.posts.states import DeliveryState
from schedules.publishing import stalled_deliveries
from studio.library import assets
from tests.schedules.builders import SandboxAgency


def channel_state(lea: SandboxAgency) -> ChannelState:
    with lea.scope() as scope:
        return channel_reads.get_channel(scope, lea.channels["main"]).state


def test_due_post_with_photo_is_published_once(lea: SandboxAgency) -> None:
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
    assert len(lea.rows("readings.read")) == len(READING_AGES)  # the event was received


def test_text_post_is_published(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("just words")
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_rate_limit_is_respected(lea: SandboxAgency) -> None:
    lea.fault("status:429", retry_after=120)
    delivery_id = lea.delivery()
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(seconds=110)
    assert len(lea.asked()) == 1
    lea.live(seconds=60)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert len(lea.asked()) == 2


def test_rate_limit_beyond_allowed_delay_holds_post(
    lea: SandboxAgency,
) -> None:
    lea.fault("status:429", retry_after=7200)
    delivery_id = lea.delivery(late_ok=timedelta(minutes=5))
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )


def test_post_of_rate_limited_account_is_held_when_too_late(
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


def test_revoked_token_holds_posts_until_account_reconnects(lea: SandboxAgency) -> None:
    lea.network.json("POST", f"/control/token/{lea.accounts['main']}", {"revoke": True})
    delivery_id, next_one = lea.delivery(), lea.delivery("next", after=30)
    lea.live(minutes=1)
    assert channel_state(lea) is ChannelState.REAUTHORIZE
    for each in (delivery_id, next_one):
        assert (lea.state(each), lea.why(each)) == (DeliveryState.HELD, "delivery.account_lost")
    # the first post tried the token twice; the second sent no request
    assert len(lea.asked()) == 2
    assert list(lea.notices().values()) == ["channel.notice_reauthorize_posts"]
    _, told = lea.network.json("POST", f"/control/token/{lea.accounts['main']}", {})
    lea.network.tokens[lea.accounts["main"]] = told["token"]
    lea.connect("main")
    lea.run()
    assert lea.state(delivery_id) is lea.state(next_one) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


def test_late_reconnection_keeps_post_on_hold(lea: SandboxAgency) -> None:
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


def test_refused_post_costs_one_request_and_has_readable_reason(lea: SandboxAgency) -> None:
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


def test_unrated_photo_holds_post(
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
    lea.photo()  # the same photo, rated now
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_post_past_allowed_delay_is_held(lea: SandboxAgency) -> None:
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


def test_post_without_deadline_is_never_too_late(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(late_ok=None, after=60)
    lea.pass_time(days=3)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_deleted_photo_holds_post(lea: SandboxAgency) -> None:
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


def test_missing_file_holds_post_at_once(lea: SandboxAgency) -> None:
    """The transport finds no file: no request was sent, and retries would not help."""
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
    lea.photo()  # the same photo, uploaded again
    lea.act(expedite_delivery, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_paused_account_keeps_posts_scheduled(lea: SandboxAgency) -> None:
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


def test_emergency_stop_keeps_posts_scheduled_until_reopened(
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


def test_long_emergency_stop_holds_late_post_at_its_end(lea: SandboxAgency) -> None:
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


def test_after_downtime_late_posts_publish_at_intervals_or_are_held(
    lea: SandboxAgency,
) -> None:
    """After six hours of downtime, the posts of an account follow at the interval that the agency
    set, and no post is published hours late without notice."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 600 WHERE tenant_id = :t AND id = :id",
            t=lea.tenant_id,
            id=lea.channels["main"],
        )
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


def test_simultaneous_posts_all_publish_without_downtime(lea: SandboxAgency) -> None:
    for number in range(8):
        lea.delivery(f"{number}", after=60)
    lea.live(minutes=2)
    assert sorted(lea.texts()) == [str(number) for number in range(8)]


@pytest.mark.parametrize("keys", [False, True])
def test_same_text_twice_makes_two_posts(lea: SandboxAgency, keys: bool) -> None:
    lea.connect("two", keys=keys)
    first, second = lea.delivery("same", channel="two"), lea.delivery("same", channel="two")
    for one in (first, second):  # whichever publishes second
        lea.act(duplicates.allow_duplicate, one, connectors=loader.load_connectors())
    lea.run()
    assert lea.texts("two") == ["same", "same"]
    assert lea.entry(first).native_id != lea.entry(second).native_id


def test_due_delivery_without_outbox_row_is_woken(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id)
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 0  # it is not due yet
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    with lea.scope() as scope:
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 1
    with lea.scope() as scope:
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 0
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
