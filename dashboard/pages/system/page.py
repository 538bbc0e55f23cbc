"""The Settings page: queues, failed jobs, emergency stops, rules, storage and the audit log."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.auth.passkey_confirmations import REQUESTED_PARAM
from dashboard.media import library_files
from dashboard.pages.system import (
    api_keys,
    audit_log,
    remote_workers,
    third_party_rules,
    webhooks,
)
from dashboard.pages.system.queries import QueueStatus, SystemView, load_queue_status, load_system
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.queries import require_can_end_stop, require_can_stop
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.policy.emergency_stops import ActiveStop
from gate.policy.events import EmergencyStopRequested
from gate.reviews.events import PlaceLimitRequested, RuleVerified
from insights.reports import transparency_report
from studio.library import storage_quota
from tenants.agencies.rights import Right

SENDING = "sending"


def render_page(page: PageContext) -> None:
    """Draw the page."""
    st.title(page.text("dashboard.page.system"))
    if REQUESTED_PARAM in st.query_params:
        del st.query_params[REQUESTED_PARAM]
        st.success(page.text("system.reopening"))
    found = page.read(lambda scope: load_system(scope, page.viewer.member))
    _render_queue_status(page, found.moving)
    _render_emergency_stops(page, found)
    _render_expiring_rules(page, found)
    _render_place_limits(page, found)
    third_party_rules.render_third_party_rules(page, found)
    st.subheader(page.text("system.eyes"))
    draw_template(
        "pages/system/templates/calibration.html",
        eyes=found.eyes,
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )
    _render_storage(page, found.kept)
    _render_dead_events(page, found)
    audit_log.render_audit_log(page)
    api_keys.render_api_keys(page)
    remote_workers.render_remote_workers(page)
    webhooks.render_webhooks(page)
    _render_transparency_report(page, found)


def _render_storage(page: PageContext, kept: int) -> None:
    """Draw the storage used by the library and its limit."""
    st.subheader(page.text("system.storage"))
    allowed = library_files.object_store().quota_bytes
    used = storage_quota.to_mib(kept)
    if allowed is None:
        st.write(page.text("system.storage_used", used=used))
    else:
        st.write(page.text("system.storage_of", used=used, allowed=storage_quota.to_mib(allowed)))
        st.progress(min(1.0, kept / allowed))


def _render_transparency_report(page: PageContext, found: SystemView) -> None:
    """Draw the download of a monthly report of the safety check."""
    st.subheader(page.text("transparency.month"))
    st.write(page.text("transparency.month_explained"))
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    month = left.selectbox(
        page.text("transparency.which"),
        found.months,
        format_func=page.localizer.format_month,
        key="month",
    )

    def made(form: str) -> bytes:
        whole = page.read(lambda scope: transparency_report.load_transparency_report(scope, month))
        text = (
            transparency_report.render_transparency_csv(whole)
            if form == "csv"
            else transparency_report.render_transparency_html(whole, page.localizer.language)
        )
        return text.encode()

    for column, form, mime in ((middle, "html", "text/html"), (right, "csv", "text/csv")):
        column.download_button(
            page.text(f"insights.take_{form}"),
            data=partial(made, form),
            file_name=f"safety-{month:%Y-%m}.{form}",
            mime=mime,
            on_click="ignore",
            key=f"take:{form}",
        )


@st.fragment(run_every="5s")
def _render_queue_status(drawn: PageContext, found: QueueStatus) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    now = (
        found if page is drawn else page.read(load_queue_status)
    )  # The first run draws what was read with the whole page.
    draw_template(
        "pages/system/templates/queues.html", found=now, voice=page.localizer, word=page.text
    )


def _render_emergency_stops(page: PageContext, found: SystemView) -> None:
    st.subheader(page.text("system.stop"))
    known = _list_stop_targets(page, found)
    for stop in found.above:
        with st.container(border=True):
            whom = page.text("system.whole_installation")
            draw_template(
                "pages/system/templates/emergency_stop.html",
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
                "pages/system/templates/emergency_stop.html",
                stop=stop,
                whom=whom,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            _render_stop_ending(page, stop, number, found)
    with st.container(border=True):
        st.write(page.text("system.stop_explained"))
        left, right = st.columns(2)
        chosen = left.selectbox(
            page.text("system.whom"), list(known), format_func=known.__getitem__, key="whom"
        )
        right.text_input(page.text("system.why"), key="why", max_chars=200)
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


def _render_stop_ending(
    page: PageContext, stop: ActiveStop, number: int, found: SystemView
) -> None:
    """Draw the form that lifts a stop, or a note for members who may not lift it."""
    wide = stop.where in emergency_stops.WIDE_SCOPES
    if wide and found.others:
        st.write(page.text(emergency_stops.NOT_PERMITTED))
        return
    box = f"why:{number}"
    st.text_input(page.text("system.why_reopen"), key=box, max_chars=200)
    act = partial(_request_stop_change, stop, box, close=False)
    actions.action_button(page, "system.reopen", act, right=Right.REOPEN, key=f"reopen:{number}")
    if wide and page.viewer.member.id in found.keyed:
        draw_template("pages/system/templates/reopen_link.html", stop=stop, word=page.text)


def _list_stop_targets(page: PageContext, found: SystemView) -> dict[tuple[str, str], str]:
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


def _render_expiring_rules(page: PageContext, found: SystemView) -> None:
    """Draw the rules to verify: the owner confirms that a rule is unchanged, then a second member
    confirms it."""
    if not found.rules:
        return
    st.subheader(page.text("system.rules"))
    st.write(page.text("system.rules_explained"))
    for due in found.rules:
        with st.container(border=True):
            draw_template(
                "pages/system/templates/rule_due.html",
                due=due,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            if due.urls:
                own = due.waiting is None or due.waiting.by == page.viewer.member.principal_id
                code, right = (
                    ("system.rule_read", Right.RULES)
                    if own
                    else ("system.rule_read_too", Right.REVIEW)
                )
                url = due.urls[0] if due.waiting is None else due.waiting.url
                st.link_button(page.text("system.rule_open"), url)
                actions.action_button(
                    page,
                    code,
                    partial(_request_rule_verification, due.name, url),
                    right=right,
                    key=f"rule:{due.name}",
                )


def _request_rule_verification(name: str, url: str, scope: Scope, press_id: UUID) -> Message:
    today = scope.now.date().isoformat()
    wanted = RuleVerified(
        scope.tenant_id, press_id, rule=name, url=url, read_on=today, by=scope.actor
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"rule:{press_id}")
    return Message("system.rule_noted")


def _render_place_limits(page: PageContext, found: SystemView) -> None:
    """Draw the stricter rules of the agency. One member can add a rule; its removal requires two
    members."""
    if not found.places:
        return
    st.subheader(page.text("system.limits"))
    for number, kept in enumerate(found.limits):
        with st.container(border=True):
            draw_template(
                "pages/system/templates/limit.html",
                kept=kept,
                place=_place_name(page, found, kept.place),
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            act = partial(_request_place_limit, kept.place, kept.rating, kept.verdict, end=True)
            actions.action_button(
                page, "system.limit_end", act, right=Right.REOPEN, key=f"limit:{number}"
            )
    with st.container(border=True):
        st.write(page.text("system.limits_explained"))
        offered = {
            "place": {one: _place_name(page, found, one) for one in found.places},
            "from": {str(one): page.text(f"rating.{one}") for one in Rating if one is not Rating.X},
            "what": {one: page.text(f"system.limit_{one}") for one in "HB"},
        }
        for column, (name, said) in zip(st.columns([2, 1, 1]), offered.items(), strict=True):
            label = page.text(f"system.limit_{name}")
            column.selectbox(label, list(said), format_func=said.__getitem__, key=f"l.{name}")
        st.text_input(page.text("system.why"), key="l.why", max_chars=200)
        actions.action_button(
            page, "system.limit_keep", _add_place_limit, right=Right.RUN, key="limit"
        )


def _place_name(page: PageContext, found: SystemView, name: str) -> str:
    """Return the display name of a place. If the rules of another place apply to it, the name
    includes both."""
    rules = found.places.get(name, [name])
    said = ", ".join(page.text(f"place.{rule}") for rule in rules)
    return (
        said
        if rules == [name]
        else page.text(
            "system.place_by", place=said, by=page.text(f"platform.{name.partition('.')[0]}")
        )
    )


def _add_place_limit(scope: Scope, press_id: UUID) -> Message:
    place, rating, verdict = (
        str(actions.typed_value(key)) for key in ("l.place", "l.from", "l.what")
    )
    return _request_place_limit(place, rating, verdict, scope, press_id, end=False)


def _request_place_limit(
    place: str, rating: str, verdict: str, scope: Scope, press_id: UUID, *, end: bool
) -> Message:
    why = "" if end else str(actions.typed_value("l.why") or "").strip()
    wanted = PlaceLimitRequested(
        scope.tenant_id,
        press_id,
        place=place,
        rating=rating,
        verdict=verdict,
        why=why,
        end=end,
        by=scope.actor,
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"limit:{press_id}")
    return Message("system.limit_ending" if end else "system.limit_keeping")


def _render_dead_events(page: PageContext, found: SystemView) -> None:
    st.subheader(page.text("system.dead"))
    if not found.dead:
        st.write(page.text("system.nothing_dead"))
    for event in found.dead:
        with st.container(border=True):
            draw_template(
                "pages/system/templates/failed_job.html",
                event=event,
                voice=page.localizer,
                word=page.text,
                now=found.now,
            )
            left, right = st.columns(2)
            with left:
                actions.action_button(
                    page,
                    "system.resend",
                    partial(_retry_dead_event, event.id),
                    right=Right.RUN,
                    key=f"do:{event.id}",
                )
            with right:
                actions.action_button(
                    page,
                    "system.drop",
                    partial(_discard_dead_event, event.id),
                    right=Right.RUN,
                    key=f"drop:{event.id}",
                )


def _retry_dead_event(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.retry_dead(scope, event_id)
    return Message("system.resent")


def _discard_dead_event(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.discard_dead(scope, event_id)
    return Message("system.dropped")


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
        raise BadInput("switch.no_reason")
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
