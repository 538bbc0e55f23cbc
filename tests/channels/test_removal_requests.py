"""Removal requests: the bytes are frozen at once, members notified, and copies recalled by the
deadline or a decision."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.states import RemovalRequestState
from gate.copies import live_copies
from gate.permits.issuance import PermitDenied
from gate.removal import removal_requests
from gate.removal.events import RemovalRequestDecided, RemovalRequestDue
from gate.removal.removal_requests import DECISION_DEADLINE, GROUPING_THRESHOLD
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.channels.builders import World
from tests.channels.sending.test_removal import deleted, open_notices, remove


def received(lea: World, digests: list[str], *, who: str = "shown") -> UUID:
    """Receive a request about these bytes; return its ID."""
    with lea.scope() as scope:
        told = removal_requests.receive_removal_request(
            scope,
            creator_id=lea.creator_id,
            category=who,
            named="gr1",
            digests=digests,
            source="somewhere",
        )
        return removal_requests.find_status_by_receipt(scope, told).id


def answer(lea: World, complaint_id: UUID) -> None:
    """Run the handler as the workers do."""
    removal_requests.handle_removal_request_due(
        RemovalRequestDue(lea.tenant_id, complaint_id), tenant=lea.tenant
    )


def called(lea: World) -> int:
    with lea.scope() as scope:
        return int(
            scope.run("SELECT count(*) FROM outbox WHERE kind = 'takedown.opened'").scalar_one()
        )


def test_requested_bytes_are_frozen_and_members_notified(lea: World) -> None:
    unit = lea.unit("seen", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    answer(lea, wish)
    assert open_notices(lea) == ["complaint.waits"]
    assert called(lea) == 0
    with pytest.raises(PermitDenied, match="COMPLAINT_FREEZE"):
        lea.arm(lea.unit("again", pictures=1))


def test_deadline_recalls_every_copy(lea: World) -> None:
    unit, other = lea.unit("goes", pictures=1), lea.unit("words alone stay")
    lea.publish(unit)
    lea.publish(other)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    with lea.scope() as scope:
        due = scope.run(
            "SELECT max(available_at) FROM outbox WHERE kind = 'complaint.due'"
        ).scalar_one()
        assert (
            timedelta(0)
            <= due - scope.now - DECISION_DEADLINE + timedelta(minutes=1)
            < timedelta(minutes=2)
        )
        scope.run(
            "UPDATE agencies SET demo = true WHERE tenant_id = :t", t=lea.tenant_id
        )  # a demo agency, which has no waiting period
    answer(lea, wish)
    assert called(lea) >= 1
    assert open_notices(lea) == []
    assert remove(lea, unit) == []
    assert deleted(lea) == [True, False]
    with lea.scope() as scope:
        found = removal_requests.latest_status(scope, lea.creator_id)
    assert found is not None
    assert found.state is RemovalRequestState.CALLED
    assert [copy.removed_at is not None for copy in found.copies] == [True]


def test_rejected_request_unfreezes_the_bytes_once(lea: World) -> None:
    unit = lea.unit("stays", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    with lea.scope() as scope:
        removal_requests.reject_removal_request(scope, wish)
    answer(lea, wish)
    assert (called(lea), open_notices(lea)) == (0, [])
    lea.publish(lea.unit("again", pictures=1))
    assert deleted(lea) == [False, False]
    with lea.scope() as scope, pytest.raises(Conflict):
        removal_requests.reject_removal_request(scope, wish)


def test_recalled_bytes_stay_removed(lea: World) -> None:
    unit = lea.unit("gone", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    with lea.scope() as scope:
        removal_requests.freeze_named_bytes(scope, wish)
        assert len(removal_requests.recall_named_bytes(scope, wish)) >= 1
        assert removal_requests.recall_named_bytes(scope, wish) == []
    assert remove(lea, unit) == []
    with lea.scope() as scope, pytest.raises(Conflict):
        removal_requests.reject_removal_request(
            scope, wish
        )  # reversing a removal by deadline takes two members, see test_appeals
    with lea.scope() as scope:
        assert all(copy.removed_at for copy in live_copies.list_copies(scope, unit.subject))
    assert deleted(lea) == [True]


def test_web_role_cannot_decide_a_removal_request(lea: World) -> None:
    wish = received(lea, ["0" * 64])
    from sqlalchemy.exc import ProgrammingError

    with pytest.raises(ProgrammingError, match="permission denied"), lea.scope() as scope:
        scope.run("UPDATE complaints SET state = 'called' WHERE id = :id", id=wish)


def decide(lea: World, complaint_id: UUID, *, because: str = "", role: Role = Role.OWNER) -> None:
    """Decide as a new member, and run the workers."""
    with lea.scope() as scope:
        member = agencies.add_member(
            scope, name="Mo", email=f"{uuid7()}@example.test", role=role, language="en", zone="UTC"
        )
    with lea.tenant(lea.tenant_id, f"member:{member}") as scope:
        removal_requests.request_decision(scope, complaint_id, because=because)
    event = RemovalRequestDecided(lea.tenant_id, complaint_id, because, f"member:{member}")
    removal_requests.handle_removal_decision(event, tenant=lea.tenant)
    removal_requests.handle_removal_decision(event, tenant=lea.tenant)  # delivered twice


def test_upheld_request_removes_and_blocks_permanently(lea: World) -> None:
    unit = lea.unit("goes", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    decide(lea, wish)
    assert called(lea) >= 1
    assert open_notices(lea) == []
    assert remove(lea, unit) == []
    assert deleted(lea) == [True]
    with pytest.raises(PermitDenied, match="BLOCKLIST_EXACT"):
        lea.arm(lea.unit("again", pictures=1))
    with lea.scope() as scope, pytest.raises(Conflict):
        removal_requests.reject_removal_request(scope, wish)


def test_rejected_request_tells_the_requester_why(lea: World) -> None:
    unit = lea.unit("stays", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    decide(lea, wish, because="mistaken")
    with lea.scope() as scope:
        found = removal_requests.latest_status(scope, lea.creator_id)
    assert found is not None
    assert (found.state, found.reason) == (
        RemovalRequestState.REJECTED,
        Message("complaint.because.mistaken"),
    )
    assert open_notices(lea) == []
    lea.publish(lea.unit("again", pictures=1))
    assert deleted(lea) == [False, False]


def test_ineligible_member_cannot_decide(lea: World) -> None:
    unit = lea.unit("seen", pictures=1)
    wish = received(lea, [unit.media[0].sha256])
    for role in (Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT):
        with pytest.raises(Refused):
            decide(lea, wish, role=role)
    with pytest.raises(BadInput):
        decide(lea, wish, because="anything")
    with lea.scope() as scope, pytest.raises(Refused):
        removal_requests.request_decision(scope, wish)


def test_request_without_a_deadline_waits_for_a_member(lea: World) -> None:
    unit = lea.unit("stays", pictures=1)
    lea.publish(unit)
    with lea.scope() as scope:
        scope.run("UPDATE agencies SET demo = true WHERE tenant_id = :t", t=lea.tenant_id)
    wish = received(lea, [unit.media[0].sha256], who="other")
    answer(lea, wish)
    assert (called(lea), open_notices(lea)) == (0, ["complaint.waits_person"])
    with pytest.raises(PermitDenied, match="COMPLAINT_FREEZE"):
        lea.arm(lea.unit("again", pictures=1))


def test_similar_pictures_are_frozen_and_released_together(lea: World) -> None:
    named, same, other = (
        lea.unit(f"picture {number}", pictures=1, first=number) for number in range(3)
    )
    looks = ((named, "ff00ff00ff00ff00"), (same, "ff00ff00ff00ff07"), (other, "00ff00ff00ff00ff"))
    with lea.scope() as scope, scope.acting_as("gate"):
        for unit, look in looks:
            scope.run(
                "UPDATE renditions SET phash = :look WHERE sha256 = :s",
                look=look,
                s=unit.media[0].sha256,
            )
    wish = received(lea, [named.media[0].sha256])
    answer(lea, wish)
    for unit in (named, same):
        with pytest.raises(PermitDenied, match="COMPLAINT_FREEZE"):
            lea.arm(unit)
    lea.publish(other)
    decide(lea, wish, because="unfounded")
    lea.publish(same)


def test_many_requests_of_one_source_are_grouped_into_one_decision(lea: World) -> None:
    unit, second = lea.unit("flooded", pictures=1), lea.unit("named too", pictures=1, first=1)
    wishes = [
        received(lea, [unit.media[0].sha256], who="other") for _ in range(GROUPING_THRESHOLD + 1)
    ]
    alone = received(lea, [second.media[0].sha256])
    for wish in (*wishes, alone):
        answer(lea, wish)
    assert sorted(open_notices(lea)) == ["complaint.waits", "complaint.waits_person"]
    with lea.scope() as scope:
        found = removal_requests.list_pending_removal_requests(scope, {lea.creator_id})
        assert removal_requests.list_pending_removal_requests(scope, {uuid7()}) == []
    assert [one.ids for one in found] == [tuple(wishes), (alone,)]
    assert [one.until is None for one in found] == [True, False]
    for wish in wishes[:-1]:
        decide(lea, wish, because="unfounded")
    with pytest.raises(PermitDenied, match="COMPLAINT_FREEZE"):
        lea.arm(unit)  # the last request still names it
    decide(lea, wishes[-1], because="unfounded")
    lea.publish(unit)
    assert open_notices(lea) == ["complaint.waits"]
