"""Home: what needs me, each thing settled where it stands; what is happening; then today."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame, scene
from dashboard.app_pages import calendar_missed, calendar_now, doubt_card, home_stop
from dashboard.frame import Page
from dashboard.reads.home import Home, home
from dashboard.reads.needs import Need
from dashboard.reads.telling import step_code
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import reads as schedule_reads
from schedules.states import DeliveryState, DowntimeState
from tenants import notices
from tenants import reads as tenant_reads
from tenants.roles import Right

LOOK = "3s"
"""How often the page reads again: a post that leaves is seen to leave."""

REASONS = ("done", "later", "not_ours")
"""Why a notice is put away: `home.why.<name>`."""

SHOWN = 8
"""Needs with their buttons; the rest is counted."""


def show(page: Page) -> None:
    """Draw the page; it draws itself anew as time passes. In a demonstration, being looked at starts its minute."""
    scene.begin(page)
    draw("home_style.html")
    if page.may(Right.RUN) and page.read(tenant_reads.agency).demo:
        draw("tour_card.html", voice=page.voice, word=page.word)
    _home(page)


@st.fragment(run_every=LOOK)
def _home(drawn: Page) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:  # revoked or changed meanwhile: everything that was drawn goes
        st.rerun()
    acting.say_told(page, "home:lead")
    found = page.read(lambda scope: home(scope, page.who.member))
    may = {"opens": page.may(Right.RUN, Right.APPROVE), "plans": page.may(Right.RUN)}
    said = {"page": found, "who": page.who.member, "voice": page.voice, "word": page.word, **may}
    draw("home_lead.html", **said)
    home_stop.show(page, found)
    if found.strides and page.may(Right.RUN):  # each leads to a page of those who run the agency
        draw("home_steps.html", **said)
    if found.sees_posts:
        _needs(page, found)
    if found.live or found.running:
        names = {day.creator.id: day.creator.name for day in found.days}
        draw("home_live.html", **said, names=names, step=step_code, src=files.src)
    draw("home.html", **said, bars=_bars)


def _needs(page: Page, found: Home) -> None:
    draw("home_needs.html", page=found, word=page.word)
    for number, need in enumerate(found.needs[:SHOWN]):
        with st.container(key=f"need:{number}", gap=None):
            kept = found.kept_back.get(need.entry.delivery_id) if need.entry is not None else None
            draw("home_need.html", need=need, kept=kept, now=found.now, voice=page.voice, word=page.word)
            with st.container(horizontal=True, gap="small"):
                _acts(page, need)
            doubt = found.doubts.get(need.stops.delivery_id) if need.stops is not None else None
            if doubt is not None and page.may(Right.APPROVE):
                with st.expander(page.word("doubt.decide"), key=f"decide:{doubt.entry.delivery_id}"):
                    doubt_card.show(page, doubt, found.now)
    rest = len(found.needs) - SHOWN
    if rest > 0:
        draw("calendar_note.html", note=page.word("home.more_needs", count=rest))


def _acts(page: Page, need: Need) -> None:
    """What settles it here, or leads to where it is settled."""
    entry = need.stops
    refused = entry is not None and entry.state is DeliveryState.FAILED  # as it is, it would be refused again
    if entry is not None and not refused and calendar_now.retried(entry) and page.may(Right.RUN):
        act = partial(_again, page, entry.delivery_id, entry.version)
        key = f"again:{entry.delivery_id}:{entry.version}"
        acting.button(page, "home.again", act, right=Right.RUN, key=key, kind="primary")
    if need.downtime is not None and need.share is not None:
        calendar_missed.acts(page, need.downtime, DowntimeState.OPEN, others_too=need.share.others_too)
    if need.dismissable and page.may(Right.RUN):
        with st.popover(page.word("home.dismiss"), type="tertiary", key=f"away:{need.cause}"):
            for why in REASONS:
                act = partial(_dismiss, page, need.cause, why)
                acting.button(page, f"home.why.{why}", act, right=Right.RUN, key=f"away:{need.cause}:{why}")


def _mine(page: Page, scope: Scope, delivery_id: UUID) -> None:
    """Raise NotFound unless the post is of a creator this member works for."""
    page.my(scope, schedule_reads.written_post(scope, schedule_reads.post_of(scope, delivery_id)).creator_id)


def _again(page: Page, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    _mine(page, scope, delivery_id)
    return calendar_now.again(page, scope, delivery_id, version)


def _dismiss(page: Page, cause: str, why: str, scope: Scope, _: UUID) -> Message:
    mine = {one.id for one in page.mine(scope)}
    told = tenant_reads.open_notices(scope, to=page.who.member.principal_id)
    found = next((one for one in told if one.cause == cause), None)
    if found is None or (found.creator_id is not None and found.creator_id not in mine):
        raise NotFound("home.gone")
    notices.dismiss(scope, cause, why=why)
    return Message("home.dismissed")


def _bars(days: tuple[int, ...]) -> list[int]:
    """Heights in per cent of the highest day; a day with sales is never invisible."""
    top = max(days, default=0)
    return [max(100 * max(net, 0) // top, 8 if net > 0 else 3) if top > 0 else 3 for net in days]
