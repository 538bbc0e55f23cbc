"""Links to stored reports over HTTP: the page runs nothing and loads nothing, files are downloads,
and an ended link shows nothing."""

import html
import io
import json
import zipfile
from datetime import date

import pytest

from foundation.ids import uuid7
from insights.reports import deliveries, runs, schedules
from insights.reports.events import ReportDue
from insights.reports.periods import ReportKind
from insights.reports.schedules import ReportForm
from tenants.agencies import agencies, queries
from tenants.agencies.queries import Member
from tenants.agencies.rights import Role
from tests.web.builders import CreatorPage, WebServer
from tests.web.links.client_link_agency import create_house
from tests.web.links.test_token_variants import check

DAY = date(2026, 1, 5)


def link(mia: CreatorPage) -> tuple[str, Member]:
    """Return the path of a link to a stored report, and the owner who created it."""
    with mia.scope() as scope:
        owner_id = agencies.add_member(
            *(scope,),
            **{"name": "Ann", "email": f"{uuid7().hex}@example.test", "role": Role.OWNER},
            **{"language": "fr", "zone": "Europe/Paris"},
        )
        owner = queries.get_member(scope, owner_id)
        form = ReportForm(
            *("Day", ReportKind.DAILY, "client", (mia.creator_id,), 8, "Europe/Paris", "fr")
        )
        made = schedules.create_schedule(scope, uuid7(), form, owner)
    runs.create_report(ReportDue(mia.tenant_id, made, DAY, DAY), tenant=mia.room.tenant)
    with mia.scope() as scope:
        (run,) = runs.list_runs(scope, made)
        token = deliveries.create_link(scope, run.id, owner, language="fr")
    return f"{deliveries.LINK_PATH}{token}", owner


def test_link_shows_the_report_and_its_files_until_it_is_revoked(mia: CreatorPage) -> None:
    path, owner = link(mia)
    client = mia.room.client
    page = client.get(path)
    assert page.status_code == 200
    assert "rapport du jour" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"
    for form, start in (("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        assert f"/report.{form}" in page.text
        file = client.get(f"{path}/report.{form}")
        assert file.content.startswith(start)
        assert file.headers["content-disposition"].startswith("attachment")
    assert client.get(f"{path}/report.exe").status_code == 404
    assert client.post(path).status_code == 405
    with mia.scope() as scope:
        found = deliveries.find_link(mia.room.tenant, path.rpartition("/")[2])
        assert found is not None
        deliveries.revoke_links(scope, found.run_id, owner)
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/report.pdf").status_code == 404


def test_report_opens_only_with_its_exact_link(mia: CreatorPage) -> None:
    check(mia, link(mia)[0])


SENTENCE = "Bonjour à toutes et à tous, voici la plage du matin avec"


@pytest.mark.parametrize("form", ["html", "xlsx"])
def test_post_is_named_by_date_and_channel_once_its_text_is_banned(
    room: WebServer, form: str
) -> None:
    house = create_house(room)
    house.write(f"{SENTENCE} marmalade")
    url = house.publish(DAY)
    run_id, path = house.report(DAY)
    address = path if form == "html" else f"{path}/report.{form}"
    before = readable(room.client.get(address).content, form)
    assert "A title" in before
    assert url in before
    house.ban("A title")
    after = readable(room.client.get(address).content, form)
    assert "A title" not in after
    assert url not in after
    assert "Sandbox of" in after
    with house.scope() as scope:  # members still see what was stored
        assert runs.get_run(scope, run_id).facts.posts[0].title == "A title"


def test_stored_facts_hold_no_text_that_was_banned_before(room: WebServer) -> None:
    house = create_house(room)
    house.write(f"{SENTENCE} marmalade")
    url = house.publish(DAY)
    house.ban("marmalade")  # in the text that the address leads to
    run_id, path = house.report(DAY)
    with house.scope() as scope:
        facts = runs.get_run(scope, run_id).facts
    (post,) = facts.posts
    assert (post.title, post.url, post.channel) == ("", "", "Sandbox of Léa")
    assert post.at.startswith(DAY.isoformat())
    assert not {"marmalade", "A title", url} & set(json.dumps(facts.to_json()).split('"'))
    assert "2026" in room.client.get(path).text


def readable(data: bytes, form: str) -> str:
    """Return the text of a page or a workbook."""
    if form == "html":
        return html.unescape(data.decode())
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return html.unescape("".join(book.read(name).decode() for name in book.namelist()))
