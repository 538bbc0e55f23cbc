"""Appeals, and requests about the operators of an agency: stored fields, notices and deadlines."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.states import RemovalRequestState
from gate.contract.units import Rating
from gate.ratings import ratings
from gate.removal import removal_requests, rulings
from gate.removal.events import DecisionTargetReached
from gate.removal.receipts import SubmittedForm
from gate.removal.rulings import AGENCY_SIDE, REQUESTER_SIDE, RulingSummary
from gate.reviews import appeals, operator_requests
from gate.reviews.appeals import AppealableRemoval, PendingAppeal
from gate.reviews.events import AppealDecided, AppealDue
from gate.text.user_input import MAX_APPEAL_LENGTH
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tests.gate.builders import World, world
from tests.gate.person_actions import member_scope
from tests.gate.removal_builders import (
    SOURCE,
    add_member,
    add_picture,
    add_rejected_request,
    get_rendition_state,
    list_request_digests,
    submit_appeal,
    submit_removal_request,
)
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_appeal_is_stored_with_deadline_and_notified(here: World) -> None:
    wish = add_rejected_request(here)
    with here.scope() as scope:
        receipt = removal_requests.get_removal_request(scope, wish).receipt
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            appeals.submit_requester_appeal(scope, receipt, creator_id=uuid7(), words="")
        with pytest.raises(BadInput):
            appeals.submit_requester_appeal(
                scope, receipt, creator_id=here.creator_id, words="x" * (MAX_APPEAL_LENGTH + 1)
            )
    one = submit_appeal(here, wish, " look\nagain ")
    other = add_member(here)
    appeals.handle_appeal(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope() as scope:
        assert list_stored_tasks(scope, AppealDue.kind)[0].priority == 0
        assert list_audit_entries(scope, "appeal.asked") == [
            ("system:test", "appeal.asked", f"complaint:{wish}", {})
        ]
        found = removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, wish)
        )
        assert (found.state, found.outcome) == (
            RemovalRequestState.APPEALED,
            RemovalRequestState.REJECTED,
        )
        (asked_one,) = found.appeals
        assert (asked_one.id, asked_one.against, asked_one.side, asked_one.open) == (
            one,
            1,
            REQUESTER_SIDE,
            True,
        )
        assert find_notice(scope, f"complaint:{SOURCE}:shown:appeal") == StoredNotice(
            "appeal.waits.asked",
            {"creator": "Mia"},
            urgent=True,
            open=True,
            creator=here.creator_id,
        )
        late = list_stored_tasks(scope, DecisionTargetReached.kind)[-1]
        assert (late.subject, late.args, late.dedupe) == (wish, {"number": 1}, f"target:{wish}:1")
        assert late.at == asked_one.at + appeals.APPEAL_TARGET
        assert appeals.list_pending_appeals(scope, {here.creator_id}) == [
            PendingAppeal(
                ids=(one,), about=(wish,), creator_id=here.creator_id, category="shown", side=REQUESTER_SIDE,
                words="look again", copies=(), said=found.rulings[0], since=asked_one.at,
                target=asked_one.at + appeals.APPEAL_TARGET, allowed=frozenset({here.ann, other}),
            )
        ]  # fmt: skip
        assert appeals.list_pending_appeals(scope, {uuid7()}) == []
        assert isinstance(found.rulings[0], RulingSummary)
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            appeals.submit_requester_appeal(scope, receipt, creator_id=here.creator_id, words="")
    assert all(
        get_rendition_state(here, sha) == "frozen" for sha in list_request_digests(here, wish)
    )


@pytest.mark.parametrize(
    ("role", "creators"), [("chatter", "[]"), ("guest", "[]"), ("manager", '["ada"]')]
)
def test_appeal_without_eligible_decider_is_reported(here: World, role: str, creators: str) -> None:
    """The other member may not review, has no assigned creator, or works for another creator."""
    with here.scope() as scope:
        changed = (
            "UPDATE members SET role = :role, creators = CAST(:creators AS jsonb) WHERE id = :id"
        )
        scope.run(changed, role=role, creators=creators, id=here.ann)
    one = submit_appeal(here, add_rejected_request(here, category="other"))
    appeals.handle_appeal(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope() as scope:
        found = find_notice(scope, f"complaint:{SOURCE}:other:appeal")
        assert found is not None
        assert (found.code, found.params, found.urgent) == (
            "appeal.nobody",
            {"creator": "Mia"},
            True,
        )
        (waits,) = appeals.list_pending_appeals(scope, {here.creator_id})
        assert (waits.allowed, waits.target - waits.since) == (
            frozenset(),
            appeals.SLOW_APPEAL_TARGET,
        )


def test_another_member_decides_appeal_and_it_is_final(here: World) -> None:
    wish = add_rejected_request(here)
    one = submit_appeal(here, wish)
    appeals.handle_appeal(AppealDue(here.tenant_id, one), tenant=here.open)
    with member_scope(here, here.rob) as scope, pytest.raises(Refused, match=r"appeal\.another"):
        appeals.request_appeal_decision(scope, one, because="agreed")
    with member_scope(here, here.ann) as scope:
        with pytest.raises(BadInput, match=r"complaint\.no_reason"):
            appeals.request_appeal_decision(scope, one, because="bored")
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            appeals.request_appeal_decision(scope, uuid7(), because="agreed")
        for _ in range(2):
            appeals.request_appeal_decision(scope, one, because="mistaken")
        (task,) = list_stored_tasks(scope, AppealDecided.kind)
        assert (task.subject, task.priority, task.dedupe) == (one, 0, f"appeal:{one}")
        assert task.args == {"because": "mistaken", "by": f"member:{here.ann}"}
    appeals.handle_appeal_decision(
        AppealDecided(here.tenant_id, one, "mistaken", f"member:{here.ann}"), tenant=here.open
    )
    with here.scope() as scope:
        found = removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, wish)
        )
        assert (found.state, found.outcome) == (
            RemovalRequestState.CLOSED,
            RemovalRequestState.REJECTED,
        ), "the losing side has already appealed"
        assert found.reason == Message("complaint.because.mistaken")
        assert not found.appeals[0].open
        notice = find_notice(scope, f"complaint:{SOURCE}:shown:appeal")
        assert notice is not None
        assert not notice.open
        assert list_audit_entries(scope, "appeal.stays") == [
            (f"member:{here.ann}", "appeal.stays", f"complaint:{wish}", {})
        ]
        assert appeals.list_pending_appeals(scope, {here.creator_id}) == []
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            appeals.submit_requester_appeal(
                scope, found.receipt, creator_id=here.creator_id, words=""
            )
    with member_scope(here, here.ann) as scope, pytest.raises(GreenroomError) as refused:
        appeals.request_appeal_decision(scope, one, because="agreed")
    assert refused.value.message.code == "complaint.decided"


def test_unauthorized_decision_is_reported_and_late_notice_closes(
    here: World,
) -> None:
    wish = add_rejected_request(here)
    one, chatter = submit_appeal(here, wish), add_member(here, Role.CHATTER)
    appeals.handle_appeal(AppealDue(here.tenant_id, one), tenant=here.open)
    for number in (0, 1):
        appeals.handle_target_missed(
            DecisionTargetReached(here.tenant_id, wish, number), tenant=here.open
        )
    cause = f"complaint:{SOURCE}:shown:appeal"
    with here.scope() as scope:
        assert find_notice(scope, f"complaint:{SOURCE}:shown:late") is None, (
            "the request was decided in time"
        )
        assert find_notice(scope, f"{cause}:late") == StoredNotice(
            "appeal.late", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
    appeals.handle_appeal_decision(
        AppealDecided(here.tenant_id, one, "agreed", f"member:{chatter}"), tenant=here.open
    )
    with here.scope() as scope:
        refused = find_notice(scope, f"appeal:{one}")
        assert refused is not None
        assert (refused.code, refused.urgent, refused.open) == (
            "role.forbidden.review",
            False,
            True,
        )
    appeals.handle_appeal_decision(
        AppealDecided(here.tenant_id, one, "", f"member:{here.ann}"), tenant=here.open
    )
    with here.scope() as scope:
        for each in (cause, f"{cause}:late"):
            notice = find_notice(scope, each)
            assert notice is not None
            assert not notice.open
        found = removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, wish)
        )
        assert (found.state, found.outcome) == (
            RemovalRequestState.UPHELD,
            RemovalRequestState.UPHELD,
        )
        assert list_audit_entries(scope, "appeal.upheld") == [
            (f"member:{here.ann}", "appeal.upheld", f"complaint:{wish}", {})
        ]


def test_overdue_request_is_reported_until_decided(here: World) -> None:
    wish = submit_removal_request(here, add_picture(here), category="shown")
    appeals.handle_target_missed(DecisionTargetReached(here.tenant_id, wish, 0), tenant=here.open)
    with here.scope() as scope:
        assert find_notice(scope, f"complaint:{SOURCE}:shown:late") == StoredNotice(
            "complaint.late", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
    with member_scope(here, here.rob) as scope:
        removal_requests.reject_removal_request(scope, wish)
        notice = find_notice(scope, f"complaint:{SOURCE}:shown:late")
        assert notice is not None
        assert not notice.open


def test_agency_appeals_removal_with_statement(here: World) -> None:
    wish = submit_removal_request(here, add_picture(here), category="shown")
    minor = submit_removal_request(here, add_picture(here), category="minor", source="t" * 64)
    with member_scope(here, here.rob) as scope:
        with pytest.raises(Conflict, match=r"appeal\.nothing"):
            appeals.submit_agency_appeal(scope, wish, words="please")
        for each in (wish, minor):
            removal_requests.uphold_removal_request(scope, each)
    with member_scope(here, here.ann) as scope:
        found = removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, wish)
        )
        (one,) = appeals.list_appealable_removals(scope, [here.creator_id])
        assert one == AppealableRemoval(
            wish,
            here.creator_id,
            "shown",
            (),
            found.rulings[0],
            found.rulings[0].at + appeals.APPEAL_WINDOW,
        )
        assert (
            appeals.list_appealable_removals(scope, [uuid7()])
            == appeals.list_appealable_removals(scope, [here.creator_id], limit=0)
            == []
        )
        assert appeals.appeal_deadline(found, REQUESTER_SIDE) is None
        assert appeals.appeal_deadline(found, AGENCY_SIDE) == one.until
        for which, words, code in (
            (wish, " \n", "appeal.no_words"), (minor, "please", "appeal.never"),
            (uuid7(), "please", "complaint.unknown"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                appeals.submit_agency_appeal(scope, which, words=words)
            assert refused.value.message.code == code
        again = appeals.submit_agency_appeal(scope, wish, words="All of us agreed.")
        assert list_audit_entries(scope, "appeal.agency") == [
            (f"member:{here.ann}", "appeal.agency", f"complaint:{wish}", {})
        ]
        row = scope.run(
            "SELECT words, side, against, principal_id FROM appeals WHERE id = :i", i=again
        ).one()
        assert tuple(row) == ("All of us agreed.", AGENCY_SIDE, 1, here.principal(scope, here.ann))
    with (
        member_scope(here, add_member(here, Role.CHATTER)) as scope,
        pytest.raises(Refused, match=r"role\.forbidden\.approve"),
    ):
        appeals.submit_agency_appeal(scope, wish, words="please")
    appeals.handle_appeal(AppealDue(here.tenant_id, again), tenant=here.open)
    with here.scope() as scope:
        notice = find_notice(scope, f"complaint:{SOURCE}:shown:appeal")
        assert notice is not None
        assert notice.code == "appeal.nobody", "Rob decided and Ann appeals, so no decider is left"
        assert appeals.list_appealable_removals(scope, [here.creator_id]) == []
        assert ratings.effective_rating(scope, list_request_digests(here, wish)[0]) is Rating.G


def test_installation_decides_requests_about_operators(here: World) -> None:
    wish = submit_removal_request(
        here, add_picture(here), category="shown", given=SubmittedForm(by_house=True)
    )
    empty = submit_removal_request(
        here, category="shown", source="t" * 64, given=SubmittedForm(words="me", by_house=True)
    )
    for actor, code in (
        (f"member:{here.rob}", "complaint.not_house"),
        ("officer:ada", "complaint.no_reason"),
    ):
        with here.scope(actor) as scope, pytest.raises(GreenroomError) as refused:
            operator_requests.decide_operator_request(scope, wish, because="bored")
        assert refused.value.message.code == code
    with here.scope("officer:ada") as scope:
        with pytest.raises(Conflict, match=r"complaint\.not_found"):
            operator_requests.decide_operator_request(scope, empty)
        operator_requests.decide_operator_request(scope, wish, because="agreed")
        assert list_audit_entries(scope, "complaint.stays") == [
            ("officer:ada", "complaint.stays", f"complaint:{wish}", {})
        ]
        assert [one.id for one in operator_requests.list_operator_requests(scope)] == [empty]
    one = submit_appeal(here, wish)
    appeals.handle_appeal(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope("officer:ada") as scope:
        assert [each.state for each in operator_requests.list_operator_requests(scope)] == [
            RemovalRequestState.APPEALED,
            RemovalRequestState.RECEIVED,
        ]
        with pytest.raises(Refused, match=r"appeal\.another"):
            operator_requests.decide_operator_request(scope, wish, because="agreed")
    with here.scope("officer:bo") as scope:
        operator_requests.decide_operator_request(scope, wish)
        assert list_audit_entries(scope, "complaint.upheld") == [
            ("officer:bo", "complaint.upheld", f"complaint:{wish}", {})
        ]
        assert removal_requests.get_removal_request(scope, wish).state == "upheld"
    with member_scope(here, here.rob) as scope, pytest.raises(Refused, match=r"complaint\.house"):
        removal_requests.request_decision(scope, empty, because="agreed")


def test_decider_and_appellant_cannot_decide_appeal(here: World) -> None:
    wish = add_rejected_request(here)
    submit_appeal(here, wish)
    with here.scope() as scope:
        row = scope.session.get(
            rulings.Appeal, (here.tenant_id, list_stored_tasks(scope, AppealDue.kind)[-1].subject)
        )
        assert row is not None
        assert [
            one.id for one in rulings.eligible_deciders(scope, row, queries.list_members(scope))
        ] == [here.ann]
        with pytest.raises(Conflict, match=r"complaint\.decided"):
            rulings.record_ruling(scope, wish, RemovalRequestState.UPHELD, after=0, reason=None)
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            rulings.record_appeal(scope, wish, against=1, side=REQUESTER_SIDE, words="")
        assert rulings.list_rulings(scope, [uuid7()]).popitem()[1] == ()
