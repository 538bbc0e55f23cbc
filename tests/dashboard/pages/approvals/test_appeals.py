"""Appeals on Approvals: decided by another member, and submitted by the agency."""

from uuid import UUID

import pytest

from foundation.i18n.translation import LANGUAGES
from gate.contract.states import RemovalRequestState
from gate.removal import removal_requests
from gate.reviews import appeals
from gate.reviews.events import AppealDecided, AppealDue
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.approvals.test_removal_requests import complain, state
from tests.dashboard.streamlit_client import stream

HOSTILE = "It is me <script>alert(1)</script> {word}"


def decided(door: Door, who: Agency, *, because: str, words: str | None = None) -> str:
    """Create a removal request that the owner decided, with an appeal of the requester if `words`
    are given, and return its receipt."""
    (receipt,) = complain(door, who)
    with who.scope(who.act_as(Role.OWNER)) as scope:
        found = removal_requests.find_status_by_receipt(scope, receipt).id
        if because:
            removal_requests.reject_removal_request(scope, found, because=because)
        else:
            removal_requests.uphold_removal_request(scope, found)
    if words is not None:
        with who.scope() as scope:
            appeals.submit_requester_appeal(scope, receipt, creator_id=who.creator_id, words=words)
        heard(who, receipt)
    return receipt


def heard(who: Agency, receipt: str) -> UUID:
    with who.scope() as scope:
        appeal_id = removal_requests.find_status_by_receipt(scope, receipt).appeals[-1].id
    appeals.handle_appeal(AppealDue(who.tenant_id, appeal_id), tenant=who.open)
    return appeal_id


def work(who: Agency) -> None:
    """Process the appeal decisions as the workers do."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE kind = :kind", kind=AppealDecided.kind
        ).all()
    for row in rows:
        appeals.handle_appeal_decision(
            AppealDecided(who.tenant_id, row.subject_id, **row.args), tenant=who.open
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_appeal_is_decided_by_another_member(door: Door, tenant: object, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    receipt = decided(door, who, because="mistaken", words=HOSTILE)
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/approvals")
        for code in ("approvals.appeal.asked", "appeal.another", "complaint.because.mistaken"):
            assert word(code, language) in text, code
        assert word("approvals.request_goes", language) not in page.labels()
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        text = page.open("/approvals")
        assert "<script>" not in text
        assert "alert(1)" in text
        assert word("appeal.another", language) not in text
        assert word("complaint.no_reason", language) in page.press(
            word("approvals.request_stays", language)
        )
        assert word("approvals.request_gone", language) in page.press(
            word("approvals.request_goes", language)
        )
        assert word("approvals.request_goes", language) not in page.labels(), (
            "an appeal is decided only once"
        )
    work(who)
    assert state(who, receipt) is RemovalRequestState.UPHELD


def test_agency_appeal_is_granted_by_another_member(door: Door, lumiere: Agency) -> None:
    receipt = decided(door, lumiere, because="")
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.open("/approvals")
        assert word("appeal.no_words") in page.press(word("approvals.taken_ask"))
        page.type(word("approvals.taken_why"), "Nous étions tous d’accord.")
        assert word("approvals.taken_asked") in page.press(word("approvals.taken_ask"))
        assert word("approvals.taken_ask") not in page.labels()
    heard(lumiere, receipt)
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "Nous étions tous d’accord." in page.open("/approvals")
        page.choose(word("approvals.request_why"), word("complaint.because.agreed"))
        assert word("approvals.appeal_back_done") in page.press(word("approvals.appeal_back"))
    work(lumiere)
    with lumiere.scope() as scope:
        assert (
            removal_requests.find_status_by_receipt(scope, receipt).outcome
            is RemovalRequestState.REJECTED
        )


def test_guest_decides_appeals_of_assigned_creators(door: Door, lumiere: Agency) -> None:
    decided(door, lumiere, because="mistaken", words="")
    guest = door.cookie(lumiere, Role.GUEST)
    with stream(door.url, guest) as page:
        assert word("approvals.appeal.asked") not in page.open("/approvals")
    with lumiere.scope() as scope:
        members.change_member(
            scope, lumiere.members[Role.GUEST], role=Role.GUEST, creators=("mia",)
        )
    with stream(door.url, guest) as page:
        assert word("approvals.appeal.asked") in page.open("/approvals")
        assert word("approvals.request_goes") in page.labels()


def test_appeals_of_another_agency_are_hidden(door: Door, lumiere: Agency) -> None:
    other = create_agency(door.tenant, mark="canary")
    decided(door, other, because="mistaken", words="canary words")
    decided(door, other, because="")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "canary" not in page.open("/approvals")
        assert word("approvals.taken_ask") not in page.labels()
