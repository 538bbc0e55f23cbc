"""Account failover: moves all upcoming posts of an account to another account of the same creator,
after a preview."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts import queries
from dashboard.pages.posts import move_results
from dashboard.pages.queue.queries import QueueView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from schedules.rescheduling import account_failover
from tenants.agencies.rights import Right

TARGET = "spare:target"


def render_account_failover(page: PageContext, found: QueueView) -> None:
    """Render the failover of a lost account. Render nothing if the creator has no other account."""
    if not found.spares:
        return
    with st.expander(page.text("spare.title"), icon=":material/swap_horiz:"):
        draw_template(
            "shell/templates/note.html", note=page.text("spare.why", account=found.channel.name)
        )
        names = {str(one.id): one.name for one in found.spares}
        key = f"{TARGET}:{found.channel.id}"
        target = st.selectbox(
            page.text("spare.target"), list(names), format_func=lambda one: names[one], key=key
        )
        source_id = found.channel.id
        target_id = UUID(target)
        try:
            shown = page.read(
                lambda scope: account_failover.preview_failover(scope, source_id, target_id)
            )
        except GreenroomError as wrong:
            draw_template(
                "shell/templates/note.html", note=page.localizer.message_text(wrong.message)
            )
            return
        draw_template(
            "pages/queue/templates/account_failover.html",
            found=shown,
            voice=page.localizer,
            word=page.text,
        )
        act = partial(_move_to_spare_account, page, source_id, target_id, shown.seen_versions)
        nothing = not (shown.moving or shown.doubled)
        actions.action_button(
            page, "spare.go", act, right=Right.RUN, key="spare:go", kind="primary", disabled=nothing
        )


def _move_to_spare_account(
    page: PageContext,
    source_id: UUID,
    target_id: UUID,
    seen: Mapping[UUID, int],
    scope: Scope,
    _: UUID,
) -> Message:
    for channel_id in (source_id, target_id):
        page.get_creator(scope, queries.get_channel(scope, channel_id).creator_id)
    done = account_failover.move_to_spare_account(scope, source_id, target_id, seen=seen)
    counts = {"count": len(done.moving), "doubled": len(done.doubled), "left": len(done.left)}
    told = Message("spare.done_asks" if done.asks_again else "spare.done", counts)
    return move_results.describe_unmoved_posts(page, scope, told, done.left)
