"""Appeals, and requests about who runs the agency, as they are written down, told and timed."""

from uuid import UUID

import pytest

from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.words import Message
from gate import appealing, complaints, officer, ratings, rulings
from gate.appealing import Again, Taken
from gate.events import AppealDecided, AppealDue, TargetDue
from gate.receipts import Given
from gate.rulings import AGENCY, ASKED, Ruled
from gate.units import Rating
from tenants import reads
from tenants.roles import Role
from tests.gate.asking import SOURCE, S, appeal, asked, member, refused_one, rows_of, shown, state
from tests.gate.builders import World, world
from tests.gate.people_at_work import by
from tests.gate.written import Told, audited, due, told


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_an_appeal_is_written_timed_and_told(here: World) -> None:
    wish = refused_one(here)
    with here.scope() as scope:
        receipt = complaints.row_of(scope, wish).receipt
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            appealing.ask(scope, receipt, creator_id=uuid7(), words="")
        with pytest.raises(BadInput):
            appealing.ask(scope, receipt, creator_id=here.creator_id, words="x" * (appealing.LONGEST + 1))
    one = appeal(here, wish, " look\nagain ")
    other = member(here)
    appealing.receive(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope() as scope:
        assert due(scope, AppealDue.kind)[0].priority == 0
        assert audited(scope, "appeal.asked") == [("system:test", "appeal.asked", f"complaint:{wish}", {})]
        found = complaints.brief(scope, complaints.row_of(scope, wish))
        assert (found.state, found.outcome) == (S.APPEALED, S.REJECTED)
        (asked_one,) = found.appeals
        assert (asked_one.id, asked_one.against, asked_one.side, asked_one.open) == (one, 1, ASKED, True)
        assert told(scope, f"complaint:{SOURCE}:shown:appeal") == Told(
            "appeal.waits.asked", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
        late = due(scope, TargetDue.kind)[-1]
        assert (late.subject, late.args, late.dedupe) == (wish, {"number": 1}, f"target:{wish}:1")
        assert late.at == asked_one.at + appealing.TARGET
        assert appealing.waiting(scope, {here.creator_id}) == [
            Again(
                ids=(one,), about=(wish,), creator_id=here.creator_id, category="shown", side=ASKED,
                words="look again", copies=(), said=found.rulings[0], since=asked_one.at,
                target=asked_one.at + appealing.TARGET, allowed=frozenset({here.ann, other}),
            )
        ]  # fmt: skip
        assert appealing.waiting(scope, {uuid7()}) == []
        assert isinstance(found.rulings[0], Ruled)
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            appealing.ask(scope, receipt, creator_id=here.creator_id, words="")
    assert all(state(here, sha) == "frozen" for sha in rows_of(here, wish))


@pytest.mark.parametrize(("role", "creators"), [("chatter", "[]"), ("guest", "[]"), ("manager", '["ada"]')])
def test_an_appeal_nobody_else_may_decide_says_so(here: World, role: str, creators: str) -> None:
    """Who may not review, who was given nobody yet, who works for somebody else."""
    with here.scope() as scope:
        changed = "UPDATE members SET role = :role, creators = CAST(:creators AS jsonb) WHERE id = :id"
        scope.run(changed, role=role, creators=creators, id=here.ann)
    one = appeal(here, refused_one(here, category="other"))
    appealing.receive(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope() as scope:
        found = told(scope, f"complaint:{SOURCE}:other:appeal")
        assert found is not None
        assert (found.code, found.params, found.urgent) == ("appeal.nobody", {"creator": "Mia"}, True)
        (waits,) = appealing.waiting(scope, {here.creator_id})
        assert (waits.allowed, waits.target - waits.since) == (frozenset(), appealing.PATIENT_TARGET)


def test_another_person_answers_it_and_the_loser_appeals_no_more(here: World) -> None:
    wish = refused_one(here)
    one = appeal(here, wish)
    appealing.receive(AppealDue(here.tenant_id, one), tenant=here.open)
    with by(here, here.rob) as scope, pytest.raises(Refused, match=r"appeal\.another"):
        appealing.decide(scope, one, because="agreed")
    with by(here, here.ann) as scope:
        with pytest.raises(BadInput, match=r"complaint\.no_reason"):
            appealing.decide(scope, one, because="bored")
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            appealing.decide(scope, uuid7(), because="agreed")
        for _ in range(2):
            appealing.decide(scope, one, because="mistaken")
        (task,) = due(scope, AppealDecided.kind)
        assert (task.subject, task.priority, task.dedupe) == (one, 0, f"appeal:{one}")
        assert task.args == {"because": "mistaken", "by": f"member:{here.ann}"}
    appealing.settle(AppealDecided(here.tenant_id, one, "mistaken", f"member:{here.ann}"), tenant=here.open)
    with here.scope() as scope:
        found = complaints.brief(scope, complaints.row_of(scope, wish))
        assert (found.state, found.outcome) == (S.CLOSED, S.REJECTED), "who lost has appealed before"
        assert found.reason == Message("complaint.because.mistaken")
        assert not found.appeals[0].open
        notice = told(scope, f"complaint:{SOURCE}:shown:appeal")
        assert notice is not None
        assert not notice.open
        assert audited(scope, "appeal.stays") == [(f"member:{here.ann}", "appeal.stays", f"complaint:{wish}", {})]
        assert appealing.waiting(scope, {here.creator_id}) == []
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            appealing.ask(scope, found.receipt, creator_id=here.creator_id, words="")
    with by(here, here.ann) as scope, pytest.raises(GreenroomError) as refused:
        appealing.decide(scope, one, because="agreed")
    assert refused.value.message.code == "complaint.decided"


def test_who_may_no_more_answer_is_told_and_the_late_notice_closes_with_the_rest(here: World) -> None:
    wish = refused_one(here)
    one, chatter = appeal(here, wish), member(here, Role.CHATTER)
    appealing.receive(AppealDue(here.tenant_id, one), tenant=here.open)
    for number in (0, 1):
        appealing.late(TargetDue(here.tenant_id, wish, number), tenant=here.open)
    cause = f"complaint:{SOURCE}:shown:appeal"
    with here.scope() as scope:
        assert told(scope, f"complaint:{SOURCE}:shown:late") is None, "that was decided in time"
        assert told(scope, f"{cause}:late") == Told(
            "appeal.late", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
    appealing.settle(AppealDecided(here.tenant_id, one, "agreed", f"member:{chatter}"), tenant=here.open)
    with here.scope() as scope:
        refused = told(scope, f"appeal:{one}")
        assert refused is not None
        assert (refused.code, refused.urgent, refused.open) == ("role.forbidden.review", False, True)
    appealing.settle(AppealDecided(here.tenant_id, one, "", f"member:{here.ann}"), tenant=here.open)
    with here.scope() as scope:
        for each in (cause, f"{cause}:late"):
            notice = told(scope, each)
            assert notice is not None
            assert not notice.open
        found = complaints.brief(scope, complaints.row_of(scope, wish))
        assert (found.state, found.outcome) == (S.UPHELD, S.UPHELD)
        assert audited(scope, "appeal.upheld") == [(f"member:{here.ann}", "appeal.upheld", f"complaint:{wish}", {})]


def test_who_is_late_with_a_request_is_told_while_nobody_decided(here: World) -> None:
    wish = asked(here, shown(here), category="shown")
    appealing.late(TargetDue(here.tenant_id, wish, 0), tenant=here.open)
    with here.scope() as scope:
        assert told(scope, f"complaint:{SOURCE}:shown:late") == Told(
            "complaint.late", {"creator": "Mia"}, urgent=True, open=True, creator=here.creator_id
        )
    with by(here, here.rob) as scope:
        complaints.reject(scope, wish)
        notice = told(scope, f"complaint:{SOURCE}:shown:late")
        assert notice is not None
        assert not notice.open


def test_what_was_taken_away_is_asked_back_with_words_by_who_may(here: World) -> None:
    wish = asked(here, shown(here), category="shown")
    minor = asked(here, shown(here), category="minor", source="t" * 64)
    with by(here, here.rob) as scope:
        with pytest.raises(Conflict, match=r"appeal\.nothing"):
            appealing.ask_again(scope, wish, words="please")
        for each in (wish, minor):
            complaints.uphold(scope, each)
    with by(here, here.ann) as scope:
        found = complaints.brief(scope, complaints.row_of(scope, wish))
        (one,) = appealing.taken(scope, [here.creator_id])
        assert one == Taken(
            wish, here.creator_id, "shown", (), found.rulings[0], found.rulings[0].at + appealing.WINDOW
        )
        assert appealing.taken(scope, [uuid7()]) == appealing.taken(scope, [here.creator_id], limit=0) == []
        assert appealing.until(found, ASKED) is None
        assert appealing.until(found, AGENCY) == one.until
        for which, words, code in (
            (wish, " \n", "appeal.no_words"), (minor, "please", "appeal.never"),
            (uuid7(), "please", "complaint.unknown"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                appealing.ask_again(scope, which, words=words)
            assert refused.value.message.code == code
        again = appealing.ask_again(scope, wish, words="All of us agreed.")
        assert audited(scope, "appeal.agency") == [(f"member:{here.ann}", "appeal.agency", f"complaint:{wish}", {})]
        row = scope.run("SELECT words, side, against, principal_id FROM appeals WHERE id = :i", i=again).one()
        assert tuple(row) == ("All of us agreed.", AGENCY, 1, here.principal(scope, here.ann))
    with by(here, member(here, Role.CHATTER)) as scope, pytest.raises(Refused, match=r"role\.forbidden\.approve"):
        appealing.ask_again(scope, wish, words="please")
    appealing.receive(AppealDue(here.tenant_id, again), tenant=here.open)
    with here.scope() as scope:
        notice = told(scope, f"complaint:{SOURCE}:shown:appeal")
        assert notice is not None
        assert notice.code == "appeal.nobody", "rob decided, ann asks"
        assert appealing.taken(scope, [here.creator_id]) == []
        assert ratings.effective(scope, rows_of(here, wish)[0]) is Rating.G


def test_the_house_decides_what_is_about_who_runs_the_agency(here: World) -> None:
    wish = asked(here, shown(here), category="shown", given=Given(by_house=True))
    empty = asked(here, category="shown", source="t" * 64, given=Given(words="me", by_house=True))
    for actor, code in ((f"member:{here.rob}", "complaint.not_house"), ("officer:ada", "complaint.no_reason")):
        with here.scope(actor) as scope, pytest.raises(GreenroomError) as refused:
            officer.decide(scope, wish, because="bored")
        assert refused.value.message.code == code
    with here.scope("officer:ada") as scope:
        with pytest.raises(Conflict, match=r"complaint\.not_found"):
            officer.decide(scope, empty)
        officer.decide(scope, wish, because="agreed")
        assert audited(scope, "complaint.stays") == [("officer:ada", "complaint.stays", f"complaint:{wish}", {})]
        assert [one.id for one in officer.waiting(scope)] == [empty]
    one = appeal(here, wish)
    appealing.receive(AppealDue(here.tenant_id, one), tenant=here.open)
    with here.scope("officer:ada") as scope:
        assert [each.state for each in officer.waiting(scope)] == [S.APPEALED, S.RECEIVED]
        with pytest.raises(Refused, match=r"appeal\.another"):
            officer.decide(scope, wish, because="agreed")
    with here.scope("officer:bo") as scope:
        officer.decide(scope, wish)
        assert audited(scope, "complaint.upheld") == [("officer:bo", "complaint.upheld", f"complaint:{wish}", {})]
        assert complaints.row_of(scope, wish).state == "upheld"
    with by(here, here.rob) as scope, pytest.raises(Refused, match=r"complaint\.house"):
        complaints.decide(scope, empty, because="agreed")


def test_who_decided_and_who_asks_do_not_answer(here: World) -> None:
    wish = refused_one(here)
    appeal(here, wish)
    with here.scope() as scope:
        row = scope.session.get(rulings.Appeal, (here.tenant_id, due(scope, AppealDue.kind)[-1].subject))
        assert row is not None
        assert [one.id for one in rulings.apart(scope, row, reads.members(scope))] == [here.ann]
        with pytest.raises(Conflict, match=r"complaint\.decided"):
            rulings.rule(scope, wish, S.UPHELD, after=0, reason=None)
        with pytest.raises(Conflict, match=r"appeal\.twice"):
            rulings.put_appeal(scope, wish, against=1, side=ASKED, words="")
        assert rulings.rulings(scope, [uuid7()]).popitem()[1] == ()
