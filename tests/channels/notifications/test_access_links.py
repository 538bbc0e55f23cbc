"""Access links for people outside the agency are mailed to their own address, and to no member."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from foundation.ops.settings import MailSettings
from gate.consent import contact_addresses, subject_portal
from gate.people import persons
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints, members, sessions
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.smtp import MailServer, mail_server
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from tests.tenants import totp_app
from web.app import create_web_app
from workers.wiring import Services

ADDRESS = "ida@example.test"
OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox, mail: MailServer) -> SandboxAgency:
    own = MailSettings(
        host="127.0.0.1", port=mail.port, security="none", sender="greenroom@house.example"
    )
    settings = services.settings.model_copy(update={"mail": own})
    return create_sandbox_agency(replace(services, settings=settings), sandbox)


def reach(lea: SandboxAgency) -> UUID:
    with lea.scope(f"member:{lea.manager}") as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida-of-the-agency")
        contact_addresses.set_contact_address(scope, ida, ADDRESS)
    lea.run()
    return ida


def token_in(mail: MailServer, address: str, path: str) -> str:
    (letter,) = mail.to(address)
    found = re.search(re.escape(path) + r"([\w-]{43})", letter.get_content().replace("=\n", ""))
    assert found, letter.get_content()
    assert "Ida-of-the-agency" not in str(letter)
    return found[1]


def test_mailed_portal_link_opens_and_confirms_the_address(
    lea: SandboxAgency, mail: MailServer
) -> None:
    ida = reach(lea)
    token = token_in(mail, ADDRESS, "/me/")
    tenant = lea.services.tenant
    assert subject_portal.find_portal_person(tenant, token) == (lea.tenant_id, ida)
    with lea.scope() as scope:
        device_fingerprints.record_device(
            scope,
            totp_app.KEY,
            queries.get_member(scope, lea.manager),
            address="",
            device="laptop",
        )
    app = create_web_app(
        tenant=tenant,
        store=lea.services.store,
        public_url="http://127.0.0.1:1",
        door_key=totp_app.KEY,
    )
    with serve_app(app) as url, httpx.Client(base_url=url, headers=OWN) as browser:
        path = f"/me/{token}"
        assert "Confirm your address" in browser.get(path).text
        assert browser.post(path, data={"what": "face_agree"}).status_code == 422
        laptop = {"cookie": "greenroom-device=laptop"}
        refused = browser.post(path, data={"what": "confirm"}, headers=laptop)
        assert refused.status_code == 422
        assert "A member of the agency uses this device" in refused.text
        assert browser.post(path, data={"what": "confirm"}).status_code == 303
        assert "Confirm your address" not in browser.get(path).text
        agree = {"what": "face_agree"}
        assert browser.post(path, data=agree, headers=laptop).status_code == 422
        assert browser.post(path, data=agree).status_code == 303
        assert browser.post(path, data={"what": "all"}, headers=laptop).status_code == 303
    with lea.scope() as scope:
        assert contact_addresses.is_contact_confirmed(scope, ida)


@pytest.mark.parametrize(
    ("fault", "arrives"), [("busy", True), ("hang_up", True), ("unknown", False)]
)
def test_undelivered_link_is_sent_again_or_reported(
    lea: SandboxAgency, mail: MailServer, fault: str, arrives: bool
) -> None:
    mail.faults.append(fault)
    reach(lea)
    assert mail.to(ADDRESS) == []
    told = set(lea.notices().values())
    assert told == {"mail.portal_waits" if arrives else "mail.portal_failed"}
    lea.pass_time(minutes=2)
    lea.run()
    assert len(mail.to(ADDRESS)) == arrives
    assert bool(lea.notices()) is not arrives


def test_custodian_signs_in_by_a_link_sent_only_to_them(
    lea: SandboxAgency, mail: MailServer
) -> None:
    with lea.scope(f"member:{lea.manager}") as scope:
        secret = members.invite_member(
            scope,
            name="Roux",
            email="roux@notaire.example",
            role=Role.CUSTODIAN,
            language="fr",
            zone="UTC",
        )
    lea.run()
    token = token_in(mail, "roux@notaire.example", "/auth/link/")
    assert secret == ""
    session = sessions.redeem_sign_in_link(lea.services.tenant, token)
    pending = sessions.find_pending_session(lea.services.tenant, session)
    assert pending is not None, "a second factor is required"
    assert timedelta() < sessions.LINK_LIFE
