"""Removal requests: stored fields, notices, deadlines and refusals."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.assets import lookalikes
from gate.contract.states import RemovalRequestState
from gate.copies import live_copies
from gate.ratings import seals
from gate.removal import receipts, removal_requests
from gate.removal.events import DecisionTargetReached, RemovalRequestDecided, RemovalRequestDue
from gate.removal.receipts import SubmittedForm
from gate.removal.removal_requests import PendingRemovalRequest
from gate.reviews import operator_requests
from tenants.agencies.rights import Role
from tests.gate.builders import World, world
from tests.gate.person_actions import member_scope
from tests.gate.removal_builders import (
    HOUR,
    SOURCE,
    add_member,
    add_picture,
    get_rendition_state,
    process_removal_request,
    publish_picture,
    submit_removal_request,
)
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_request_is_stored_with_receipt_and_highest_priority(here: World) -> None:
    sha256 = add_picture(here)
    wish = submit_removal_request(here, sha256, category="shown")
    with here.scope() as scope:
        row = removal_requests.get_removal_request(scope, wish)
        assert (row.creator_id, row.category, row.named, row.source) == (
            here.creator_id,
            "shown",
            "post",
            SOURCE,
        )
        assert (row.state, row.digests, row.called_at) == ("received", [sha256], None)
        assert [
            (one.subject, one.priority) for one in list_stored_tasks(scope, RemovalRequestDue.kind)
        ] == [(wish, 0)]
        found = removal_requests.find_status_by_receipt(scope, row.receipt)
        assert (found.id, found.creator_id, found.receipt, found.category) == (
            wish, here.creator_id, row.receipt, "shown",
        )  # fmt: skip
        assert (found.named, found.state, found.copies, found.rulings, found.appeals, found.found) == (
            "post", RemovalRequestState.RECEIVED, (), (), (), True,
        )  # fmt: skip
        assert (found.outcome, found.reason) == (None, None)
        assert scope.now - found.at < HOUR
        groups = row.receipt.split("-")
        assert [len(each) for each in groups] == [4, 4, 4]
        assert set("".join(groups)) <= set(removal_requests.RECEIPT_ALPHABET)
        # just created
        assert removal_requests.latest_status(scope, here.creator_id).id == wish  # type: ignore[union-attr]  # see above
        assert removal_requests.latest_status(scope, uuid7()) is None
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            removal_requests.find_status_by_receipt(scope, "2222-2222-2222")
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            removal_requests.get_removal_request(scope, uuid7())
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            removal_requests.lock_removal_request(scope, uuid7())


@pytest.mark.parametrize(("category", "digests"), [("odd", ["a" * 64]), ("other", [])])
def test_invalid_request_is_rejected(here: World, category: str, digests: list[str]) -> None:
    with here.scope() as scope, pytest.raises(BadInput, match=r"complaint\.unfit"):
        removal_requests.receive_removal_request(
            scope,
            creator_id=here.creator_id,
            category=category,
            named="x",
            digests=digests,
            source=SOURCE,
        )


def test_requests_of_one_source_are_limited_per_hour(here: World) -> None:
    submit_removal_request(here, "a" * 64)
    with (
        here.scope() as scope
        # receipts of copies begin with a dash, which real receipts never do: one in 32 began with an F
    ):
        copy = (
            "INSERT INTO complaints (tenant_id, id, creator_id, receipt, category, named, source, "
            "state, digests,"
            " created_at) SELECT tenant_id, gen_random_uuid(), creator_id, '-' || n, category, "
            "named, source, state,"
            " digests, house_now() - CAST(:ago AS interval) FROM complaints, generate_series(1, "
            ":most) n"
            " WHERE tenant_id = :t AND receipt NOT LIKE '-%'"
        )
        scope.run(
            copy,
            most=removal_requests.MAX_REMOVAL_REQUESTS - 2,
            ago=HOUR - timedelta(minutes=1),
            t=here.tenant_id,
        )
        scope.run(
            copy.replace("'-' ||", "'--' ||"),
            most=2,
            ago=HOUR + timedelta(minutes=1),
            t=here.tenant_id,
        )
    submit_removal_request(here, "b" * 64)  # the last accepted request
    submit_removal_request(here, "b" * 64, source="t" * 64)
    with here.scope() as scope, pytest.raises(Refused) as refused:
        removal_requests.receive_removal_request(
            scope,
            creator_id=here.creator_id,
            category="other",
            named="x",
            digests=["a" * 64],
            source=SOURCE,
        )
    assert (refused.value.message.code, refused.value.message.params) == (
        "complaint.flood",
        {"most": 500},
    )


def test_members_are_notified_with_deadline(here: World) -> None:
    sha256 = add_picture(here)
    wish = submit_removal_request(here, sha256, category="shown")
    process_removal_request(here, wish)
    with here.scope() as scope:
        at = removal_requests.get_removal_request(scope, wish).created_at
        assert at is not None
        until = at + removal_requests.DECISION_DEADLINE
        hour = f"{until.astimezone(ZoneInfo('Europe/Paris')):%d/%m %H:%M}"
        assert find_notice(scope, f"complaint:{SOURCE}:shown") == StoredNotice(
            "complaint.waits",
            {"creator": "Mia", "until": hour},
            urgent=True,
            open=True,
            creator=here.creator_id,
        )
        clock = list_stored_tasks(scope, RemovalRequestDue.kind)[1]
        assert (clock.subject, clock.at, clock.priority) == (wish, until, 0)
        (late,) = list_stored_tasks(scope, DecisionTargetReached.kind)
        assert (late.subject, late.args, late.at) == (
            wish,
            {"number": 0},
            at + removal_requests.DECISION_TARGET,
        )
        assert late.dedupe == f"target:{wish}:0"
        assert removal_requests.list_pending_removal_requests(scope, [here.creator_id]) == [
            PendingRemovalRequest(
                (wish,),
                here.creator_id,
                "shown",
                at,
                until,
                at + removal_requests.DECISION_TARGET,
                (),
            )
        ]
        assert removal_requests.list_pending_removal_requests(scope, [uuid7()]) == []
    assert get_rendition_state(here, sha256) == "frozen"


def test_slow_request_has_no_recall_and_one_week_target(here: World) -> None:
    sha256 = add_picture(here)
    wish = submit_removal_request(here, sha256)
    process_removal_request(here, wish)
    with here.scope() as scope:
        at = removal_requests.get_removal_request(scope, wish).created_at
        assert at is not None
        assert find_notice(scope, f"complaint:{SOURCE}:other") == StoredNotice(
            "complaint.waits_person",
            {"creator": "Mia"},
            urgent=True,
            open=True,
            creator=here.creator_id,
        )
        assert len(list_stored_tasks(scope, RemovalRequestDue.kind)) == 1
        assert (
            list_stored_tasks(scope, DecisionTargetReached.kind)[0].at
            == at + removal_requests.SLOW_DECISION_TARGET
        )
        (one,) = removal_requests.list_pending_removal_requests(scope, [here.creator_id])
        assert (one.until, one.target) == (None, at + removal_requests.SLOW_DECISION_TARGET)


@pytest.mark.parametrize(
    ("by_house", "code"), [(True, "complaint.waits_house"), (False, "complaint.waits_words")]
)
def test_request_without_pictures_is_read_by_members_or_installation(
    here: World, by_house: bool, code: str
) -> None:
    given = SubmittedForm("https://x.example/1", "me at a lake", by_house=by_house)
    wish = submit_removal_request(here, category="shown", given=given)
    process_removal_request(here, wish)
    with here.scope() as scope:
        found = find_notice(scope, f"complaint:{SOURCE}:shown")
        assert found is not None
        assert (found.code, found.params) == (code, {"creator": "Mia"})
        assert len(list_stored_tasks(scope, RemovalRequestDue.kind)) == 1, (
            "no picture to recall yet"
        )
        assert receipts.submissions_by_request(scope, [wish, uuid7()]) == {wish: given}
        assert receipts.decided_by_installation(scope, [wish]) == ({wish} if by_house else set())
        rows = removal_requests.list_pending_removal_requests(scope, [here.creator_id])
        assert [(one.address, one.words) for one in rows] == (
            [] if by_house else [(given.address, given.words)]
        )
        waits = operator_requests.list_operator_requests(scope)
        assert [one.id for one in waits] == ([wish] if by_house else [])
        if by_house:
            row = removal_requests.get_removal_request(scope, wish)
            assert (waits[0].receipt, waits[0].category, waits[0].state) == (
                row.receipt,
                "shown",
                RemovalRequestState.RECEIVED,
            )
            assert (waits[0].at, waits[0].given) == (row.created_at, given)


def test_lookalikes_are_frozen_except_for_slow_requests(here: World) -> None:
    first, near = add_picture(here, phash="0f" * 8), add_picture(here, phash="0f" * 7 + "0e")
    with here.scope() as scope:
        assert lookalikes.find_lookalikes(scope, first) == [near]
    process_removal_request(here, submit_removal_request(here, first))
    assert (get_rendition_state(here, first), get_rendition_state(here, near)) == ("frozen", "made")
    wish = submit_removal_request(here, first, category="shown")
    process_removal_request(here, wish)
    assert get_rendition_state(here, near) == "frozen"
    with here.scope() as scope:
        assert removal_requests.get_removal_request(scope, wish).digests == sorted([first, near])


def test_decision_is_queued_once_and_validated(here: World) -> None:
    wish, empty = (
        submit_removal_request(here, add_picture(here)),
        submit_removal_request(here, given=SubmittedForm(words="me")),
    )
    with member_scope(here, here.rob) as scope:
        for _ in range(2):
            removal_requests.request_decision(scope, wish, because="agreed")
        removal_requests.request_decision(scope, empty, digests=["b" * 64, "a" * 64])
        first, second = list_stored_tasks(scope, RemovalRequestDecided.kind)
        assert (first.subject, first.priority, first.dedupe) == (wish, 0, f"complaint:{wish}")
        assert first.args == {"because": "agreed", "by": f"member:{here.rob}", "found": ""}
        assert second.args["found"] == f"{'a' * 64},{'b' * 64}"
        for which, because, code in (
            (wish, "bored", "complaint.no_reason"), (empty, "", "complaint.not_found"),
            (uuid7(), "", "complaint.unknown"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                removal_requests.request_decision(scope, which, because=because)
            assert refused.value.message.code == code
    with (
        member_scope(here, add_member(here, Role.CHATTER)) as scope,
        pytest.raises(Refused, match=r"role\.forbidden\.review"),
    ):
        removal_requests.request_decision(scope, wish, because="agreed")


def test_upheld_request_recalls_and_rejected_request_releases(here: World) -> None:
    (gone, jti), stays = publish_picture(here), add_picture(here)
    yes, no = (
        submit_removal_request(here, gone, category="shown"),
        submit_removal_request(here, stays, category="shown", source="t" * 64),
    )
    for each in (yes, no):
        process_removal_request(here, each)
    for each, because in ((yes, ""), (no, "mistaken")):
        removal_requests.handle_removal_decision(
            RemovalRequestDecided(here.tenant_id, each, because, f"member:{here.rob}"),
            tenant=here.open,
        )
    assert (get_rendition_state(here, gone), get_rendition_state(here, stays)) == (
        "removed",
        "made",
    )
    with here.scope() as scope:
        copy = live_copies.find_copy(scope, jti)
        assert copy is not None
        assert copy.recalled_at is not None
        found = [
            removal_requests.brief_status(scope, removal_requests.get_removal_request(scope, each))
            for each in (yes, no)
        ]
        assert [(one.state, one.outcome, one.reason) for one in found] == [
            (RemovalRequestState.UPHELD, RemovalRequestState.UPHELD, None), (RemovalRequestState.REJECTED, RemovalRequestState.REJECTED, Message("complaint.because.mistaken")),
        ]  # fmt: skip
        assert [one.rulings[0].number for one in found] == [1, 1]
        assert all(one.rulings[0].by_person for one in found)
        assert removal_requests.get_removal_request(scope, yes).called_at is not None
        assert removal_requests.get_removal_request(scope, no).called_at is None
        assert list_audit_entries(scope, "complaint.upheld", "complaint.stays") == [
            (f"member:{here.rob}", "complaint.upheld", f"complaint:{yes}", {}),
            (f"member:{here.rob}", "complaint.stays", f"complaint:{no}", {}),
        ]
        for source in (SOURCE, "t" * 64):
            notice = find_notice(scope, f"complaint:{source}:shown")
            assert notice is not None
            assert not notice.open
        blocked = scope.run("SELECT sha256, category, complaint_id FROM blocklist WHERE tenant_id "
                            "= :t",
                            t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in blocked] == [(gone, "shown", yes)]
        principals = scope.run(
            "SELECT principal_id FROM rulings WHERE tenant_id = :t", t=here.tenant_id
        ).scalars()
        assert set(principals) == {here.principal(scope, here.rob)}
        for act in (
            lambda: removal_requests.uphold_removal_request(scope, yes),
            lambda: removal_requests.reject_removal_request(scope, no),
        ):
            with pytest.raises(Conflict, match=r"complaint\.decided"):
                act()
    with (
        member_scope(here, here.rob) as scope,
        pytest.raises(Conflict, match=r"complaint\.decided"),
    ):
        removal_requests.request_decision(scope, yes, because="agreed")


def test_picture_found_by_member_is_removed(here: World) -> None:
    gone = add_picture(here)
    wish = submit_removal_request(here, given=SubmittedForm(words="me"))
    removal_requests.handle_removal_decision(
        RemovalRequestDecided(here.tenant_id, wish, "", f"member:{here.rob}", gone),
        tenant=here.open,
    )
    assert get_rendition_state(here, gone) == "removed"
    with here.scope() as scope:
        assert removal_requests.get_removal_request(scope, wish).digests == [gone]


def test_picture_of_minor_is_sealed_and_other_requests_keep_freeze(here: World) -> None:
    both, minor = add_picture(here), add_picture(here)
    first, second = (
        submit_removal_request(here, both, category="shown"),
        submit_removal_request(here, both, category="illegal"),
    )
    child = submit_removal_request(here, minor, category="minor")
    for each in (first, second, child):
        process_removal_request(here, each)
    with member_scope(here, here.rob) as scope:
        removal_requests.reject_removal_request(scope, first, because="agreed")
        removal_requests.uphold_removal_request(scope, child)
    assert get_rendition_state(here, both) == "frozen"
    with member_scope(here, here.rob) as scope:
        removal_requests.reject_removal_request(scope, second)
        assert removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, second)
        ).reason == Message("complaint.because.unfounded")
        assert seals.sealed_digests(scope, [both, minor]) == {minor}
        by_whom = scope.run(
            "SELECT by FROM seals WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
        assert by_whom == f"complaint:{child}"
    assert get_rendition_state(here, both) == "made"


def test_deadline_recalls_picture_once_without_member(here: World) -> None:
    gone, jti = publish_picture(here)
    wish = submit_removal_request(here, gone, category="shown")
    with here.scope() as scope:
        assert removal_requests.recall_named_bytes(scope, wish) == [jti]
        assert removal_requests.recall_named_bytes(scope, wish) == []
        found = removal_requests.brief_status(
            scope, removal_requests.get_removal_request(scope, wish)
        )
        assert (found.state, found.outcome) == (
            RemovalRequestState.CALLED,
            RemovalRequestState.CALLED,
        )
        assert not found.rulings[0].by_person
        with pytest.raises(Conflict, match=r"complaint\.decided"):
            removal_requests.reject_removal_request(scope, wish)
        with pytest.raises(NotFound):
            removal_requests.recall_named_bytes(scope, uuid7())
    with member_scope(here, here.rob) as scope:
        removal_requests.uphold_removal_request(scope, wish)
        assert removal_requests.get_removal_request(scope, wish).state == "upheld"


def test_many_requests_of_one_source_are_decided_together(here: World) -> None:
    few = [
        submit_removal_request(here, f"{n:064x}")
        for n in range(removal_requests.GROUPING_THRESHOLD)
    ]
    with here.scope() as scope:
        assert [
            one.ids
            for one in removal_requests.list_pending_removal_requests(scope, [here.creator_id])
        ] == [(each,) for each in few]
    last = submit_removal_request(here, "f" * 64)
    with here.scope() as scope:
        assert [
            one.ids
            for one in removal_requests.list_pending_removal_requests(scope, [here.creator_id])
        ] == [(*few, last)]
