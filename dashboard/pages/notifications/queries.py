"""Queries of notifications: the items of a member with the pages that resolve them, and the routes
to the member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from channels.accounts import queries as accounts
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from dashboard.pages.home import attention_items
from dashboard.pages.home.attention_items import AttentionItem
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.queries import DeliveryEntry, calendar_entries
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.notices import (
    emails,
    mail_servers,
    member_notices,
    preferences,
    push_subscriptions,
    telegram_links,
)
from tenants.notices.emails import EmailPreference
from tenants.notices.member_notices import MemberNotice
from tenants.notices.preferences import NotificationPreferences
from tenants.notices.push_subscriptions import Browser
from tenants.notices.telegram_links import TelegramLink

OPENED_PARAM = "notice"
"""Parameter of links that names the notification they were opened from, which is then read."""


@dataclass(frozen=True)
class NotificationItem:
    """A notification on screen. `href` is the page that resolves it, and `about` the creator and
    the post concerned."""

    id: UUID
    kind: str
    message: Message
    about: str
    at: datetime
    urgent: bool
    read: bool
    times: int
    href: str


@dataclass(frozen=True)
class NotificationList:
    """The notifications of a member, unread ones first, then newest first."""

    items: Sequence[NotificationItem]
    unread: int
    now: datetime


def load_notifications(scope: Scope, member: Member, *, limit: int) -> NotificationList:
    """Return the notifications of a member; `unread` counts all, `items` at most `limit`."""
    found = member_notices.list_notifications(scope, member)
    unread = sum(not one.is_read for one in found)
    shown = sorted(found, key=lambda one: one.is_read)[:limit]
    creators = {one.id: one for one in queries.list_creators(scope) if member.works_for(one.slug)}
    entries = _load_entries(scope, shown, creators)
    told = attention_items.list_attention_items(
        [one.notice for one in shown], creators, entries, member
    )
    known = {one.cause: one for one in told}
    items = [_build_item(one, known.get(one.notice.cause), creators, entries) for one in shown]
    return NotificationList(items, unread, scope.now)


def _load_entries(
    scope: Scope, shown: Sequence[MemberNotice], creators: Mapping[UUID, Creator]
) -> list[DeliveryEntry]:
    about = attention_items.notice_deliveries(one.notice for one in shown)
    if not about:
        return []
    names = accounts.channel_names(scope)
    return calendar_entries(scope, list(creators), scope.now, scope.now, names=names, also=about)


def _build_item(
    one: MemberNotice,
    need: AttentionItem | None,
    creators: Mapping[UUID, Creator],
    entries: Sequence[DeliveryEntry],
) -> NotificationItem:
    notice = one.notice
    entry = need.entry if need is not None else None
    creator = creators.get(notice.creator_id) if notice.creator_id is not None else None
    about = [
        creator.name if creator is not None else "",
        *((entry.title or entry.body[:60], entry.channel) if entry is not None else ()),
    ]
    href = (need.href if need is not None else "") or one.kind.path
    return NotificationItem(
        one.id,
        one.kind.name,
        notice.message,
        " · ".join(filter(None, about)),
        notice.at,
        notice.urgent,
        one.is_read,
        one.times,
        f"{href}{'&' if '?' in href else '?'}{urlencode({OPENED_PARAM: one.id})}",
    )


@dataclass(frozen=True)
class RoutesView:
    """The choices of a member and the state of each route. `bots` are the accounts whose bots can
    notify the member, and `has_mail` is True if the agency has a mail server of its own."""

    chosen: NotificationPreferences
    email: EmailPreference
    telegram: TelegramLink
    browsers: Sequence[Browser]
    bots: Sequence[Channel]
    creators: Sequence[Creator]
    has_mail: bool
    now: datetime

    @property
    def bot(self) -> Channel | None:
        """Return the account of the linked bot."""
        return next((one for one in self.bots if one.id == self.telegram.channel_id), None)


def load_routes(scope: Scope, member: Member, platforms: frozenset[str]) -> RoutesView:
    """Return the choices of a member; `platforms` are those whose bots can notify members."""
    creators = queries.list_visible_creators(scope, member)
    theirs = {one.id for one in creators}
    return RoutesView(
        preferences.get_preferences(scope, member.id),
        emails.get_email_preference(scope, member),
        telegram_links.find_telegram_link(scope, member.id),
        push_subscriptions.list_browsers(scope, member.id),
        [
            one
            for one in accounts.list_channels(scope)
            if one.platform in platforms
            and one.creator_id in theirs
            and one.state is ChannelState.ACTIVE
        ],
        creators,
        mail_servers.find_mail_server(scope) is not None,
        scope.now,
    )
