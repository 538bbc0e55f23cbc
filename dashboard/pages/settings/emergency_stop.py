"""Emergency stops: the active ones, and the form that starts another."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.auth.passkey_confirmations import REQUESTED_PARAM
from dashboard.pages.settings.queries import StopsView, load_stops
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.queries import require_can_end_stop, require_can_stop
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.emergency_stops import ActiveStop
from gate.policy.events import EmergencyStopRequested
from tenants.agencies.rights import Right

SENDING = "sending"


def render_emergency_stops(page: PageContext) -> None:
    """Draw the active stops and the form that starts one."""
    if REQUESTED_PARAM in st.query_params:
        del st.query_params[REQUESTED_PARAM]
        st.success(page.text("system.reopening"))
    found = page.read(lambda scope: load_stops(scope, page.viewer.member))
    known = _list_stop_targets(page, found)
    for stop in found.above:
        with st.container(border=True):
            whom = page.text("system.whole_installation")
            draw_template(
                "pages/settings/templates/emergency_stop.html",
                stop=stop,
                whom=whom,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
    for number, stop in enumerate(found.stops):
        with st.container(border=True):
            whom = known.get((stop.where, stop.target), stop.target)
            draw_template(
                "pages/settings/templates/emergency_stop.html",
                stop=stop,
                whom=whom,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            _render_stop_ending(page, stop, number, found)
    with st.container(border=True), forms.open_fields(page, "stop"):
        st.write(page.text("system.stop_explained"))
        left, right = st.columns(2)
        chosen = left.selectbox(
            page.text("system.whom"), list(known), format_func=known.__getitem__, key="whom"
        )
        right.text_input(page.text("system.why"), key="why", max_chars=200)
        forms.show_field_error("reason", right)
        if found.others:
            st.write(page.text("system.stop_others"))
        actions.action_button(
            page,
            "system.stop_now",
            _request_emergency_stop,
            right=Right.STOP,
            key="stop",
            kind="primary",
            icon=":material/front_hand:",
            params={"whom": known[chosen]},
        )


def _render_stop_ending(page: PageContext, stop: ActiveStop, number: int, found: StopsView) -> None:
    """Draw the form that lifts a stop, or a note for members who may not lift it."""
    with forms.open_fields(page, f"reopen:{number}"):
        wide = stop.where in emergency_stops.WIDE_SCOPES
        if wide and found.others:
            st.write(page.text(emergency_stops.NOT_PERMITTED))
            return
        box = f"why:{number}"
        st.text_input(page.text("system.why_reopen"), key=box, max_chars=200)
        forms.show_field_error("reason")
        act = partial(_request_stop_change, stop, box, close=False)
        actions.action_button(
            page, "system.reopen", act, right=Right.REOPEN, key=f"reopen:{number}"
        )
        if wide and page.viewer.member.id in found.keyed:
            draw_template("pages/settings/templates/reopen_link.html", stop=stop, word=page.text)


def _list_stop_targets(page: PageContext, found: StopsView) -> dict[tuple[str, str], str]:
    """Return the targets that can be stopped: keys of switches with their display names.

    These are the agency, creators, platforms and channels. The agency is last for members to whom
    only some creators are assigned, so that it is not the default.
    """
    word = page.text
    names = {("tenant", ""): word("system.whole_agency")}
    names |= {("creator", str(one.id)): one.name for one in found.creators}
    platforms = {one.platform: word(f"platform.{one.platform}") for one in found.accounts}
    names |= {
        ("platform", name): word("system.all_of", platform=said) for name, said in platforms.items()
    }
    whose = {one.id: one.name for one in found.creators}
    names |= {
        ("channel", str(one.id)): word(
            "system.one_of",
            account=one.name,
            platform=platforms[one.platform],
            creator=whose.get(one.creator_id, "?"),
        )
        for one in found.accounts
    }
    if found.others:
        names[("tenant", "")] = names.pop(("tenant", ""))
    return names


def _request_emergency_stop(scope: Scope, press_id: UUID) -> Message:
    where, target = actions.typed_value("whom")
    require_can_stop(scope, where, target)
    stop = ActiveStop(where, target, SENDING, scope.now, "", "")
    return _request_stop_change(stop, "why", scope, press_id, close=True)


def _request_stop_change(
    stop: ActiveStop, box: str, scope: Scope, press_id: UUID, *, close: bool
) -> Message:
    """Queue the change as an urgent task.

    The dashboard has no write access to the tables of the gate; a worker applies the change within
    about a second.
    """
    reason = str(actions.typed_value(box) or "").strip()
    if not close and not reason:
        raise BadInput("switch.no_reason").about("reason")
    if not close:
        require_can_end_stop(scope, (stop.where, stop.target, stop.feature))
    wanted = EmergencyStopRequested(
        scope.tenant_id,
        press_id,
        scope=stop.where,
        target=stop.target,
        feature=stop.feature,
        open=not close,
        by=scope.actor,
        reason=reason,
        since="" if close else stop.since.isoformat(),
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"switch:{press_id}")
    return Message("system.stopping" if close else "system.reopening")
