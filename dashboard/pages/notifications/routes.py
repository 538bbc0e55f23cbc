"""Draw how a member is notified: routes of each kind, digest, quiet hours, muted creators, and the
connected address, chat and browsers."""

from datetime import time
from functools import cache, partial
from uuid import UUID

import streamlit as st

from channels.accounts import account_connectors
from connectors.contract.member_notices import SupportsMemberNotices
from dashboard.auth.push_notifications import PUSH_SETTINGS_PATH
from dashboard.pages.notifications.queries import RoutesView, load_routes
from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.agencies.queries import get_acting_member
from tenants.notices import preferences, push_subscriptions, telegram_links
from tenants.notices.notice_pages import EMAIL_SETTINGS_PATH, NOTICE_PAGES
from tenants.notices.preferences import NotificationPreferences, Route

MEMBERS_ONLY = "notification.members_only"
IMMEDIATE = ("urgent", "all", "none")
HOURS = (None, *range(24))

_FORM = "notifications:form"
_FIELD = "notifications:field:{}"
_KIND = "notifications:kind:{}"
_BOT = "notifications:bot"
_LINK = "notifications:link"


@cache
def notifying_platforms() -> frozenset[str]:
    """Return the platforms whose bots can notify members."""
    return frozenset(
        name
        for name, one in platform_connectors().items()
        if isinstance(one, SupportsMemberNotices)
    )


def render_routes(page: PageContext) -> None:
    """Draw the connected routes, and the form with the member's choices."""
    member = page.viewer.member
    found = page.read(lambda scope: load_routes(scope, member, notifying_platforms()))
    st.subheader(page.text("notifications.connected"))
    email, telegram, push = st.columns(3)
    with email:
        _render_email(page, found)
    with telegram:
        _render_telegram(page, found)
    with push:
        _render_browsers(page, found)
    with forms.open_form(page, _FORM):
        st.subheader(page.text("notifications.choices"))
        _render_kinds(page, found)
        st.subheader(page.text("notifications.when"))
        _render_times(page, found)
        actions.submit_button(
            page,
            "notifications.save",
            _save_preferences,
            right=page.own_right,
            key="notifications:save",
        )


def _render_email(page: PageContext, found: RoutesView) -> None:
    missing = () if found.has_mail else session.missing_mail_settings()
    draw_template(
        "pages/notifications/templates/email_route.html",
        email=found.email,
        missing=", ".join(missing),
        path=EMAIL_SETTINGS_PATH,
        word=page.text,
    )


def _render_telegram(page: PageContext, found: RoutesView) -> None:
    draw_template(
        "pages/notifications/templates/telegram_route.html",
        telegram=found.telegram,
        bot=found.bot,
        bots=found.bots,
        link=st.session_state.get(_LINK, "") if not found.telegram.confirmed else "",
        word=page.text,
    )
    if found.telegram.confirmed:
        st.session_state.pop(_LINK, None)
        actions.action_button(
            page,
            "notifications.telegram_unlink",
            _unlink_telegram,
            right=page.own_right,
            key="notifications:unlink",
        )
    elif found.bots:
        st.selectbox(
            page.text("notifications.telegram_bot"),
            found.bots,
            format_func=lambda one: one.name,
            key=_BOT,
        )
        actions.action_button(
            page,
            "notifications.telegram_link",
            _request_link,
            right=page.own_right,
            key="notifications:link_telegram",
        )


def _render_browsers(page: PageContext, found: RoutesView) -> None:
    draw_template(
        "pages/notifications/templates/push_route.html",
        browsers=found.browsers,
        now=found.now,
        path=PUSH_SETTINGS_PATH,
        voice=page.localizer,
        word=page.text,
    )
    for one in found.browsers:
        actions.action_button(
            page,
            "notifications.push_remove",
            partial(_remove_browser, one.id),
            right=page.own_right,
            key=f"notifications:push:{one.id}",
            params={"browser": one.label or page.text("notifications.push_browser")},
        )


def _render_kinds(page: PageContext, found: RoutesView) -> None:
    member = page.viewer.member
    st.caption(page.text("notifications.kinds_help"))
    left, right = st.columns(2)
    kinds = [one for one in NOTICE_PAGES if one.is_open_to(member.role)]
    for number, kind in enumerate(kinds):
        (left, right)[number % 2].pills(
            page.text(f"notification.kind.{kind.name}"),
            list(Route),
            selection_mode="multi",
            default=[one for one in Route if one in found.chosen.routes_of(kind)],
            format_func=lambda route: page.text(f"notification.route.{route}"),
            key=_KIND.format(kind.name),
        )


def _render_times(page: PageContext, found: RoutesView) -> None:
    chosen = found.chosen
    zone = page.viewer.member.zone
    left, right = st.columns(2)
    left.radio(
        page.text("notifications.immediate"),
        IMMEDIATE,
        index=IMMEDIATE.index(chosen.immediate),
        format_func=lambda one: page.text(f"notifications.immediate_{one}"),
        key=_FIELD.format("immediate"),
    )
    right.selectbox(
        page.text("notifications.digest", zone=zone),
        HOURS,
        index=HOURS.index(chosen.digest_hour),
        format_func=lambda hour: (
            page.text("notifications.digest_never") if hour is None else f"{hour:02}:00"
        ),
        key=_FIELD.format("digest"),
    )
    left, right = st.columns(2)
    left.time_input(
        page.text("notifications.quiet_from", zone=zone),
        _to_time(chosen.quiet_from),
        key=_FIELD.format("quiet_from"),
    )
    right.time_input(
        page.text("notifications.quiet_until", zone=zone),
        _to_time(chosen.quiet_until),
        key=_FIELD.format("quiet_until"),
    )
    st.checkbox(
        page.text("notifications.safety_passes"),
        chosen.safety_passes,
        key=_FIELD.format("safety"),
    )
    if found.creators:
        st.multiselect(
            page.text("notifications.muted"),
            [one.id for one in found.creators],
            default=[one.id for one in found.creators if one.id in chosen.muted_creators],
            format_func={one.id: one.name for one in found.creators}.__getitem__,
            key=_FIELD.format("muted"),
            placeholder=page.text("notifications.muted_none"),
            select_all=False,
        )


def _to_time(minutes: int | None) -> time | None:
    return time(minutes // 60, minutes % 60) if minutes is not None else None


def _to_minutes(typed: time | None) -> int | None:
    return typed.hour * 60 + typed.minute if typed is not None else None


def _save_preferences(scope: Scope, _: UUID) -> Message:
    member = get_acting_member(scope, MEMBERS_ONLY)
    before = preferences.get_preferences(scope, member.id)
    typed = {
        one.name: frozenset(actions.typed_value(_KIND.format(one.name)) or ())
        for one in NOTICE_PAGES
        if one.is_open_to(member.role)
    }
    preferences.set_preferences(
        scope,
        member.id,
        NotificationPreferences(
            {**before.routes, **typed},
            actions.typed_value(_FIELD.format("immediate")),
            actions.typed_value(_FIELD.format("digest")),
            _to_minutes(actions.typed_value(_FIELD.format("quiet_from"))),
            _to_minutes(actions.typed_value(_FIELD.format("quiet_until"))),
            bool(actions.typed_value(_FIELD.format("safety"))),
            frozenset(actions.typed_value(_FIELD.format("muted")) or ()),
        ),
    )
    return Message("notifications.saved")


def _request_link(scope: Scope, _: UUID) -> None:
    """Show a link that opens the chosen bot with a new token."""
    member = get_acting_member(scope, MEMBERS_ONLY)
    bot = actions.typed_value(_BOT)
    connector = account_connectors.find_connector_for(platform_connectors(), bot)
    if isinstance(connector, SupportsMemberNotices):
        parameter = telegram_links.request_telegram_link(scope, member.id, bot.id)
        forms.set_on_success(_LINK, connector.chat_start_url(bot.base_url, bot.account, parameter))


def _unlink_telegram(scope: Scope, _: UUID) -> Message:
    telegram_links.remove_telegram_link(scope, get_acting_member(scope, MEMBERS_ONLY).id)
    return Message("notifications.telegram_unlinked")


def _remove_browser(browser: UUID, scope: Scope, _: UUID) -> Message:
    member = get_acting_member(scope, MEMBERS_ONLY)
    push_subscriptions.remove_browser(scope, member.id, browser)
    return Message("notifications.push_removed")
