"""Share links of Analytics: what a visitor sees, and when a link stops working."""

import io
import zipfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from gate.reviews import own_terms
from insights.rollups.models import SalesDay
from insights.rollups.periods import AnalyticsPeriod
from insights.sharing import share_links
from insights.sharing.share_links import SHARE_PATH, SharedView, ShareLinkDraft
from subscribers.fans.models import Fan
from subscribers.ledger import entries
from subscribers.orders.cohorts import add_months
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.schedules.builders import ZONE
from tests.web.builders import WebServer


@dataclass
class SharingAgency:
    """An agency with two creators, a sale of a named fan, and members."""

    room: WebServer
    tenant_id: UUID
    creators: tuple[UUID, UUID]
    members: dict[Role, UUID]
    today: date

    def scope(self, role: Role | None = None) -> Any:
        actor = "system:test" if role is None else f"member:{self.members[role]}"
        return self.room.tenant(self.tenant_id, actor)

    def draft(self, **change: Any) -> ShareLinkDraft:
        base = ShareLinkDraft(
            name="For <b>Anna</b>",
            views=tuple(SharedView),
            creators=self.creators[:1],
            first=self.today - timedelta(days=6),
            last=self.today,
            rolling=True,
            days=7,
        )
        return replace(base, **change)

    def link(self, **change: Any) -> str:
        with self.scope(Role.MANAGER) as scope:
            token = share_links.create_share_link(scope, self.draft(**change), link_id=uuid7())
        return f"{SHARE_PATH}{token}"

    def get(self, path: str, language: str = "en") -> httpx.Response:
        return self.room.client.get(path, headers={"accept-language": language})


@pytest.fixture
def agency(room: WebServer) -> SharingAgency:
    tenant_id = uuid7()
    with room.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière & Cie", language="fr", zone=ZONE)
        lea, zoe = (
            agencies.add_creator(
                scope, slug=name.lower(), name=name, kind="human", zone=ZONE, languages=["fr"]
            )
            for name in ("Lea", "Zoe")
        )
        people = {
            role: agencies.add_member(
                scope,
                name=f"{role} person",
                email=f"{role}@x.test",
                role=role,
                language="fr",
                zone=ZONE,
            )
            for role in (Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT, Role.CHATTER)
        }
        fan = Fan(tenant_id=tenant_id, creator_id=lea, display_name="Paul Secret", language="fr")
        scope.add(fan)
        scope.session.flush()
        for creator, minor, who in ((lea, 12345, fan.id), (zoe, 77777, None)):
            entries.record_sale(
                scope,
                uuid7(),
                Money(minor, "EUR"),
                rail="rail:sandbox:x",
                at=scope.now,
                creator_id=creator,
                fan_id=who,
            )
        today = local_day(scope.now, ZONE)
    return SharingAgency(room, tenant_id, (lea, zoe), people, today)


def test_link_shows_sums_of_its_creators_and_no_fans(agency: SharingAgency) -> None:
    path = agency.link()
    found = agency.get(path)
    assert found.status_code == 200
    assert "€123.45" in found.text
    assert "For &lt;b&gt;Anna&lt;/b&gt;" in found.text
    assert "Lumière &amp; Cie" in found.text
    for hidden in ("Paul", "777.77", "person", str(agency.creators[1])):
        assert hidden not in found.text
    assert "no-store" in found.headers["cache-control"]
    assert found.headers["x-robots-tag"] == "noindex"
    assert "set-cookie" not in found.headers
    assert "<script" not in found.text
    assert "123,45\xa0€" in agency.get(path, "fr").text
    book = agency.get(f"{path}/analytics.xlsx")
    with zipfile.ZipFile(io.BytesIO(book.content)) as files:
        texts = files.read("xl/sharedStrings.xml").decode()
    assert "Lea" in texts
    assert "Paul" not in texts
    with agency.scope(Role.OWNER) as scope:
        (link,) = share_links.list_share_links(scope)
    assert link.opened_at is not None
    assert path.removeprefix(SHARE_PATH) not in repr(link), "the token is not stored"


def test_repeated_press_gives_one_link_with_its_last_token(agency: SharingAgency) -> None:
    """The answer to the first press may be lost; only the digest of its token is stored."""
    link_id = uuid7()
    paths = []
    for draft in (agency.draft(), agency.draft(), agency.draft(views=(SharedView.SALES,))):
        with agency.scope(Role.MANAGER) as scope:
            token = share_links.create_share_link(scope, draft, link_id=link_id)
        paths.append(f"{SHARE_PATH}{token}")
    with agency.scope(Role.OWNER) as scope:
        (link,) = share_links.list_share_links(scope)
    assert (link.id, link.views) == (link_id, (SharedView.SALES,))
    assert [agency.get(path).status_code for path in paths] == [404, 404, 200]


def test_link_without_costs_shows_none(agency: SharingAgency) -> None:
    text = agency.get(agency.link(views=(SharedView.SALES,))).text
    assert "€123.45" in text
    assert "Profit" not in text
    assert "Followers" not in text


def test_link_shows_only_whole_months_of_its_period(agency: SharingAgency) -> None:
    """Costs and renewals are monthly: a month that the period cuts would show other days."""
    this = agency.today.replace(day=1)
    starts = [add_months(this, -number) for number in range(3)]
    path = agency.link(first=starts[2] + timedelta(days=1), last=this, rolling=False)
    with agency.scope(Role.MANAGER) as scope:
        for day in starts:
            scope.add(
                SalesDay(
                    tenant_id=scope.tenant_id,
                    id=uuid7(),
                    creator_id=agency.creators[0],
                    day=day + timedelta(days=5),
                    currency="EUR",
                    orders=1,
                    gross_minor=100,
                    refunds_minor=0,
                    creator_minor=0,
                    agency_minor=0,
                    staff_minor=0,
                )
            )
        _, link_id = share_links.find_share_link(
            agency.room.tenant, path.removeprefix(SHARE_PATH)
        ) or (None, uuid7())
        views = share_links.open_share_link(scope, link_id, "en").views
    (profit,) = views[SharedView.COSTS]
    assert [row[0] for row in profit.rows] == [starts[1]]
    assert share_links.is_whole_month(starts[1], AnalyticsPeriod(starts[1], this))
    last = this - timedelta(days=2)
    assert not share_links.is_whole_month(starts[1], AnalyticsPeriod(starts[1], last))


def test_revoked_and_expired_links_look_unknown(agency: SharingAgency) -> None:
    revoked, expired = agency.link(), agency.link()
    with agency.scope(Role.MANAGER) as scope:
        newest, oldest = share_links.list_share_links(scope)
        for _ in range(2):
            share_links.revoke_share_link(scope, oldest.id)
        scope.run(
            "UPDATE analytics_links SET expires_at = house_now() WHERE tenant_id = :t AND id = :id",
            t=agency.tenant_id,
            id=newest.id,
        )
    unknown = agency.get(f"{SHARE_PATH}{'x' * 43}")
    for path in (revoked, expired, f"{revoked}/analytics.xlsx"):
        answer = agency.get(path)
        assert (answer.status_code, answer.text) == (404, unknown.text)
    assert agency.get(f"{SHARE_PATH}%00{'x' * 42}").status_code == 404


def test_link_ends_when_its_author_loses_access(agency: SharingAgency) -> None:
    path = agency.link()
    with agency.scope() as scope:
        members.change_member(
            scope, agency.members[Role.MANAGER], role=Role.MANAGER, creators=["zoe"]
        )
    assert agency.get(path).status_code == 404
    with agency.scope() as scope:
        members.change_member(scope, agency.members[Role.MANAGER], role=Role.MANAGER, creators=())
    assert agency.get(path).status_code == 200
    with agency.scope() as scope:
        members.remove_member(scope, agency.members[Role.MANAGER])
    assert agency.get(path).status_code == 404


def test_visits_of_a_link_are_limited(agency: SharingAgency) -> None:
    path = agency.link()
    with agency.scope() as scope:
        link = scope.run("SELECT id FROM analytics_links WHERE tenant_id = :t", t=scope.tenant_id)
        scope.run(
            "INSERT INTO api_buckets (tenant_id, id, who, full_until) VALUES (:t, :id, :who,"
            " people_now() + interval '1 hour')",
            t=agency.tenant_id,
            id=uuid7(),
            who=f"shared:{link.scalar_one()}",
        )
    answer = agency.get(path)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("role", "change", "error"),
    [
        (Role.CREATOR, {}, Refused),
        (Role.ACCOUNTANT, {}, Refused),
        (Role.CHATTER, {}, Refused),
        (Role.OWNER, {"name": " "}, BadInput),
        (Role.OWNER, {"name": "a\nb\x00"}, BadInput),
        (Role.OWNER, {"views": ()}, BadInput),
        (Role.OWNER, {"creators": ()}, BadInput),
        (Role.OWNER, {"creators": (uuid7(),)}, NotFound),
        (Role.OWNER, {"days": 8}, BadInput),
        (Role.OWNER, {"first": date(2020, 1, 1)}, BadInput),
    ],
)
def test_invalid_links_are_refused(
    agency: SharingAgency, role: Role, change: dict[str, Any], error: type[GreenroomError]
) -> None:
    with agency.scope(role) as scope, pytest.raises(error):
        share_links.create_share_link(scope, agency.draft(**change), link_id=uuid7())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("EXPLICIT-MARKER-A", "gate.RATING_EXCEEDS_SURFACE"),
        ("See https://shop.test/a", "gate.LINK_UNREGISTERED"),
    ],
)
def test_name_that_the_page_may_not_show_is_refused(
    agency: SharingAgency, name: str, reason: str
) -> None:
    with pytest.raises(Refused, match=f"^{reason}$"):
        agency.link(name=name)


def test_number_stands_for_a_name_that_is_banned_later(agency: SharingAgency) -> None:
    path = agency.link(name="For marmalade", creators=agency.creators)
    before = agency.get(path).text
    assert "For marmalade" in before
    assert "Zoe" in before
    with agency.scope(Role.OWNER) as scope:
        own_terms.add_own_terms(scope, "explicit", ("marmalade", "Zoe"))
    after = agency.get(path).text
    assert "marmalade" not in after
    assert "Zoe" not in after
    assert "<h1>Lumière &amp; Cie</h1>" in after
    assert after.count("#2") >= 2, "the same number stands for the creator everywhere"
    assert "Lea" in after
    book = agency.get(f"{path}/analytics.xlsx").content
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        assert "Zoe" not in "".join(files.read(name).decode() for name in files.namelist())
