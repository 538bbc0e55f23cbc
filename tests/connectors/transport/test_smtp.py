"""The door of mail: what passes it, what the server's answer means, and nothing in the clear."""

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


def test_a_letter_arrives_in_the_members_language(server: MailServer) -> None:
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
def test_what_the_server_does_is_said_for_what_it_is(
    server: MailServer, fault: str, answer: StepResult
) -> None:
    server.faults.append(fault)
    assert send(server, letter()) == answer
    assert len(server.taken) == (fault == "lose")


@pytest.mark.parametrize(("fault", "kind"), [("hang", StepAnswerLost), ("drip", StepNotSent)])
def test_a_server_that_hangs_or_drips_is_cut_off(
    server: MailServer, fault: str, kind: type
) -> None:
    server.faults.append(fault)
    began = monotonic()
    assert isinstance(send(server, letter(), seconds=0.5), kind)
    assert monotonic() - began < 3


def test_a_server_without_encryption_gets_nothing(server: MailServer) -> None:
    answer = send(server, letter(), security="starttls", user="us", password="secret")
    assert answer == StepNotSent("mail", "SMTPNotSupportedError")
    assert server.taken == []


def test_nobody_there_and_no_server_set(server: MailServer) -> None:
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
def test_nothing_a_tenant_wrote_has_a_place_in_a_letter(
    server: MailServer, odd: dict[str, object]
) -> None:
    with pytest.raises(EgressForbidden):
        send(server, letter(**odd))
    assert server.conversations == 0


def test_the_order_is_for_this_very_member(server: MailServer) -> None:
    one = letter()
    box = EmailTransport(settings(server), house=HOUSE)
    for order in (NoticeOrder(uuid7(), one.member_id), NoticeOrder(one.tenant_id, uuid7())):
        with pytest.raises(EgressForbidden):
            box.send(one, order)
    assert server.conversations == 0


def test_a_password_is_never_shown_in_the_clear_nor_a_sender_that_is_a_list() -> None:
    with pytest.raises(ValidationError):
        MailSettings(user="us", security="none")
    with pytest.raises(ValidationError):
        MailSettings(sender="a@b.example, c@d.example")
    assert MailSettings().missing_settings == ("GREENROOM_MAIL__HOST", "GREENROOM_MAIL__SENDER")
