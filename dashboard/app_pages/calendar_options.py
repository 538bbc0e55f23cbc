"""What a post that has not left chooses on its accounts beside its words: said, and changed, on its own page."""

from functools import partial
from uuid import UUID

import streamlit as st

from connectors.capabilities import Option
from dashboard import acting
from dashboard.app_pages import compose_options
from dashboard.app_pages.compose_draft import as_meant, as_typed
from dashboard.frame import Page
from dashboard.reads.compose import connectors, options_of
from dashboard.reads.posts import Opened
from dashboard.widgets import draw, plain
from foundation.database import Scope
from foundation.words import Message
from schedules import drafting, selling
from schedules.overrides import chosen
from tenants.roles import Right


def show(page: Page, found: Opened) -> None:
    """Draw the choices of each account that has some; what nobody touches stays as usual there."""
    names = {place.entry.channel_id: place.entry.channel for place in found.places}
    for channel_id, said in found.said.items():
        platform = found.platforms[channel_id]
        options = options_of(platform)
        if not options:
            continue
        with st.expander(page.word("calendar.options", account=plain(names[channel_id])), icon=":material/tune:"):
            if found.creator.approval_tiers:
                draw("calendar_note.html", note=page.word("calendar.options_why"))
            values = {name: as_typed(value) for name, value in said.options}
            # what stands there is what the post says now, not what somebody typed over an older version
            about = f"{channel_id}:{found.post.version}"
            with st.form(f"options:{about}", border=False):
                for option in options:
                    key = _key(about, option)
                    st.session_state.setdefault(key, values.get(option.name, ""))
                    compose_options.field(page, platform, option, key)
                act = partial(_save, page, found, (channel_id, about))
                acting.submit(page, "calendar.options_save", act, right=Right.RUN, key=f"options:save:{about}")


def _key(about: str, option: Option) -> str:
    return f"options:{about}:{option.name}"


def _save(page: Page, found: Opened, about: tuple[UUID, str], scope: Scope, _: UUID) -> Message:
    page.my(scope, found.creator.id)
    post_id, (channel_id, drawn) = found.post.id, about
    platform = drafting.place_of(scope, post_id, channel_id).platform
    typed = {one.name: (one.kind, str(acting.typed(_key(drawn, one)) or "").strip()) for one in options_of(platform)}
    meant = chosen({name: as_meant(kind, text) for name, (kind, text) in typed.items() if text})
    settled = drafting.choose(scope, post_id, channel_id, meant, author=scope.actor)
    if settled is None:
        return Message("calendar.options_same")
    selling.check(scope, post_id, connectors=connectors())
    return Message("calendar.options_saved" if settled else "calendar.options_waits")
