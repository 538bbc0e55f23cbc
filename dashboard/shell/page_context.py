"""What every page is handed: who looks, in which words, and how to read and act; sessions are asked
again each run.

Read first, draw after, act in a callback: nothing of Streamlit is called while a scope is open,
since its reruns are raised through it and would roll back in silence.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import streamlit as st

from dashboard.shell import session
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.session import Viewer
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.wall_time import load_zone
from tenants.agencies import queries
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right, has_right

T = TypeVar("T")
SESSION_CHECK_INTERVAL = "5s"
"""How often an open page asks whether its session still lives."""


@dataclass(frozen=True)
class PageContext:
    """One look of one member at one page."""

    viewer: Viewer
    localizer: MemberLocalizer

    def has_right(self, *rights: Right) -> bool:
        """Whether the member has one of these rights."""
        return any(has_right(self.viewer.member.role, right) for right in rights)

    def text(self, code: str, **params: str | int) -> str:
        """A sentence of the catalogues in the member's language."""
        return self.localizer.text(code, **params)

    def markdown(self, code: str, **typed: str | int) -> str:
        """The same for what Streamlit draws itself, as Markdown: what somebody typed stands there
        as they typed it."""
        return self.localizer.text(
            code,
            **{
                name: escape_markdown(one) if isinstance(one, str) else one
                for name, one in typed.items()
            },
        )

    def scope(self) -> AbstractContextManager[Scope]:
        """A scope of the member's agency, signed by them. Call nothing of Streamlit inside."""
        return session.session_scope_opener()(self.viewer.tenant_id, self.viewer.actor)

    def read(self, ask: Callable[[Scope], T]) -> T:
        """What `ask` reads, in a scope of its own."""
        with self.scope() as scope:
            return ask(scope)

    def list_creators(self, scope: Scope) -> list[Creator]:
        """The creators this member works for, by name. Asked anew: what one presses was drawn a
        while ago, perhaps before somebody gave them others."""
        chosen = queries.get_member(scope, self.viewer.member.id).creators
        return [one for one in queries.list_creators(scope) if not chosen or one.slug in chosen]

    def get_creator(self, scope: Scope, creator_id: UUID) -> Creator:
        """One of them. Raises NotFound for anybody else's, just as for nobody's."""
        found = next((one for one in self.list_creators(scope) if one.id == creator_id), None)
        if found is None:
            raise NotFound("creator.unknown", creator=str(creator_id))
        return found


_DRAWN: ContextVar[PageContext] = ContextVar("drawn")
"""The page while it is drawn from its start. Parts that are drawn anew by time, and presses, come
outside of that."""


@contextmanager
def page_run(page: PageContext) -> Iterator[None]:
    """A page is drawn whole: its parts need not ask again who looks, which took four transactions
    for two of them."""
    token = _DRAWN.set(page)
    try:
        yield
    finally:
        _DRAWN.reset(token)


def current_page() -> PageContext | None:
    """The page of whoever holds the cookie; None once the session is over. Asked once while a page
    is drawn whole, and anew by each part that is drawn alone and by each press."""
    drawn = _DRAWN.get(None)
    return drawn if drawn is not None else _find_current_page()


def current_page_with(ask: Callable[[Scope, PageContext], T]) -> tuple[PageContext, T] | None:
    """The page of whoever holds the cookie, with what `ask` reads in the transaction that asks who
    they are."""
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
    return PageContext(who, MemberLocalizer(who.member.language, load_zone(who.member.zone)))


def render_signed_out() -> None:
    """How to get in, in every language: nobody knows who reads it."""
    st.info(
        "\n\n".join(
            render_message(Message("dashboard.signed_out"), language) for language in LANGUAGES
        )
    )


@st.fragment(run_every=SESSION_CHECK_INTERVAL)
def render_session_guard(drawn: Viewer) -> None:
    """Replaces the whole page once its session is over, or its member became somebody else or works
    for others."""
    page = current_page()
    if page is None or page.viewer != drawn:
        st.rerun()
