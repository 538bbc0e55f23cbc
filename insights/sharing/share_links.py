"""Read-only share links of Analytics for people without an account.

A link shows chosen views of chosen creators in one period, as sums: no fans, no notes, no names of
members. It works until it expires, is revoked, or its author may no longer see these creators. Only
a digest of the link is stored.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from babel import Locale
from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.visible_text import is_one_line
from foundation.ids import INSTALLATION_ID
from foundation.ops.wall_time import local_day
from gate.surfaces.decisions import require_allowed
from insights.reports.tables import analytics_tables
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.rollups.audience import load_audience
from insights.rollups.costs import load_costs
from insights.rollups.periods import AnalyticsPeriod, Comparison
from insights.rollups.sales_analysis import load_sales_analysis
from insights.sharing.models import AnalyticsLink
from insights.sharing.shown_names import name_content, show_names
from subscribers.orders import sales
from subscribers.orders.cohorts import add_months
from subscribers.orders.sales_breakdowns import SalesDimension
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right, require_right

SHARE_PATH = "/shared/"
MAX_NAME_LENGTH = 80
LIFETIMES = (7, 30, 90)
"""Days for which a link can work."""

MAX_LINKS = 100
"""Maximum number of links of an agency that work at the same time."""

# 32 random bytes in base64url.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

LinkStatus = Literal["open", "expired", "revoked"]


class SharedView(StrEnum):
    """Views that a link can show."""

    SALES = "sales"
    AUDIENCE = "audience"
    COSTS = "costs"


@dataclass(frozen=True)
class ShareLinkDraft:
    """A link to create: its name for members, what it shows, and the days for which it works. With
    `rolling`, the period always ends today and keeps its length."""

    name: str
    views: tuple[SharedView, ...]
    creators: tuple[UUID, ...]
    first: date
    last: date
    rolling: bool
    days: int


@dataclass(frozen=True)
class ShareLink:
    """A link as members see it; instants are UTC-aware. `opened_at` is the last visit."""

    id: UUID
    name: str
    views: tuple[SharedView, ...]
    creators: tuple[UUID, ...]
    first: date
    last: date
    rolling: bool
    by: str
    expires_at: datetime
    revoked_at: datetime | None
    opened_at: datetime | None

    def status(self, now: datetime) -> LinkStatus:
        """Return whether the link works."""
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


@dataclass(frozen=True)
class SharedPage:
    """The content of a link for its visitor: the tables of each view, read at `now`."""

    agency: str
    name: str
    creators: Sequence[Creator]
    period: AnalyticsPeriod
    views: Mapping[SharedView, Sequence[AnalyticsTable]]
    expires_at: datetime
    now: datetime


def create_share_link(scope: Scope, draft: ShareLinkDraft, *, link_id: UUID) -> str:
    """Create a link and return its token, which is not stored. If the link exists, change it and
    give it a new token: the answer to an earlier try of the same press was lost.

    The acting member needs the rights `RUN` and `MONEY` and access to all creators. Raises Refused,
    NotFound for another creator, and BadInput for an invalid name, view, period or lifetime. A name
    that the page may not show is refused with the reason.
    """
    member = _get_author(scope)
    name = " ".join(draft.name.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH or not is_one_line(name):
        raise BadInput("share.bad_name", most=MAX_NAME_LENGTH).about("name")
    if not draft.views:
        raise BadInput("share.no_view").about("views")
    if draft.days not in LIFETIMES:
        raise BadInput("share.bad_lifetime")
    sales.check_period(draft.first, draft.last)
    mine = {one.id for one in _list_creators(scope, member)}
    if not draft.creators:
        raise BadInput("share.no_creator").about("creators")
    for creator in draft.creators:
        if creator not in mine:
            raise NotFound("creator.unknown", creator=str(creator))
    require_allowed(scope, name_content(name, draft.creators))
    scope.lock(f"analytics-links:{scope.tenant_id}")
    token = secrets.token_urlsafe(32)
    shown = {
        "token": _hash_token(token),
        "name": name,
        "views": [str(one) for one in dict.fromkeys(draft.views)],
        "creators": [str(one) for one in dict.fromkeys(draft.creators)],
        "first_day": draft.first,
        "last_day": draft.last,
        "rolling": draft.rolling,
        "expires_at": scope.now + timedelta(days=draft.days),
    }
    if not _change_link(scope, link_id, shown):
        _add_link(scope, link_id, shown)
    return token


def _change_link(scope: Scope, link_id: UUID, shown: Mapping[str, Any]) -> bool:
    """Change a link that an earlier try of the same press created. Return False without one."""
    row = scope.session.get(AnalyticsLink, (scope.tenant_id, link_id), populate_existing=True)
    if row is None or row.by != scope.actor:
        return False
    for name, value in shown.items():
        setattr(row, name, value)
    scope.session.flush()
    return True


def _add_link(scope: Scope, link_id: UUID, shown: Mapping[str, Any]) -> None:
    open_links = [one for one in _list_rows(scope) if one.status(scope.now) == "open"]
    if len(open_links) >= MAX_LINKS:
        raise BadInput("share.too_many", most=MAX_LINKS)
    scope.add(AnalyticsLink(tenant_id=scope.tenant_id, id=link_id, by=scope.actor, **shown))
    audit.record(scope, "analytics_link.created", f"analytics_link:{link_id}")


def list_share_links(scope: Scope) -> list[ShareLink]:
    """Return the links that the acting member may see, newest first: those whose creators are all
    theirs. Raises Refused."""
    mine = {one.id for one in _list_creators(scope, _get_author(scope))}
    return [one for one in _list_rows(scope) if mine.issuperset(one.creators)]


def get_share_link(scope: Scope, link_id: UUID) -> ShareLink:
    """Return a link that the acting member may see. Raises Refused and NotFound."""
    found = next((one for one in list_share_links(scope) if one.id == link_id), None)
    if found is None:
        raise NotFound("share.unknown")
    return found


def revoke_share_link(scope: Scope, link_id: UUID) -> None:
    """Revoke a link; repeating it has no effect. Raises Refused, and NotFound for a link that the
    acting member may not see."""
    get_share_link(scope, link_id)
    done = scope.run(
        "UPDATE analytics_links SET revoked_at = :now, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL",
        tenant=scope.tenant_id,
        id=link_id,
        now=scope.now,
    )
    if done.rowcount:
        audit.record(scope, "analytics_link.revoked", f"analytics_link:{link_id}")


def find_share_link(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """Return the tenant and ID of the link with this token, or None if the token is unknown."""
    if not _TOKEN.fullmatch(token):  # Arbitrary input never reaches the database.
        return None
    # The tenant is unknown until the token is found; this role can read the links of all tenants.
    with tenant(INSTALLATION_ID, "system:analytics-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM analytics_links WHERE token = :token",
            token=_hash_token(token),
        ).first()
    return (row.tenant_id, row.id) if row is not None else None


def open_share_link(scope: Scope, link_id: UUID, language: str) -> SharedPage:
    """Return the content of a link in a language, and record the visit.

    Raises NotFound if the link does not work: it is unknown, has expired or was revoked, or its
    author is no longer a member who may see these creators.
    """
    row = scope.session.get(AnalyticsLink, (scope.tenant_id, link_id), populate_existing=True)
    link = _link_from_row(row) if row is not None else None
    if link is None or link.status(scope.now) != "open":
        raise NotFound("share.over")
    creators = _visible_creators(scope, link)
    period = _current_period(scope, link, creators)
    scope.run(
        "UPDATE analytics_links SET opened_at = :now WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=link_id,
        now=scope.now,
    )
    views = {one: _TABLES[one](scope, creators, period, language) for one in link.views}
    tables = [table for each in views.values() for table in each]
    name, named, shown = show_names(scope, link.name, creators, tables)
    left = iter(shown)
    agency = queries.get_agency(scope).name
    return SharedPage(
        agency=agency,
        name=name or agency,
        creators=named,
        period=period,
        views={one: [next(left) for _ in each] for one, each in views.items()},
        expires_at=link.expires_at,
        now=scope.now,
    )


def _visible_creators(scope: Scope, link: ShareLink) -> list[Creator]:
    """Return the creators of a link that its author may still see. Raises NotFound if one of them
    is not, so that no sum changes silently."""
    try:
        member = queries.get_active_member(scope, UUID(link.by.partition(":")[2]))
    except (NotFound, ValueError) as gone:
        raise NotFound("share.over") from gone
    mine = {one.id: one for one in _list_creators(scope, member)}
    if not has_right(member.role, Right.MONEY) or not mine.keys() >= set(link.creators):
        raise NotFound("share.over")
    return [mine[one] for one in link.creators]


def _current_period(scope: Scope, link: ShareLink, creators: Sequence[Creator]) -> AnalyticsPeriod:
    if not link.rolling:
        return AnalyticsPeriod(link.first, link.last)
    today = local_day(scope.now, creators[0].zone)
    return AnalyticsPeriod(today - (link.last - link.first), today, Comparison.PREVIOUS)


def _sales_tables(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod, language: str
) -> list[AnalyticsTable]:
    found = load_sales_analysis(scope, creators, period)
    groups: list[AnalyticsTable] = [
        analytics_tables.sales_groups_table(found, dimension, language)
        for dimension in SalesDimension
        if dimension is not SalesDimension.FAN
    ]
    return [
        analytics_tables.sales_totals_table(found),
        analytics_tables.sales_days_table(found),
        *groups,
        analytics_tables.funnel_table(found, language),
    ]


def _audience_tables(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod, language: str
) -> list[AnalyticsTable]:
    found = load_audience(scope, creators, period)
    names = Locale.parse(language).languages
    return [
        analytics_tables.followers_table(found),
        analytics_tables.active_hours_table(found, language),
        analytics_tables.languages_table(found, lambda code: str(names.get(code, code))),
        analytics_tables.renewals_table(
            replace(
                found,
                renewals=[one for one in found.renewals if is_whole_month(one.first_day, period)],
            )
        ),
    ]


def _cost_tables(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod, _language: str
) -> list[AnalyticsTable]:
    found = load_costs(scope, creators, period.first, period.last)
    months = [one for one in found.months if is_whole_month(one.first_day, period)]
    return [analytics_tables.profit_table(months)]


def is_whole_month(first_day: date, period: AnalyticsPeriod) -> bool:
    """Return True if the month is a whole one of the period: a link shows no other day."""
    return period.first <= first_day and add_months(first_day, 1) <= period.last + timedelta(days=1)


_LoadTables = Callable[[Scope, Sequence[Creator], AnalyticsPeriod, str], list[AnalyticsTable]]
_TABLES: Mapping[SharedView, _LoadTables] = {
    SharedView.SALES: _sales_tables,
    SharedView.AUDIENCE: _audience_tables,
    SharedView.COSTS: _cost_tables,
}


def _get_author(scope: Scope) -> Member:
    member = queries.get_acting_member(scope, "share.members_only")
    require_right(member.role, Right.RUN)
    require_right(member.role, Right.MONEY)
    return member


def _list_creators(scope: Scope, member: Member) -> Collection[Creator]:
    return [one for one in queries.list_creators(scope) if member.works_for(one.slug)]


def _list_rows(scope: Scope) -> list[ShareLink]:
    rows = scope.session.exec(
        select(AnalyticsLink)
        .where(AnalyticsLink.tenant_id == scope.tenant_id)
        .order_by(col(AnalyticsLink.created_at).desc(), col(AnalyticsLink.id).desc())
        .execution_options(populate_existing=True)
    )
    return [_link_from_row(row) for row in rows]


def _link_from_row(row: Any) -> ShareLink:
    return ShareLink(
        id=row.id,
        name=row.name,
        views=tuple(SharedView(one) for one in row.views if one in set(SharedView)),
        creators=tuple(UUID(one) for one in row.creators),
        first=row.first_day,
        last=row.last_day,
        rolling=row.rolling,
        by=row.by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        opened_at=row.opened_at,
    )


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
