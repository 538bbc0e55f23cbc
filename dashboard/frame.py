"""What every page is handed: who looks, in which words, and how to read and act; sessions are asked again each run.

Read first, draw after, act in a callback: nothing of Streamlit is called while a scope is open, since its reruns are
raised through it and would roll back in silence.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import streamlit as st

from dashboard import session
from dashboard.session import Viewer
from dashboard.widgets import plain
from dashboard.wording import Voice
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import LANGUAGES, Message, say
from schedules.calendar import zone_of
from tenants import reads as tenant_reads
from tenants.reads import Creator
from tenants.roles import Right, may

T = TypeVar("T")
LOOK = "5s"
"""How often an open page asks whether its session still lives."""


@dataclass(frozen=True)
class Page:
    """One look of one member at one page."""

    who: Viewer
    voice: Voice

    def may(self, *rights: Right) -> bool:
        """Whether the member has one of these rights."""
        return any(may(self.who.member.role, right) for right in rights)

    def word(self, code: str, **params: str | int) -> str:
        """A sentence of the catalogues in the member's language."""
        return self.voice.word(code, **params)

    def label(self, code: str, **typed: str | int) -> str:
        """The same for what Streamlit draws itself, as Markdown: what somebody typed stands there as they typed it."""
        return self.voice.word(
            code, **{name: plain(one) if isinstance(one, str) else one for name, one in typed.items()}
        )

    def scope(self) -> AbstractContextManager[Scope]:
        """A scope of the member's agency, signed by them. Call nothing of Streamlit inside."""
        return session.tenant()(self.who.tenant_id, self.who.actor)

    def read(self, ask: Callable[[Scope], T]) -> T:
        """What `ask` reads, in a scope of its own."""
        with self.scope() as scope:
            return ask(scope)

    def mine(self, scope: Scope) -> list[Creator]:
        """The creators this member works for, by name. Asked anew: what one presses was drawn a while ago, perhaps
        before somebody gave them others."""
        chosen = tenant_reads.member(scope, self.who.member.id).creators
        return [one for one in tenant_reads.creators(scope) if not chosen or one.slug in chosen]

    def my(self, scope: Scope, creator_id: UUID) -> Creator:
        """One of them. Raises NotFound for anybody else's, just as for nobody's."""
        found = next((one for one in self.mine(scope) if one.id == creator_id), None)
        if found is None:
            raise NotFound("creator.unknown", creator=str(creator_id))
        return found


_DRAWN: ContextVar[Page] = ContextVar("drawn")
"""The page while it is drawn from its start. Parts that are drawn anew by time, and presses, come outside of that."""


@contextmanager
def drawing(page: Page) -> Iterator[None]:
    """A page is drawn whole: its parts need not ask again who looks, which took four transactions for two of them."""
    token = _DRAWN.set(page)
    try:
        yield
    finally:
        _DRAWN.reset(token)


def look() -> Page | None:
    """The page of whoever holds the cookie; None once the session is over. Asked once while a page is drawn whole, and
    anew by each part that is drawn alone and by each press."""
    drawn = _DRAWN.get(None)
    return drawn if drawn is not None else _asked()


def look_and(ask: Callable[[Scope, Page], T]) -> tuple[Page, T] | None:
    """The page of whoever holds the cookie, with what `ask` reads in the transaction that asks who they are."""
    found = session.viewer_and(_cookie(), lambda scope, who: ask(scope, _page(who)))
    return (_page(found[0]), found[1]) if found is not None else None


def _asked() -> Page | None:
    who = session.viewer(_cookie())
    return _page(who) if who is not None else None


def _cookie() -> str:
    return st.context.cookies.get(session.cookie_name(), "")


def _page(who: Viewer) -> Page:
    return Page(who, Voice(who.member.language, zone_of(who.member.zone)))


def signed_out() -> None:
    """How to get in, in every language: nobody knows who reads it."""
    st.info("\n\n".join(say(Message("dashboard.signed_out"), language) for language in LANGUAGES))


@st.fragment(run_every=LOOK)
def guard(drawn: Viewer) -> None:
    """Replaces the whole page once its session is over, or its member became somebody else or works for others."""
    page = look()
    if page is None or page.who != drawn:
        st.rerun()
