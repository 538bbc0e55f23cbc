"""The mail server of an agency: tested, used for its emails only, and unable to reach this
installation."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import MailSettings
from tenants.agencies import queries as tenant_reads
from tenants.notices import mail_servers
from tenants.notices.mail_servers import MailServerForm
from tenants.vault import sealed_intake
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.smtp import MailServer, mail_server
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from workers.wiring import Services

FORM = MailServerForm("mail.example.com", 587, "starttls", "", "house@example.com", None)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def agency(services: Services, sandbox: RunningSandbox, port: int) -> SandboxAgency:
    """Return an agency whose mail server is the fake, which may be reached."""
    reachable = services.settings.model_copy(
        update={"reachable": f"http://localhost.test:{port},http://127.0.0.1:{port}"}
    )
    lea = create_sandbox_agency(replace(services, settings=reachable), sandbox)
    with lea.scope(f"member:{lea.author}") as scope:
        mail_servers.set_mail_server(scope, FORM)
        # the form accepts neither this address nor a server without encryption
        scope.run(
            "UPDATE mail_servers SET host = '127.0.0.1', port = :port WHERE tenant_id = :t",
            port=port,
            t=scope.tenant_id,
        )
    return lea


def result_of(lea: SandboxAgency) -> mail_servers.MailServer:
    with lea.scope(f"member:{lea.author}") as scope:
        mail_servers.request_mail_test(scope, uuid7(), lea.author)
    lea.run()
    with lea.scope() as scope:
        found = mail_servers.find_mail_server(scope)
    assert found is not None
    return found


def test_unencrypted_server_is_refused_before_any_text(
    services: Services, sandbox: RunningSandbox, server: MailServer
) -> None:
    found = result_of(agency(services, sandbox, server.port))
    assert (found.test_state, server.taken) == ("failed", [])
    assert found.test_reason == Message("mailserver.tls")


def test_server_inside_the_network_is_not_reached(
    services: Services, sandbox: RunningSandbox, server: MailServer
) -> None:
    closed = services.settings.model_copy(update={"reachable": ""})
    lea = create_sandbox_agency(replace(services, settings=closed), sandbox)
    with lea.scope(f"member:{lea.author}") as scope:
        mail_servers.set_mail_server(scope, FORM)
        scope.run(
            "UPDATE mail_servers SET host = '127.0.0.1', port = :port WHERE tenant_id = :t",
            port=server.port,
            t=scope.tenant_id,
        )
    found = result_of(lea)
    assert found.test_reason == Message("mailserver.unreachable")
    assert server.conversations == 0


def test_agency_without_own_server_uses_that_of_the_installation(
    services: Services, sandbox: RunningSandbox, server: MailServer
) -> None:
    own = MailSettings(
        host="127.0.0.1", port=server.port, security="none", sender="greenroom@house.example"
    )
    with_mail = replace(services, settings=services.settings.model_copy(update={"mail": own}))
    lea = create_sandbox_agency(with_mail, sandbox)
    with lea.scope(f"member:{lea.author}") as scope:
        mail_servers.set_mail_server(scope, FORM)
        mail_servers.request_mail_test(scope, uuid7(), lea.author)
        mail_servers.remove_mail_server(scope)
        address = tenant_reads.get_member(scope, lea.author).email
    lea.run()
    assert len(server.to(address)) == 1


def test_stored_password_is_not_sent_to_another_server(
    services: Services, sandbox: RunningSandbox
) -> None:
    lea = create_sandbox_agency(services, sandbox)
    with lea.scope(f"member:{lea.author}") as scope:
        key = sealed_intake.derive_public_key(bytes(range(32)))
        letter = sealed_intake.seal_form(key, scope.tenant_id, {mail_servers.PASSWORD: PASSWORD})
        mail_servers.set_mail_server(scope, replace(FORM, user="lea", letter=letter))
        mail_servers.set_mail_server(scope, replace(FORM, user="lea", port=465))
        assert mail_servers.find_sealed_password(scope) == letter
        for changed in (
            replace(FORM, user="lea", host="evil.example.com"),
            replace(FORM, user="someone"),
        ):
            with pytest.raises(BadInput, match=r"mailserver\.password"):
                mail_servers.set_mail_server(scope, changed)
        mail_servers.set_mail_server(scope, replace(FORM, host="evil.example.com"))
        assert mail_servers.find_sealed_password(scope) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"host": "127.0.0.1"}, "mailserver.host"),
        ({"host": "localhost"}, "mailserver.host"),
        ({"host": "mail.example.com:25"}, "mailserver.host"),
        ({"port": 22}, "mailserver.port"),
        ({"security": "none"}, "mailserver.port"),
        ({"sender": "a@b.example\r\nBcc: x@y.example"}, "mailserver.sender"),
        ({"user": "a b"}, "mailserver.user"),
    ],
)
def test_unusable_server_is_explained(
    services: Services, sandbox: RunningSandbox, change: dict[str, str | int], code: str
) -> None:
    lea = create_sandbox_agency(services, sandbox)
    with lea.scope() as scope, pytest.raises(BadInput) as refused:
        mail_servers.set_mail_server(scope, replace(FORM, **change))  # type: ignore[arg-type]  # one field each
    assert refused.value.message.code == code
