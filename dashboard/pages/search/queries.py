"""Results of the search: what the member may see and open, by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from channels.accounts.queries import ChannelLabel, channel_labels
from dashboard.pages.settings.page import SECTIONS
from dashboard.shell.fan_labels import FAN_NAME_RIGHTS
from dashboard.shell.navigation import PAGES
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.search_words import clean_search, matches_search
from schedules.posts.search import FoundPost, search_posts
from studio.packs import packs
from subscribers.inbox.conversation_list import InboxEntry, InboxFilter, list_inbox
from subscribers.inbox.search import find_conversations
from subscribers.orders.queries import OrderRow, search_orders
from tenants.agencies.queries import Creator, get_agency
from tenants.agencies.rights import Right

MOST = 5
"""Maximum number of results of each kind."""


@dataclass(frozen=True)
class SearchResults:
    """The results of a search. `settings` are links: the title and the address."""

    words: str
    now: datetime
    creators: Sequence[Creator] = ()
    posts: Sequence[FoundPost] = ()
    fans: Sequence[InboxEntry] = ()
    orders: Sequence[OrderRow] = ()
    settings: Sequence[tuple[str, str]] = ()
    names: Mapping[UUID, str] = field(default_factory=dict)
    """Names of the member's creators."""
    accounts: Mapping[UUID, ChannelLabel] = field(default_factory=dict)
    shows_fans: bool = False
    """True if the member may see the names of fans in orders."""

    @property
    def is_empty(self) -> bool:
        """Return True if nothing was found."""
        return not any((self.creators, self.posts, self.fans, self.orders, self.settings))


def search_everything(scope: Scope, page: PageContext, typed: str) -> SearchResults:
    """Return what matches the search among the member's creators and within their rights. A search
    that is too short has no results."""
    words = clean_search(typed)
    if not words:
        return SearchResults("", scope.now)
    mine = page.list_creators(scope)
    ids = [one.id for one in mine]
    plans = page.has_right(Right.RUN, Right.APPROVE)
    fans = page.has_right(Right.CHAT)
    shops = page.has_right(Right.RUN, Right.MONEY)
    names_fans = page.has_right(*FAN_NAME_RIGHTS)
    return SearchResults(
        words=words,
        now=scope.now,
        creators=[one for one in mine if plans and matches_search(one.name, words)][:MOST],
        posts=search_posts(scope, ids, words, most=MOST) if plans else (),
        fans=list_inbox(scope, ids, wanted=InboxFilter(words=words), most=MOST) if fans else (),
        orders=_search_orders(scope, ids, words, fans=names_fans) if shops else (),
        settings=_search_settings(page, words, demo=get_agency(scope).demo),
        names={one.id: one.name for one in mine},
        accounts=channel_labels(scope),
        shows_fans=names_fans,
    )


def _search_orders(
    scope: Scope, creators: Sequence[UUID], words: str, *, fans: bool
) -> list[OrderRow]:
    """Return orders by the title of the pack and, for members who may see the names of fans, by the
    fan."""
    titled = [
        one.id for one in packs.list_packs(scope, creators) if matches_search(one.title, words)
    ]
    chats = find_conversations(scope, creators, words) if fans else {}
    named = [chat for chat, message in chats.items() if message is None]
    return search_orders(scope, creators, packs=titled, conversations=named, most=MOST)


def _search_settings(page: PageContext, words: str, *, demo: bool) -> list[tuple[str, str]]:
    """Return the pages and sections of settings that match by title."""
    targets = [
        (page.text(f"dashboard.page.{one.name}"), "/" if one.name == "home" else f"/{one.name}")
        for one in PAGES
        if page.has_right(*one.rights) and (demo or not one.demo_only)
    ]
    settings = page.text("dashboard.page.settings")
    targets += [
        (
            f"{settings} · {page.text(f'settings.section.{one.name}')}",
            f"/settings?section={one.name}",
        )
        for one in SECTIONS
        if page.has_right(Right.RUN) and page.has_right(one.right)
    ]
    return [one for one in targets if matches_search(one[0], words)][:MOST]
