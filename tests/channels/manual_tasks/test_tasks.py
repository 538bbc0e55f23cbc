"""Manual tasks: expiry, assignees, files and removals."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.manual_tasks import assignees, file_downloads, tasks
from channels.manual_tasks.events import ManualTaskCheckDue
from channels.manual_tasks.task_lifecycle import TASK_LIFETIME
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Rating, Subject
from gate.copies import live_copies
from gate.people import persons
from gate.policy import emergency_stops
from gate.ratings import ratings
from schedules.approvals.time_changes import reschedule_delivery
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal, settlement, stalled_deliveries
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.channels.manual_task_builders import (
    LINK,
    NAME,
    Phone,
    connect_manual_account,
    list_permits,
    open_phone,
    pair_phone,
)
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wall_time_after
from tests.schedules.conftest import running, sandbox, services  # noqa: F401  fixtures
from workers.wiring import Services


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:  # noqa: F811  fixtures
    made = create_sandbox_agency(services, sandbox)
    connect_manual_account(made)
    return made


@pytest.fixture
def hand(lea: SandboxAgency) -> Phone:
    """The manager with a paired phone."""
    pair_phone(lea)
    return open_phone(lea)


def due(
    lea: SandboxAgency, hand: Phone, body: str = "Le matin", **more: Any
) -> tuple[UUID, tasks.ManualTask]:
    """Publish a post whose time has come; return the delivery and its task."""
    delivery = lea.delivery(body, channel=NAME, after=1, **more)
    lea.live(seconds=3)
    return delivery, hand.tasks()[0]


# time


def test_task_not_opened_in_time_expires_and_serves_no_file(
    lea: SandboxAgency, hand: Phone
) -> None:
    delivery, task = due(lea, hand, media=(lea.photo(1),), late_ok=timedelta(minutes=30))
    lea.live(minutes=31)
    assert hand.tasks() == []
    assert (lea.state(delivery), lea.why(delivery)) == (DeliveryState.FAILED, "handover.late")
    with pytest.raises(Conflict):
        hand.save(task.id, task.files[0].sha256)
    with pytest.raises(Conflict):
        hand.open(task.id)
    # no member opened it, so it left no copy
    assert [state for _, state in list_permits(lea)] == ["void"]

    with lea.scope(f"member:{lea.manager}") as scope:
        reschedule_delivery(scope, delivery, at=wall_time_after(scope.now, 60))
    lea.live(seconds=61)
    (again,) = hand.tasks()
    assert (again.id, again.state) == (task.id, "waiting")  # one task per post, assigned again
    hand.done(again.id)
    assert lea.state(delivery) == DeliveryState.PUBLISHED


def test_opened_task_does_not_expire_and_becomes_uncertain_after_a_week(
    lea: SandboxAgency, hand: Phone
) -> None:
    delivery, task = due(lea, hand)
    hand.open(task.id)
    told = []
    for wait in (timedelta(minutes=16), timedelta(minutes=45), timedelta(hours=24)):
        lea.live(seconds=wait.total_seconds())
        told.append([code for code in lea.notices().values() if code.startswith("handover.")])
        with lea.scope() as scope:
            scope.run("UPDATE notices SET settled_at = house_now() WHERE cause LIKE 'handover:%'")
    assert told == [["handover.reminder"]] * 3
    assert lea.state(delivery) == DeliveryState.PROCESSING
    lea.live(days=7)
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.UNCERTAIN,
        "delivery.was_it_posted",
    )
    hand.done(task.id, "")
    assert lea.state(delivery) == DeliveryState.PUBLISHED
    assert lea.entry(delivery).native_id == f"task:{task.id}"


def test_task_without_an_answer_for_a_week_can_be_sent_again(
    lea: SandboxAgency, hand: Phone
) -> None:
    delivery, task = due(lea, hand, late_ok=None)
    hand.open(task.id)
    lea.live(seconds=TASK_LIFETIME.total_seconds() + 60)
    assert lea.state(delivery) == DeliveryState.UNCERTAIN
    lea.act(settlement.resend_absent_delivery, delivery)
    lea.run()
    (again,) = hand.tasks()
    assert (again.id, again.state, lea.state(delivery)) == (
        task.id,
        "waiting",
        DeliveryState.PROCESSING,
    )


def test_manual_task_is_not_polled_or_treated_as_stalled(lea: SandboxAgency, hand: Phone) -> None:
    delivery, _ = due(lea, hand, late_ok=None)
    lea.live(hours=3)
    assert lea.state(delivery) == DeliveryState.PROCESSING
    assert lea.attempts(delivery, kind="look") == []
    assert lea.act(stalled_deliveries.wake_stalled_deliveries) == 0
    assert len(lea.attempts(delivery)) == 1


def test_snoozed_task_reminds_later(lea: SandboxAgency, hand: Phone) -> None:
    _, task = due(lea, hand, late_ok=None)
    hand.act(tasks.snooze_task, task.id, timedelta(hours=1))
    assert hand.task(task.id).snoozed_until is not None
    lea.live(minutes=59)
    assert "handover.reminder" not in lea.notices().values()
    lea.live(minutes=2)
    assert "handover.reminder" in lea.notices().values()
    with pytest.raises(BadInput):
        hand.act(tasks.snooze_task, task.id, timedelta(days=3))


# decisions of members


def test_refused_task_fails_the_delivery_with_a_reason(lea: SandboxAgency, hand: Phone) -> None:
    delivery, task = due(lea, hand)
    hand.open(task.id)
    hand.act(tasks.refuse_task, task.id, "refused")
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.FAILED,
        "handover.cannot_refused",
    )
    assert lea.story(delivery)[-1].by == f"member:{lea.manager}"
    with pytest.raises(Conflict):
        hand.done(task.id)
    with pytest.raises(BadInput):
        hand.act(tasks.refuse_task, task.id, "because")


def test_link_can_be_added_later_and_belongs_to_one_post(lea: SandboxAgency, hand: Phone) -> None:
    first, task = due(lea, hand)
    hand.done(task.id, "")
    assert (lea.entry(first).state, lea.entry(first).url) == (DeliveryState.PUBLISHED, "")
    hand.act(tasks.add_post_link, task.id, pasted=LINK, connectors=lea.services.connectors)
    assert lea.entry(first).url == "https://instagram.com/p/C9xYz12Abc"
    second, other = due(lea, hand, "Le soir")
    with pytest.raises(Conflict):
        hand.done(other.id, LINK)
    assert lea.state(second) == DeliveryState.PROCESSING


def test_incomplete_checklist_keeps_the_task_open(lea: SandboxAgency, hand: Phone) -> None:
    connect_manual_account(lea, "instagram")
    body = "Le matin. Image créée avec une IA."
    delivery = lea.delivery(body, channel=NAME, after=1, text_ai="generated")
    lea.live(seconds=3)
    (task,) = hand.tasks()
    assert task.checklist == ("ai",)
    with pytest.raises(BadInput):
        hand.done(task.id, ticked=())
    hand.done(task.id, ticked=("ai",))
    assert lea.state(delivery) == DeliveryState.PUBLISHED


def test_second_completion_returns_the_first(lea: SandboxAgency, hand: Phone) -> None:
    _, task = due(lea, hand)
    hand.done(task.id)
    again = hand.done(task.id, "https://www.instagram.com/p/Another11/")
    assert again.url == "https://instagram.com/p/C9xYz12Abc"


def test_task_is_visible_to_the_creators_members_only(lea: SandboxAgency, hand: Phone) -> None:
    _, task = due(lea, hand)
    stranger = uuid7()
    with lea.scope(f"member:{lea.manager}") as scope:
        assert tasks.list_due_tasks(scope, creators={stranger}) == []
        for act in (tasks.get_task, tasks.open_task, tasks.confirm_removal):
            with pytest.raises(NotFound):
                act(scope, task.id, creators={stranger})
        with pytest.raises(NotFound):
            file_downloads.request_file(scope, task.id, "a" * 64, creators={lea.creator_id})


# assignees


def test_post_is_held_until_a_phone_is_paired(lea: SandboxAgency) -> None:
    delivery = lea.delivery("Le matin", channel=NAME, after=900)
    lea.live(seconds=301)
    assert "handover.nobody" in lea.notices().values()  # ten minutes before
    assert lea.state(delivery) == DeliveryState.SCHEDULED
    lea.live(seconds=600)
    entry = lea.entry(delivery)
    assert entry.reason is not None
    assert (entry.state, entry.reason.code) == (DeliveryState.HELD, "handover.nobody")
    assert "Anne" in str(entry.reason.params["people"])
    pair_phone(lea)
    lea.run()
    assert lea.state(delivery) == DeliveryState.PROCESSING


def test_only_chosen_assignees_receive_the_task(lea: SandboxAgency, hand: Phone) -> None:
    lea.act(assignees.set_assignees, lea.channels[NAME], [lea.author])
    delivery = lea.delivery("Le matin", channel=NAME, after=1)
    lea.live(seconds=3)
    assert lea.state(delivery) == DeliveryState.HELD
    pair_phone(lea, lea.author)
    lea.run()
    assert lea.state(delivery) == DeliveryState.PROCESSING
    with lea.scope() as scope:
        chatter = agencies.add_member(
            scope, name="C", email="c@e.test", role=Role.CHATTER, language="fr", zone=ZONE
        )
    with pytest.raises(BadInput):
        lea.act(assignees.set_assignees, lea.channels[NAME], [chatter])


def test_phone_unused_for_a_month_does_not_count(lea: SandboxAgency, hand: Phone) -> None:
    with lea.scope() as scope:
        scope.run("UPDATE phones SET seen_at = house_now() - interval '31 days'")
        assert [one.fresh for one in assignees.list_phones(scope)] == [False]
        assignees.record_phone_use(scope, lea.manager)
        assert [one.fresh for one in assignees.list_phones(scope)] == [True]
        assignees.unpair_phone(scope, lea.manager)
        assert assignees.list_phones(scope) == []


# the gate


def shown(lea: SandboxAgency) -> tuple[UUID, UUID]:
    """Return a picture of a real person with consent, and the person."""
    asset = lea.photo(1)
    with lea.scope(f"member:{lea.manager}") as scope:
        person = persons.add_person(scope, kind="real", display_ref="Mia")
        for what in ("depict", "publish"):
            grant_consent(
                scope,
                person,
                what=what,
                surfaces=["byhand"],
                max_rating=Rating.S,
                valid_from=scope.now - timedelta(days=1),
                valid_until=scope.now + timedelta(days=90),
                evidence_digest="e",
                signed_by=person,
            )
        ratings.record_depiction(
            scope, asset, person, how="face", confirmed_by=f"member:{lea.manager}"
        )
    return asset, person


def test_consent_revoked_before_download_serves_no_file(lea: SandboxAgency, hand: Phone) -> None:
    asset, person = shown(lea)
    delivery, task = due(lea, hand, media=(asset,))
    assert hand.save(task.id, task.files[0].sha256)[0] == ""  # the counterpart: with valid consent
    with lea.scope(f"member:{lea.manager}") as scope:
        wish = file_downloads.request_file(
            scope, task.id, task.files[0].sha256, creators=hand.creators
        )
        revoke_consent(scope, person)
    lea.run()
    with lea.scope() as scope:
        answer = file_downloads.get_download(scope, wish)
        assert answer.reason is not None
        assert answer.reason.code in {"gate.CONSENT_REVOKED", "handover.not_served"}
        with pytest.raises(Conflict):
            file_downloads.claim_download(scope, wish)
    assert [step for step, _ in list_permits(lea)].count("save") == 1
    assert (
        hand.tasks() == []
    )  # no member had opened it: it is recalled, and there is nothing to remove
    assert (lea.state(delivery), lea.why(delivery)) == (DeliveryState.FAILED, "handover.recalled")


def test_stop_or_freeze_refuses_the_file_with_a_reason(lea: SandboxAgency, hand: Phone) -> None:
    asset = lea.photo(1)
    _, task = due(lea, hand, media=(asset,))
    hand.open(task.id)
    lea.act(emergency_stops.close_switch, "creator", str(lea.creator_id), "sending", reason="test")
    assert hand.save(task.id, task.files[0].sha256) == ("gate.KILL_SWITCH", None)
    lea.act(emergency_stops.reopen_switch, "creator", str(lea.creator_id), "sending", reason="test")
    assert hand.save(task.id, task.files[0].sha256)[0] == ""
    with lea.scope() as scope:
        ratings.freeze_bytes(scope, assets.get_asset(scope, asset).sha256)
    assert hand.save(task.id, task.files[0].sha256) == ("gate.COMPLAINT_FREEZE", None)


def test_allowed_file_is_served_once_within_a_minute(lea: SandboxAgency, hand: Phone) -> None:
    _, task = due(lea, hand, media=(lea.photo(1),))
    hand.open(task.id)
    with lea.scope(f"member:{lea.manager}") as scope:
        first = file_downloads.request_file(
            scope, task.id, task.files[0].sha256, creators=hand.creators
        )
        second = file_downloads.request_file(
            scope, task.id, task.files[0].sha256, creators=hand.creators
        )
    lea.run()
    with lea.scope() as scope:
        assert file_downloads.claim_download(scope, first) == task.files[0].sha256
        with pytest.raises(Conflict):
            file_downloads.claim_download(scope, first)
    lea.pass_time(seconds=61)
    with lea.scope() as scope, pytest.raises(Conflict):
        file_downloads.claim_download(scope, second)
    assert [step for step, _ in list_permits(lea)] == ["hand_over", "save", "save"]


def test_unknown_surface_is_held(lea: SandboxAgency, hand: Phone) -> None:
    with lea.scope() as scope:
        scope.run("UPDATE channels SET surface = 'myspace' WHERE id = :id", id=lea.channels[NAME])
    delivery = lea.delivery("Le matin", channel=NAME, after=1)
    lea.live(seconds=3)
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.HELD,
        "gate.DESTINATION_UNKNOWN",
    )
    assert list_permits(lea) == []


# removal


def test_removal_is_a_task_confirmed_by_a_named_member(lea: SandboxAgency, hand: Phone) -> None:
    delivery, task = due(lea, hand)
    hand.done(task.id)
    due(lea, hand, "Le soir")
    assert lea.act(post_removal.request_post_removal, delivery) == 1
    lea.run()
    first = hand.tasks()[0]
    assert (first.is_removal, first.url) == (
        True,
        "https://instagram.com/p/C9xYz12Abc",
    )  # listed before the other post
    assert lea.state(delivery) == DeliveryState.REMOVING
    assert "handover.removal_due" in lea.notices().values()
    lea.live(hours=2)
    assert lea.state(delivery) == DeliveryState.REMOVING
    hand.act(tasks.confirm_removal, first.id)
    assert lea.state(delivery) == DeliveryState.REMOVED
    with lea.scope() as scope:
        (copy,) = live_copies.list_copies(scope, Subject("delivery", delivery))
        proof = scope.run("SELECT gone_proof FROM permits WHERE id = :id", id=copy.jti).scalar_one()
    assert proof == f"member:{lea.manager}"
    assert "handover.removal_due" not in lea.notices().values()
    assert hand.act(tasks.confirm_removal, first.id).state == "gone"


def test_removal_task_cannot_be_snoozed_past_its_deadline(lea: SandboxAgency, hand: Phone) -> None:
    delivery, task = due(lea, hand)
    hand.done(task.id)
    lea.act(post_removal.request_post_removal, delivery)
    lea.run()
    first = hand.tasks()[0]
    hand.act(tasks.snooze_task, first.id, timedelta(minutes=15))
    lea.live(hours=11, minutes=30)
    with pytest.raises(Conflict):
        hand.act(tasks.snooze_task, first.id, timedelta(hours=1))
    with pytest.raises(BadInput):
        hand.act(tasks.refuse_task, first.id, "other")


def test_recall_of_an_opened_task_requests_removal(lea: SandboxAgency, hand: Phone) -> None:
    asset, person = shown(lea)
    delivery, task = due(lea, hand, media=(asset,))
    hand.open(task.id)
    assert hand.save(task.id, task.files[0].sha256)[0] == ""
    lea.act(revoke_consent, person)
    lea.run()
    assert hand.task(task.id).state == "recalled"
    assert (lea.state(delivery), lea.why(delivery)) == (
        DeliveryState.UNCERTAIN,
        "handover.recalled",
    )
    (removing,) = hand.tasks()
    assert removing.is_removal
    with pytest.raises(Conflict):
        hand.done(task.id)
    hand.act(tasks.confirm_removal, removing.id)
    lea.run()
    assert lea.state(delivery) == DeliveryState.REMOVED


# crashes


@pytest.mark.parametrize("at", range(24))
def test_crash_at_any_point_creates_one_task(lea: SandboxAgency, hand: Phone, at: int) -> None:
    delivery = lea.delivery("Le matin", channel=NAME, media=(lea.photo(1),), after=1, late_ok=None)
    lea.pass_time(seconds=2)
    died = lea.crash(at)
    lea.live(minutes=5)
    assert lea.state(delivery) == DeliveryState.PROCESSING, died
    with lea.scope() as scope:
        assert scope.run("SELECT count(*) FROM handovers").scalar_one() == 1
    (task,) = hand.tasks()
    hand.done(task.id)
    assert lea.state(delivery) == DeliveryState.PUBLISHED


def test_check_of_a_finished_task_does_nothing(lea: SandboxAgency, hand: Phone) -> None:
    _, task = due(lea, hand)
    hand.done(task.id)
    with lea.scope() as scope:
        from foundation.outbox import outbox

        outbox.put(scope, ManualTaskCheckDue(lea.tenant_id, task.id))
    lea.live(days=1)
    assert lea.rows("handover.look") == []
