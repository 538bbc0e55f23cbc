"""People, one of them: what is proven and allowed, and what is asked or noted next."""

from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import people_code, people_invented, people_list, people_places
from dashboard.frame import Page
from dashboard.reads.people import Beside, People, beside
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from gate import mine, offers, proving
from gate.carded import ALWAYS
from gate.cardfacts import bounds
from gate.dossiers import Dossier
from gate.offers import Terms
from gate.people import LONGEST, REAL
from gate.proving import METHODS, Yes
from gate.units import Rating
from tenants.roles import Right

RATINGS = tuple(str(one) for one in Rating if one is not Rating.X)
LOOK = "2s"
"""How often an open page asks whether what was noted is written down."""

YEAR = timedelta(days=365)
DAYS = "DD/MM/YYYY"


def show(page: Page, found: People, one: Dossier, near: Beside) -> None:
    """Draw one person and what can be done. `near` was read before the person: else an open page might never learn of
    what was written down in between."""
    people_list.glance(page, found, one)
    draw("people_papers.html", one=one, near=near, **people_list.days(page))
    if near.waits:
        _watch(page, one.id)
    if one.facts.kind == "synthetic":
        people_invented.show(page, found, one)
    elif one.facts.kind == REAL:
        _real(page, found, one, near)
    else:
        st.caption(page.label("people.twin_how", name=one.twin_of))


@st.fragment(run_every=LOOK)
def _watch(drawn: Page, person_id: UUID) -> None:
    """The page is drawn anew as soon as the workers wrote down what was noted."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    if not page.read(lambda scope: beside(scope, person_id)).waits:
        st.rerun()


def _real(page: Page, found: People, one: Dossier, near: Beside) -> None:
    with st.expander(page.word("people.ask"), icon=":material/contract:", expanded=_next(one) == "ask"):
        _ask(page, found, one, near)
    with st.expander(page.word("people.prove"), icon=":material/verified_user:", expanded=_next(one) == "prove"):
        _prove(page, found, one)
    with st.container(horizontal=True, gap="small"):
        people_code.offer(page, one.id, one.name, key=f"code:{one.id}")
        sure = st.checkbox(page.label("people.end_sure", name=one.name), key=f"end:{one.id}", wrap=True)
        act = partial(_end, one)
        acting.button(page, "people.end", act, right=Right.RUN, key=f"ended:{one.id}", disabled=not sure)


def _next(one: Dossier) -> str:
    """What is to be done first."""
    if any(code.partition("_")[0] in ("depict", "publish") for code in one.adult):
        return "ask"
    return "prove" if "age" in one.adult or "age_over" in one.adult else ""


def _ask(page: Page, found: People, one: Dossier, near: Beside) -> None:
    st.caption(page.label("people.ask_how", name=one.name))
    options = [*people_places.platforms(), *near.surfaces]
    left, right = st.columns(2)
    left.multiselect(
        page.word("cards.places"),
        options,
        default=[each for each in near.platforms if each in options],
        format_func=lambda each: people_places.name(page, each),
        placeholder=page.word("cards.places_hint"),
        key=f"ask:places:{one.id}",
        select_all=False,
    )
    right.selectbox(
        page.word("cards.rating"),
        RATINGS,
        format_func=lambda each: page.word(f"rating.{each}"),
        key=f"ask:rating:{one.id}",
    )
    today = found.now.astimezone(page.voice.zone).date()
    left.date_input(page.word("people.from"), value=today, format=DAYS, key=f"ask:from:{one.id}")
    right.date_input(page.word("people.until"), value=today + YEAR, format=DAYS, key=f"ask:until:{one.id}")
    st.checkbox(page.word("cards.sell"), key=f"ask:download_sell:{one.id}")
    st.checkbox(page.word("people.likeness"), key=f"ask:ai_likeness:{one.id}")
    act = partial(_asked, one, str(page.voice.zone))
    acting.button(page, "people.ask_now", act, right=Right.RUN, key=f"ask:{one.id}", kind="primary")


def _asked(one: Dossier, zone: str, scope: Scope, _: UUID) -> Message:
    begins, _ends = bounds(_day(f"ask:from:{one.id}"), zone)
    _starts, ends = bounds(_day(f"ask:until:{one.id}"), zone)
    more = [what for what in ("download_sell", "ai_likeness") if acting.typed(f"ask:{what}:{one.id}")]
    terms = Terms(
        scopes=(*sorted(ALWAYS), *more),
        surfaces=tuple(acting.typed(f"ask:places:{one.id}") or ()),
        max_rating=Rating(acting.typed(f"ask:rating:{one.id}")),
        valid_from=begins,
        valid_until=min(ends, begins + LONGEST) if ends - begins <= LONGEST + timedelta(days=2) else ends,
    )
    offers.make(scope, one.id, terms)
    return Message("people.asked", {"name": one.name})


def _prove(page: Page, found: People, one: Dossier) -> None:
    st.caption(page.word("people.prove_how"))
    now = found.now.astimezone(page.voice.zone)
    left, right = st.columns(2)
    left.text_input(page.word("people.custodian"), key=f"prove:who:{one.id}", max_chars=proving.LONGEST_NAME)
    right.selectbox(
        page.word("people.method"),
        METHODS,
        format_func=lambda each: page.word(f"people.method.{each}"),
        key=f"prove:method:{one.id}",
    )
    left.date_input(
        page.word("people.checked_on"),
        value=now.date(),
        max_value=now.date(),
        min_value=now.date() - 20 * YEAR,
        format=DAYS,
        key=f"prove:day:{one.id}",
    )
    right.time_input(page.word("people.checked_at"), value=time(), key=f"prove:at:{one.id}")
    st.text_input(page.word("people.receipt"), key=f"prove:receipt:{one.id}", max_chars=200)
    on_day = st.checkbox(page.word("people.earlier"), key=f"prove:earlier:{one.id}")
    if on_day:
        st.date_input(
            page.word("people.of_age_on"),
            value=now.date(),
            max_value=now.date(),
            min_value=now.date() - 40 * YEAR,
            format=DAYS,
            key=f"prove:on:{one.id}",
        )
    ends = st.checkbox(page.word("people.proof_ends"), key=f"prove:ends:{one.id}")
    if ends:
        st.date_input(
            page.word("people.until"), value=now.date() + 2 * YEAR, format=DAYS, key=f"prove:until:{one.id}"
        )  # fmt: skip
    act = partial(_proved, one, str(page.voice.zone))
    acting.button(page, "people.prove_now", act, right=Right.RUN, key=f"prove:{one.id}", kind="primary")


def _proved(one: Dossier, zone: str, scope: Scope, _: UUID) -> Message:
    at = acting.typed(f"prove:at:{one.id}")
    clock = at if isinstance(at, time) else time()
    checked = datetime.combine(_day(f"prove:day:{one.id}"), clock, ZoneInfo(zone))
    earlier = acting.typed(f"prove:earlier:{one.id}")
    ends = acting.typed(f"prove:ends:{one.id}")
    said = Yes(
        custodian=str(acting.typed(f"prove:who:{one.id}") or ""),
        method=str(acting.typed(f"prove:method:{one.id}")),
        receipt=str(acting.typed(f"prove:receipt:{one.id}") or ""),
        verified_at=checked,
        valid_until=bounds(_day(f"prove:until:{one.id}"), zone)[1] if ends else None,
        on_day=bounds(_day(f"prove:on:{one.id}"), zone)[0] if earlier else None,
    )
    proving.ask(scope, one.id, said)
    return Message("people.proved", {"name": one.name})


def _end(one: Dossier, scope: Scope, _: UUID) -> Message:
    mine.ask(scope, one.id, mine.ALL)
    return Message("people.ended", {"name": one.name})


def _day(key: str) -> date:
    day = acting.typed(key)
    if not isinstance(day, date):
        raise BadInput("asking.bad_days")
    return day
