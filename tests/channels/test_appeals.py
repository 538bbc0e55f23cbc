"""Appeals against decisions on removal requests: once per side, decided by another member, without
automatic reposting."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.states import RemovalRequestState
from gate.contract.units import Unit
from gate.permits.issuance import PermitDenied
from gate.removal import recall, removal_requests
from gate.removal.events import DecisionTargetReached
from gate.removal.removal_requests import GROUPING_THRESHOLD
from gate.removal.rulings import AGENCY_SIDE, REQUESTER_SIDE
from gate.reviews import appeals as appealing
from gate.reviews.appeals import APPEAL_WINDOW
from gate.reviews.events import AppealDecided, AppealDue
from gate.text.user_input import MAX_APPEAL_LENGTH, clean_paragraph
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tests.channels.builders import World
from tests.channels.sending.test_removal import deleted, open_notices, remove
from tests.channels.test_removal_requests import answer, called, received
from tests.tenants import totp_app


@dataclass
class House:
    """An agency with members and a removal request."""

    lea: World
    unit: Unit
    wish: UUID
    ann: UUID
    bob: UUID
    cy: UUID

    def as_(self, member: UUID):
        return self.lea.tenant(self.lea.tenant_id, f"member:{member}")

    def first(self, because: str) -> None:
        """Decide as Ann: rejected for a reason, or upheld."""
        with self.as_(self.ann) as scope:
            (
                removal_requests.reject_removal_request
                if because
                else removal_requests.uphold_removal_request
            )(scope, self.wish, **_why(because))

    def ask(self, words: str = "", wish: UUID | None = None) -> UUID:
        """Appeal as the holder of the receipt, and let the workers handle it; return the appeal."""
        with self.lea.scope() as scope:
            receipt = removal_requests.brief_status(
                scope, removal_requests.get_removal_request(scope, wish or self.wish)
            ).receipt
            appealing.submit_requester_appeal(
                scope, receipt, creator_id=self.lea.creator_id, words=words
            )
        return self.heard(wish or self.wish)

    def ask_again(self, member: UUID, words: str = "All of us agreed.") -> UUID:
        with self.as_(member) as scope:
            appealing.submit_agency_appeal(scope, self.wish, words=words)
        return self.heard(self.wish)

    def heard(self, wish: UUID) -> UUID:
        appeal_id = next(one.id for one in self.standing(wish).appeals if one.open)
        for _ in range(2):  # delivered twice
            appealing.handle_appeal(
                AppealDue(self.lea.tenant_id, appeal_id), tenant=self.lea.tenant
            )
        return appeal_id

    def decide(self, appeal_id: UUID, member: UUID, because: str = "") -> None:
        with self.as_(member) as scope:
            appealing.request_appeal_decision(scope, appeal_id, because=because)
        event = AppealDecided(self.lea.tenant_id, appeal_id, because, f"member:{member}")
        for _ in range(2):
            appealing.handle_appeal_decision(event, tenant=self.lea.tenant)

    def standing(self, wish: UUID | None = None) -> removal_requests.RequestStatus:
        with self.lea.scope() as scope:
            return removal_requests.brief_status(
                scope, removal_requests.get_removal_request(scope, wish or self.wish)
            )

    def kept(self) -> str:
        """Return why a new post with the same picture is refused, or "" if it is published."""
        try:
            self.lea.publish(self.lea.unit("published again", pictures=1))
        except PermitDenied as denied:
            return " ".join(denied.decision.reasons)
        return ""


def _why(because: str) -> dict[str, str]:
    return {"because": because} if because else {}


def member(lea: World, role: Role = Role.MANAGER) -> UUID:
    with lea.scope() as scope:
        email = f"{uuid7()}@example.test"
        return agencies.add_member(
            scope, name="Mo", email=email, role=role, language="en", zone="UTC", creators=("lea",)
        )


@pytest.fixture
def house(lea: World) -> House:
    unit = lea.unit("asked about", pictures=1)
    lea.publish(unit)
    wish = received(lea, [unit.media[0].sha256])
    answer(lea, wish)
    return House(lea, unit, wish, *(member(lea) for _ in range(3)))


def journal(lea: World) -> list[str]:
    with lea.scope() as scope:
        statement = (
            "SELECT args ->> 'act' FROM outbox WHERE tenant_id = :t AND kind = 'journal.keep' "
            "ORDER BY id"
        )
        return list(scope.run(statement, t=lea.tenant_id).scalars())


def test_rejection_can_be_appealed_by_both_sides_to_other_members(house: House) -> None:
    lea = house.lea
    house.first("mistaken")
    assert house.kept() == ""
    appeal = house.ask("  It is\tme.\x00 ")
    assert (house.standing().state, house.standing().outcome) == (
        RemovalRequestState.APPEALED,
        RemovalRequestState.REJECTED,
    )
    assert "COMPLAINT_FREEZE" in house.kept()
    assert open_notices(lea) == ["appeal.waits.asked"]
    with lea.scope() as scope:
        (again,) = appealing.list_pending_appeals(scope, {lea.creator_id})
        assert (again.words, again.allowed) == ("It is me.", frozenset({house.bob, house.cy}))
        assert again.target == again.since + appealing.APPEAL_TARGET
        assert appealing.list_pending_appeals(scope, {uuid7()}) == []
    with pytest.raises(Refused, match="another"):
        house.decide(appeal, house.ann)
    house.decide(appeal, house.bob)
    assert [one.outcome for one in house.standing().rulings] == [
        RemovalRequestState.REJECTED,
        RemovalRequestState.UPHELD,
    ]
    assert (house.standing().state, open_notices(lea)) == (RemovalRequestState.UPHELD, [])
    assert "BLOCKLIST_EXACT" in house.kept()
    with pytest.raises(Conflict):
        house.decide(appeal, house.cy)
    with pytest.raises(Conflict):
        house.ask()

    posted = len(lea.posts())
    back = house.ask_again(house.cy)
    for nobody in (house.ann, house.bob, house.cy):  # two have decided before, one appeals
        with pytest.raises(Refused, match="another"):
            house.decide(back, nobody)
    assert open_notices(lea) == ["appeal.nobody"]
    house.decide(back, member(lea), "agreed")
    assert (house.standing().state, house.standing().outcome) == (
        RemovalRequestState.CLOSED,
        RemovalRequestState.REJECTED,
    )
    assert len(lea.posts()) == posted, "nothing is reposted automatically"
    assert house.kept() == ""
    assert journal(lea)[-3:] == ["rule", "unblock", "thaw"]
    for asking in (partial(house.ask_again, house.cy), house.ask):
        with pytest.raises(Conflict):
            asking()


def test_removal_by_deadline_can_be_reversed_while_in_progress(
    house: House,
) -> None:
    lea = house.lea
    with lea.scope() as scope:
        assert removal_requests.recall_named_bytes(scope, house.wish)
    assert called(lea) >= 1
    appeal = house.ask_again(house.ann)
    assert open_notices(lea) == ["appeal.waits.agency"]
    with pytest.raises(Refused, match="another"):
        house.decide(appeal, house.ann, "agreed")
    house.decide(appeal, house.bob, "agreed")
    assert house.standing().state is RemovalRequestState.REJECTED
    assert remove(lea, house.unit) == [], "a recalled copy is removed anyway"
    assert deleted(lea) == [True]
    assert house.kept() == ""
    assert appealing.appeal_deadline(house.standing(), REQUESTER_SIDE) is not None, (
        "the requester may appeal against that"
    )
    house.decide(house.ask(), house.cy, "agreed")
    assert house.standing().state is RemovalRequestState.CLOSED


def test_possible_minor_is_never_unblocked(house: House) -> None:
    lea, sha256 = house.lea, house.unit.media[0].sha256
    minor = received(lea, [sha256], who="minor")
    answer(lea, minor)
    house.wish = minor
    house.first("")
    with pytest.raises(Refused, match="never"):
        house.ask_again(house.bob)
    with lea.scope() as scope:
        assert not recall.unblock_bytes(scope, sha256)
        with scope.acting_as("gate"):  # the database itself prevents it
            other = {"t": lea.tenant_id, "id": uuid7()}
            scope.run(
                "INSERT INTO blocklist (tenant_id, id, sha256, category) VALUES (:t, :id, 'x', "
                "'shown')",
                **other,
            )
            assert (
                scope.run("DELETE FROM blocklist WHERE tenant_id = :t", t=lea.tenant_id).rowcount
                == 0
            )
    with lea.scope() as scope:
        assert [
            one.complaint_id for one in appealing.list_appealable_removals(scope, {lea.creator_id})
        ] == []


def test_bytes_of_two_requests_are_unblocked_with_the_second(house: House) -> None:
    lea, first = house.lea, house.wish
    second = received(lea, [house.unit.media[0].sha256])
    for wish in (first, second):
        house.wish = wish
        house.first("")
    for wish, kept in ((first, "BLOCKLIST_EXACT"), (second, "")):
        house.wish = wish
        house.decide(house.ask_again(house.bob), house.cy, "agreed")
        assert kept in house.kept()
    assert house.kept() == ""


def test_appeal_is_refused_before_a_decision_twice_or_too_late(house: House) -> None:
    lea = house.lea
    for asking in (house.ask, partial(house.ask_again, house.bob)):
        with pytest.raises(Conflict):
            asking()
    house.first("unfounded")
    with pytest.raises(Conflict):
        house.ask_again(house.bob)  # nothing was removed
    known = house.standing()

    def once(_: int) -> str:
        try:
            with lea.scope() as scope:
                appealing.submit_requester_appeal(
                    scope, known.receipt, creator_id=lea.creator_id, words="me"
                )
        except GreenroomError as refused:
            return refused.message.code
        return ""

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(once, range(4))) == [
            "",
            "appeal.twice",
            "appeal.twice",
            "appeal.twice",
        ]
    with lea.scope() as scope, pytest.raises(NotFound):
        appealing.submit_requester_appeal(scope, known.receipt, creator_id=uuid7(), words="")
    old = received(lea, [house.unit.media[0].sha256])
    with lea.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "INSERT INTO rulings (tenant_id, id, created_at, complaint_id, number, outcome) VALUES"
            " (:t, :id, house_now() - CAST(:ago AS interval), :wish, 1, 'rejected')",
            **{
                "t": lea.tenant_id,
                "id": uuid7(),
                "ago": APPEAL_WINDOW + timedelta(hours=1),
                "wish": old,
            },
        )
        scope.run("UPDATE complaints SET state = 'rejected' WHERE id = :wish", wish=old)
    with pytest.raises(Refused, match="late_now"):
        house.ask(wish=old)


def test_concurrent_decisions_on_an_appeal_give_one(house: House) -> None:
    house.first("mistaken")
    appeal = house.ask()
    said = {house.bob: "", house.cy: "agreed"}
    events = [
        AppealDecided(house.lea.tenant_id, appeal, because, f"member:{one}")
        for one, because in said.items()
    ]
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                partial(appealing.handle_appeal_decision, tenant=house.lea.database.scope), events
            )
        )
    assert len(house.standing().rulings) == 2
    frozen = house.standing().outcome is RemovalRequestState.UPHELD
    assert ("BLOCKLIST_EXACT" in house.kept()) == frozen


def test_many_appeals_are_grouped_into_one_decision(house: House) -> None:
    lea, wishes = (
        house.lea,
        [
            received(house.lea, [house.unit.media[0].sha256], who="other")
            for _ in range(GROUPING_THRESHOLD + 1)
        ],
    )
    for wish in wishes:
        house.wish = wish
        house.first("unfounded")
    appeals = [house.ask("one of many", wish) for wish in wishes]
    with lea.scope() as scope:
        (again,) = appealing.list_pending_appeals(scope, {lea.creator_id})
    assert (again.ids, again.about) == (tuple(appeals), tuple(wishes))
    assert open_notices(lea).count("appeal.waits.asked") == 1
    for one in appeals:
        house.decide(one, house.bob, "unfounded")
    assert "appeal.waits.asked" not in open_notices(lea)
    assert {house.standing(one).state for one in wishes} == {RemovalRequestState.CLOSED}


def test_missed_targets_are_reported_until_a_decision(house: House) -> None:
    lea, tell = house.lea, partial(appealing.handle_target_missed, tenant=house.lea.tenant)
    tell(DecisionTargetReached(lea.tenant_id, house.wish, 0))
    assert sorted(open_notices(lea)) == ["complaint.late", "complaint.waits"]
    house.first("mistaken")
    tell(DecisionTargetReached(lea.tenant_id, house.wish, 0))
    assert open_notices(lea) == []
    appeal = house.ask()
    with lea.scope() as scope:
        due = scope.run(
            "SELECT available_at - house_now() FROM outbox WHERE subject_id = :wish AND kind = "
            "'complaint.target'"
            " AND args ->> 'number' = '1'",
            wish=house.wish,
        ).scalar_one()
    assert timedelta(0) <= appealing.APPEAL_TARGET - due < timedelta(minutes=1)
    tell(DecisionTargetReached(lea.tenant_id, house.wish, 1))
    assert sorted(open_notices(lea)) == ["appeal.late", "appeal.waits.asked"]
    house.decide(appeal, house.bob, "mistaken")
    tell(DecisionTargetReached(lea.tenant_id, house.wish, 1))
    assert open_notices(lea) == []


def test_only_uninvolved_members_with_the_right_decide_appeals(house: House) -> None:
    lea = house.lea
    house.first("mistaken")
    appeal = house.ask()
    for role in (Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT):
        with pytest.raises(Refused):
            house.decide(appeal, member(lea, role))
    guest, free = member(lea, Role.GUEST), member(lea, Role.GUEST)
    with lea.scope() as scope:  # the guest uses Ann's device and counts as her
        for one in (house.ann, guest):
            device_fingerprints.record_device(
                scope,
                totp_app.KEY,
                queries.get_member(scope, one),
                address="203.0.113.7",
                device="",
            )
    with pytest.raises(Refused, match="another"):
        house.decide(appeal, guest, "mistaken")
    with house.as_(house.bob) as scope:
        appealing.request_appeal_decision(scope, appeal, because="mistaken")
    with lea.scope() as scope:  # Bob loses the right before the workers handle it
        scope.run("UPDATE members SET role = 'chatter' WHERE id = :id", id=house.bob)
    appealing.handle_appeal_decision(
        AppealDecided(lea.tenant_id, appeal, "mistaken", f"member:{house.bob}"), tenant=lea.tenant
    )
    assert house.standing().state is RemovalRequestState.APPEALED
    assert "role.forbidden.review" in open_notices(lea)
    for because in ("anything", "x" * 10_000):
        with pytest.raises(BadInput):
            house.decide(appeal, free, because)
    with house.as_(house.cy) as scope, pytest.raises(NotFound):
        appealing.request_appeal_decision(scope, uuid7())
    with lea.scope() as scope, pytest.raises(Refused):
        appealing.request_appeal_decision(scope, appeal)
    house.decide(appeal, free, "mistaken")
    assert house.standing().state is RemovalRequestState.CLOSED


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", ""),
        ("a\x00b\u202e\u200b\ud83dc\n d", "abc d"),
        ("é" * MAX_APPEAL_LENGTH, "é" * MAX_APPEAL_LENGTH),
        (" " * 9000, ""),
    ],
)
def test_appeal_text_becomes_one_plain_paragraph(typed: str, said: str) -> None:
    assert clean_paragraph(typed) == said


def test_overlong_or_empty_appeal_and_ineligible_member_are_refused(house: House) -> None:
    with pytest.raises(BadInput, match="too_long"):
        clean_paragraph("x" * (MAX_APPEAL_LENGTH + 1))
    house.first("")
    with pytest.raises(BadInput, match="no_words"):
        house.ask_again(house.bob, " \x00 ")
    with pytest.raises(Refused):
        house.ask_again(member(house.lea, Role.CHATTER))
    assert appealing.appeal_deadline(house.standing(), AGENCY_SIDE) is not None
