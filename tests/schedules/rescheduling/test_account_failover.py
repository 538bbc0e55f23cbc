"""Failover from a lost account to a spare one: no post is lost or published twice."""

from dataclasses import replace
from datetime import date, time
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.accounts import lifecycle
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods, slots
from schedules.availability.slots import find_first_free_time
from schedules.posts import deliveries, dry_run_state
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.recurrence import ab_tests, occurrences, series, variant_assignment
from schedules.recurrence.ab_tests import MIN_TEST_UNITS
from schedules.recurrence.rules import RecurrenceRule, RecurrenceUnit
from schedules.recurrence.series import SeriesUpdate
from schedules.rescheduling import account_failover, priority
from schedules.rescheduling.account_failover import FailoverPreview
from schedules.suggestions.weekly_plans import proposals
from tests.fakes.feed_site import FeedSite
from tests.schedules import series_builders
from tests.schedules.ab_test_builders import get_ab_test, list_active_test_deliveries, start_ab_test
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after
from tests.schedules.feeds.test_sources import blog, follow
from tests.schedules.recurrence.test_evergreen_pools import kept
from tests.schedules.rescheduling.test_queue import filled, queue
from tests.schedules.suggestions.weekly_plans.test_proposals import asked


def shown(lea: SandboxAgency, source: str = "main", target: str = "spare") -> FailoverPreview:
    found: FailoverPreview = lea.act(
        account_failover.preview_failover, lea.channels[source], lea.channels[target]
    )
    return found


def moved(lea: SandboxAgency, source: str = "main", target: str = "spare") -> FailoverPreview:
    found: FailoverPreview = lea.act(
        account_failover.move_to_spare_account,
        lea.channels[source],
        lea.channels[target],
        seen=shown(lea, source, target).seen_versions,
    )
    return found


def on(lea: SandboxAgency, channel: str) -> dict[str, tuple[DeliveryState, str]]:
    """Return the text, state and time of each delivery of the account that is not cancelled."""
    with lea.scope() as scope:
        from sqlmodel import col, select

        from schedules.posts.models import Delivery, Post

        rows = scope.session.exec(
            select(Delivery, Post)
            .join(
                Post,
                (col(Post.tenant_id) == col(Delivery.tenant_id))
                & (col(Post.id) == col(Delivery.post_id)),
            )
            .where(
                Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == lea.channels[channel]
            )
        ).all()
    return {
        owner.body: (DeliveryState(row.state), row.wall_time)
        for row, owner in rows
        if row.state != DeliveryState.CANCELLED
    }


def test_failover_moves_pending_deliveries_to_spare_account(lea: SandboxAgency) -> None:
    lea.connect("spare")
    lea.delivery("planned", after=3600)
    lea.wish(lea.write("a wish"), after=7200)
    approved = lea.write("approved")
    lea.wish(approved, after=9000)
    lea.approve(approved)
    held = lea.wish(lea.write("no yes in time"))
    lea.run()
    assert lea.state(held) is DeliveryState.HELD
    before = on(lea, "main")
    with lea.scope() as scope:
        lifecycle.mark_gone(scope, lea.channels["main"], Message("delivery.account_lost"))
    done = moved(lea)
    assert (len(done.moving), done.doubled, done.left, done.asks_again) == (4, (), (), False)
    assert on(lea, "main") == {}
    after = on(lea, "spare")
    assert {body: at for body, (_, at) in after.items()} == {
        body: at for body, (_, at) in before.items()
    }
    assert {body: str(state) for body, (state, _) in after.items()} == {
        "planned": "scheduled",
        "a wish": "draft",
        "approved": "approved",
        "no yes in time": "draft",
    }
    assert lea.why(held) == "delivery.moved_to_spare"
    lea.live(hours=3)
    assert lea.texts("main") == []
    assert lea.texts("spare") == ["planned", "approved"]


def test_failover_does_not_duplicate_delivery_on_spare_account(lea: SandboxAgency) -> None:
    lea.connect("spare")
    post_id = lea.write("on both")
    lea.wish(post_id, "main", after=3600)
    there = lea.wish(post_id, "spare", after=7200)
    lea.approve(post_id)
    lea.plan(post_id)
    done = moved(lea)
    assert (len(done.moving), len(done.doubled)) == (0, 1)
    assert lea.state(there) is DeliveryState.SCHEDULED
    lea.live(hours=3)
    assert (lea.texts("main"), lea.texts("spare")) == ([], ["on both"])


def test_failover_skips_possibly_published_delivery(lea: SandboxAgency) -> None:
    lea.connect("spare")
    # handle the event of the new account first, because the process has to die while it sends
    lea.run()
    sending = lea.delivery("sending")
    lea.fault("hang", seconds=0.05)
    lea.crash(at=6)
    assert lea.state(sending) is DeliveryState.PUBLISHING
    ahead = lea.delivery("ahead", after=3600)
    changed = lea.delivery("changed", after=3600)
    seen = shown(lea).seen_versions
    lea.act(reschedule_delivery, changed, at=wall_time_after(lea.now(), 5000))
    done: FailoverPreview = lea.act(
        account_failover.move_to_spare_account,
        lea.channels["main"],
        lea.channels["spare"],
        seen=seen,
    )
    assert [one.delivery_id for one in done.moving] == [ahead]
    assert {one.delivery_id: one.why.code for one in done.left} == {
        sending: "shift.on_its_way",
        changed: "shift.changed",
    }
    assert lea.state(sending) is DeliveryState.PUBLISHING
    again = moved(lea)
    assert [one.delivery_id for one in again.moving] == [changed]


@pytest.mark.heavy
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6, deadline=None
)
@given(
    st.lists(
        st.sampled_from(["wish", "approved", "planned", "cancelled", "both"]),
        min_size=1,
        max_size=6,
    )
)
def test_failover_there_and_back_loses_nothing(lea: SandboxAgency, kinds: list[str]) -> None:
    if "spare" not in lea.channels:
        lea.connect("spare")
    for number, kind in enumerate(kinds):
        post_id = lea.write(f"{kind} {number} {lea.written}")
        first = lea.wish(post_id, "main", after=86400 + number)
        if kind == "both":
            lea.wish(post_id, "spare", after=86400 + number)
        if kind != "wish":
            lea.approve(post_id)
        if kind in ("planned", "both"):
            lea.plan(post_id)
        if kind == "cancelled":
            lea.act(deliveries.cancel_delivery, first)
    there, here = on(lea, "spare"), on(lea, "main")
    together = {**here, **there}
    moved(lea)
    assert on(lea, "main") == {}
    assert on(lea, "spare") == together
    moved(lea, "spare", "main")
    assert on(lea, "spare") == {}
    assert on(lea, "main") == together


def test_failover_keeps_queue(lea: SandboxAgency) -> None:
    lea.connect("spare")
    every_day(lea, time(10))
    filled(lea, "a", "b")
    before = [(one.words, one.at) for one in queue(lea)]
    moved(lea)
    assert queue(lea) == []
    assert [(one.words, one.at) for one in queue(lea, "spare")] == before
    assert lea.act(find_first_free_time, lea.channels["spare"]).day > before[-1][1].day


def test_failover_does_not_publish_dry_run(lea: SandboxAgency) -> None:
    lea.connect("spare")
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    lea.delivery("only rehearsed", after=3600)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.delivery("meant", after=7200)
    moved(lea)
    lea.live(hours=3)
    assert lea.texts("spare") == ["meant"]
    assert on(lea, "spare")["only rehearsed"][0] is DeliveryState.REHEARSED


def test_failover_keeps_priority(lea: SandboxAgency) -> None:
    lea.connect("spare")
    delivery_id = lea.delivery("first", after=3600)
    lea.act(priority.set_priority, delivery_id, 1, version=lea.entry(delivery_id).version)
    moved(lea)
    assert [(row.kind, row.priority) for row in lea.rows("delivery.publish")] == [
        ("delivery.publish", 1)
    ]


def test_failover_keeps_jitter_of_slots(lea: SandboxAgency) -> None:
    """The jitter was drawn again, so moved posts missed the slots of the spare account and its
    queue was empty."""
    lea.connect("spare")
    with lea.scope() as scope:
        for weekday in range(7):
            slots.add_slot(
                scope, lea.channels["main"], weekday=weekday, clock=time(10), zone="UTC", jitter=90
            )
    filled(lea, "a", "b")
    before = [(one.words, one.at) for one in queue(lea)]
    moved(lea)
    assert [(one.words, one.at) for one in queue(lea, "spare")] == before
    moved(lea, "spare", "main")
    assert [(one.words, one.at) for one in queue(lea)] == before


def test_failover_to_another_platform_needs_approval(lea: SandboxAgency) -> None:
    token = lea.services.seal(lea.tenant_id, "t")
    with lea.scope() as scope:
        lea.channels["spare"] = lifecycle.connect_account(
            scope,
            creator_id=lea.creator_id,
            platform="telegram",
            surface="telegram.channel",
            account=f"@spare-{lea.tenant_id}",
            name="spare",
            base_url="http://127.0.0.1:9",
            token=token,
            zone="UTC",
        )
    lea.delivery("asked again", after=3600)
    done = moved(lea)
    assert done.asks_again
    assert {state for state, _ in on(lea, "spare").values()} == {DeliveryState.DRAFT}


def test_only_active_accounts_of_creator_can_be_spare(lea: SandboxAgency) -> None:
    other = create_sandbox_agency(lea.services, lea.network)
    lea.connect("spare")
    with lea.scope() as scope:
        lifecycle.pause_account(
            scope, lea.channels["spare"], Message("channel.paused_by", {"name": "x"})
        )
    for target in (lea.channels["main"], lea.channels["spare"]):
        with pytest.raises(BadInput):
            lea.act(account_failover.preview_failover, lea.channels["main"], target)
    with pytest.raises(NotFound):
        lea.act(account_failover.preview_failover, lea.channels["main"], other.channels["main"])
    ids: list[tuple[UUID, UUID]] = [(lea.channels["main"], lea.channels["spare"])]
    for pair in ids:
        with pytest.raises(NotFound):
            other.act(account_failover.move_to_spare_account, *pair, seen={})


@pytest.mark.heavy
def test_failover_moves_series(lea: SandboxAgency) -> None:
    spare_id = lea.connect("spare")
    post_id = series_builders.start_series(lea, series_builders.build_recurrence(lea))
    lea.run()
    before = len(series_builders.list_deliveries(lea, post_id))
    moved(lea)
    lea.pass_time(days=1)
    lea.run()
    ahead = [
        one
        for one in series_builders.list_deliveries(lea, post_id)
        if one.state != DeliveryState.CANCELLED
    ]
    assert {one.channel_id for one in ahead} == {spare_id}
    assert {one.series_id for one in ahead} == {
        one.id for one in series_builders.list_series(lea, post_id)
    }
    assert len(ahead) >= before
    assert len({one.occurrence_key for one in ahead}) == len(ahead)


def test_failover_moves_series_without_further_occurrences(lea: SandboxAgency) -> None:
    """The series kept the lost account: a later change used it, and quiet days of the spare account
    were ignored."""
    spare_id = lea.connect("spare")
    post_id = series_builders.start_series(
        lea, series_builders.build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 4))
    )
    series_builders.approve_and_release(lea, post_id)
    lea.run()
    second, third = [
        date.fromisoformat(one) for one in series_builders.list_active_dates(lea, post_id)[1:3]
    ]
    moved(lea)
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        spare_id,
        label="rest",
        zone="UTC",
        first=second,
        last=second,
    )
    lea.run()
    assert str(second) not in series_builders.list_active_dates(lea, post_id)
    (row,) = series_builders.list_series(lea, post_id)
    rest = occurrences.recurrence_of_series(row).recurrence_from(third)
    change = SeriesUpdate(replace(rest, clock=time(5, 7)))
    lea.act(
        series.change_following_occurrences, row.id, third, change, author=f"member:{lea.author}"
    )
    lea.run()
    ahead = [
        one
        for one in series_builders.list_deliveries(lea, post_id)
        if one.state != DeliveryState.CANCELLED
    ]
    assert {one.channel_id for one in ahead} == {spare_id}
    assert sum(one.wall_time.endswith("05:07") for one in ahead) == 2


def test_series_moved_back_follows_its_rule(lea: SandboxAgency) -> None:
    """With the occurrence key of a repost, each occurrence counted as rescheduled by a member, and
    quiet days were ignored."""
    lea.connect("spare")
    post_id = series_builders.start_series(
        lea, series_builders.build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 4))
    )
    series_builders.approve_and_release(lea, post_id)
    lea.run()
    second = date.fromisoformat(series_builders.list_active_dates(lea, post_id)[1])
    moved(lea)
    moved(lea, "spare", "main")
    kept_free = lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="rest",
        zone="UTC",
        first=second,
        last=second,
    )
    lea.run()
    assert str(second) not in series_builders.list_active_dates(lea, post_id)
    lea.act(quiet_periods.delete_quiet_period, kept_free.id)
    lea.run()
    assert series_builders.list_active_dates(lea, post_id).count(str(second)) == 1
    dropped = next(
        one
        for one in series_builders.list_deliveries(lea, post_id)
        if one.state != DeliveryState.CANCELLED and one.series_id
    )
    lea.act(deliveries.cancel_delivery, dropped.id)
    for one in series_builders.list_series(lea, post_id):
        assert lea.act(series.extend_series, one.id) == 0, (
            "a cancelled occurrence is not created again"
        )


@pytest.mark.heavy
def test_failover_moves_pools_feeds_and_weekly_plans(lea: SandboxAgency, blog: FeedSite) -> None:
    """A pool and a feed still created posts for the lost account, and each was put on hold."""
    lost, spare_id = lea.channels["main"], lea.connect("spare")
    every_day(lea, time(10))
    kept(lea, "un", "deux")
    follow(lea, blog.feed)
    (line, *_) = asked(lea).lines
    lea.run()
    moved(lea)
    blog.say("new")
    lea.live(days=12)
    with lea.scope() as scope:
        made = scope.run(
            "SELECT d.channel_id, p.origin FROM deliveries d JOIN posts p ON p.tenant_id = "
            "d.tenant_id"
            " AND p.id = d.post_id WHERE d.tenant_id = :t AND d.state <> 'cancelled'"
            " AND (d.occurrence_key LIKE 'pool-%' OR p.origin = 'rss')",
            t=lea.tenant_id,
        ).all()
        after = proposals.get_week_line(scope, line.id)
    assert {row.channel_id for row in made} == {spare_id}
    assert {row.origin for row in made} >= {"rss", "test"}
    assert line.channels == (lost,)
    assert (after.channels, after.version) == ((spare_id,), line.version + 1), (
        "the version changes with the accounts"
    )


@pytest.mark.heavy
def test_failover_continues_ab_test_with_new_count(lea: SandboxAgency) -> None:
    spare_id = lea.connect("spare")
    post_id = series_builders.start_series(lea, series_builders.build_recurrence(lea))
    series_builders.approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    series_builders.approve_and_release(lea, get_ab_test(lea, test_id).b_id)
    lea.live(days=3)
    pair = (lea.channels["main"], spare_id)
    before = {
        (row.wall_time, row.variant)
        for row in list_active_test_deliveries(lea, test_id)
        if row.state == DeliveryState.SCHEDULED
    }
    found = lea.act(account_failover.preview_failover, *pair)
    assert found.tests == 1
    lea.act(account_failover.move_to_spare_account, *pair, seen=found.seen_versions)
    moved = [row for row in list_active_test_deliveries(lea, test_id) if row.channel_id == spare_id]
    assert {(row.wall_time, row.variant) for row in moved} == before
    with lea.scope() as scope:
        assert ab_tests.list_test_units(scope, get_ab_test(lea, test_id)) == []
        assert variant_assignment.running_tests_of_channel(scope, lea.channels["main"]) == []
    lea.live(days=MIN_TEST_UNITS)
    ours = [
        row.state for row in list_active_test_deliveries(lea, test_id) if row.channel_id == spare_id
    ]
    assert len(ours) == MIN_TEST_UNITS, (
        "units published on the lost account are replaced after the scheduled ones"
    )
    with lea.scope() as scope:
        assert (
            len(ab_tests.list_test_units(scope, get_ab_test(lea, test_id)))
            == len(before)
            == ours.count(DeliveryState.PUBLISHED)
        )


def test_failover_skips_post_with_override_for_lost_account(lea: SandboxAgency) -> None:
    """On the spare account, the approval would cover a text that was never shown for it."""
    lea.connect("spare")
    own = lea.delivery(
        "for all",
        after=3600,
        others=[ChannelOverride(str(lea.channels["main"]), body="for these alone")],
    )
    plain = lea.delivery("plain", after=3600)
    done = moved(lea)
    assert [one.delivery_id for one in done.moving] == [plain]
    assert {one.delivery_id: one.why.code for one in done.left} == {own: "spare.own_words"}
    assert lea.state(own) is DeliveryState.SCHEDULED


__all__ = ["blog"]
