"""Numbers of pending decisions of a member, as the menu, Home, Approvals and the phone show them.

Posts are counted on every call. The other numbers take 50 ms for 400 images, so they are kept for
some seconds; an action of a member of the agency on this server discards them.
"""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.clock import monotonic
from schedules.approvals import pending_decisions
from schedules.approvals.pending_decisions import PendingCounts
from tenants.agencies.queries import Member, list_visible_creators

KEPT_SECONDS = 5.0
MAX_MEMBERS = 2000
"""Maximum number of members whose numbers are kept."""

_Key = tuple[UUID, UUID, str, tuple[str, ...]]


class _Cache:
    """The last counts of each member with the time of the read, least recently read first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[float, PendingCounts]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: _Key) -> PendingCounts | None:
        with self._lock:
            found = self._kept.get(key)
        return found[1] if found and monotonic() - found[0] < KEPT_SECONDS else None

    def put(self, key: _Key, counts: PendingCounts) -> None:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (monotonic(), counts)
            while len(self._kept) > MAX_MEMBERS:
                self._kept.popitem(last=False)

    def discard(self, tenant_id: UUID) -> None:
        with self._lock:
            for key in [one for one in self._kept if one[0] == tenant_id]:
                del self._kept[key]


_CACHE = _Cache()


def count_pending(scope: Scope, member: Member) -> PendingCounts:
    """Return the numbers of items that the member may decide."""
    creators = [one.id for one in list_visible_creators(scope, member)]
    posts = pending_decisions.count_pending_posts(scope, member, creators)
    return replace(count_others(scope, member), posts=posts)


def count_others(scope: Scope, member: Member) -> PendingCounts:
    """Return the numbers of items other than posts that the member may decide."""
    key = _cache_key(scope, member)
    found = _CACHE.get(key)
    if found is None:
        found = pending_decisions.count_other_decisions(scope, member)
        _CACHE.put(key, found)
    return found


def keep_counts(scope: Scope, member: Member, counts: PendingCounts) -> bool:
    """Keep numbers that a page has just read. Return True if the menu shows other ones."""
    key = _cache_key(scope, member)
    before = _CACHE.get(key)
    _CACHE.put(key, replace(counts, posts=0))
    return before is not None and before != replace(counts, posts=0)


def discard_counts(tenant_id: UUID) -> None:
    """Discard the numbers of all members of an agency, because an action may have changed them."""
    _CACHE.discard(tenant_id)


def _cache_key(scope: Scope, member: Member) -> _Key:
    return scope.tenant_id, member.id, str(member.role), tuple(member.creators)
