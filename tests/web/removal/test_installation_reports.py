"""The removal form without a page: matches in every agency, named to none; contacts that no agency
reads; decisions of the operator."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from foundation.errors import BadInput, NotFound, Refused, Unavailable
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from gate.contract.states import RemovalRequestState
from gate.removal import installation_reports
from gate.removal import removal_requests as complaints
from gate.removal.events import ReportDue
from gate.reviews import operator_requests
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.vault import sealed_intake
from tests.web.builders import MASTER, PUBLIC, CreatorPage, create_page, new_picture
from tests.web.removal.test_receipts import SAME, code_of, forgotten, seen
from tests.web.removal.test_removal_requests import COOKIES, receipt_of
from workers.cli.gate import removal_requests as complaints_desk
from workers.event_handlers import reported_content


def send(mia: CreatorPage, **typed: str) -> httpx.Response:
    return mia.room.client.post("/report", data=typed, headers=SAME, follow_redirects=False)


def read(mia: CreatorPage, receipt: str, language: str = "en") -> str:
    headers = {"cookie": COOKIES[receipt], "accept-language": language}
    return mia.room.client.get(f"/report/{receipt}", headers=headers).text


def sought(mia: CreatorPage, receipt: str) -> None:
    with mia.room.tenant(INSTALLATION_ID, "system:test") as scope:
        report = installation_reports.find_report_by_receipt(scope, receipt)
    reported_content.search_reported_content(
        ReportDue(INSTALLATION_ID, report.id), tenant=mia.room.tenant, base=PUBLIC
    )


def asked(mine: CreatorPage) -> list[complaints.RequestStatus]:
    with mine.scope() as scope:
        rows = scope.run(
            "SELECT receipt FROM complaints WHERE tenant_id = :t ORDER BY id", t=mine.tenant_id
        ).scalars()
        return [complaints.find_status_by_receipt(scope, receipt) for receipt in list(rows)]


def test_image_is_found_in_every_agency_without_naming_them(mia: CreatorPage) -> None:
    other, stranger = create_page(mia.room), create_page(mia.room)
    look = f"{uuid7().int % 2**20:05x}a5a5f00f0ff"
    digests = [seen(mia, look), seen(other, look)]
    receipt = receipt_of(send(mia, who="shown", look=look))
    assert "Searching for the image" in read(mia, receipt)
    for _ in range(2):
        sought(mia, receipt)
    assert [len(asked(one)) for one in (mia, other, stranger)] == [1, 1, 0]
    with mia.scope() as scope:
        assert complaints.get_removal_request(scope, asked(mia)[0].id).digests == [digests[0]]
    told = read(mia, receipt)
    assert told.count("Request received") == 2
    for name in (mia.slug, other.slug, "Mia", "Agency", str(mia.tenant_id), asked(mia)[0].receipt):
        assert name not in told, name
    assert "Votre demande" in read(mia, receipt, "fr")
    own = mia.room.client.post(
        f"/{mia.slug}/report/{asked(mia)[0].receipt}", data={"pin": code_of(receipt)}, headers=SAME
    )
    assert own.status_code == 422, "the agency's request does not open with the code"


def test_reported_url_is_found_and_refusal_is_appealed(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    receipt = receipt_of(send(mia, who="shown", address=f"{PUBLIC}/{mia.slug}/p/{item}"))
    sought(mia, receipt)
    with mia.scope("member:somebody") as scope:
        complaints.reject_removal_request(scope, asked(mia)[0].id, because="mistaken")
    assert "The content stays online" in read(mia, receipt)
    path, cookie = f"/report/{receipt}", {**SAME, "cookie": COOKIES[receipt]}
    post = mia.room.client.post
    for case in ("1", "-1", "x", "", "٠", "9" * 5_000):
        assert post(path, data={"words": "me", "case": case}, headers=cookie).status_code == 422
    assert post(path, data={"words": "me", "case": "0"}, headers=SAME).status_code == 422, (
        "the code is missing"
    )
    assert not asked(mia)[0].appeals
    assert (
        post(
            path, data={"words": "me", "case": "0"}, headers=cookie, follow_redirects=False
        ).status_code
        == 303
    )
    assert len(asked(mia)[0].appeals) == 1


def test_unmatched_report_is_left_to_the_operator(
    mia: CreatorPage,
) -> None:
    receipt = receipt_of(
        send(mia, who="illegal", words="a picture of me at a lake", address="https://x.example/1")
    )
    sought(mia, receipt)
    assert "A person reads your request" in read(mia, receipt)
    with mia.room.tenant(INSTALLATION_ID, "system:test") as scope:
        assert receipt in {
            one.receipt for one in installation_reports.list_unmatched_reports(scope)
        }


def test_receipt_needs_its_code_and_form_is_accepted_once(mia: CreatorPage) -> None:
    forgotten(mia)
    form = re.search(r'name="form" value="([^"]+)"', mia.room.client.get("/report").text)
    assert form is not None
    first = send(mia, who="shown", words="me", form=form[1])
    again = send(mia, who="shown", words="me", form=form[1])
    receipt = receipt_of(first)
    assert again.headers["location"] == first.headers["location"]
    assert "set-cookie" not in again.headers
    shut, unknown = (mia.room.client.get(f"/report/{one}") for one in (receipt, "3333-3333-3333"))
    assert shut.text == unknown.text.replace("3333-3333-3333", receipt)
    assert send(mia, who="shown").status_code == 422
    assert (
        mia.room.client.post(
            "/report", data={"who": "shown", "words": "x"}, headers={"sec-fetch-site": "cross-site"}
        ).status_code
        == 422
    )
    assert mia.room.client.get("/report/%00").status_code == 404


def test_contact_is_readable_only_by_the_operator(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    data = {"item": item, "who": "shown", "contact": "zoe@example.org", "house": "yes"}
    answer = mia.room.client.post(
        f"/{mia.slug}/report", data=data, headers=SAME, follow_redirects=False
    )
    receipt = receipt_of(answer)
    with mia.scope() as scope:
        assert scope.run("SELECT count(*) FROM report_contacts").scalar_one() == 0
        form = scope.run(
            "SELECT form FROM complaint_receipts WHERE tenant_id = :t", t=mia.tenant_id
        ).scalar_one()
    with mia.room.tenant(INSTALLATION_ID, "system:test") as scope:
        letter = installation_reports.sealed_contact(scope, form)
    assert letter is not None
    assert b"zoe" not in letter
    with pytest.raises(Unavailable):
        sealed_intake.unseal_form(MASTER, mia.tenant_id, letter)
    house: Any = Desk(mia)
    assert complaints_desk.open_contact(house, receipt, name="Ada") == "zoe@example.org"
    with mia.room.tenant(INSTALLATION_ID, "system:test") as scope:
        seen_by = scope.run(
            "SELECT actor FROM audit_entries WHERE act = 'report.contact' ORDER BY id DESC LIMIT 1"
        )
        assert seen_by.scalar_one() == "officer:ada"
    with pytest.raises(BadInput):
        complaints_desk.open_contact(house, receipt, name=" ")
    with pytest.raises(NotFound):
        complaints_desk.open_contact(house, "4444-4444-4444", name="Ada")


@dataclass
class Desk:
    """Scopes and sealed forms of the installation, as the operator's commands use them."""

    mia: CreatorPage

    @property
    def tenant(self) -> Any:
        return self.mia.room.tenant

    def read_form(self, tenant_id: UUID, letter: bytes, _: frozenset[str]) -> dict[str, str]:
        return sealed_intake.unseal_form(MASTER, tenant_id, letter)


def test_reported_agency_cannot_decide_operator_requests(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    data = {"item": item, "who": "shown", "house": "yes"}
    receipt = receipt_of(
        mia.room.client.post(f"/{mia.slug}/report", data=data, headers=SAME, follow_redirects=False)
    )
    ordinary = receipt_of(
        mia.room.client.post(
            f"/{mia.slug}/report",
            data={"item": item, "who": "other"},
            headers=SAME,
            follow_redirects=False,
        )
    )
    with mia.scope() as scope:
        boss = agencies.add_member(
            scope,
            name="Boss",
            email=f"{uuid7()}@example.org",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
        request, twin = (
            complaints.find_status_by_receipt(scope, one).id for one in (receipt, ordinary)
        )
    with mia.scope(f"member:{boss}") as scope:
        assert [
            one.ids for one in complaints.list_pending_removal_requests(scope, {mia.creator_id})
        ] == [(twin,)]
        with pytest.raises(Refused, match=r"complaint\.house"):
            complaints.request_decision(scope, request, because="unfounded")
        with pytest.raises(Refused, match=r"complaint\.not_house"):
            operator_requests.decide_operator_request(scope, request, because="unfounded")
    with mia.scope(f"member:{boss}") as scope:
        complaints.request_decision(scope, twin, because="unfounded")
    house: Any = Desk(mia)
    assert receipt in [one.receipt for one in complaints_desk.list_pending_requests(house)]
    with pytest.raises(Refused, match=r"complaint\.not_house"):
        complaints_desk.record_decision(house, ordinary, name="Ada", because="unfounded")
    complaints_desk.record_decision(house, receipt, name="Ada", because="unfounded")
    with mia.scope() as scope:
        known = complaints.find_status_by_receipt(scope, receipt)
        assert (known.state, known.reason) == (
            RemovalRequestState.REJECTED,
            Message("complaint.because.unfounded"),
        )


def test_appeal_is_decided_by_another_operator(mia: CreatorPage) -> None:
    from gate.reviews import appeals
    from gate.reviews.events import AppealDue

    item = mia.post(media=[mia.stage(new_picture())])
    data = {"item": item, "who": "shown", "house": "yes"}
    receipt = receipt_of(
        mia.room.client.post(f"/{mia.slug}/report", data=data, headers=SAME, follow_redirects=False)
    )
    house: Any = Desk(mia)
    complaints_desk.record_decision(house, receipt, name="Ada", because="mistaken")
    with mia.scope() as scope:
        appeals.submit_requester_appeal(scope, receipt, creator_id=mia.creator_id, words="again")
        appeal = scope.run(
            "SELECT id FROM appeals WHERE tenant_id = :t", t=mia.tenant_id
        ).scalar_one()
    appeals.handle_appeal(AppealDue(mia.tenant_id, appeal), tenant=mia.room.tenant)
    with mia.scope() as scope:
        assert appeals.list_pending_appeals(scope, {mia.creator_id}) == []
    with pytest.raises(Refused, match=r"appeal\.another"):
        complaints_desk.record_decision(house, receipt, name=" ada ", because="mistaken")
    complaints_desk.record_decision(house, receipt, name="Bo", because="")
    with mia.scope() as scope:
        assert complaints.find_status_by_receipt(scope, receipt).state is RemovalRequestState.UPHELD


def test_flood_of_reports_is_refused(mia: CreatorPage) -> None:
    first = receipt_of(send(mia, who="shown", words="me"))
    with mia.room.tenant(INSTALLATION_ID, "system:test", role="door") as scope:
        scope.run(
            "INSERT INTO house_reports (tenant_id, id, receipt, pin_hash, category, address, "
            "words, source, by_house,"
            " looks, found) SELECT tenant_id, gen_random_uuid(), 'F' || n || id, pin_hash, "
            "category, address, words,"
            " source, by_house, looks, found FROM house_reports, generate_series(2, :most) n "
            "WHERE receipt = :first",
            first=first,
            most=complaints.MAX_REMOVAL_REQUESTS,
        )
    assert send(mia, who="shown", words="me").status_code == 422
    with (
        mia.room.tenant(INSTALLATION_ID, "system:test") as scope,
        pytest.raises(Exception, match="permission denied"),
    ):
        scope.run("DELETE FROM house_reports")
