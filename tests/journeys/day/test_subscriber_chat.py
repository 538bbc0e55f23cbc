"""A subscriber in the sandbox's chat window, then the report, the dashboard and the doctor."""

import json
import re
from dataclasses import dataclass

import pytest

from foundation.i18n.translation import Message, render_message
from foundation.ops.clock import sleep
from tenants.notices.queries import list_open_notices
from tests.conftest import wait_until
from tests.journeys.day.conftest import Lived
from tests.journeys.day.installation import ChatVisitor, Installation

pytestmark = pytest.mark.slow

NOVA = "nova+key"
QUIET = 4.0
"""Seconds within which a reply would have arrived."""


@pytest.fixture
def people(house: Installation, nova: Lived) -> "People":
    """Return a factory of visitors of Nova's chat window."""
    return People(house)


@dataclass
class People:
    """A factory of chat visitors."""

    house: Installation

    def __call__(self, name: str, language: str = "en") -> ChatVisitor:
        """Return a new visitor."""
        return ChatVisitor(self.house, NOVA, name, language)


def notices(house: Installation) -> list[str]:
    """Return the codes of the open notices."""
    found = house.read(list_open_notices)
    return [notice.message.code for notice in found]


def offers(person: ChatVisitor) -> list[str]:
    """Return the references of the buy buttons in the window."""
    buttons = [button for message in person.seen() for button in message["buttons"] or []]
    return [button["ref"] for button in buttons if button["action"] == "buy"]


@pytest.mark.parametrize(
    ("name", "language", "question"),
    [
        ("Oscar", "en", "Hey, are you a real person or a bot?"),
        ("Manon", "fr", "Dis, tu es une vraie personne ou un robot ?"),
    ],
)
def test_question_about_a_bot_gets_the_ai_disclosure(
    people: People, name: str, language: str, question: str
) -> None:
    person = people(name, language)
    person.write(question)
    truth = render_message(Message("service.truth.virtual", {"name": "Nova"}), language)
    person.waits(lambda message: message["text"] == truth)
    notice = render_message(Message("service.notice.virtual", {"name": "Nova"}), language)
    assert person.texts()[0] == notice
    assert question.replace("'", "&#39;") in person.page()


def test_pressing_twice_buys_once(house: Installation, people: People) -> None:
    anna, before, booked = people("Anna"), house.till(NOVA), house.booked(NOVA)
    anna.write("Hello! I love your pictures")
    anna.waits(lambda message: message["service"] != "service.notice.virtual")
    anna.write("Do you have a pack for me?")
    wait_until(lambda: bool(offers(anna)))
    for _ in range(2):
        anna.act(type="button", ref=f"buy:{offers(anna)[0]}")
    invoice = anna.waits(lambda message: message["invoice"] is not None)
    for _ in range(2):
        anna.act(type="pay", message_id=invoice["id"])
    anna.waits(lambda message: bool(message["media"]))
    price = invoice["invoice"]["amount"]
    wait_until(lambda: house.till(NOVA) - before == price)
    sleep(1.0)
    assert house.till(NOVA) - before == price
    assert len([message for message in anna.seen() if message["invoice"]]) == 1
    wait_until(lambda: house.booked(NOVA) - booked == price)
    report = house.run("report", "--creator", "nova")
    assert report.code == 0, report.err
    assert f"{price} (test)" in report.out
    assert invoice["invoice"]["title"].split("’")[0] in report.out
    assert render_message(Message("report.balanced"), "en") in report.out
    statement = house.run("payout-statement", "--creator", "nova", "--json")
    assert statement.code == 0, statement.err
    assert '"number"' in statement.out


def test_stop_ends_offers(people: People) -> None:
    paul = people("Paul")
    paul.write("Hello there")
    paul.waits(lambda message: True)
    paul.write("/stop")
    stopped = render_message(Message("service.stopped.sales"), "en")
    paul.waits(lambda message: message["text"] == stopped)
    before = len(paul.seen())
    paul.write("Do you have a pack to sell?")
    wait_until(lambda: len(paul.seen()) > before)
    sleep(1.0)
    assert offers(paul) == []


def test_minor_gets_one_reply_and_no_more(house: Installation, people: People) -> None:
    tim = people("Tim")
    tim.write("hi! I am 15 and I love your photos")
    ended = render_message(Message("service.safety.minor"), "en")
    tim.waits(lambda message: message["text"] == ended)
    assert "chat.minor" in notices(house)
    before = len(tim.seen())
    tim.write("do you have a pack?")
    tim.act(type="age")
    sleep(QUIET)
    assert len(tim.seen()) == before
    assert offers(tim) == []


@pytest.mark.parametrize(
    ("name", "language", "words"),
    [("Kim", "en", "I want to die"), ("Zoé", "fr", "j'ai envie de mourir")],
)
def test_crisis_message_gets_a_help_line_and_no_offer(
    house: Installation, people: People, name: str, language: str, words: str
) -> None:
    person = people(name, language)
    person.write(words)
    help_line = render_message(Message("service.safety.crisis"), language)
    person.waits(lambda message: message["text"] == help_line)
    assert re.search(r"988|3114", help_line)
    assert "chat.crisis" in notices(house)
    person.write("do you have a pack for me?")
    sleep(QUIET)
    assert offers(person) == []


def test_refund_request_is_handed_to_a_member(house: Installation, people: People) -> None:
    sam = people("Sam")
    sam.write("/paysupport I want my money back")
    handed = render_message(Message("service.handoff", {"who": "Someone", "name": "Nova"}), "en")
    sam.waits(lambda message: message["text"] == handed)
    wait_until(lambda: "chat.asks_money_back" in notices(house))


def test_installation_is_healthy_after_all_chats(house: Installation, nova: Lived) -> None:
    status = house.run("status", "--json")
    told = json.loads(status.out)
    assert status.code == 0
    assert told["ready"] is True
    assert {process["name"] for process in told["processes"]} >= {
        "postgres",
        "redis",
        "relay",
        "send",
        "listen",
    }
    assert all(process["restarts"] == 0 for process in told["processes"])
    assert all(counts["dead"] == 0 for counts in told["queues"].values())
    for link in (
        told["addresses"]["dashboard"],
        house.run("invite", "claire@lumiere.example").out.strip(),
    ):
        page = house.get(link)
        assert page.status in (200, 303, 401), (
            link
        )  # no member is signed in; a link shows a confirmation or redirects
        assert b"Traceback" not in page.body
    doctor = house.run("doctor", "--json")
    assert doctor.code == 0, doctor.out
    assert not [finding for finding in json.loads(doctor.out) if finding["verdict"] == "bad"]


def test_invite_without_email_lists_owners_and_creates_no_link(house: Installation) -> None:
    """Two agencies have an owner each: the command lists both and signs neither in."""
    told = house.run("invite")
    assert told.code == 2
    assert "claire@lumiere.example" in told.out + told.err
    assert "auth/link" not in told.out + told.err
