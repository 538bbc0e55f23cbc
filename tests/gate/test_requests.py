"""Requests for removal as they are written down, told and timed: each field, each refusal."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.words import Message
from gate import complaints, copies, looks, officer, receipts, seals
from gate.complaints import Request
from gate.events import ComplaintDecided, ComplaintDue, TargetDue
from gate.receipts import Given
from tenants.roles import Role
from tests.gate.asking import HOUR, SOURCE, S, answered, asked, member, sent, shown, state
from tests.gate.builders import World, world
from tests.gate.people_at_work import by
from tests.gate.written import Told, audited, due, told


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_a_request_is_written_with_a_receipt_and_done_first(here: World) -> None:
    sha256 = shown(here)
    wish = asked(here, sha256, category="shown")
    with here.scope() as scope:
        row = complaints.row_of(scope, wish)
        assert (row.creator_id, row.category, row.named, row.source) == (here.creator_id, "shown", "post", SOURCE)
        assert (row.state, row.digests, row.called_at) == ("received", [sha256], None)
        assert [(one.subject, one.priority) for one in due(scope, ComplaintDue.kind)] == [(wish, 0)]
        found = complaints.by_receipt(scope, row.receipt)
        assert (found.id, found.creator_id, found.receipt, found.category) == (
            wish, here.creator_id, row.receipt, "shown",
        )  # fmt: skip
        assert (found.named, found.state, found.copies, found.rulings, found.appeals, found.found) == (
            "post", S.RECEIVED, (), (), (), True,
        )  # fmt: skip
        assert (found.outcome, found.reason) == (None, None)
        assert scope.now - found.at < HOUR
        groups = row.receipt.split("-")
        assert [len(each) for each in groups] == [4, 4, 4]
        assert set("".join(groups)) <= set(complaints.LETTERS)
        assert complaints.latest(scope, here.creator_id).id == wish  # type: ignore[union-attr]  # it was just made
        assert complaints.latest(scope, uuid7()) is None
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            complaints.by_receipt(scope, "2222-2222-2222")
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            complaints.row_of(scope, uuid7())
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            complaints.locked(scope, uuid7())


@pytest.mark.parametrize(("category", "digests"), [("odd", ["a" * 64]), ("other", [])])
def test_what_nobody_knows_is_no_request(here: World, category: str, digests: list[str]) -> None:
    with here.scope() as scope, pytest.raises(BadInput, match=r"complaint\.unfit"):
        complaints.receive(
            scope, creator_id=here.creator_id, category=category, named="x", digests=digests, source=SOURCE
        )


def test_a_flood_of_one_source_waits_an_hour(here: World) -> None:
    asked(here, "a" * 64)
    with here.scope() as scope:  # copies begin with a dash, which no receipt does: one in thirty-two began with an F
        copy = (
            "INSERT INTO complaints (tenant_id, id, creator_id, receipt, category, named, source, state, digests,"
            " created_at) SELECT tenant_id, gen_random_uuid(), creator_id, '-' || n, category, named, source, state,"
            " digests, house_now() - CAST(:ago AS interval) FROM complaints, generate_series(1, :most) n"
            " WHERE tenant_id = :t AND receipt NOT LIKE '-%'"
        )
        scope.run(copy, most=complaints.MOST - 2, ago=HOUR - timedelta(minutes=1), t=here.tenant_id)
        scope.run(copy.replace("'-' ||", "'--' ||"), most=2, ago=HOUR + timedelta(minutes=1), t=here.tenant_id)
    asked(here, "b" * 64)  # the last that is taken
    asked(here, "b" * 64, source="t" * 64)
    with here.scope() as scope, pytest.raises(Refused) as refused:
        complaints.receive(
            scope, creator_id=here.creator_id, category="other", named="x", digests=["a" * 64], source=SOURCE
        )
    assert (refused.value.message.code, refused.value.message.params) == ("complaint.flood", {"most": 500})


def test_the_members_are_told_until_when_and_the_clock_is_set(here: World) -> None:
    sha256 = shown(here)
    wish = asked(here, sha256, category="shown")
    answered(here, wish)
    with here.scope() as scope:
        at = complaints.row_of(scope, wish).created_at
        assert at is not None
        until = at + complaints.CLOCK
        hour = f"{until.astimezone(ZoneInfo('Europe/Paris')):%d/%m %H:%M}"
        assert told(scope, f"complaint:{SOURCE}:shown") == Told(
            "complaint.waits", {"creator": "Mia", "until": hour}, urgent=True, open=True, creator=here.creator_id
        )
        clock = due(scope, ComplaintDue.kind)[1]
        assert (clock.subject, clock.at, clock.priority) == (wish, until, 0)
        (late,) = due(scope, TargetDue.kind)
        assert (late.subject, late.args, late.at) == (wish, {"number": 0}, at + complaints.TARGET)
        assert late.dedupe == f"target:{wish}:0"
        assert complaints.waiting(scope, [here.creator_id]) == [
            Request((wish,), here.creator_id, "shown", at, until, at + complaints.TARGET, ())
        ]
        assert complaints.waiting(scope, [uuid7()]) == []
    assert state(here, sha256) == "frozen"


def test_a_patient_request_has_no_clock_and_a_week(here: World) -> None:
    sha256 = shown(here)
    wish = asked(here, sha256)
    answered(here, wish)
    with here.scope() as scope:
        at = complaints.row_of(scope, wish).created_at
        assert at is not None
        assert told(scope, f"complaint:{SOURCE}:other") == Told(
            "complaint.waits_person", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
        assert len(due(scope, ComplaintDue.kind)) == 1
        assert due(scope, TargetDue.kind)[0].at == at + complaints.PATIENT_TARGET
        (one,) = complaints.waiting(scope, [here.creator_id])
        assert (one.until, one.target) == (None, at + complaints.PATIENT_TARGET)


@pytest.mark.parametrize(("by_house", "code"), [(True, "complaint.waits_house"), (False, "complaint.waits_words")])
def test_words_alone_are_read_by_a_person_and_those_about_the_house_by_the_house(
    here: World, by_house: bool, code: str
) -> None:
    given = Given("https://x.example/1", "me at a lake", by_house=by_house)
    wish = asked(here, category="shown", given=given)
    answered(here, wish)
    with here.scope() as scope:
        found = told(scope, f"complaint:{SOURCE}:shown")
        assert found is not None
        assert (found.code, found.params) == (code, {"creator": "Mia"})
        assert len(due(scope, ComplaintDue.kind)) == 1, "nothing to take away yet"
        assert receipts.given(scope, [wish, uuid7()]) == {wish: given}
        assert receipts.of_house(scope, [wish]) == ({wish} if by_house else set())
        rows = complaints.waiting(scope, [here.creator_id])
        assert [(one.address, one.words) for one in rows] == ([] if by_house else [(given.address, given.words)])
        waits = officer.waiting(scope)
        assert [one.id for one in waits] == ([wish] if by_house else [])
        if by_house:
            row = complaints.row_of(scope, wish)
            assert (waits[0].receipt, waits[0].category, waits[0].state) == (row.receipt, "shown", S.RECEIVED)
            assert (waits[0].at, waits[0].given) == (row.created_at, given)


def test_what_looks_the_same_is_frozen_too_but_for_the_patient_ones(here: World) -> None:
    first, near = shown(here, phash="0f" * 8), shown(here, phash="0f" * 7 + "0e")
    with here.scope() as scope:
        assert looks.alike(scope, first) == [near]
    answered(here, asked(here, first))
    assert (state(here, first), state(here, near)) == ("frozen", "made")
    wish = asked(here, first, category="shown")
    answered(here, wish)
    assert state(here, near) == "frozen"
    with here.scope() as scope:
        assert complaints.row_of(scope, wish).digests == sorted([first, near])


def test_a_members_word_waits_once_and_is_checked(here: World) -> None:
    wish, empty = asked(here, shown(here)), asked(here, given=Given(words="me"))
    with by(here, here.rob) as scope:
        for _ in range(2):
            complaints.decide(scope, wish, because="agreed")
        complaints.decide(scope, empty, digests=["b" * 64, "a" * 64])
        first, second = due(scope, ComplaintDecided.kind)
        assert (first.subject, first.priority, first.dedupe) == (wish, 0, f"complaint:{wish}")
        assert first.args == {"because": "agreed", "by": f"member:{here.rob}", "found": ""}
        assert second.args["found"] == f"{'a' * 64},{'b' * 64}"
        for which, because, code in (
            (wish, "bored", "complaint.no_reason"), (empty, "", "complaint.not_found"),
            (uuid7(), "", "complaint.unknown"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                complaints.decide(scope, which, because=because)
            assert refused.value.message.code == code
    with by(here, member(here, Role.CHATTER)) as scope, pytest.raises(Refused, match=r"role\.forbidden\.review"):
        complaints.decide(scope, wish, because="agreed")


def test_a_yes_takes_it_away_everywhere_and_a_no_gives_it_back(here: World) -> None:
    (gone, jti), stays = sent(here), shown(here)
    yes, no = asked(here, gone, category="shown"), asked(here, stays, category="shown", source="t" * 64)
    for each in (yes, no):
        answered(here, each)
    for each, because in ((yes, ""), (no, "mistaken")):
        complaints.settle(ComplaintDecided(here.tenant_id, each, because, f"member:{here.rob}"), tenant=here.open)
    assert (state(here, gone), state(here, stays)) == ("removed", "made")
    with here.scope() as scope:
        copy = copies.copy(scope, jti)
        assert copy is not None
        assert copy.recalled_at is not None
        found = [complaints.brief(scope, complaints.row_of(scope, each)) for each in (yes, no)]
        assert [(one.state, one.outcome, one.reason) for one in found] == [
            (S.UPHELD, S.UPHELD, None), (S.REJECTED, S.REJECTED, Message("complaint.because.mistaken")),
        ]  # fmt: skip
        assert [one.rulings[0].number for one in found] == [1, 1]
        assert all(one.rulings[0].by_person for one in found)
        assert complaints.row_of(scope, yes).called_at is not None
        assert complaints.row_of(scope, no).called_at is None
        assert audited(scope, "complaint.upheld", "complaint.stays") == [
            (f"member:{here.rob}", "complaint.upheld", f"complaint:{yes}", {}),
            (f"member:{here.rob}", "complaint.stays", f"complaint:{no}", {}),
        ]
        for source in (SOURCE, "t" * 64):
            notice = told(scope, f"complaint:{source}:shown")
            assert notice is not None
            assert not notice.open
        blocked = scope.run("SELECT sha256, category, complaint_id FROM blocklist WHERE tenant_id = :t",
                            t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in blocked] == [(gone, "shown", yes)]
        principals = scope.run("SELECT principal_id FROM rulings WHERE tenant_id = :t", t=here.tenant_id).scalars()
        assert set(principals) == {here.principal(scope, here.rob)}
        for act in (lambda: complaints.uphold(scope, yes), lambda: complaints.reject(scope, no)):
            with pytest.raises(Conflict, match=r"complaint\.decided"):
                act()
    with by(here, here.rob) as scope, pytest.raises(Conflict, match=r"complaint\.decided"):
        complaints.decide(scope, yes, because="agreed")


def test_what_a_member_found_is_meant_is_taken_away_with_it(here: World) -> None:
    gone = shown(here)
    wish = asked(here, given=Given(words="me"))
    complaints.settle(ComplaintDecided(here.tenant_id, wish, "", f"member:{here.rob}", gone), tenant=here.open)
    assert state(here, gone) == "removed"
    with here.scope() as scope:
        assert complaints.row_of(scope, wish).digests == [gone]


def test_a_minor_is_sealed_and_what_another_request_keeps_stays_kept(here: World) -> None:
    both, minor = shown(here), shown(here)
    first, second = asked(here, both, category="shown"), asked(here, both, category="illegal")
    child = asked(here, minor, category="minor")
    for each in (first, second, child):
        answered(here, each)
    with by(here, here.rob) as scope:
        complaints.reject(scope, first, because="agreed")
        complaints.uphold(scope, child)
    assert state(here, both) == "frozen"
    with by(here, here.rob) as scope:
        complaints.reject(scope, second)
        assert complaints.brief(scope, complaints.row_of(scope, second)).reason == Message(
            "complaint.because.unfounded"
        )
        assert seals.sealed(scope, [both, minor]) == {minor}
        by_whom = scope.run("SELECT by FROM seals WHERE tenant_id = :t", t=here.tenant_id).scalar_one()
        assert by_whom == f"complaint:{child}"
    assert state(here, both) == "made"


def test_the_clock_takes_it_away_once_and_says_that_no_person_did(here: World) -> None:
    gone, jti = sent(here)
    wish = asked(here, gone, category="shown")
    with here.scope() as scope:
        assert complaints.call_back(scope, wish) == [jti]
        assert complaints.call_back(scope, wish) == []
        found = complaints.brief(scope, complaints.row_of(scope, wish))
        assert (found.state, found.outcome) == (S.CALLED, S.CALLED)
        assert not found.rulings[0].by_person
        with pytest.raises(Conflict, match=r"complaint\.decided"):
            complaints.reject(scope, wish)
        with pytest.raises(NotFound):
            complaints.call_back(scope, uuid7())
    with by(here, here.rob) as scope:
        complaints.uphold(scope, wish)
        assert complaints.row_of(scope, wish).state == "upheld"


def test_a_flood_of_one_source_is_one_thing_to_decide(here: World) -> None:
    few = [asked(here, f"{n:064x}") for n in range(complaints.GROUPED)]
    with here.scope() as scope:
        assert [one.ids for one in complaints.waiting(scope, [here.creator_id])] == [(each,) for each in few]
    last = asked(here, "f" * 64)
    with here.scope() as scope:
        assert [one.ids for one in complaints.waiting(scope, [here.creator_id])] == [(*few, last)]
