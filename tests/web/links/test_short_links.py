"""Short links over HTTP: redirect and count without storing anything about the visitor."""

from uuid import UUID

import httpx
import pytest

from channels.accounts import lifecycle
from channels.links import domains, short_links
from channels.links.short_links import LinkClicks
from connectors.conformance.fake_servers import serve_app
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Rating, Subject
from gate.reviews import link_targets
from tests.web.builders import PUBLIC, CreatorPage, create_page
from web.app import create_web_app

ADDRESS = "https://shop.example.org/a?size=M"
TARGET = f"{ADDRESS}&utm_source=x#top"
PERSON = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 "
    "Safari/604.1"
)
INSTAGRAM = f"{PERSON} Instagram 370.0.0.28.100"


def short(mia: CreatorPage) -> tuple[str, Subject]:
    """Create a short link of a delivery of her account."""
    subject = Subject("delivery", uuid7())
    with mia.scope() as scope:
        channel_id: UUID = lifecycle.connect_account(
            scope,
            creator_id=mia.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"mia-{subject.id}",
            name="Mia",
            base_url="http://127.0.0.1:9",
            token=Sealed(b"x"),
            zone="UTC",
        )
        link_targets.register_link_target(
            scope, mia.creator_id, ADDRESS, rating=Rating.G, adult=False
        )
        short_links.store_links(
            scope,
            channel_id,
            subject,
            {TARGET: ADDRESS},
            creator_id=mia.creator_id,
            place="sandbox.post",
        )
    return short_links.LINK_PATH + short_links.make_link_slug(
        mia.tenant_id, subject, TARGET
    ), subject


def follow(
    mia: CreatorPage, path: str, agent: str = PERSON, method: str = "GET", **headers: str
) -> httpx.Response:
    sent = {
        "user-agent": agent,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return mia.room.client.request(method, path, headers=sent, follow_redirects=False)


def counted(mia: CreatorPage, subject: Subject) -> LinkClicks:
    with mia.scope() as scope:
        return short_links.clicks_of(scope, [subject])[subject]


def test_visitor_is_redirected_and_only_counted(mia: CreatorPage) -> None:
    path, subject = short(mia)
    answer = follow(mia, path)
    assert answer.status_code == 302
    assert answer.headers["location"] == TARGET
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert answer.content == b""
    follow(mia, path, INSTAGRAM)
    follow(mia, path, INSTAGRAM)
    assert counted(mia, subject) == LinkClicks(people=3, visitors=2)


def test_digests_of_visitors_differ_between_links_and_days(mia: CreatorPage) -> None:
    """The same visitor on two links, and on one link on two days, has three digests, and none can be
    computed once the key of its day is deleted."""
    paths = [short(mia)[0], short(mia)[0]]
    for path in (*paths, paths[0]):
        follow(mia, path)
    with mia.scope() as scope:
        # The day ends: its key is deleted by retention.
        scope.run("DELETE FROM link_salts WHERE tenant_id = :tenant", tenant=mia.tenant_id)
    follow(mia, paths[0])
    with mia.scope() as scope:
        rows = scope.run(
            "SELECT digest FROM link_visitors WHERE tenant_id = :tenant", tenant=mia.tenant_id
        )
        assert len(set(rows.scalars())) == 3
        assert PERSON not in str(scope.run("SELECT * FROM link_visitors").all())


@pytest.mark.parametrize(
    "more",
    [
        {"agent": "TelegramBot (like TwitterBot)"},
        {"agent": "facebookexternalhit/1.1"},
        {"agent": "WhatsApp/2.23"},
        {"agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"agent": "Mozilla/5.0 (compatible; Discordbot/2.0)"},
        {"agent": "http.rb/5 (Mastodon/4.3; +https://m.example/)"},
        {"agent": ""},
        {"agent": "curl/8.5"},
        {"method": "HEAD"},
        {"sec_purpose": "prefetch;prerender"},
        {"x_moz": "prefetch"},
        {"sec_fetch_dest": "image"},
    ],
)
def test_bots_and_prefetches_are_not_counted_as_people(
    mia: CreatorPage, more: dict[str, str]
) -> None:
    path, subject = short(mia)
    assert follow(mia, path, **more).status_code == 302
    assert counted(mia, subject) == LinkClicks(machines=1)


@pytest.mark.parametrize(
    "typed",
    [
        "bcfghjlmnpqrt",
        "x",
        "..%2f..",
        "https:%2f%2fevil.example",
        "%00",
        "b" * 5000,
        "bcfghjlmnpqr%27",
        "é",
    ],
)
def test_invalid_slug_never_redirects(mia: CreatorPage, typed: str) -> None:
    answer = follow(
        mia, f"{short_links.LINK_PATH}{typed}?url=https://evil.example&next=//evil.example"
    )
    assert answer.status_code in (400, 404, 414)
    assert "location" not in answer.headers


def test_closed_link_reports_the_removed_post(mia: CreatorPage) -> None:
    path, subject = short(mia)
    with mia.scope() as scope:
        short_links.close_links(scope, subject)
    answer = follow(mia, path)
    assert answer.status_code == 410
    assert "location" not in answer.headers
    assert "This post was removed." in answer.text
    assert counted(mia, subject) == LinkClicks()


def test_slug_of_two_agencies_is_not_found(mia: CreatorPage) -> None:
    path, _ = short(mia)
    other = create_page(mia.room)
    _, subject = short(other)
    with other.scope() as scope:
        scope.run(
            "UPDATE links SET slug = :slug WHERE tenant_id = :tenant AND subject_id = :id",
            slug=path.removeprefix(short_links.LINK_PATH),
            tenant=other.tenant_id,
            id=subject.id,
        )
    assert follow(mia, path).status_code == 404


def test_domain_of_an_agency_serves_its_short_links_only(mia: CreatorPage) -> None:
    path, _ = short(mia)
    host = f"go-{mia.tenant_id.hex}.example.com"
    app = create_web_app(tenant=mia.room.pages, store=mia.room.store, public_url=PUBLIC)
    assert follow(mia, path, host=host).status_code == 421
    with mia.scope() as scope:
        domains.set_link_domain(scope, f"https://{host.upper()}/", public_url=PUBLIC)
        assert domains.link_base(scope, PUBLIC) == f"https://{host}"
    with serve_app(app) as url, httpx.Client(base_url=url, verify=False) as client:
        sent = {"host": host, "user-agent": PERSON}
        assert client.get(path, headers=sent).headers["location"] == TARGET
        assert client.get(f"/{mia.slug}", headers=sent).status_code == 421
        assert client.get(path, headers={**sent, "host": "other.example.com"}).status_code == 421
        assert client.get(path, headers={**sent, "host": f"{host}.evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "a b.example.com", "example.com/l", "pages.example.test"]
)
def test_invalid_domain_is_refused(mia: CreatorPage, host: str) -> None:
    with mia.scope() as scope, pytest.raises(BadInput):
        domains.set_link_domain(scope, host, public_url=PUBLIC)
