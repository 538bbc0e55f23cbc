"""A creator's day as a new user runs it with the command, checked against every record of it."""

import re
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from foundation.i18n.translation import Message, render_message
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from schedules.posts import queries as schedule_reads
from schedules.posts import states
from tests.architecture.test_catalogues import BANNED_WORD
from tests.journeys.day.conftest import ZONE, Lived
from tests.journeys.day.installation import Installation

pytestmark = pytest.mark.slow

ATOM = "{http://www.w3.org/2005/Atom}"


def test_day_succeeds_and_is_reported_in_order(mia: Lived) -> None:
    assert mia.ran.code == 0, mia.ran.out + mia.ran.err
    assert mia.ran.err == ""
    clocks = [line[:8] for line in mia.ran.lines]
    assert clocks == sorted(clocks)
    assert clocks[0] >= "06:00:00"
    told = [line[10:20].strip() for line in mia.ran.lines]
    order = ("Photos", "Image", "Caption", "Schedule", "Published", "Chat", "Sale", "Report")
    assert [told.index(subject) for subject in order] == sorted(
        told.index(subject) for subject in order
    )


def test_lines_are_aligned_and_without_internal_terms(mia: Lived, nova: Lived) -> None:
    for lived in (mia, nova):
        assert lived.ran.out.count("\n── ") == 4
        for line in lived.ran.lines:
            assert re.fullmatch(r"\d\d:\d\d:\d\d  \S(.{8}\S|.{0,8}\S? +)? ?.*", line), line
            assert line[8:10] == "  "
            assert line[20] == " "
            assert line[21] != " "
            assert not BANNED_WORD.search(line), line
            assert "seed" not in line
            assert "graine" not in line


def test_captions_name_their_source(mia: Lived) -> None:
    captions = mia.ran.about("Caption")
    assert len(captions) == 3
    assert all(re.fullmatch(r".+ \(\w+, [\w.-]+\)", caption) for caption in captions)


def test_every_post_is_published_once_at_each_destination(house: Installation, mia: Lived) -> None:
    went = house.destinations("mia", mia.day)
    assert {account: len(posts) for account, posts in went.items()} == {"mia": 3, "mia+key": 2}
    on_sandbox = {post["id"]: post for post in house.truth("mia+key")["posts"]}
    texts = house.texts("mia+key")
    for native_id, body in went["mia+key"].items():
        assert on_sandbox[native_id]["text"] == body
        assert texts[body] == 1
    page = house.get(f"{house.web}/mia/").body.decode()
    entries = ElementTree.fromstring(house.get(f"{house.web}/mia/feed.xml").body).findall(
        f"{ATOM}entry"
    )
    links = [link.get("href", "") for entry in entries for link in entry.findall(f"{ATOM}link")]
    for native_id in went["mia"]:
        assert sum(link.rstrip("/").endswith(native_id) for link in links) == 1
        assert native_id in page
        assert house.get(f"{house.web}/mia/p/{native_id}").status == 200


def test_fans_receive_the_ai_disclosure_and_buy(house: Installation, mia: Lived) -> None:
    chat = "\n".join(mia.ran.about("Chat"))
    assert chat.index("Tu es une vraie personne ?") < chat.index("une intelligence artificielle")
    sales = [line for line in mia.ran.about("Sale") if " buys " in line]
    assert [sale.split()[0] for sale in sales] == ["Léo", "Inès"]
    said = [one["text"] for one in house.truth("mia+key")["messages"] if one["author"] == "creator"]
    truth = render_message(Message("service.truth.assistant", {"name": "Mia Laurent"}), "fr")
    assert said.count(truth) == 2


def test_report_ledger_and_sandbox_balance_agree(house: Installation, mia: Lived) -> None:
    creator = house.creator("mia")
    with house.scope() as scope:
        report = daily_report.load_daily_report(scope, creator.id, date.fromisoformat(mia.day))
    net = [row.net for row in report.sales]
    assert net == [Money(mia.took, "XTS")]
    assert mia.took == mia.booked > 0
    assert report.balanced
    assert f"{mia.took} (test) net from 2 orders" in mia.ran.about("Sale")
    assert "Sales, payments and ledger are reconciled" in mia.ran.about("Sale")


def test_report_is_written_in_three_formats(mia: Lived) -> None:
    page = Path(mia.ran.about("Report")[0])
    assert mia.day in page.name
    assert f"{mia.took:,} (test)" in page.read_text("utf-8")
    assert f"{mia.took:,} (test)" in page.with_suffix(".md").read_text("utf-8")
    table = page.with_suffix(".csv").read_text("utf-8").splitlines()
    assert f"net,,{mia.day},,{mia.took},XTS," in table
    assert sum(line.startswith("sale,") for line in table) == 2


def test_french_day_has_only_french_output(house: Installation, nova: Lived) -> None:
    assert nova.ran.code == 0, nova.ran.out + nova.ran.err
    assert {
        account: len(posts) for account, posts in house.destinations("nova", nova.day).items()
    } == {
        "nova": 3,
        "nova+key": 2,
        "nova-instagram": 1,
        "nova-x": 1,
        "nova-telegram": 1,
        "nova-fanvue": 1,
    }
    assert "Ventes, paiements et grand livre concordent" in nova.ran.about("Vente")
    assert "Les 9 envois sont publiés, chacun une seule fois" in nova.ran.about("Publié")
    english = re.compile(
        r"\b(the|of|and|posted|sale|picture|caption|agree|went|buys)\b", re.IGNORECASE
    )
    told = [line for line in nova.ran.lines if "/home/" not in line]
    assert not [line for line in told if english.search(line)]


def test_repeated_command_on_the_same_day_repeats_nothing(house: Installation, mia: Lived) -> None:
    before, posts, till = house.made(), house.texts("mia+key"), house.till("mia+key")
    messages = len(house.truth("mia+key")["messages"])
    again = house.run(*mia.words, "--date", mia.day)
    assert again.code == 0, again.out + again.err
    assert "This day is already complete" in again.out
    assert "All 5 posts published" in again.out
    assert f"{mia.took} (test) net from 2 orders" in again.out
    assert (house.made(), house.texts("mia+key"), house.till("mia+key")) == (before, posts, till)
    assert len(house.truth("mia+key")["messages"]) == messages


def test_interrupted_day_resumes_and_repeats_nothing(
    house: Installation, mia: Lived, nova: Lived
) -> None:
    """The day is interrupted at the first caption and during Léo's chat, then completes."""
    with house.scope() as scope:
        today = local_day(scope.now, ZONE)
    day = max(today, date.fromisoformat(nova.day)) + timedelta(days=1)
    words = (*mia.words, "--date", str(day))
    till = house.till("mia+key")
    for at in ("Caption ", "→ Léo"):
        stopped = house.interrupted(at, *words)
        assert stopped.code == 130, stopped.err
        assert "Interrupted." in stopped.err
    last = house.run(*words)
    assert last.code == 0, last.out + last.err
    assert "continuing without repeating completed steps" in last.out
    went = house.destinations("mia", str(day))
    assert {account: len(posts) for account, posts in went.items()} == {"mia": 3, "mia+key": 2}
    texts = {post["id"] for post in house.truth("mia+key")["posts"] if not post["deleted_at"]}
    assert set(went["mia+key"]) <= texts
    with house.scope() as scope:
        yes = scope.run(
            "SELECT count(*) AS n, count(DISTINCT a.post_id) AS posts FROM approvals a JOIN posts p"
            " ON p.tenant_id = a.tenant_id AND p.id = a.post_id WHERE a.tenant_id = :tenant AND "
            "p.origin_key LIKE :key",
            tenant=scope.tenant_id,
            key=f"%:{day}:%",
        ).one()
        sales = scope.run(
            "SELECT count(*) FROM payments WHERE tenant_id = :tenant AND payer LIKE :fan",
            tenant=scope.tenant_id,
            fan=f"%-{day:%Y%m%d}",
        ).scalar_one()
    assert (yes.n, yes.posts) == (3, 3)
    assert sales == 2
    assert house.till("mia+key") - till == 600


def test_command_without_fast_waits_and_reports_it(house: Installation, nova: Lived) -> None:
    before, later = house.made(), date.fromisoformat(nova.day) + timedelta(days=9)
    words = [word for word in nova.words if word != "--fast"]
    waited = house.interrupted("Waiting until 06:00", *words, "--date", str(later))
    assert waited.code == 130
    assert "Interrupted." in waited.err
    assert house.made() == before


def test_no_delivery_or_task_is_left_open(house: Installation, mia: Lived, nova: Lived) -> None:
    """Manual posting is exempt: an installation first started between midnight and six creates a
    manual task on that day."""
    creators = [house.creator(slug) for slug in ("mia", "nova")]
    with house.scope() as scope:
        for creator, lived in zip(creators, (mia, nova), strict=True):
            entries = schedule_reads.entries_of_day(
                scope, creator.id, date.fromisoformat(lived.day), ZONE
            )
            by_machine = [
                one for one in entries if one.reason != Message(states.WAITS_FOR_MANUAL_POSTING)
            ]
            assert {entry.state for entry in by_machine} <= {"published", "scheduled"}
        dead = "SELECT count(*) FROM outbox WHERE tenant_id = :tenant AND state = 'dead'"
        assert scope.run(dead, tenant=scope.tenant_id).scalar_one() == 0
