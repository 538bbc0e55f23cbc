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
from tests.conftest import Cluster, free_port
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


def agency(
    services: Services, sandbox: RunningSandbox, port: int, security: str = "starttls"
) -> SandboxAgency:
    """Return an agency whose mail server is the fake, which may be reached."""
    reachable = services.settings.model_copy(
        update={"reachable": f"http://localhost.test:{port},http://127.0.0.1:{port}"}
    )
    lea = create_sandbox_agency(replace(services, settings=reachable), sandbox)
    with lea.scope(f"member:{lea.author}") as scope:
        mail_servers.set_mail_server(
            scope, replace(FORM, host="127.0.0.1", port=port, security=security)
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
        mail_servers.set_mail_server(scope, replace(FORM, host="127.0.0.1", port=server.port))
    found = result_of(lea)
    assert found.test_reason == Message("mailserver.inside")
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
        ({"host": "127.0.0.1.5"}, "mailserver.host"),
        ({"host": "fe80::1%eth0"}, "mailserver.host"),
        ({"host": "https://mail.example.com"}, "mailserver.host"),
        ({"host": "mail.example.com:25"}, "mailserver.host"),
        ({"port": 0}, "mailserver.port"),
        ({"port": 65_536}, "mailserver.port"),
        ({"security": "plain"}, "mailserver.security"),
        ({"security": "none", "user": "lea"}, "mailserver.unencrypted_login"),
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


@pytest.mark.parametrize(
    ("host", "stored"),
    [
        ("localhost", "localhost"),
        ("Relay", "relay"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("smtp.example.com", "smtp.example.com"),
    ],
)
@pytest.mark.parametrize("kind", [(1025, "none"), (465, "tls"), (65_535, "starttls")])
def test_server_is_accepted_by_name_or_address_on_any_port(
    services: Services, sandbox: RunningSandbox, host: str, stored: str, kind: tuple[int, str]
) -> None:
    lea = create_sandbox_agency(services, sandbox)
    with lea.scope() as scope:
        form = replace(FORM, host=host, port=kind[0], security=kind[1])
        mail_servers.set_mail_server(scope, form)
        found = mail_servers.find_mail_server(scope)
    assert found is not None
    assert (found.host, found.port, found.security) == (stored, *kind)


def test_local_relay_without_encryption_takes_the_test_message(
    services: Services, sandbox: RunningSandbox, server: MailServer
) -> None:
    found = result_of(agency(services, sandbox, server.port, "none"))
    assert (found.test_state, found.test_reason) == ("sent", None)
    assert len(server.taken) == 1


def test_failed_connection_is_explained_in_plain_words(
    services: Services, sandbox: RunningSandbox, server: MailServer
) -> None:
    lea = agency(services, sandbox, server.port, "none")
    server.faults.append("hang_up")
    assert result_of(lea).test_reason == Message("mailserver.hung_up")
    server.faults.append("sender")
    assert result_of(lea).test_reason == Message("mailserver.sender_refused")
    closed = agency(services, sandbox, free_port(), "none")
    assert result_of(closed).test_reason == Message("mailserver.closed_port")
