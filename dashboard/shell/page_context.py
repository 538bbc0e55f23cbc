"""The context of a page run: the member, their localizer, and access to data. The session is
checked in each run.

Read first, draw afterwards, and act in callbacks. Do not call Streamlit while a scope is open: its
rerun exception would roll back the transaction silently.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar
from uuid import UUID

import streamlit as st

from dashboard.shell import session
from dashboard.shell.empty_states import set_reader
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.session import Viewer
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.browser_languages import date_locale, preferred_language
from foundation.i18n.translation import Message, format_parameter, render_message
from foundation.i18n.web_addresses import is_web_address
from foundation.money import Money
from foundation.ops.wall_time import load_zone
from tenants.agencies import queries
from tenants.agencies.agency_settings import get_agency_settings
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right, has_right

T = TypeVar("T")

SESSION_CHECK_INTERVAL = "5s"
"""Interval at which an open page checks its session."""


@dataclass(frozen=True)
class PageContext:
    """A page run of one member."""

    viewer: Viewer
    localizer: MemberLocalizer

    def has_right(self, *rights: Right) -> bool:
        """Return True if the member has one of these rights."""
        return any(has_right(self.viewer.member.role, right) for right in rights)

    @property
    def own_right(self) -> Right:
        """Return a right of the member, for actions on their own settings, which every role may
        change."""
        return next(right for right in Right if self.has_right(right))

    def text(self, code: str, **params: str | int) -> str:
        """Return the catalogue text of a message code in the member's language."""
        return self.localizer.text(code, **params)

    def markdown(self, code: str, **typed: str | int) -> str:
        """Return the text for Streamlit elements that parse Markdown. String parameters are
        escaped."""
        return self.localizer.text(
            code,
            **{
                name: escape_markdown(one) if isinstance(one, str) else one
                for name, one in typed.items()
            },
        )

    def format_notice(self, message: Message) -> str:
        """Return the text of a message to members as Markdown. Links remain links; all other
        parameters may contain user input and are escaped."""
        given = (
            (name, format_parameter(one, self.localizer.language))
            for name, one in message.params.items()
        )
        typed = {
            name: escape_markdown(one) if isinstance(one, str) and not is_web_address(one) else one
            for name, one in given
        }
        return self.localizer.message_text(Message(message.code, typed))

    def scope(self) -> AbstractContextManager[Scope]:
        """Open a scope of the member's tenant with the member as actor. Do not call Streamlit
        inside."""
        return session.session_scope_opener()(self.viewer.tenant_id, self.viewer.actor)

    def read(self, ask: Callable[[Scope], T]) -> T:
        """Run a read function in a separate scope."""
        with self.scope() as scope:
            return ask(scope)

    def list_creators(self, scope: Scope) -> list[Creator]:
        """Return the creators that the member may access, without archived ones, sorted by name.
        The list is read again each time, because the member's creators may have changed since the
        page was drawn."""
        member = queries.get_member(scope, self.viewer.member.id)
        return queries.list_visible_creators(scope, member)

    def list_all_creators(self, scope: Scope) -> list[Creator]:
        """Return the creators that the member may access, with archived ones, sorted by name."""
        member = queries.get_member(scope, self.viewer.member.id)
        return [one for one in queries.list_creators(scope) if member.works_for(one.slug)]

    def get_creator(self, scope: Scope, creator_id: UUID) -> Creator:
        """Return a creator, even an archived one. Raises NotFound for an unknown creator and for
        one that the member may not access."""
        found = next((one for one in self.list_all_creators(scope) if one.id == creator_id), None)
        if found is None:
            raise NotFound("creator.unknown", creator=str(creator_id))
        return found


_DRAWN: ContextVar[PageContext] = ContextVar("drawn")
"""The context while a whole page is drawn. It is not set in fragments and callbacks."""


@contextmanager
def page_run(page: PageContext) -> Iterator[None]:
    """Set the context while a whole page is drawn, so that its parts do not check the session
    again. This saved four transactions on a page with two fragments."""
    token = _DRAWN.set(page)
    try:
        yield
    finally:
        _DRAWN.reset(token)


def current_page() -> PageContext | None:
    """Return the context of the signed-in member, or None if the session has ended. The session is
    checked once for a whole page, and again in each fragment and callback."""
    drawn = _DRAWN.get(None)
    return drawn if drawn is not None else _find_current_page()


def current_page_with(ask: Callable[[Scope, PageContext], T]) -> tuple[PageContext, T] | None:
    """Return the context of the signed-in member and the result of `ask`, read in the transaction
    that loads the member."""
    found = session.find_viewer_with(
        _read_session_cookie(), lambda scope, who: ask(scope, _build_page_context(who))
    )
    return (_build_page_context(found[0]), found[1]) if found is not None else None


def _find_current_page() -> PageContext | None:
    who = session.find_viewer(_read_session_cookie())
    return _build_page_context(who) if who is not None else None


def _read_session_cookie() -> str:
    return st.context.cookies.get(session.session_cookie_name(), "")


def _build_page_context(who: Viewer) -> PageContext:
    member = who.member
    set_reader(member.role)
    locale = date_locale(_requested_languages(), member.language)
    read_rate = cache(partial(_read_stars_rate, who))
    voice = MemberLocalizer(member.language, load_zone(member.zone), locale, read_rate)
    return PageContext(who, voice)


def _read_stars_rate(who: Viewer) -> Money | None:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        return get_agency_settings(scope).stars_rate


def _requested_languages() -> str:
    return st.context.headers.get("Accept-Language", "")


def render_signed_out() -> None:
    """Show the sign-in hint in the language of the browser."""
    language = preferred_language(_requested_languages())
    st.info(render_message(Message("dashboard.signed_out"), language))


@st.fragment(run_every=SESSION_CHECK_INTERVAL)
def render_session_guard(drawn: Viewer) -> None:
    """Redraw the page when its session ends, or when the member's data or creators change."""
    page = current_page()
    if page is None or page.viewer != drawn:
        st.rerun()
