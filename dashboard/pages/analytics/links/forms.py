"""Forms of acquisition links: a new link, a change, and the domain of short links."""

from dataclasses import fields
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from channels.links import domains
from channels.links.short_links import MAX_LINK_TARGET_LENGTH
from dashboard.pages.analytics.links import table
from dashboard.pages.analytics.links.queries import LinksView
from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from subscribers.acquisition import links
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
    UtmParameters,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

NEW = "acquisition:new"
DOMAIN = "acquisition:domain"
NO_OWNER = None
UTM_NAMES = tuple(one.name for one in fields(UtmParameters))
UTM_HINTS = {"source": "instagram", "medium": "bio", "campaign": "spring"}
MAX_COST_LENGTH = 20


def render_link_form(page: PageContext, found: LinksView) -> None:
    """Render the form for a new link. The creator and the destination decide about its fields."""
    with st.expander(
        page.text("acquisition.new"), expanded=not found.report.results, key=f"{NEW}:open"
    ):
        creator = found.creators[0]
        if len(found.creators) > 1:
            creator = st.selectbox(
                page.text("acquisition.field.creator"),
                found.creators,
                format_func=lambda one: one.name,
                key=f"{NEW}:creator",
            )
        destination = LinkDestination(
            st.segmented_control(
                page.text("acquisition.field.destination"),
                list(LinkDestination),
                default=LinkDestination.CHAT,
                required=True,
                format_func=lambda one: page.text(f"acquisition.destination.{one}"),
                key=f"{NEW}:destination",
            )
        )
        if destination is not LinkDestination.CHAT:
            st.caption(page.text(f"acquisition.unmeasured.{destination}"))
        elif not found.channels.get(creator.id):
            st.info(page.text("acquisition.no_chat_account", creator=creator.name))
            return
        with forms.open_form(page, NEW, enter_to_submit=False, border=True):
            _render_target(page, found, creator, destination)
            _render_details(page, found, NEW, None)
            if destination is LinkDestination.WEB:
                _render_utm(page)
            actions.submit_button(
                page,
                "acquisition.create",
                partial(_create_link, page, creator.id, destination),
                right=Right.RUN,
                key=f"{NEW}:go",
            )


def render_edit_form(page: PageContext, found: LinksView, link: AcquisitionLink) -> None:
    """Render the form that changes the details of a link."""
    slot = _edit_slot(link)
    st.caption(page.text("acquisition.fixed_target"))
    with forms.open_form(page, slot, enter_to_submit=False, border=True):
        _render_details(page, found, slot, link.details)
        actions.submit_button(
            page,
            "acquisition.save",
            partial(_update_link, page, link),
            right=Right.RUN,
            key=f"{slot}:go",
        )


def render_domain_form(page: PageContext, found: LinksView) -> None:
    """Render the host name of the agency's short links."""
    with st.expander(page.text("acquisition.domain"), key=f"{DOMAIN}:open"):
        st.caption(page.text("acquisition.domain.help", base=session.public_url()))
        with forms.open_form(page, DOMAIN, enter_to_submit=False, border=True):
            st.text_input(
                page.text("acquisition.domain.host"),
                found.domain,
                max_chars=domains.MAX_HOST_LENGTH,
                placeholder="go.example.com",
                key=f"{DOMAIN}:host",
            )
            forms.show_field_error("host")
            actions.submit_button(
                page,
                "acquisition.domain.save",
                _save_domain,
                right=Right.RUN,
                key=f"{DOMAIN}:go",
            )


def get_own_link(page: PageContext, scope: Scope, link_id: UUID) -> AcquisitionLink:
    """Return a link of one of the member's creators. Raises NotFound."""
    link = links.get_link(scope, link_id)
    if link.creator_id not in {one.id for one in page.list_creators(scope)}:
        raise NotFound("acquisition.unknown")
    return link


def _edit_slot(link: AcquisitionLink) -> str:
    """Return the key of the form: a changed link has a new one with its current values."""
    return f"acquisition:edit:{link.id}:{link.version}"


def _render_target(
    page: PageContext, found: LinksView, creator: Creator, destination: LinkDestination
) -> None:
    if destination is LinkDestination.CHAT:
        names = {one.id: one.name for one in found.channels[creator.id]}
        st.selectbox(
            page.text("acquisition.field.account"),
            list(names),
            format_func=lambda one: names.get(one, ""),
            key=f"{NEW}:account",
        )
        return
    is_web = destination is LinkDestination.WEB
    accounts = (found.channels if is_web else found.servers).get(creator.id)
    if accounts:
        field = "hand_over" if is_web else "server"
        names = {one.id: one.name for one in accounts}
        st.selectbox(
            page.text(f"acquisition.field.{field}"),
            [None, *names],
            format_func=lambda one: names.get(one, page.text("acquisition.no_hand_over")),
            help=page.text(f"acquisition.field.{field}_help"),
            key=f"{NEW}:{field}",
        )
    st.text_input(
        page.text("acquisition.field.url" if is_web else "acquisition.field.invite"),
        max_chars=MAX_LINK_TARGET_LENGTH,
        placeholder="https://…" if is_web else "https://discord.gg/…",
        key=f"{NEW}:url",
    )
    forms.show_field_error("url")


def _render_details(
    page: PageContext, found: LinksView, slot: str, known: LinkDetails | None
) -> None:
    left, right = st.columns(2)
    left.text_input(
        page.text("acquisition.field.name"),
        known.name if known is not None else "",
        max_chars=links.MAX_NAME,
        placeholder=page.text("acquisition.field.name_hint"),
        key=f"{slot}:name",
    )
    forms.show_field_error("name", left)
    sources = list(LinkSource)
    right.selectbox(
        page.text("acquisition.field.source"),
        sources,
        index=sources.index(known.source) if known is not None else 0,
        format_func=lambda one: page.text(f"acquisition.source.{one}"),
        key=f"{slot}:source",
    )
    _render_cost(page, found, slot, known.cost if known is not None else None)
    people = [NO_OWNER, *found.members]
    owner = known.owner_id if known is not None else page.viewer.member.id
    st.selectbox(
        page.text("acquisition.field.owner"),
        people,
        index=people.index(owner) if owner in people else 0,
        format_func=lambda one: found.members.get(one, page.text("acquisition.no_owner")),
        key=f"{slot}:owner",
    )
    left, right = st.columns(2)
    for column, name in ((left, "first_day"), (right, "last_day")):
        column.date_input(
            page.text(f"acquisition.field.{name}"),
            getattr(known, name) if known is not None else None,
            format="DD/MM/YYYY",
            key=f"{slot}:{name}",
        )
        forms.show_field_error(name, column)


def _render_cost(page: PageContext, found: LinksView, slot: str, cost: Money | None) -> None:
    left, right = st.columns(2)
    left.text_input(
        page.text("acquisition.field.cost"),
        str(cost.decimal) if cost is not None else "",
        max_chars=MAX_COST_LENGTH,
        placeholder=page.text("acquisition.field.cost_hint"),
        key=f"{slot}:cost",
    )
    forms.show_field_error("cost", left)
    known = list(found.currencies)
    usual = cost.currency if cost is not None else found.currencies[0]
    if usual not in known:
        known.insert(0, usual)
    right.selectbox(
        page.text("acquisition.field.currency"),
        known,
        index=known.index(usual),
        format_func=page.localizer.format_currency,
        key=f"{slot}:currency",
        help=page.text("acquisition.field.currency_help"),
    )


def _render_utm(page: PageContext) -> None:
    st.caption(page.text("acquisition.utm.help"))
    for row in (UTM_NAMES[:3], UTM_NAMES[3:]):
        for column, name in zip(st.columns(3), row, strict=False):
            column.text_input(
                f"utm_{name}",
                max_chars=links.MAX_UTM_LENGTH,
                placeholder=UTM_HINTS.get(name, ""),
                key=f"{NEW}:utm_{name}",
            )
            forms.show_field_error(f"utm_{name}", column)


def _typed_text(slot: str, name: str) -> str:
    return str(actions.typed_value(f"{slot}:{name}") or "").strip()


def _typed_day(slot: str, name: str) -> date | None:
    typed = actions.typed_value(f"{slot}:{name}")
    return typed if isinstance(typed, date) else None


def _typed_details(slot: str) -> LinkDetails:
    return LinkDetails(
        name=_typed_text(slot, "name"),
        source=LinkSource(actions.typed_value(f"{slot}:source")),
        cost=links.parse_cost(_typed_text(slot, "cost"), _typed_text(slot, "currency")),
        owner_id=actions.typed_value(f"{slot}:owner"),
        first_day=_typed_day(slot, "first_day"),
        last_day=_typed_day(slot, "last_day"),
    )


def _create_link(
    page: PageContext,
    creator_id: UUID,
    destination: LinkDestination,
    scope: Scope,
    press_id: UUID,
) -> Message:
    draft = LinkDraft(
        creator_id=page.get_creator(scope, creator_id).id,
        details=_typed_details(NEW),
        destination=destination,
        channel_id=_typed_account(destination),
        url=_typed_text(NEW, "url"),
        utm=UtmParameters(**{name: _typed_text(NEW, f"utm_{name}") for name in UTM_NAMES}),
    )
    link = links.create_link(scope, draft, connectors=platform_connectors(), key=press_id)
    for name in ("name", "url", "cost", *(f"utm_{name}" for name in UTM_NAMES)):
        if f"{NEW}:{name}" in st.session_state:
            forms.set_on_success(f"{NEW}:{name}", "")
    forms.set_on_success(table.CHOSEN, link.id)
    return Message("acquisition.created", {"name": link.details.name})


def _typed_account(destination: LinkDestination) -> UUID | None:
    fields = {
        LinkDestination.CHAT: "account",
        LinkDestination.WEB: "hand_over",
        LinkDestination.DISCORD: "server",
    }
    found = actions.typed_value(f"{NEW}:{fields[destination]}")
    return found if isinstance(found, UUID) else None


def _update_link(page: PageContext, known: AcquisitionLink, scope: Scope, _: UUID) -> Message:
    link = get_own_link(page, scope, known.id)
    details = _typed_details(_edit_slot(known))
    links.update_link(scope, link.id, details, version=known.version)
    return Message("acquisition.updated", {"name": details.name})


def _save_domain(scope: Scope, _: UUID) -> Message:
    host = _typed_text(DOMAIN, "host")
    domains.set_link_domain(scope, host, public_url=session.public_url())
    return Message("acquisition.domain.saved" if host else "acquisition.domain.removed")
