"""Revenue splits of creators: validation, effective dates, history, and the names of parties.

A sale is booked by the rule in force at its time. Rules that have started never change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from foundation.money import BASIS_POINTS
from foundation.ops.wall_time import day_bounds, local_day
from subscribers.ledger import month_close
from subscribers.ledger.entries import (
    PartyShare,
    SplitShares,
    party_account,
    party_names,
    shares_from_row,
)
from subscribers.ledger.models import RevenueParty
from tenants import audit
from tenants.agencies import queries

MAX_PARTIES = 8
MAX_PARTY_NAME = 60
MAX_DAYS_AHEAD = 366
"""Maximum number of days from today to the start of a rule."""

_PERCENT = re.compile(r"(?P<whole>\d{1,3})(?:[.,](?P<part>\d{1,2}))?\s*%?", re.ASCII)


class SplitStatus(StrEnum):
    """The status of a rule at a time: replaced by a later one, in force, or not started."""

    PAST = "past"
    CURRENT = "current"
    COMING = "coming"


@dataclass(frozen=True)
class NamedShare:
    """The share of another party by its name, in basis points of the sale."""

    name: str
    share: int


@dataclass(frozen=True)
class SplitDraft:
    """A new revenue split in basis points of the sale, in force from the start of `starts_on` in
    the creator's time zone, or from now if that is today. All shares sum to 10,000."""

    creator: int
    agency: int
    chatter: int
    others: tuple[NamedShare, ...]
    starts_on: date


@dataclass(frozen=True)
class RevenueSplit:
    """A stored rule with the names of its parties. `starts_on` is the day of `starts_at` in the
    creator's time zone; `by` is the actor, empty for rules stored before actors were."""

    id: UUID
    starts_at: datetime
    starts_on: date
    shares: SplitShares
    others: tuple[NamedShare, ...]
    status: SplitStatus
    by: str

    @property
    def agency_share(self) -> int:
        """Return what the agency keeps, in basis points of the sale, without the team's part."""
        if self.shares.chatter_of == "sale":
            return self.shares.agency
        return self.shares.agency - self.chatter_share

    @property
    def chatter_share(self) -> int:
        """Return the team's part in basis points of the sale, rounded down."""
        if self.shares.chatter_of == "sale":
            return self.shares.chatter
        return self.shares.agency * self.shares.chatter // BASIS_POINTS


def parse_percent(text: str) -> int:
    """Return a percentage as basis points ("12,5" or "12.5 %" is 1250); empty text is 0.

    Raises BadInput for other text, for more than two decimals and for more than 100 %.
    """
    if not text.strip():
        return 0
    written = _PERCENT.fullmatch(text.strip())
    share = 0
    if written is not None:
        share = int(written["whole"]) * 100 + int((written["part"] or "0").ljust(2, "0"))
    if written is None or share > BASIS_POINTS:
        raise BadInput("split.bad_share", said=text.strip()[:20])
    return share


def format_percent(share: int) -> str:
    """Return basis points as a percentage without sign and superfluous zeros: 1250 is "12.5"."""
    whole, part = divmod(share, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)


def add_revenue_split(scope: Scope, creator_id: UUID, draft: SplitDraft, *, split_id: UUID) -> UUID:
    """Store a revenue split of a creator, once for each `split_id`, and return that ID. If the same
    shares already apply on that day, nothing is stored and the ID of their rule is returned.

    A rule for a coming day replaces an earlier one for the same day. Raises BadInput for invalid
    shares, names and days, Refused if the month of the start is closed, and Conflict if `split_id`
    belongs to another rule.
    """
    creator = queries.get_creator(scope, creator_id)
    scope.lock(f"split:{scope.tenant_id}:{creator_id}")
    others = _check_shares(draft)
    today = local_day(scope.now, creator.zone)
    if _is_stored(scope, creator_id, split_id):
        return split_id
    _check_start(scope, creator_id, draft.starts_on, today)
    parties = [
        PartyShare(_find_or_add_party(scope, creator_id, one.name), one.share) for one in others
    ]
    before = find_split_at(scope, creator_id, scope.now)
    starts_at = (
        scope.now if draft.starts_on == today else day_bounds(draft.starts_on, creator.zone)[0]
    )
    shares = SplitShares(
        draft.agency, draft.creator, draft.chatter, tuple(parties), chatter_of="sale"
    )
    same = find_split_at(scope, creator_id, starts_at)
    if same is not None and same.shares == shares:
        return same.id
    _insert_rule(scope, creator_id, split_id, draft, parties=parties, starts_at=starts_at)
    audit.record(
        scope,
        "split.set",
        f"creator:{creator_id}",
        starts_on=draft.starts_on.isoformat(),
        before=_describe_split(before) if before is not None else "",
        after=_describe_shares(draft.creator, draft.agency, draft.chatter, others),
    )
    return split_id


def _check_shares(draft: SplitDraft) -> tuple[NamedShare, ...]:
    """Return the other parties with normalized names. Raises BadInput."""
    others = tuple(
        NamedShare(" ".join(one.name.split()), one.share) for one in draft.others if one.share
    )
    if len(others) > MAX_PARTIES:
        raise BadInput("split.too_many", most=MAX_PARTIES)
    names = [one.name.casefold() for one in others]
    for one in others:
        if not 0 < len(one.name) <= MAX_PARTY_NAME or not one.name.isprintable():
            raise BadInput("split.bad_name", most=MAX_PARTY_NAME).about("name")
        if names.count(one.name.casefold()) > 1:
            raise BadInput("split.same_name", name=one.name)
    shares = [draft.creator, draft.agency, draft.chatter, *(one.share for one in others)]
    if any(not 0 <= share <= BASIS_POINTS for share in shares) or sum(shares) != BASIS_POINTS:
        raise BadInput("split.not_whole", sum=format_percent(sum(shares)))
    return others


def _check_start(scope: Scope, creator_id: UUID, starts_on: date, today: date) -> None:
    if starts_on < today:
        raise BadInput("split.in_past")
    if starts_on > today + timedelta(days=MAX_DAYS_AHEAD):
        raise BadInput("split.too_far", most=MAX_DAYS_AHEAD)
    if starts_on.replace(day=1) in month_close.list_closed_months(scope, creator_id):
        raise Refused("split.closed_month")


def _is_stored(scope: Scope, creator_id: UUID, split_id: UUID) -> bool:
    found = scope.run(
        "SELECT creator_id FROM split_rules WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=split_id,
    ).scalar()
    if found not in (None, creator_id):
        raise Conflict("split.other_creator")
    return found is not None


def _find_or_add_party(scope: Scope, creator_id: UUID, name: str) -> UUID:
    """Return the ID of the party with this name, ignoring case."""
    found: UUID | None = scope.run(
        "SELECT id FROM revenue_parties WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND lower(name) = lower(:name) ORDER BY id LIMIT 1",
        tenant=scope.tenant_id,
        creator=creator_id,
        name=name,
    ).scalar()
    if found is not None:
        return found
    row = RevenueParty(tenant_id=scope.tenant_id, id=uuid7(), creator_id=creator_id, name=name)
    scope.add(row)
    return row.id


def _insert_rule(
    scope: Scope,
    creator_id: UUID,
    split_id: UUID,
    draft: SplitDraft,
    *,
    parties: Sequence[PartyShare],
    starts_at: datetime,
) -> None:
    scope.run(
        "INSERT INTO split_rules (tenant_id, id, creator_id, effective_from, agency_bp, creator_bp,"
        " chatter_bp, others, others_bp, chatter_of, by, revision)"
        " VALUES (:tenant, :id, :creator, :since, :agency, :share, :chatter,"
        " CAST(:others AS jsonb), :others_bp, 'sale', :by,"
        " (SELECT coalesce(max(revision) + 1, 0) FROM split_rules WHERE tenant_id = :tenant"
        " AND creator_id = :creator AND effective_from = :since))",
        tenant=scope.tenant_id,
        id=split_id,
        creator=creator_id,
        since=starts_at,
        agency=draft.agency,
        share=draft.creator,
        chatter=draft.chatter,
        others=canonical_json(
            [{"party": str(one.party_id), "bp": one.share} for one in parties]
        ).decode(),
        others_bp=sum(one.share for one in parties),
        by=scope.actor,
    )


def list_revenue_splits(scope: Scope, creator_id: UUID) -> list[RevenueSplit]:
    """Return the rules of a creator, latest start first. Replaced revisions of a start are left
    out."""
    zone = queries.get_creator(scope, creator_id).zone
    names = party_names(scope, creator_id)
    rows = scope.run(
        "SELECT DISTINCT ON (effective_from) id, effective_from, agency_bp, creator_bp, chatter_bp,"
        " others, chatter_of, by FROM split_rules WHERE tenant_id = :tenant"
        " AND creator_id = :creator ORDER BY effective_from DESC, revision DESC",
        tenant=scope.tenant_id,
        creator=creator_id,
    ).all()
    found: list[RevenueSplit] = []
    is_current_known = False
    for row in rows:
        status = SplitStatus.PAST if is_current_known else SplitStatus.CURRENT
        if row.effective_from > scope.now:
            status = SplitStatus.COMING
        is_current_known = is_current_known or status is SplitStatus.CURRENT
        shares = shares_from_row(row)
        others = tuple(
            NamedShare(names.get(party_account(one.party_id), ""), one.share)
            for one in shares.others
        )
        day = local_day(row.effective_from, zone)
        found.append(RevenueSplit(row.id, row.effective_from, day, shares, others, status, row.by))
    return found


def find_split_at(scope: Scope, creator_id: UUID, at: datetime) -> RevenueSplit | None:
    """Return the rule in force at `at`, or None."""
    rules = list_revenue_splits(scope, creator_id)
    return next((one for one in rules if one.starts_at <= at), None)


def _describe_split(rule: RevenueSplit) -> str:
    return _describe_shares(rule.shares.creator, rule.agency_share, rule.chatter_share, rule.others)


def _describe_shares(creator: int, agency: int, chatter: int, others: Sequence[NamedShare]) -> str:
    """Return the shares in percent for the audit log, such as "creator 60, agency 40"."""
    named = {"creator": creator, "agency": agency, "team": chatter}
    named |= {one.name: one.share for one in others}
    return ", ".join(f"{name} {format_percent(share)}" for name, share in named.items() if share)
