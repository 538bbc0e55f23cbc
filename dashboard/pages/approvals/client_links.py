"""Client links: request the second approval from a client without an account.

The address is shown once, to the member who created the link.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from schedules.approvals import client_links
from schedules.approvals.client_links import (
    CLIENT_LINK_PATH,
    CLIENT_TIER,
    MAX_CLIENT_NAME_LENGTH,
    ClientLink,
)
from schedules.approvals.decisions import CONTENT_TIER
from schedules.approvals.review_queue import ReviewItem
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

LINK = "approvals:link"
"""Session key of a post and its newest link address, which is shown while the link is valid."""


def latest_link_of_post(
    scope: Scope, asked: ReviewItem, creator: Creator
) -> tuple[ClientLink | None, datetime] | None:
    """Return the newest link of a post that lacks its second approval, with the current time.

    Return None for any other post.
    """
    first = any(word.tier == CONTENT_TIER and word.verdict == "yes" for word in asked.words)
    return (
        (client_links.latest_client_link(scope, asked.post_id), scope.now)
        if first and creator.approval_tiers >= CLIENT_TIER
        else None
    )


def render_client_link(
    page: PageContext, asked: ReviewItem, found: tuple[ClientLink | None, datetime] | None
) -> None:
    """Draw the link form and status, as returned by `latest_link_of_post`."""
    with forms.open_fields(page, f"link:{asked.post_id}"):
        if found is None:
            return
        last, now = found
        with st.expander(page.text("approvals.link_title"), expanded=last is not None):
            draw_template(
                "pages/approvals/templates/client_link.html",
                last=last,
                now=now,
                voice=page.localizer,
                word=page.text,
            )
            made = st.session_state.get(LINK)
            if (
                made is not None
                and made[0] == str(asked.post_id)
                and last is not None
                and not last.over(now)
            ):
                st.code(made[1], language=None)
                draw_template("shell/templates/note.html", note=page.text("approvals.link_once"))
            st.text_input(
                page.text("approvals.link_for"),
                key=f"link:name:{asked.post_id}",
                max_chars=MAX_CLIENT_NAME_LENGTH,
            )
            forms.show_field_error("name")
            with st.container(horizontal=True, gap="small"):
                st.button(
                    page.text("approvals.link_make"),
                    key="link:make",
                    on_click=_handle_link_press,
                    args=(asked.post_id,),
                )
                if last is not None and not last.over(now):
                    end = partial(_revoke_client_link, asked.post_id)
                    actions.action_button(
                        page,
                        "approvals.link_end",
                        end,
                        right=Right.APPROVE,
                        key=f"link:end:{asked.post_id}",
                    )


def _handle_link_press(post_id: UUID) -> None:
    made: list[str] = []
    actions.run_action(
        partial(_create_client_link, post_id, made),
        Right.APPROVE,
        f"link:make:{post_id}",
        form=f"link:{post_id}",
    )
    if made:
        st.session_state[LINK] = (str(post_id), made[0])


def _create_client_link(post_id: UUID, made: list[str], scope: Scope, _: UUID) -> Message:
    base = settings.load_settings().web.public_url.rstrip("/")
    token = client_links.create_client_link(
        scope, post_id, name=str(actions.typed_value(f"link:name:{post_id}") or "")
    )
    made.append(f"{base}{CLIENT_LINK_PATH}{token}")
    return Message("approvals.link_made")


def _revoke_client_link(post_id: UUID, scope: Scope, _: UUID) -> Message:
    client_links.revoke_client_link(scope, post_id)
    return Message("approvals.link_ended")
