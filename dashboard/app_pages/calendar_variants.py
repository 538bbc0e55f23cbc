"""Two versions of what a series says, against each other: what runs, what came of it, beginning and ending one."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_filters
from dashboard.frame import Page
from dashboard.reads.variants import Compared, Offered, Shown, compared
from dashboard.reads.when import day_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from insights import experiments
from insights.collecting import METRICS
from schedules import drafting, series, variants
from schedules.assigning import A, B
from schedules.variants import LEAST, MOST, Wanted
from tenants.roles import Right

SERIES = "variants:series"
BODY, PICTURE, DAY, METRIC, AGE, SIZE = (
    f"variants:{name}" for name in ("body", "picture", "day", "metric", "age", "size")
)
SAME, NONE = "same", "none"
USUAL = 60
"""Posts of a test where nobody says."""


def show(page: Page, asked: str) -> None:
    """Draw the tests of the creator in the address, or of the first one. Raises NotFound for one who is not theirs."""
    calendar_filters.way_back(page)
    draw("variants_head.html", word=page.word)
    creator = calendar_filters.one_creator(page, "compare", asked)
    if creator is None:
        return
    found = page.read(lambda scope: compared(scope, creator))
    acting.say_told(page, "variants")
    for one in found.tests:
        _test(page, one)
    _begin(page, found)


def _test(page: Page, one: Shown) -> None:
    """One test: both versions, what may be said of it, and its end."""
    test = one.test
    with st.container(border=True, key=f"variants:{test.id}"):
        draw("variants_test.html", one=one, test=test, voice=page.voice, word=page.word)
        if test.ended_at is not None or not page.may(Right.RUN):
            return
        with st.popover(page.word("variants.end")):
            draw("calendar_note.html", note=page.word("variants.end_why"))
            with st.container(horizontal=True, gap="small"):
                for keep in (A, B):
                    act = partial(_end, page, test.id, keep)
                    key = f"variants:end:{test.id}:{keep}"
                    acting.button(page, f"variants.keep_{keep}", act, right=Right.RUN, key=key)


def _end(page: Page, test_id: UUID, keep: str, scope: Scope, _: UUID) -> Message:
    test = variants.test(scope, test_id)
    page.my(scope, test.creator_id)
    variants.end(scope, test_id, keep=keep, author=page.who.actor)
    free = drafting.is_free(scope, test.b_id if keep == B else test.a_id)
    code = "variants.ended_stopped" if test.stopped else "variants.ended" if free else "variants.ended_waits"
    return Message(code, {"version": keep.upper()})


def _begin(page: Page, found: Compared) -> None:
    """A test to be made: of what, what is changed, and how it is measured."""
    offered = {str(one.series_id): one for one in found.offered}
    if not offered:
        draw("calendar_note.html", note=page.word("variants.nothing_repeats"))
        return
    with st.expander(page.word("variants.begin"), expanded=not found.tests):
        chosen = st.selectbox(
            page.word("variants.of"), list(offered), format_func=lambda key: _short(offered[key]), key=SERIES
        )
        one = offered[chosen]
        with st.form(f"variants:begin:{chosen}", border=False):
            draw("calendar_note.html", note=page.word("variants.one_thing"))
            st.text_area(page.word("variants.body"), one.said.body, key=f"{BODY}:{chosen}", height=120)
            _picture(page, found, f"{PICTURE}:{chosen}")
            _measure(page, one, chosen)
            act = partial(_begun, page, one)
            acting.submit(page, "variants.begin_sure", act, right=Right.RUN, key=f"variants:begin:go:{chosen}")


def _short(one: Offered) -> str:
    return f"{one.account} – {' '.join((one.said.title or one.said.body).split())[:70] or '…'}"


def _picture(page: Page, found: Compared, key: str) -> None:
    names = {str(tile.asset_id): tile.alt for tile in found.tiles}

    def said(choice: str) -> str:
        return page.word(f"variants.picture_{choice}") if choice in (SAME, NONE) else names[choice] or "…"

    st.selectbox(page.word("variants.picture"), [SAME, NONE, *names], format_func=said, key=key)


def _measure(page: Page, one: Offered, chosen: str) -> None:
    """From when on, what is counted, when, and of how many posts."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = [f"{day:%d/%m/%Y}" for day in one.dates]
        st.selectbox(page.word("variants.day"), days, key=f"{DAY}:{chosen}", width=180)
        st.selectbox(
            page.word("variants.metric"),
            METRICS,
            format_func=lambda name: page.word(f"variants.metric.{name}"),
            key=f"{METRIC}:{chosen}",
            width=180,
        )
        st.selectbox(
            page.word("variants.age"),
            experiments.AGES,
            format_func=lambda hours: page.word(f"variants.age.{hours}"),
            key=f"{AGE}:{chosen}",
            width=180,
        )
        st.number_input(page.word("variants.size"), LEAST, MOST, USUAL, key=f"{SIZE}:{chosen}", width=180)


def _begun(page: Page, one: Offered, scope: Scope, press_id: UUID) -> Message:
    page.my(scope, series.series(scope, one.series_id).creator_id)

    def typed(name: str) -> str:
        return str(acting.typed(f"{name}:{one.series_id}") or "").strip()

    picture, body = typed(PICTURE), typed(BODY)
    wanted = Wanted(
        day_of(typed(DAY)),
        typed(METRIC),
        int(typed(AGE) or 0),
        int(typed(SIZE) or 0),
        body=None if body == one.said.body.strip() else body,
        media=None if picture in (SAME, "") else () if picture == NONE else (UUID(picture),),
    )
    test_id = experiments.begin(scope, one.series_id, wanted, key=press_id, author=page.who.actor)
    free = drafting.is_free(scope, variants.test(scope, test_id).b_id)
    return Message("variants.begun_free" if free else "variants.begun")
