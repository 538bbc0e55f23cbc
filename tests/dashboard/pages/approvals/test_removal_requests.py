"""Removal requests on Approvals: nothing frozen is shown, a member decides, the workers apply the
decision."""

from uuid import UUID

import pytest

from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.contract.states import RemovalRequestState
from gate.contract.units import Medium, Rating, Subject, Text, Unit
from gate.copies import live_copies
from gate.permits import issuance
from gate.removal import removal_requests
from gate.removal.events import RemovalRequestDecided, RemovalRequestDue
from gate.removal.removal_requests import GROUPING_THRESHOLD
from studio.library import assets
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import asked, word
from tests.dashboard.streamlit_client import stream
from tests.gate.builders import KEY, Step


def complain(
    door: Door, who: Agency, *, about: str = "shown", times: int = 1, shot: UUID | None = None
) -> list[str]:
    """Create removal requests, freeze the picture as the workers do, and return the receipts."""
    shot = shot or picture(door, who, rating=Rating.G)
    receipts = []
    for _ in range(times):
        with who.scope() as scope:
            digests = [assets.get_asset(scope, shot).sha256]
            receipt = removal_requests.receive_removal_request(
                scope,
                creator_id=who.creator_id,
                category=about,
                named="gr1",
                digests=digests,
                source="somewhere",
            )
            found = removal_requests.find_status_by_receipt(scope, receipt).id
        removal_requests.handle_removal_request_due(
            RemovalRequestDue(who.tenant_id, found), tenant=who.open
        )
        receipts.append(receipt)
    return receipts


def work(who: Agency) -> list[str]:
    """Process the decisions as the workers do and return their reasons."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE kind = :kind ORDER BY id",
            kind=RemovalRequestDecided.kind,
        ).all()
    for row in rows:
        removal_requests.handle_removal_decision(
            RemovalRequestDecided(who.tenant_id, row.subject_id, **row.args), tenant=who.open
        )
    return [row.args["because"] for row in rows]


def state(who: Agency, receipt: str) -> RemovalRequestState:
    with who.scope() as scope:
        return removal_requests.find_status_by_receipt(scope, receipt).state


@pytest.mark.parametrize("language", LANGUAGES)
def test_request_is_listed_first_and_granted(door: Door, tenant: object, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    (receipt,) = complain(door, who)
    with stream(door.url, door.cookie(who)) as page:
        assert word("home.to.approvals", language) in page.open("/")
        text = page.open("/approvals")
        for code in (
            "approvals.asked.shown",
            "approvals.requests_how",
            "approvals.request_nowhere",
        ):
            assert word(code, language) in text, code
        assert "/files/" not in text, "frozen content is never shown"
        assert word("approvals.request_gone", language) in page.press(
            word("approvals.request_goes", language)
        )
        assert word("approvals.request_goes", language) not in page.labels(), (
            "a request is decided only once"
        )
    assert work(who) == [""]
    assert state(who, receipt) is RemovalRequestState.UPHELD
    with stream(door.url, door.cookie(who)) as page:
        assert word("approvals.requests_how", language) not in page.open("/approvals")


@pytest.mark.parametrize("language", LANGUAGES)
def test_request_without_match_is_not_called_frozen(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    with who.scope() as scope:
        removal_requests.receive_removal_request(
            scope,
            creator_id=who.creator_id,
            category="shown",
            named="",
            digests=(),
            source="one",
            described=True,
        )
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/approvals")
        for code in ("approvals.request_lost", "approvals.requests_lost_how"):
            assert word(code, language) in text, code
        for code in ("approvals.requests_how", "approvals.request_nowhere"):
            assert word(code, language) not in text, code
        assert word("complaint.not_found", language) in page.press(
            word("approvals.request_goes", language)
        )


def test_rejection_needs_a_reason(door: Door, lumiere: Agency) -> None:
    (receipt,) = complain(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        assert word("complaint.no_reason") in page.press(word("approvals.request_stays"))
        page.choose(word("approvals.request_why"), word("complaint.because.agreed"))
        assert word("approvals.request_stayed") in page.press(word("approvals.request_stays"))
    assert work(lumiere) == ["agreed"]
    assert state(lumiere, receipt) is RemovalRequestState.REJECTED


def test_many_requests_are_grouped_and_decided_together(door: Door, lumiere: Agency) -> None:
    receipts = complain(door, lumiere, about="other", times=GROUPING_THRESHOLD + 1)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        assert word("approvals.request_many", count=GROUPING_THRESHOLD + 1) in text
        assert page.labels().count(word("approvals.request_goes")) == 1
        page.choose(word("approvals.request_why"), word("complaint.because.unfounded"))
        page.press(word("approvals.request_stays"))
    assert work(lumiere) == ["unfounded"] * (GROUPING_THRESHOLD + 1)
    assert {state(lumiere, one) for one in receipts} == {RemovalRequestState.REJECTED}


@pytest.mark.parametrize("known", [True, False])
def test_post_concerned_is_named(door: Door, lumiere: Agency, known: bool) -> None:
    shot = picture(door, lumiere, rating=Rating.G)
    _, delivery_id = asked(lumiere, "Le phare, ce soir")
    with lumiere.scope() as scope:
        stored = asset_records.newest_rendition(scope, shot, "post")
        assert stored is not None
        unit = Unit(
            tenant_id=lumiere.tenant_id,
            creator_id=lumiere.creator_id,
            subject=Subject("delivery", delivery_id if known else uuid7()),
            platform="sandbox",
            surface="sandbox.post",
            channel_id=lumiere.channel_id or uuid7(),
            account="mia",
            audience="public",
            texts=(Text("body", "Le phare, ce soir"),),
            media=(Medium(stored.sha256, stored.mime, stored.size),),
        )
        permit = issuance.mint_permit(scope, unit, Step(), key=KEY, author="system:test")
    with lumiere.scope() as scope:
        live_copies.record_copy(scope, permit.jti, "n1", scope.now)
    complain(door, lumiere, shot=shot)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        shown = text.partition(word("approvals.request_why"))[0]
        assert ("Le phare, ce soir" in shown) == known
        assert word("approvals.asked.shown") in shown


@pytest.mark.parametrize("role", [Role.CREATOR, Role.GUEST])
def test_roles_without_permission_see_no_requests(door: Door, lumiere: Agency, role: Role) -> None:
    complain(door, lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/approvals")
        assert word("approvals.requests_how") not in text
        assert word("approvals.request_goes") not in page.labels()


def test_requests_of_another_agency_are_hidden(door: Door, lumiere: Agency) -> None:
    other = create_agency(door.tenant, mark="canary")
    (receipt,) = complain(door, other)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "canary" not in page.open("/approvals")
        assert word("approvals.request_goes") not in page.labels()
    assert state(other, receipt) is RemovalRequestState.RECEIVED
