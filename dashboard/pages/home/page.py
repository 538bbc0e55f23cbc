"""The home page: items that need attention with their actions, live activity, then today's posts
and sales."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.approvals import policy_offer
from dashboard.pages.home import demo_scene, emergency_stop, first_steps
from dashboard.pages.home.attention_items import AttentionItem
from dashboard.pages.home.queries import HomeView, load_home
from dashboard.pages.planning import missed_posts
from dashboard.pages.posts import publish_actions, uncertain_delivery
from dashboard.pages.posts.timeline import step_code
from dashboard.shell import actions, page_context, pending_counts
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from schedules.downtime.states import DowntimeState
from schedules.posts import queries
from schedules.posts.states import DeliveryState
from tenants.agencies.queries import get_agency
from tenants.agencies.rights import Right
from tenants.notices import notices
from tenants.notices.queries import list_open_notices

REFRESH_INTERVAL = "3s"
"""Refresh interval, so that a published post appears soon after it is published."""

REASONS = ("done", "later", "not_ours")
"""Reasons for dismissing a notice. The message `home.why.<name>` labels each one."""

SHOWN = 3
"""Number of items that are always visible."""

FOLDED = 8
"""Maximum number of items with actions. Those after the visible ones are in an expander; the others
are counted."""

CARDS = 4
"""Number of creators whose day is always visible. Those of the others are in an expander."""


def render_page(page: PageContext) -> None:
    """Render the home page, which refreshes itself. In a demo agency, opening it starts the demo
    scene."""
    demo_scene.start_demo_scene(page)
    demo = page.read(get_agency).demo
    if demo and page.has_right(Right.RUN):
        draw_template("pages/home/templates/tour_card.html", voice=page.localizer, word=page.text)
    first_steps.render_first_steps(page, demo=demo)
    policy_offer.render_policy_offer(page)
    _render_home(page)


@st.fragment(run_every=REFRESH_INTERVAL)
def _render_home(drawn: PageContext) -> None:
    page = page_context.current_page()
    # The session was revoked or changed: discard everything that was rendered.
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "home:lead")
    found, pending = page.read(
        lambda scope: (
            load_home(scope, page.viewer.member),
            pending_counts.count_pending(scope, page.viewer.member),
        )
    )
    if pending_counts.is_menu_outdated(pending):
        st.rerun()
    may = {"opens": page.has_right(Right.RUN, Right.APPROVE), "plans": page.has_right(Right.RUN)}
    said = {
        "page": found,
        "who": page.viewer.member,
        "voice": page.localizer,
        "word": page.text,
        **may,
    }
    draw_template("pages/home/templates/summary.html", **said)
    emergency_stop.render_emergency_stop(page, found)
    if found.sees_posts:
        draw_template("pages/home/templates/pending.html", pending=pending, word=page.text)
        _render_attention_items(page, found)
    if found.live or found.running:
        names = {day.creator.id: day.creator.name for day in found.days}
        draw_template(
            "pages/home/templates/live_activity.html",
            **said,
            names=names,
            step=step_code,
            src=library_files.picture_url,
        )
    said |= {"bars": _bar_heights}
    draw_template("pages/home/templates/day.html", **said, days=found.days[:CARDS])
    if rest := found.days[CARDS:]:
        with st.expander(page.text("home.more_creators", count=len(rest)), key="home:creators"):
            draw_template("pages/home/templates/day_cards.html", **said, days=rest)
    as_of = page.text("dashboard.as_of", clock=page.localizer.format_clock(found.now))
    draw_template("shell/templates/note.html", note=as_of)


def _render_attention_items(page: PageContext, found: HomeView) -> None:
    draw_template("pages/home/templates/attention_header.html", page=found, word=page.text)
    for number, need in enumerate(found.needs[:SHOWN]):
        _render_attention_item(page, found, number, need)
    folded = found.needs[SHOWN:FOLDED]
    if not folded:
        return
    count = len(found.needs) - SHOWN
    label = page.text("home.more_needs", count=count)
    with st.expander(label, key="needs:more"):
        for number, need in enumerate(folded, SHOWN):
            _render_attention_item(page, found, number, need)
        rest = len(found.needs) - FOLDED
        if rest > 0:
            note = page.text("home.other_needs", count=rest)
            draw_template("shell/templates/note.html", note=note)


def _render_attention_item(
    page: PageContext, found: HomeView, number: int, need: AttentionItem
) -> None:
    with st.container(key=f"need:{number}", gap=None):
        kept = found.kept_back.get(need.entry.delivery_id) if need.entry is not None else None
        draw_template(
            "pages/home/templates/attention_item.html",
            need=need,
            kept=kept,
            now=found.now,
            voice=page.localizer,
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            _render_item_actions(page, need)
        doubt = found.doubts.get(need.held_post.delivery_id) if need.held_post is not None else None
        if doubt is not None and page.has_right(Right.APPROVE):
            with st.expander(page.text("doubt.decide"), key=f"decide:{doubt.entry.delivery_id}"):
                uncertain_delivery.render_uncertain_delivery(page, doubt, found.now)


def _render_item_actions(page: PageContext, need: AttentionItem) -> None:
    """Render the actions that resolve the item, or the link to the page that does."""
    entry = need.held_post
    # A retry without changes would be refused again.
    refused = entry is not None and entry.state is DeliveryState.FAILED
    if (
        entry is not None
        and not refused
        and publish_actions.can_retry(entry)
        and page.has_right(Right.RUN)
    ):
        act = partial(_retry_delivery, page, entry.delivery_id, entry.version)
        key = f"again:{entry.delivery_id}:{entry.version}"
        actions.action_button(page, "home.again", act, right=Right.RUN, key=key)
    if need.downtime_id is not None and need.share is not None:
        missed_posts.render_missed_post_actions(
            page, need.downtime_id, DowntimeState.OPEN, others_too=need.share.others_too
        )
    if need.is_dismissable and page.has_right(Right.RUN):
        with st.popover(page.text("home.dismiss"), type="tertiary", key=f"away:{need.cause}"):
            for why in REASONS:
                act = partial(_dismiss_notice, page, need.cause, why)
                actions.action_button(
                    page, f"home.why.{why}", act, right=Right.RUN, key=f"away:{need.cause}:{why}"
                )


def _check_own_delivery(page: PageContext, scope: Scope, delivery_id: UUID) -> None:
    """Raise NotFound unless the member works for the creator of the post."""
    page.get_creator(
        scope,
        queries.get_stored_post(scope, queries.post_id_of_delivery(scope, delivery_id)).creator_id,
    )


def _retry_delivery(
    page: PageContext, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    _check_own_delivery(page, scope, delivery_id)
    return publish_actions.retry_delivery_action(page, scope, delivery_id, version)


def _dismiss_notice(page: PageContext, cause: str, why: str, scope: Scope, _: UUID) -> Message:
    mine = {one.id for one in page.list_creators(scope)}
    told = list_open_notices(scope, to=page.viewer.member.principal_id)
    found = next((one for one in told if one.cause == cause), None)
    if found is None or (found.creator_id is not None and found.creator_id not in mine):
        raise NotFound("home.gone")
    notices.dismiss(scope, cause, why=why)
    return Message("home.dismissed")


def _bar_heights(days: tuple[int, ...]) -> list[int]:
    """Return the bar heights in per cent of the highest day. A day with sales has at least 8 per
    cent, so that it is visible."""
    top = max(days, default=0)
    return [max(100 * max(net, 0) // top, 8 if net > 0 else 3) if top > 0 else 3 for net in days]
