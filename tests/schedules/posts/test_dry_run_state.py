"""Dry runs: everything except the request happens, and no delivery of a dry run is ever sent."""

import random
from datetime import time, timedelta

import pytest

from connectors.contract.outcomes import Published
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts import deliveries, dry_run_state
from schedules.posts.dry_run_state import DryRunTarget
from schedules.posts.states import DELIVERY_STATES, DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.publishing import settlement
from schedules.recurrence import detached_occurrences, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.series_builders import (
    DAILY,
    approve_and_release,
    build_draft,
    build_recurrence,
    get_series_id,
    list_deliveries,
    start_series,
)


def of(lea: SandboxAgency, what: DryRunTarget, delivery_id: object = None) -> object:
    with lea.scope() as scope:
        # `delivery_id` is typed as object
        post = get_delivery(scope, delivery_id).post_id if delivery_id is not None else None  # type: ignore[arg-type]  # see above
    return {"tenant": lea.tenant_id, "channel": lea.channels["main"], "post": post}[what]


@pytest.mark.parametrize("what", ["tenant", "channel", "post"])
def test_dry_run_does_everything_except_sending(lea: SandboxAgency, what: DryRunTarget) -> None:
    one = lea.delivery("Two little pictures", after=600, media=(lea.photo(1), lea.photo(2)))
    assert lea.act(dry_run_state.start_dry_run, what, of(lea, what, one)) == 1
    lea.live(hours=1)
    assert lea.state(one) is DeliveryState.REHEARSED
    assert lea.asked() == []
    assert lea.posts() == []
    [tried] = lea.attempts(one, "dry")
    assert tried.outcome == "rehearsed"
    assert lea.attempts(one) == lea.attempts(one, "stage") == []
    reason = lea.entry(one).reason
    assert reason is not None
    assert (reason.code, reason.params["pictures"]) == ("delivery.would_leave", 2)


def test_dry_run_reports_refusal_reason(lea: SandboxAgency) -> None:
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    far = lea.delivery("Look: https://nobody.knows.example/")
    lea.run()
    assert lea.state(far) is DeliveryState.REHEARSED
    assert lea.why(far) == "gate.LINK_UNREGISTERED"
    assert lea.posts() == []


def test_ended_dry_run_sends_no_rehearsed_post(lea: SandboxAgency) -> None:
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    past, ahead = lea.delivery("past"), lea.delivery("ahead", after=7200)
    lea.run()
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    later = lea.delivery("later", after=7300)
    lea.live(hours=3)
    assert [lea.state(one) for one in (past, ahead, later)] == [
        DeliveryState.REHEARSED,
        DeliveryState.REHEARSED,
        DeliveryState.PUBLISHED,
    ]
    assert lea.texts() == ["later"]


def test_delivery_due_after_dry_run_is_published(
    lea: SandboxAgency,
) -> None:
    due, ahead = lea.delivery("due", after=600), lea.delivery("ahead", after=7200)
    assert lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"]) == 2
    lea.live(hours=1)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.live(hours=3)
    assert (lea.state(due), lea.state(ahead)) == (DeliveryState.REHEARSED, DeliveryState.PUBLISHED)
    assert lea.texts() == ["ahead"]


@pytest.mark.heavy
def test_series_continues_after_dry_run(lea: SandboxAgency) -> None:
    author = f"member:{lea.author}"
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    first = lea.now().date() + timedelta(days=1)
    daily = Recurrence(RecurrenceRule(RecurrenceUnit.DAY, None, 1), first, time(10), "UTC")
    with lea.scope(author) as scope:
        planned = series.plan_series(
            scope, build_draft(lea), daily, key=uuid7(), author=author, confirmed=True
        )
    lea.approve(planned.post_id)
    lea.live(days=2)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.live(days=2)
    with lea.scope() as scope:
        states = [one.state for one in deliveries.deliveries_of_post(scope, planned.post_id)][:4]
    assert states.count("rehearsed") in (1, 2)
    assert states[3] == "published" or states[2] == "published"
    assert len(lea.texts()) == states.count("published")


@pytest.mark.heavy
def test_detached_occurrence_due_after_dry_run_is_published(lea: SandboxAgency) -> None:
    """Detached during a dry run of the account, an occurrence is published if it is due after the
    dry run, as it would have been within the series."""
    post_id = start_series(lea, wanted := build_recurrence(lea, DAILY))
    approve_and_release(lea, post_id)
    lea.run()
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    days = (
        wanted.starts_on,
        wanted.starts_on + timedelta(days=2),
        wanted.starts_on + timedelta(days=70),
    )
    apart = [
        lea.act(
            detached_occurrences.detach_occurrence,
            get_series_id(lea, post_id),
            day,
            author="system:test",
        )
        for day in days
    ]
    for one in apart:
        approve_and_release(lea, one)
    lea.live(days=1)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.live(days=2)
    made = [row for one in apart for row in list_deliveries(lea, one)]
    assert [(row.state, row.dry_run) for row in made] == [
        (DeliveryState.REHEARSED, True),
        (DeliveryState.PUBLISHED, False),
        (DeliveryState.SCHEDULED, False),
    ]


def test_claim_from_before_dry_run_sends_nothing(lea: SandboxAgency) -> None:
    one = lea.delivery("one")
    with lea.scope() as scope:
        seen = get_delivery(scope, one)
        lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
        with pytest.raises(Conflict):
            transition_delivery(scope, seen, DeliveryState.PUBLISHING)
        scope.session.rollback()
    lea.run()
    assert lea.state(one) is DeliveryState.REHEARSED


def test_dry_run_does_not_affect_other_accounts_or_agencies(lea: SandboxAgency) -> None:
    lea.connect("other")
    two = create_sandbox_agency(lea.services, lea.network)
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    here, there = lea.delivery("here"), lea.delivery("there", channel="other")
    theirs = two.delivery("theirs")
    lea.run()
    two.run()
    assert lea.state(here) is DeliveryState.REHEARSED
    assert lea.state(there) is two.state(theirs) is DeliveryState.PUBLISHED


@pytest.mark.parametrize("what", ["tenant", "channel", "post"])
def test_dry_run_of_another_agency_is_not_found(lea: SandboxAgency, what: DryRunTarget) -> None:
    two = create_sandbox_agency(lea.services, lea.network)
    one = lea.delivery("mine", after=600)
    with pytest.raises(NotFound):
        two.act(dry_run_state.start_dry_run, what, of(lea, what, one))
    with pytest.raises(NotFound):
        two.act(dry_run_state.start_dry_run, what, uuid7())
    two.act(dry_run_state.end_dry_run, of(lea, what, one))


def test_repeated_dry_run_switch_has_no_effect(lea: SandboxAgency) -> None:
    lea.delivery("one", after=600)
    assert lea.act(dry_run_state.start_dry_run, "tenant", lea.tenant_id) == 1
    assert lea.act(dry_run_state.start_dry_run, "tenant", lea.tenant_id) == 1
    lea.act(dry_run_state.end_dry_run, lea.tenant_id)
    lea.act(dry_run_state.end_dry_run, lea.tenant_id)
    with lea.scope() as scope:
        assert dry_run_state.list_dry_runs(scope) == {}


def test_rehearsed_state_is_final(lea: SandboxAgency) -> None:
    assert not DELIVERY_STATES.edges.get(DeliveryState.REHEARSED)
    lea.act(dry_run_state.start_dry_run, "tenant", lea.tenant_id)
    one = lea.delivery("one")
    lea.run()
    for act in (expedite_delivery, deliveries.cancel_delivery, settlement.resend_absent_delivery):
        with pytest.raises(Conflict):
            lea.act(act, one)
    with lea.scope() as scope, pytest.raises(Conflict):
        transition_delivery(scope, get_delivery(scope, one), DeliveryState.PUBLISHING)
    with lea.scope() as scope:
        settlement.settle_delivery(scope, one, Published("p1", "https://x.example/1"))
    assert lea.state(one) is DeliveryState.REHEARSED
    lea.live(days=1)
    assert lea.posts() == []


def test_dry_run_stops_rest_of_thread(lea: SandboxAgency) -> None:
    one = lea.delivery("One", parts=(ThreadPart("Two"), ThreadPart("Three")))
    lea.crash(14)
    for at in range(15, 60):
        if lea.texts():
            break
        lea.crash(at)
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    lea.live(hours=1)
    assert lea.state(one) in (DeliveryState.BROKEN_OFF, DeliveryState.PUBLISHED)
    assert len(lea.texts()) <= 3


@pytest.mark.parametrize("seed", range(6))
def test_rehearsed_posts_are_never_sent_in_any_order(lea: SandboxAgency, seed: int) -> None:
    """Random orders of scheduling, switching and crashes: no delivery of a dry run is published,
    and every other one is."""
    drawn, made = random.Random(seed), dict[str, object]()
    for number in range(24):
        match drawn.randrange(5):
            case 0:
                lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
            case 1:
                lea.act(dry_run_state.end_dry_run, lea.channels["main"])
            case 2:
                lea.crash(drawn.randrange(1, 12))
            case 3:
                lea.live(minutes=drawn.choice((1, 20)))
            case _:
                text = f"A note, number {number}"
                made[text] = lea.delivery(text, after=drawn.choice((0, 300, 900)), late_ok=None)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.live(hours=6)
    outside = set(lea.texts())
    with lea.scope() as scope:
        # `made` holds values of type object
        rows = {text: get_delivery(scope, one) for text, one in made.items()}  # type: ignore[arg-type]  # see above
    assert {text for text, row in rows.items() if row.dry_run} & outside == set()
    assert {text for text, row in rows.items() if row.state == DeliveryState.PUBLISHED} == outside
    assert all(row.dry_run == (row.state == DeliveryState.REHEARSED) for row in rows.values())
