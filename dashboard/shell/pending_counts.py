"""Numbers of pending decisions of a member, as the menu, Home, Approvals and the phone show them.

Posts are counted on every call. The other numbers take 50 ms for 400 images, so they are kept for
some seconds; an action of a member of the agency on this server discards them.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from uuid import UUID

import streamlit as st

from foundation.db.database import Scope
from foundation.ops.clock import monotonic
from schedules.approvals import pending_decisions
from schedules.approvals.pending_decisions import PendingCounts
from tenants.agencies.queries import Creator, Member, list_visible_creators

KEPT_SECONDS = 5.0
_IN_MENU = "menu:pending"
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
    creators = list_visible_creators(scope, member)
    posts = pending_decisions.count_pending_posts(scope, member, [one.id for one in creators])
    return replace(_count_others(scope, member, creators), posts=posts)


def _count_others(scope: Scope, member: Member, creators: Sequence[Creator]) -> PendingCounts:
    key = _cache_key(scope, member)
    found = _CACHE.get(key)
    if found is None:
        found = pending_decisions.count_other_decisions(scope, member, creators)
        _CACHE.put(key, found)
    return found


def keep_counts(scope: Scope, member: Member, counts: PendingCounts) -> None:
    """Keep numbers that a page has just read, so that the menu shows them in the next run."""
    _CACHE.put(_cache_key(scope, member), replace(counts, posts=0))


def remember_menu(total: int) -> None:
    """Remember the number that the menu shows in this run."""
    st.session_state[_IN_MENU] = total


def is_menu_outdated(counts: PendingCounts) -> bool:
    """Return True if the menu shows another number than a page is about to show."""
    return bool(st.session_state.get(_IN_MENU, counts.total) != counts.total)


def discard_counts(tenant_id: UUID) -> None:
    """Discard the numbers of all members of an agency, because an action may have changed them."""
    _CACHE.discard(tenant_id)


def _cache_key(scope: Scope, member: Member) -> _Key:
    return scope.tenant_id, member.id, str(member.role), tuple(member.creators)
