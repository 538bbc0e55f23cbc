"""Email transport: permitted content, meaning of server replies, and no cleartext passwords."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.transport.smtp import EmailTransport, OutgoingEmail
from connectors.transport.transport import EgressForbidden
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from foundation.ops.settings import MailSettings
from gate.contract.permit import NoticeOrder
from tenants.notices.notice_pages import LINKED_PATHS
from tests.fakes.smtp import MailServer, mail_server

HOUSE = "http://localhost:8501"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def letter(**changes: object) -> OutgoingEmail:
    lines = (
        Message("mail.urgent"),
        Message("mail.area.posts", {"count": 3, "link": f"{HOUSE}/calendar"}),
    )
    subject = Message("mail.subject_urgent", {"count": 3})
    at = datetime(2026, 3, 2, tzinfo=UTC)
    made = OutgoingEmail(uuid7(), uuid7(), uuid7(), "anne@agence.example", "fr", subject, lines, at)
    return replace(made, **changes)  # type: ignore[arg-type]  # the tests' own names


def settings(server: MailServer, **changes: object) -> MailSettings:
    said = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "greenroom@agence.example",
    }
    return MailSettings.model_validate(said | changes)


def send(
    server: MailServer, one: OutgoingEmail, *, seconds: float = 5.0, **changes: object
) -> StepResult:
    box = EmailTransport(settings(server, **changes), house=HOUSE, seconds=seconds)
    return box.send(one, NoticeOrder(one.tenant_id, one.member_id))


def test_email_is_sent_in_the_members_language(server: MailServer) -> None:
    one = letter()
    assert send(server, one) == Response("mail", 250, {}, {})
    (got,) = server.to("anne@agence.example")
    assert got["From"] == "greenroom@agence.example"
    assert got["Subject"] == "Greenroom : éléments urgents : 3"
    assert got["Message-ID"] == f"<{one.id}@agence.example>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert f"Publications : 3. {HOUSE}/calendar" in got.get_content()


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("lose", StepAnswerLost("mail", "SMTPServerDisconnected")),
        ("hang_up", StepNotSent("mail", "SMTPServerDisconnected")),
        ("busy", Response("mail", 451, {}, {})),
        ("unknown", Response("mail", 550, {}, {})),
        ("sender", StepNotSent("mail", "sender 553")),
    ],
)
def test_server_failure_maps_to_step_result(
    server: MailServer, fault: str, answer: StepResult
) -> None:
    server.faults.append(fault)
    assert send(server, letter()) == answer
    assert len(server.taken) == (fault == "lose")


@pytest.mark.parametrize(("fault", "kind"), [("hang", StepAnswerLost), ("drip", StepNotSent)])
def test_hanging_or_slow_server_times_out(server: MailServer, fault: str, kind: type) -> None:
    server.faults.append(fault)
    began = monotonic()
    assert isinstance(send(server, letter(), seconds=0.5), kind)
    assert monotonic() - began < 3


def test_server_without_encryption_receives_nothing(server: MailServer) -> None:
    answer = send(server, letter(), security="starttls", user="us", password="secret")
    assert answer == StepNotSent("mail", "SMTPNotSupportedError")
    assert server.taken == []


def test_unreachable_or_unset_server_is_not_sent(server: MailServer) -> None:
    assert isinstance(send(server, letter(), port=1), StepNotSent)
    assert send(server, letter(), host="") == StepNotSent("mail", "no mail server")


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": Message("mail.subject_urgent", {"count": "hello"})},
        {
            "lines": (
                Message("mail.area.posts", {"count": 1, "link": f"{HOUSE}/calendar?post=words"}),
            )
        },
        {
            "lines": (
                Message("mail.area.posts", {"count": 1, "link": "https://elsewhere.example/"}),
            )
        },
        {
            "lines": (
                Message("mail.area.posts", {"count": 1, "link": f"{HOUSE}.elsewhere.example/"}),
            )
        },
        {"to": "anne@agence.example, eve@evil.example"},
        {"to": "anne@agence.example\r\nBcc: eve@evil.example"},
        {"to": "Anne <anne@agence.example>"},
    ],
)
def test_email_rejects_tenant_written_content(server: MailServer, odd: dict[str, object]) -> None:
    with pytest.raises(EgressForbidden):
        send(server, letter(**odd))
    assert server.conversations == 0


@pytest.mark.parametrize("path", sorted(LINKED_PATHS))
def test_email_links_to_every_page_of_notices(server: MailServer, path: str) -> None:
    line = Message("mail.area.posts", {"count": 1, "link": f"{HOUSE}{path}"})
    assert send(server, letter(lines=(line,))) == Response("mail", 250, {}, {})


@pytest.mark.parametrize("path", ["/words", "/calendar/words", "/settings?section=words"])
def test_address_of_the_dashboard_spells_no_words(server: MailServer, path: str) -> None:
    line = Message("mail.area.posts", {"count": 1, "link": f"{HOUSE}{path}"})
    with pytest.raises(EgressForbidden):
        send(server, letter(lines=(line,)))
    assert server.conversations == 0


def test_order_for_another_member_is_refused(server: MailServer) -> None:
    one = letter()
    box = EmailTransport(settings(server), house=HOUSE)
    for order in (NoticeOrder(uuid7(), one.member_id), NoticeOrder(one.tenant_id, uuid7())):
        with pytest.raises(EgressForbidden):
            box.send(one, order)
    assert server.conversations == 0


def test_settings_reject_cleartext_password_and_sender_list() -> None:
    with pytest.raises(ValidationError):
        MailSettings(user="us", security="none")
    with pytest.raises(ValidationError):
        MailSettings(sender="a@b.example, c@d.example")
    assert MailSettings().missing_settings == ("GREENROOM_MAIL__HOST", "GREENROOM_MAIL__SENDER")


@pytest.mark.parametrize(
    ("by", "sender", "shown"),
    [
        ("", "", ""),
        ("", "Lumière", "Lumière"),
        ("Anne Martin", "Lumière", "Anne Martin · Lumière"),
        ("", "Lumière\r\nBcc: eve@evil.example", "Lumière Bcc eve evil.example"),
        ('Eve" <eve@evil.example>', "L", "Eve eve evil.example · L"),
        ("", "A\u202eB\x00C\u2028D", "A B C D"),
        ("", "x" * 300, "x" * 64),
    ],
)
def test_sender_is_named_and_stays_one_address(
    server: MailServer, by: str, sender: str, shown: str
) -> None:
    assert send(server, letter(by=by, sender=sender)) == Response("mail", 250, {}, {})
    (got,) = server.to("anne@agence.example")
    (address,) = got["From"].addresses
    assert (address.display_name, address.addr_spec) == (shown, "greenroom@agence.example")
    assert got["Bcc"] is None
