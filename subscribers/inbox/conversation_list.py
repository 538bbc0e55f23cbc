"""The list of conversations: those that need a member, and the newest others; or those that match a
filter and a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.search_words import MIN_SEARCH_LENGTH
from foundation.money import Money
from subscribers.conversations.states import OwnerState
from subscribers.fans.directory import MAY_BE_SOLD_TO
from subscribers.inbox.read_state import UNREAD, read_until
from subscribers.inbox.search import find_conversations

WITH_PEOPLE = 60
NEWEST = 40
IN_PUBLIC = 40
DEALT_WITH = 10
SNOOZED = 40
"""Maximum numbers of conversations in the list: those that need a member, the newest others, public
ones, the latest public ones that are closed, and snoozed ones."""

RESULTS = 60
MAX_RESULTS = 300
"""Numbers of conversations of a filtered list: on the first page, and at most."""

URGENT = 0
"""The priority of a conversation with a possible danger to a person."""

SEVERAL_BUYS = 3


class InboxGroup(StrEnum):
    """Groups of conversations in the order of the list, by what they require from the member."""

    SAFETY = "safety"
    DOUBT = "doubt"
    MINE = "mine"
    WAITING = "waiting"
    PUBLIC = "public"
    COLLEAGUES = "colleagues"
    BOT = "bot"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class SpenderFilter(StrEnum):
    """Fans by the packs that they bought and still own."""

    ANY = "any"
    BUYER = "buyer"
    SEVERAL = "several"
    """At least `SEVERAL_BUYS` packs."""
    NONE = "none"


class InboxOrder(StrEnum):
    """Orders of a filtered list. Fans without a prediction come last."""

    NEWEST = "newest"
    VALUE = "value"
    """Highest expected value of the next 90 days."""
    GRADE = "grade"
    """Best grade of the lead."""


@dataclass(frozen=True)
class InboxFilter:
    """The conversations that a member asks for. `words` is a search in names, handles and messages;
    by default nothing is filtered."""

    words: str = ""
    unread: bool = False
    waiting: bool = False
    """Only conversations in which a fan waits for a member."""
    comments: bool = False
    """Only conversations with open public comments, those that are probably toxic first."""
    creator_id: UUID | None = None
    channel_id: UUID | None = None
    spender: SpenderFilter = SpenderFilter.ANY
    grade: str = ""
    """Only leads with this grade, A to D."""
    order: InboxOrder = InboxOrder.NEWEST

    @property
    def is_active(self) -> bool:
        """True if the list is filtered or ordered. A search with fewer than `MIN_SEARCH_LENGTH`
        characters filters nothing."""
        return replace(self, words="") != InboxFilter() or self.is_search

    @property
    def is_search(self) -> bool:
        """True if the search has enough characters."""
        return len(self.words.strip()) >= MIN_SEARCH_LENGTH


@dataclass(frozen=True)
class InboxEntry:
    """A conversation in the list.

    `said` is the last message, in a search the newest one with the words. `suggested` is True if a
    draft is pending approval, `doubt` if a delivery is uncertain. `waits_since` is the time of the
    fan's message, None once answered.
    """

    id: UUID
    creator_id: UUID
    channel_id: UUID
    fan: str
    owner: OwnerState
    member_id: UUID | None
    priority: int
    held: bool
    snoozed_until: datetime | None
    said: str
    waits_since: datetime | None
    last_in_at: datetime | None
    suggested: bool
    doubt: bool
    unread: bool
    """True if the member has not seen the fan's last message."""
    public: bool = False
    """True if the conversation consists of public comments."""
    toxicity: float | None = None
    """The highest estimate among its open comments, None without one and without that filter."""
    grade: str = ""
    """Grade of the lead, A to D, empty without one or for a fan who may not be sold to."""
    value: Money | None = None
    """Expected net sales to the fan in the next 90 days, None for one who may not be sold to."""
    last_purchase: Money | None = None

    def is_snoozed(self, now: datetime) -> bool:
        """Return True until the end of the snooze."""
        return self.snoozed_until is not None and self.snoozed_until > now

    def is_back(self, now: datetime) -> bool:
        """Return True if the snooze is over and no one has acted on the conversation since."""
        return self.snoozed_until is not None and self.snoozed_until <= now

    def group(self, member_id: UUID, now: datetime) -> InboxGroup:
        """Return the group of the conversation for this member."""
        people = self.owner in (OwnerState.PENDING_HUMAN, OwnerState.HUMAN)
        if people and (self.held or self.priority == URGENT):
            return InboxGroup.SAFETY
        if self.doubt:
            return InboxGroup.DOUBT
        if self.is_snoozed(now):
            return InboxGroup.SNOOZED
        if self.owner is OwnerState.HUMAN:
            return InboxGroup.MINE if self.member_id == member_id else InboxGroup.COLLEAGUES
        if self.owner is OwnerState.PENDING_HUMAN or self.suggested or self.is_back(now):
            return InboxGroup.PUBLIC if self.public else InboxGroup.WAITING
        return InboxGroup.CLOSED if self.owner is OwnerState.CLOSED else InboxGroup.BOT


def inbox_stamp(scope: Scope, creators: Sequence[UUID]) -> str:
    """Return a value that changes when anything in the list changes."""
    found = scope.run(
        "SELECT greatest(max(c.at), max(d.at)) FROM unnest(CAST(:creators AS uuid[])) AS of(id)"
        " CROSS JOIN LATERAL (SELECT max(updated_at) AS at FROM conversations WHERE tenant_id = "
        ":tenant"
        "   AND creator_id = of.id) c"
        " CROSS JOIN LATERAL (SELECT max(updated_at) AS at FROM drafts WHERE tenant_id = :tenant"
        "   AND creator_id = of.id) d",
        tenant=scope.tenant_id,
        creators=list(creators),
    ).scalar()
    return str(found or "")


_ASKED = """
asked AS (
  SELECT conversation_id AS id, bool_or(state = 'draft') AS suggested, bool_or(state =
  'uncertain') AS doubt
  FROM drafts WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND state IN ('draft',
  'uncertain')
  GROUP BY conversation_id)
"""

_NEEDED = """
people AS (
  SELECT id, priority, last_in_at FROM conversations WHERE tenant_id = :tenant AND creator_id =
  ANY(:creators)
    AND owner IN ('pending_human', 'human') AND (kind = 'private' OR owner = 'human' OR priority
    = 0)
  UNION SELECT c.id, c.priority, c.last_in_at FROM asked a JOIN conversations c ON c.tenant_id =
  :tenant AND c.id = a.id
  ORDER BY priority, last_in_at LIMIT :people),
newest AS (
  SELECT n.id FROM unnest(CAST(:creators AS uuid[])) AS of(id) CROSS JOIN LATERAL (
    SELECT id, last_in_at FROM conversations WHERE tenant_id = :tenant AND creator_id = of.id AND
    kind = 'private'
      AND last_in_at IS NOT NULL ORDER BY last_in_at DESC LIMIT :newest) n
  ORDER BY n.last_in_at DESC LIMIT :newest),
public AS (
  SELECT id FROM conversations WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND kind
  = 'public'
    AND owner = 'pending_human' ORDER BY priority, last_in_at DESC LIMIT :public),
dealt AS (
  SELECT id FROM conversations WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND kind
  = 'public'
    AND owner = 'closed' ORDER BY last_in_at DESC LIMIT :dealt),
snoozed AS (
  SELECT id FROM conversations WHERE tenant_id = :tenant AND creator_id = ANY(:creators)
    AND snoozed_until IS NOT NULL ORDER BY snoozed_until LIMIT :snoozed),
these AS (SELECT id, CAST(NULL AS double precision) AS toxicity FROM (SELECT id FROM people
  UNION SELECT id FROM newest UNION SELECT id FROM public UNION SELECT id FROM dealt
  UNION SELECT id FROM snoozed) every)
"""

_READ = """
LEFT JOIN conversation_reads r ON r.tenant_id = c.tenant_id AND r.conversation_id = c.id
  AND r.member_id = :member
"""

_UNANSWERED = """
NOT EXISTS (SELECT FROM messages o WHERE o.tenant_id = :tenant AND o.conversation_id = c.id
  AND o.seq > c.last_in_seq AND o.direction = 'out')
"""

_ENTRIES = f"""
SELECT c.id, c.creator_id, c.channel_id, f.display_name, c.owner, c.owner_member_id, c.priority,
c.safety_hold, c.snoozed_until,
  coalesce(m.body, '') AS said, CASE WHEN c.owner = 'pending_human' OR a.suggested OR {_UNANSWERED}
  THEN c.last_in_at END AS waits_since, c.last_in_at,
  coalesce(a.suggested, false) AS suggested, coalesce(a.doubt, false) AS doubt, c.kind = 'public'
  AS public, {UNREAD} AS unread, these.toxicity, coalesce(g.grade, '') AS grade, v.value_minor,
  v.currency, p.amount_minor AS bought_minor, p.currency AS bought_currency
FROM these
JOIN conversations c ON c.tenant_id = :tenant AND c.id = these.id
JOIN fans f ON f.tenant_id = c.tenant_id AND f.id = c.fan_id
LEFT JOIN unnest(CAST(:hits AS uuid[]), CAST(:seqs AS integer[])) AS h(id, seq) ON h.id = c.id
LEFT JOIN messages m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.seq =
coalesce(h.seq, c.last_seq)
LEFT JOIN asked a ON a.id = c.id
LEFT JOIN fan_scores g ON g.tenant_id = c.tenant_id AND g.fan_id = c.fan_id AND g.task = 'leads'
  AND g.currency = '' AND {MAY_BE_SOLD_TO}
LEFT JOIN LATERAL (SELECT x.value_minor, x.currency FROM fan_scores x
  WHERE x.tenant_id = c.tenant_id AND x.fan_id = c.fan_id AND x.task = 'repeat'
  AND {MAY_BE_SOLD_TO} AND x.value_minor IS NOT NULL
  ORDER BY x.value_minor DESC, x.currency LIMIT 1) v ON true
LEFT JOIN LATERAL (SELECT o.amount_minor, o.currency FROM orders o
  WHERE o.tenant_id = c.tenant_id AND o.fan_id = c.fan_id
  AND o.state IN ('paid', 'fulfilling', 'fulfilled') ORDER BY o.created_at DESC, o.id LIMIT 1) p
  ON true
{_READ}
WHERE f.status <> 'erased'
"""  # noqa: S608  constants

# A list of buyers is read once for each creator. A look-up of each fan would take three times as
# long, and `IS TRUE` keeps the planner from it.
_BUYERS = (
    "c.fan_id IN (SELECT x.fan_id FROM fan_facts x WHERE x.tenant_id = :tenant"
    " AND x.creator_id = of.id AND x.buys > 0 AND x.buys >= :buys)"
)

_PROSPECTS = (
    "fan_scores x JOIN fans f ON f.tenant_id = x.tenant_id AND f.id = x.fan_id"
    f" AND {MAY_BE_SOLD_TO}"
)

# The estimate only sorts comments; it neither hides nor deletes any.
_TOXICITY = """
(SELECT max(s.toxicity) FROM remarks q
  JOIN messages m ON m.tenant_id = q.tenant_id AND m.conversation_id = q.conversation_id
    AND m.seq = q.seq
  JOIN message_sentiments s ON s.tenant_id = m.tenant_id AND s.message_id = m.id
  WHERE q.tenant_id = c.tenant_id AND q.conversation_id = c.id AND q.state = 'open')
"""

_CONDITIONS: Mapping[str, str] = {
    "comments": "c.kind = 'public' AND EXISTS (SELECT FROM remarks q WHERE q.tenant_id ="
    " c.tenant_id AND q.conversation_id = c.id AND q.state = 'open')",
    "channel": "c.channel_id = :channel",
    "unread": UNREAD,
    "waiting": "(c.owner = 'pending_human' OR a.id IS NOT NULL OR c.owner = 'human' AND"
    f" {_UNANSWERED}) AND (c.snoozed_until IS NULL OR c.snoozed_until <= :now)",
    "buys": f"({_BUYERS}) IS TRUE",
    "no_buys": f"({_BUYERS}) IS NOT TRUE",
    "grade": f"(c.fan_id IN (SELECT x.fan_id FROM {_PROSPECTS}"  # noqa: S608  a constant
    " WHERE x.tenant_id = :tenant AND x.creator_id = of.id AND x.task = 'leads'"
    " AND x.grade = :grade)) IS TRUE",
    "hits": "c.id = ANY(:hits)",
    "no_hits": "c.last_in_at IS NOT NULL",
}


# Amounts of different currencies are compared by their rank among the fans of their currency.
_STANDINGS: Mapping[InboxOrder, str] = {
    InboxOrder.VALUE: "SELECT r.fan_id, max(r.standing) AS standing"  # noqa: S608  a constant
    " FROM (SELECT x.fan_id, percent_rank()"
    " OVER (PARTITION BY x.currency ORDER BY x.value_minor) AS standing"
    f" FROM {_PROSPECTS} WHERE x.tenant_id = :tenant AND x.creator_id = ANY(:creators)"
    " AND x.task = 'repeat' AND x.value_minor IS NOT NULL) r GROUP BY r.fan_id",
    InboxOrder.GRADE: "SELECT x.fan_id,"  # noqa: S608  a constant
    f" -ascii(x.grade) + coalesce(x.chance, 0) AS standing"
    f" FROM {_PROSPECTS} WHERE x.tenant_id = :tenant AND x.creator_id = ANY(:creators)"
    " AND x.task = 'leads' AND x.grade <> ''",
}


def list_inbox(
    scope: Scope,
    creators: Sequence[UUID],
    *,
    member_id: UUID | None = None,
    wanted: InboxFilter | None = None,
    most: int = RESULTS,
) -> list[InboxEntry]:
    """Return conversations of these creators as a member sees them; without a member, none is
    unread.

    Without a filter, return those that need a member, and the newest others. With one, return at
    most `most` matching conversations in the order of the filter; the newest first, but those with
    open comments by their toxicity.
    """
    seen_until = read_until(scope, member_id) if member_id is not None else scope.now
    given = {"tenant": scope.tenant_id, "member": member_id, "read_until": seen_until}
    if wanted is not None and wanted.is_active:
        return _list_matching(scope, creators, wanted, given, min(most, MAX_RESULTS))
    shown = {
        "people": WITH_PEOPLE,
        "newest": NEWEST,
        "public": IN_PUBLIC,
        "dealt": DEALT_WITH,
        "snoozed": SNOOZED,
    }
    found = scope.run(
        f"WITH {_ASKED}, {_NEEDED} {_ENTRIES}"
        " ORDER BY c.priority, c.last_in_at DESC NULLS LAST, c.id",
        creators=list(creators),
        hits=[],
        seqs=[],
        **given,
        **shown,
    )
    return [_entry_from_row(row) for row in found]


def _list_matching(
    scope: Scope,
    creators: Sequence[UUID],
    wanted: InboxFilter,
    given: Mapping[str, object],
    most: int,
) -> list[InboxEntry]:
    mine = [one for one in creators if wanted.creator_id in (None, one)]
    hits = find_conversations(scope, mine, wanted.words) if wanted.is_search else None
    buys = {SpenderFilter.BUYER: 1, SpenderFilter.SEVERAL: SEVERAL_BUYS}.get(wanted.spender)
    asked = {
        "channel": wanted.channel_id is not None,
        "unread": wanted.unread,
        "waiting": wanted.waiting,
        "comments": wanted.comments,
        "buys": buys is not None,
        "no_buys": wanted.spender is SpenderFilter.NONE,
        "grade": bool(wanted.grade),
        "hits": hits is not None,
        "no_hits": hits is None,
    }
    conditions = " AND ".join(f"({_CONDITIONS[name]})" for name, on in asked.items() if on)
    found = scope.run(
        f"WITH {_ASKED}, {_matching_conversations(wanted, conditions, hits is not None)} {_ENTRIES}"
        " ORDER BY these.place",
        creators=mine,
        channel=wanted.channel_id,
        buys=buys or 0,
        grade=wanted.grade,
        now=scope.now,
        most=most,
        hits=list(hits or ()),
        seqs=list((hits or {}).values()),
        **given,
    )
    return [_entry_from_row(row) for row in found]


def _matching_conversations(wanted: InboxFilter, conditions: str, is_search: bool) -> str:
    """Return the SQL of the conversations that match, with their place in the list."""
    nulls = " NULLS LAST" if is_search else ""  # without a search, the index has the order
    order = f"last_in_at DESC{nulls}"
    ranked = wanted.order in _STANDINGS
    standings = f"standings AS ({_STANDINGS[wanted.order]}), " if ranked else ""
    joined = " LEFT JOIN standings s ON s.fan_id = c.fan_id" if ranked else ""
    column = "s.standing" if ranked else "NULL"
    toxicity = _TOXICITY if wanted.comments else "NULL"
    first = "standing DESC NULLS LAST, " if ranked else ""
    first += "toxicity DESC NULLS LAST, " if wanted.comments else ""
    return (
        f"{standings}these AS (SELECT n.id, n.toxicity, row_number()"  # noqa: S608  constants
        f" OVER (ORDER BY {first}n.last_in_at DESC NULLS LAST, n.id) AS place"
        " FROM unnest(CAST(:creators AS uuid[]))"
        f" AS of(id) CROSS JOIN LATERAL (SELECT c.id, c.last_in_at, {column} AS standing,"
        f" CAST({toxicity} AS double precision) AS toxicity"
        f" FROM conversations c LEFT JOIN asked a ON a.id = c.id {_READ}{joined}"
        f" WHERE c.tenant_id = :tenant AND c.creator_id = of.id AND {conditions}"
        f" ORDER BY {first}c.{order} LIMIT :most) n ORDER BY place LIMIT :most)"
    )


def _entry_from_row(row: Any) -> InboxEntry:
    return InboxEntry(
        id=row.id,
        creator_id=row.creator_id,
        channel_id=row.channel_id,
        fan=row.display_name,
        owner=OwnerState(row.owner),
        member_id=row.owner_member_id,
        priority=row.priority,
        held=row.safety_hold,
        snoozed_until=row.snoozed_until,
        said=row.said,
        waits_since=row.waits_since,
        last_in_at=row.last_in_at,
        suggested=row.suggested,
        doubt=row.doubt,
        unread=row.unread,
        public=row.public,
        toxicity=row.toxicity,
        grade=row.grade,
        value=_money(row.value_minor, row.currency),
        last_purchase=_money(row.bought_minor, row.bought_currency),
    )


def _money(minor: int | None, currency: str | None) -> Money | None:
    return Money(int(minor), currency) if minor is not None and currency else None
