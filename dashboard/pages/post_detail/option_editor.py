"""Editor of the platform options of a scheduled post."""

from functools import partial
from uuid import UUID

import streamlit as st

from connectors.contract.capabilities import PostOption
from dashboard.pages.compose import channel_fields
from dashboard.pages.compose.draft import format_option, parse_option
from dashboard.pages.posts.accounts import platform_options
from dashboard.pages.posts.queries import PostView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.drafts import channel_requirements, drafts
from schedules.posts.channel_overrides import normalize_options
from tenants.agencies.rights import Right


def render_option_editor(page: PageContext, found: PostView) -> None:
    """Render the options of each account that has any. Options without a value use the default of
    the account."""
    names = {place.entry.channel_id: place.entry.channel for place in found.places}
    for channel_id, said in found.said.items():
        platform = found.platforms[channel_id]
        options = platform_options(platform)
        if not options:
            continue
        with st.expander(
            page.text("calendar.options", account=escape_markdown(names[channel_id])),
            icon=":material/tune:",
        ):
            if found.creator.approval_tiers:
                draw_template("shell/templates/note.html", note=page.text("calendar.options_why"))
            values = {name: format_option(value) for name, value in said.options}
            # The version in the keys resets the fields to the current values when another member
            # changes the post.
            about = f"{channel_id}:{found.post.version}"
            with forms.open_form(page, f"options:{about}"):
                for option in options:
                    key = _option_key(about, option)
                    st.session_state.setdefault(key, values.get(option.name, ""))
                    channel_fields.render_option_field(page, platform, option, key)
                act = partial(_save_options, page, found, (channel_id, about))
                actions.submit_button(
                    page, "calendar.options_save", act, right=Right.RUN, key=f"options:save:{about}"
                )


def _option_key(about: str, option: PostOption) -> str:
    return f"options:{about}:{option.name}"


def _save_options(
    page: PageContext, found: PostView, about: tuple[UUID, str], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, found.creator.id)
    post_id = found.post.id
    (channel_id, drawn) = about
    platform = drafts.channel_of_post(scope, post_id, channel_id).platform
    typed = {
        one.name: (one.kind, str(actions.typed_value(_option_key(drawn, one)) or "").strip())
        for one in platform_options(platform)
    }
    meant = normalize_options(
        {name: parse_option(kind, text) for name, (kind, text) in typed.items() if text}
    )
    settled = drafts.set_channel_options(scope, post_id, channel_id, meant, author=scope.actor)
    if settled is None:
        return Message("calendar.options_same")
    channel_requirements.check_post_requirements(scope, post_id, connectors=platform_connectors())
    return Message("calendar.options_saved" if settled else "calendar.options_waits")
