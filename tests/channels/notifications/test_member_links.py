"""Invitations and password links of members: sent to their own address, used once, and silent about
which accounts exist."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from foundation.db.database import Database
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.settings import MailSettings
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import members, password_links, passwords, sessions
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.smtp import MailServer, mail_server
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from workers.relay import dispatch
from workers.wiring import Services

OLD, NEW = "trois moineaux sur un fil", "quatre moineaux sur un toit"


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@dataclass
class House:
    """An agency with a mail server, and a member with a password."""

    agency: SandboxAgency
    server: MailServer
    member: UUID
    email: str
    pages: Database
    """The login of the dashboard, which accepts the requests."""

    def request(self, email: str, address: str = "") -> int:
        """Request a password link, let the workers act, and return the number of installation
        events."""
        tenant = self.agency.services.tenant
        while dispatch.run_due_events(self.agency.routes, tenant, only=INSTALLATION_ID, limit=50):
            pass  # events of other tests
        password_links.request_password_link(
            self.pages.scope, email=email, address=address or uuid7().hex
        )
        count = dispatch.run_due_events(self.agency.routes, tenant, only=INSTALLATION_ID, limit=50)
        self.agency.run()
        return count

    def secret(self, path: str, email: str = "") -> str:
        letter = self.server.to(email or self.email)[-1]
        found = re.search(path + r"([\w-]{43})", letter.get_content().replace("=\n", ""))
        assert found, letter.get_content()
        return found[1]

    def sign_in(self, password: str) -> str:
        return passwords.sign_in_with_password(
            self.agency.services.tenant,
            email=self.email,
            password=password,
            address=uuid7().hex,
        )


@pytest.fixture
def house(services: Services, sandbox: RunningSandbox, pages: Database) -> Iterator[House]:
    with mail_server() as server:
        own = MailSettings(
            host="127.0.0.1", port=server.port, security="none", sender="greenroom@house.example"
        )
        settings = services.settings.model_copy(update={"mail": own})
        agency = create_sandbox_agency(replace(services, settings=settings), sandbox)
        email = f"lea-{uuid7().hex[-8:]}@agence.example"
        with agency.scope() as scope:
            scope.run(
                "UPDATE members SET email = :email WHERE tenant_id = :tenant AND id = :id",
                email=email,
                tenant=agency.tenant_id,
                id=agency.manager,
            )
            passwords.set_password(scope, agency.manager, OLD, email=email)
        yield House(agency, server, agency.manager, email, pages)


def test_mailed_link_sets_a_password_once_and_ends_all_sessions(house: House) -> None:
    tenant = house.agency.services.tenant
    earlier = house.sign_in(OLD)
    house.request(house.email.upper())
    secret = house.secret("/auth/reset/")
    with pytest.raises(Refused):
        sessions.redeem_sign_in_link(tenant, secret)
    with pytest.raises(BadInput):
        passwords.reset_password(tenant, secret, "court")
    opened = passwords.reset_password(tenant, secret, NEW)
    assert sessions.find_session(tenant, opened) == (house.agency.tenant_id, house.member)
    assert sessions.find_session(tenant, earlier) is None
    assert house.sign_in(NEW)
    with pytest.raises(Refused):
        house.sign_in(OLD)
    with pytest.raises(Refused):
        passwords.reset_password(tenant, secret, NEW)


def test_unknown_address_causes_the_same_work_and_no_email(house: House) -> None:
    assert house.request(house.email) == house.request(f"x{house.email}") == 1
    assert len(house.server.taken) == 1


def test_custodian_gets_no_password_link(house: House) -> None:
    """The agency may choose the mail server, and would read the link."""
    email = f"custodian-{uuid7().hex[-8:]}@x.test"
    with house.agency.scope() as scope:
        members.invite_member(
            scope, name="Noé", email=email, role=Role.CUSTODIAN, language="fr", zone="UTC"
        )
    house.agency.run()
    before = len(house.server.taken)
    house.request(email)
    assert len(house.server.taken) == before


def test_removed_member_gets_no_link(house: House) -> None:
    with house.agency.scope() as scope:
        members.invite_member(
            scope, name="Zoé", email="zoe@x.test", role=Role.OWNER, language="fr", zone="UTC"
        )
        members.remove_member(scope, house.member)
    house.request(house.email)
    assert house.server.taken == []


def test_requests_are_limited_by_account_and_by_network_address(house: House) -> None:
    for _ in range(password_links.MAX_LINKS_PER_ACCOUNT):
        house.request(house.email)
    with pytest.raises(Refused):
        house.request(house.email)
    here = uuid7().hex
    for _ in range(20):
        house.request(f"{uuid7().hex}@agence.example", here)
    with pytest.raises(Refused):
        house.request(f"{uuid7().hex}@agence.example", here)


@pytest.mark.parametrize("fault", ["", "busy", "hang_up"])
def test_invitation_is_mailed_and_signs_in_once(house: House, fault: str) -> None:
    house.server.faults.extend([fault] if fault else [])
    tenant = house.agency.services.tenant
    with house.agency.scope(f"member:{house.member}") as scope:
        secret = members.invite_member(
            scope,
            name="Zoé",
            email="zoe@x.test",
            role=Role.CHATTER,
            language="en",
            zone="UTC",
            by_email=True,
        )
    assert secret == ""
    house.agency.run()
    if fault:
        house.agency.pass_time(minutes=2)
        house.agency.run()
    with house.agency.scope() as scope:
        agency = queries.get_agency(scope).name
        by = queries.get_member(scope, house.member).name
    assert all(
        got["From"].addresses[0].display_name == f"{by} · {agency}"
        for got in house.server.to("zoe@x.test")
    )
    mailed = house.secret("/auth/link/", "zoe@x.test")
    link = sessions.find_link(tenant, mailed)
    assert link is not None
    assert link.purpose is sessions.LinkPurpose.INVITATION
    with pytest.raises(Refused):
        passwords.reset_password(tenant, mailed, NEW)
    assert sessions.redeem_sign_in_link(tenant, mailed)
    with pytest.raises(Refused):
        sessions.redeem_sign_in_link(tenant, mailed)
