"""State of the system: does it move, what gave up, the emergency stop, who did what."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame
from dashboard.app_pages import system_hooks, system_keys, system_machines, system_rows
from dashboard.confirming import ASKED
from dashboard.frame import Page
from dashboard.reads.system import Moving, System, check_end, check_stop, moving, system
from dashboard.widgets import draw
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from gate import switches
from gate.events import LimitWanted, RuleRead, SwitchWanted
from gate.switches import Stop
from gate.units import Rating
from insights import transparency
from studio import storing
from tenants.roles import Right

SENDING = "sending"


def show(page: Page) -> None:
    """Draw the page."""
    st.title(page.word("dashboard.page.system"))
    if ASKED in st.query_params:
        del st.query_params[ASKED]
        st.success(page.word("system.reopening"))
    found = page.read(lambda scope: system(scope, page.who.member))
    _queues(page, found.moving)
    _stops(page, found)
    _rules(page, found)
    _limits(page, found)
    system_rows.show(page, found)
    st.subheader(page.word("system.eyes"))
    draw("system_eyes.html", eyes=found.eyes, now=found.now, voice=page.voice, word=page.word)
    _storage(page, found.kept)
    _dead(page, found)
    if not found.others:
        st.subheader(page.word("system.acts"))
        draw("system_acts.html", found=found, voice=page.voice, word=page.word)
    system_keys.show(page)
    system_machines.show(page)
    system_hooks.show(page)
    _months(page, found)


def _storage(page: Page, kept: int) -> None:
    """What the library holds, and what it may."""
    st.subheader(page.word("system.storage"))
    allowed, used = files.store().allowed, storing.mib(kept)
    if allowed is None:
        st.write(page.word("system.storage_used", used=used))
    else:
        st.write(page.word("system.storage_of", used=used, allowed=storing.mib(allowed)))
        st.progress(min(1.0, kept / allowed))


def _months(page: Page, found: System) -> None:
    """A month of the safety check in numbers, to take away."""
    st.subheader(page.word("transparency.month"))
    st.write(page.word("transparency.month_explained"))
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    month = left.selectbox(page.word("transparency.which"), found.months, format_func=page.voice.month, key="month")

    def made(form: str) -> bytes:
        whole = page.read(lambda scope: transparency.report(scope, month))
        text = transparency.table(whole) if form == "csv" else transparency.html(whole, page.voice.language)
        return text.encode()

    for column, form, mime in ((middle, "html", "text/html"), (right, "csv", "text/csv")):
        column.download_button(
            page.word(f"insights.take_{form}"),
            data=partial(made, form),
            file_name=f"safety-{month:%Y-%m}.{form}",
            mime=mime,
            on_click="ignore",
            key=f"take:{form}",
        )


@st.fragment(run_every="5s")
def _queues(drawn: Page, found: Moving) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    now = found if page is drawn else page.read(moving)  # with the whole page it was read a moment ago
    draw("system_queues.html", found=now, voice=page.voice, word=page.word)


def _stops(page: Page, found: System) -> None:
    st.subheader(page.word("system.stop"))
    known = _stoppable(page, found)
    for stop in found.above:
        with st.container(border=True):
            whom = page.word("system.whole_installation")
            draw("system_stop.html", stop=stop, whom=whom, found=found, voice=page.voice, word=page.word)
    for number, stop in enumerate(found.stops):
        with st.container(border=True):
            whom = known.get((stop.where, stop.target), stop.target)
            draw("system_stop.html", stop=stop, whom=whom, found=found, voice=page.voice, word=page.word)
            _reopening(page, stop, number, found)
    with st.container(border=True):
        st.write(page.word("system.stop_explained"))
        left, right = st.columns(2)
        chosen = left.selectbox(page.word("system.whom"), list(known), format_func=known.__getitem__, key="whom")
        right.text_input(page.word("system.why"), key="why", max_chars=200)
        if found.others:
            st.write(page.word("system.stop_others"))
        acting.button(
            page,
            "system.stop_now",
            _stop_now,
            right=Right.STOP,
            key="stop",
            kind="primary",
            icon=":material/front_hand:",
            params={"whom": known[chosen]},
        )


def _reopening(page: Page, stop: Stop, number: int, found: System) -> None:
    """What ends a stop, or who can where it keeps back others' work too."""
    wide = stop.where in switches.WIDE
    if wide and found.others:
        st.write(page.word(switches.NOT_THEIRS))
        return
    box = f"why:{number}"
    st.text_input(page.word("system.why_reopen"), key=box, max_chars=200)
    act = partial(_switch, stop, box, close=False)
    acting.button(page, "system.reopen", act, right=Right.REOPEN, key=f"reopen:{number}")
    if wide and page.who.member.id in found.keyed:
        draw("system_key.html", stop=stop, word=page.word)


def _stoppable(page: Page, found: System) -> dict[tuple[str, str], str]:
    """What can be stopped, each as a switch knows it and as people call it: the agency, a creator, a platform, an
    account. The agency comes last for who works for some creators alone."""
    word = page.word
    names = {("tenant", ""): word("system.whole_agency")}
    names |= {("creator", str(one.id)): one.name for one in found.creators}
    platforms = {one.platform: word(f"platform.{one.platform}") for one in found.accounts}
    names |= {("platform", name): word("system.all_of", platform=said) for name, said in platforms.items()}
    whose = {one.id: one.name for one in found.creators}
    names |= {
        ("channel", str(one.id)): word(
            "system.one_of", account=one.name, platform=platforms[one.platform], creator=whose.get(one.creator_id, "?")
        )
        for one in found.accounts
    }
    if found.others:
        names[("tenant", "")] = names.pop(("tenant", ""))
    return names


def _rules(page: Page, found: System) -> None:
    """Rules that grow old: an owner says that one was read again and is unchanged, a second member says it too."""
    if not found.rules:
        return
    st.subheader(page.word("system.rules"))
    st.write(page.word("system.rules_explained"))
    for due in found.rules:
        with st.container(border=True):
            draw("system_rule.html", due=due, found=found, voice=page.voice, word=page.word)
            if due.urls:
                own = due.waiting is None or due.waiting.by == page.who.member.principal_id
                code, right = ("system.rule_read", Right.RULES) if own else ("system.rule_read_too", Right.REVIEW)
                url = due.urls[0] if due.waiting is None else due.waiting.url
                st.link_button(page.word("system.rule_open"), url)
                acting.button(page, code, partial(_read, due.name, url), right=right, key=f"rule:{due.name}")


def _read(name: str, url: str, scope: Scope, press_id: UUID) -> Message:
    today = scope.now.date().isoformat()
    wanted = RuleRead(scope.tenant_id, press_id, rule=name, url=url, read_on=today, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"rule:{press_id}")
    return Message("system.rule_noted")


def _limits(page: Page, found: System) -> None:
    """Places the agency keeps tighter than their rules: one person is enough, ending it takes two."""
    if not found.places:
        return
    st.subheader(page.word("system.limits"))
    for number, kept in enumerate(found.limits):
        with st.container(border=True):
            draw(
                "system_limit.html",
                kept=kept,
                place=_place(page, found, kept.place),
                found=found,
                voice=page.voice,
                word=page.word,
            )
            act = partial(_limit, kept.place, kept.rating, kept.verdict, end=True)
            acting.button(page, "system.limit_end", act, right=Right.REOPEN, key=f"limit:{number}")
    with st.container(border=True):
        st.write(page.word("system.limits_explained"))
        offered = {
            "place": {one: _place(page, found, one) for one in found.places},
            "from": {str(one): page.word(f"rating.{one}") for one in Rating if one is not Rating.X},
            "what": {one: page.word(f"system.limit_{one}") for one in "HB"},
        }
        for column, (name, said) in zip(st.columns([2, 1, 1]), offered.items(), strict=True):
            label = page.word(f"system.limit_{name}")
            column.selectbox(label, list(said), format_func=said.__getitem__, key=f"l.{name}")
        st.text_input(page.word("system.why"), key="l.why", max_chars=200)
        acting.button(page, "system.limit_keep", _keep, right=Right.RUN, key="limit")


def _place(page: Page, found: System, name: str) -> str:
    """A place in words; where it borrows from others, in theirs and the platform's: as where a post is written."""
    rules = found.places.get(name, [name])
    said = ", ".join(page.word(f"place.{rule}") for rule in rules)
    return (
        said
        if rules == [name]
        else page.word("system.place_by", place=said, by=page.word(f"platform.{name.partition('.')[0]}"))
    )


def _keep(scope: Scope, press_id: UUID) -> Message:
    place, rating, verdict = (str(acting.typed(key)) for key in ("l.place", "l.from", "l.what"))
    return _limit(place, rating, verdict, scope, press_id, end=False)


def _limit(place: str, rating: str, verdict: str, scope: Scope, press_id: UUID, *, end: bool) -> Message:
    why = "" if end else str(acting.typed("l.why") or "").strip()
    wanted = LimitWanted(
        scope.tenant_id, press_id, place=place, rating=rating, verdict=verdict, why=why, end=end, by=scope.actor
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"limit:{press_id}")
    return Message("system.limit_ending" if end else "system.limit_keeping")


def _dead(page: Page, found: System) -> None:
    st.subheader(page.word("system.dead"))
    if not found.dead:
        st.write(page.word("system.nothing_dead"))
    for event in found.dead:
        with st.container(border=True):
            draw("system_dead.html", event=event, voice=page.voice, word=page.word, now=found.now)
            left, right = st.columns(2)
            with left:
                acting.button(page, "system.resend", partial(_resend, event.id), right=Right.RUN, key=f"do:{event.id}")
            with right:
                acting.button(page, "system.drop", partial(_drop, event.id), right=Right.RUN, key=f"drop:{event.id}")


def _resend(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.resend(scope, event_id)
    return Message("system.resent")


def _drop(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.drop(scope, event_id)
    return Message("system.dropped")


def _stop_now(scope: Scope, press_id: UUID) -> Message:
    where, target = acting.typed("whom")
    check_stop(scope, where, target)
    stop = Stop(where, target, SENDING, scope.now, "", "")
    return _switch(stop, "why", scope, press_id, close=True)


def _switch(stop: Stop, box: str, scope: Scope, press_id: UUID, *, close: bool) -> Message:
    """Pages hold no right to the safety check's tables: an urgent task does it, within a second."""
    reason = str(acting.typed(box) or "").strip()
    if not close and not reason:
        raise BadInput("switch.no_reason")
    if not close:
        check_end(scope, (stop.where, stop.target, stop.feature))
    wanted = SwitchWanted(
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
