"""What a member does in a conversation: take it, answer, decide on a suggestion, offer, set aside, note, stop sales.

The box one writes in stands outside of what ticks; what was written is a row of the member and the conversation.
"""

from functools import partial

import streamlit as st

from dashboard import acting
from dashboard.app_pages import inbox_acts as acts
from dashboard.app_pages import inbox_saved
from dashboard.app_pages.inbox_acts import CONFIRMING, EDITING, NOTING, OFFERING, REJECTING, SNOOZING, STOPPING, flip
from dashboard.frame import Page
from dashboard.reads.inbox import Opened
from foundation.money import Money
from subscribers import answering
from subscribers import notes as fan_notes
from subscribers.answering import WHYS
from subscribers.inbox import Unsent
from subscribers.states import DraftState, OwnerState
from tenants.roles import Right


def desk(page: Page, one: Opened) -> None:
    """Everything one can do in the conversation."""
    waiting = [kept for kept in one.desk.unsent if kept.state is DraftState.DRAFT]
    for kept in one.desk.unsent:
        if kept.state is DraftState.UNCERTAIN:
            acts.doubt(page, one, kept)
    if waiting:
        _suggestion(page, one, waiting[0])
    if one.mine:
        _composer(page, one)
    _bar(page, one)
    _panels(page, one)


def _bar(page: Page, one: Opened) -> None:
    """Who answers, and what else can be done; each with its key."""
    talk, key = one.desk.id, f"inbox:{one.desk.id}"
    with st.container(horizontal=True, gap="small"):
        if not one.mine and one.desk.owner is not OwnerState.CLOSED:
            code = "inbox.take_from" if one.desk.owner is OwnerState.HUMAN else "inbox.take"
            act = partial(acts.take, page, talk)
            acting.button(page, code, act, right=Right.CHAT, key=f"{key}:take", shortcut="H", kind="primary")
        if one.mine or one.desk.owner is OwnerState.PENDING_HUMAN:
            back = partial(acts.hand_back, page, talk)
            acting.button(page, "inbox.hand_back", back, right=Right.CHAT, key=f"{key}:back", shortcut="B")
        if one.mine:
            _toggle(page, "inbox.offer", OFFERING, str(talk), "O")
        _toggle(page, "inbox.note", NOTING, str(talk), "N")
        if one.desk.snoozed_until is not None and one.desk.snoozed_until > one.now:
            acting.button(page, "inbox.wake", partial(acts.wake, page, talk), right=Right.CHAT, key=f"{key}:wake")
        else:
            _toggle(page, "inbox.snooze", SNOOZING, str(talk), "S")
        if page.may(Right.REVIEW) and one.card.age.welcome and not one.card.age.over_18:
            _toggle(page, "inbox.confirm_age", CONFIRMING, str(talk))
        elif page.may(Right.REVIEW) and one.card.age.over_18:
            undo = partial(acts.withdraw_proof, page, talk)
            acting.button(page, "inbox.withdraw_age", undo, right=Right.REVIEW, key=f"{key}:withdraw")
        if one.card.sales_stopped:
            if page.may(Right.REOPEN):
                _toggle(page, "inbox.resume_sales", STOPPING, str(talk))
        elif page.may(Right.STOP):
            _toggle(page, "inbox.stop_sales", STOPPING, str(talk))


def _toggle(page: Page, code: str, slot: str, value: str, shortcut: str | None = None) -> None:
    st.button(page.word(code), key=f"{slot}:{value}", shortcut=shortcut, on_click=flip, args=(slot, value))


def _panels(page: Page, one: Opened) -> None:
    talk = str(one.desk.id)
    if one.mine and acting.typed(OFFERING) == talk:
        _offers(page, one)
    acts.snoozes(page, one)
    if acting.typed(STOPPING) == talk:
        _sales(page, one)
    if acting.typed(CONFIRMING) == talk and page.may(Right.REVIEW):
        _age(page, one)


def _age(page: Page, one: Opened) -> None:
    """Somebody outside has seen a document: who, and why that is written down here. The document stays with them."""
    box = f"inbox:age:{one.desk.id}"
    st.write(page.word("inbox.age_explained"))
    st.text_input(page.word("inbox.age_who"), key=f"{box}:who", max_chars=80)
    st.text_input(page.word("inbox.age_why"), key=f"{box}:why", max_chars=200)
    act = partial(acts.confirm_age, page, one.desk.id, box)
    acting.button(page, "inbox.age_write", act, right=Right.REVIEW, key=f"{box}:write", kind="primary")


def _composer(page: Page, one: Opened) -> None:
    talk = one.desk.id
    box = f"inbox:text:{talk}"
    if st.session_state.pop(f"{box}:sent", False) and not one.kept:
        st.session_state[box] = ""
    st.text_area(
        page.word("inbox.write", fan=one.desk.fan),
        inbox_saved.first(one, box),
        key=box,
        height=110,
        max_chars=answering.LONGEST,
        on_change=acting.press,
        args=(partial(acts.keep, page, talk, box), Right.CHAT, f"{box}:keep"),
    )
    for why in one.conflicts:
        st.warning(page.voice.say(why))
    act = partial(acts.say, page, talk, box)
    with st.container(horizontal=True, gap="small"):
        key = f"{box}:send"
        acting.button(page, "inbox.send", act, right=Right.CHAT, key=key, kind="primary", shortcut="Ctrl+Enter")
        inbox_saved.opener(page, one)
    inbox_saved.panel(page, one, box, most=answering.LONGEST)
    st.caption(page.word("inbox.truth"))


def _suggestion(page: Page, one: Opened, kept: Unsent) -> None:
    """A waiting message: as it is, rewritten, or not at all."""
    key = f"inbox:draft:{kept.id}"
    if acting.typed(EDITING) == str(kept.id):
        box = f"{key}:text"
        if box not in st.session_state:
            st.session_state[box] = kept.text
        st.text_area(page.word("inbox.edit"), key=box, height=110, max_chars=answering.LONGEST)
        with st.container(horizontal=True, gap="small"):
            act = partial(acts.approve, page, kept.id, box)
            acting.button(
                page,
                "inbox.send_edited",
                act,
                right=Right.CHAT,
                key=f"{key}:edited",
                kind="primary",
                shortcut=None if one.mine else "Ctrl+Enter",
            )
            _toggle(page, "inbox.cancel", EDITING, str(kept.id))
        return
    with st.container(horizontal=True, gap="small"):
        act = partial(acts.approve, page, kept.id, "")
        acting.button(page, "inbox.approve", act, right=Right.CHAT, key=f"{key}:yes", kind="primary", shortcut="A")
        _toggle(page, "inbox.edit", EDITING, str(kept.id), "E")
        _toggle(page, "inbox.reject", REJECTING, str(kept.id), "X")
    if acting.typed(REJECTING) == str(kept.id):
        with st.container(horizontal=True, gap="small"):
            for why in WHYS:
                no = partial(acts.reject, page, kept.id, why)
                acting.button(page, f"inbox.why.{why}", no, right=Right.CHAT, key=f"{key}:no:{why}")


def _offers(page: Page, one: Opened) -> None:
    if not one.offers and not one.plans:
        st.info(page.word("inbox.no_offers"))
    for candidate in one.offers:
        ways = ("inbox.offer_one", acts.offer, ""), ("inbox.offer_locked", acts.offer_locked, ":lock")
        for code, act, way in ways[: 1 + candidate.locks]:
            acting.button(
                page,
                code,
                partial(act, page, one.desk.id, candidate),
                right=Right.CHAT,
                key=f"inbox:offer:{one.desk.id}:{candidate.pack_id}{way}",
                params={"title": candidate.title, "price": page.voice.money(candidate.price)},
            )
    for plan in one.plans:
        show = partial(acts.offer_plan, page, one.desk.id, plan)
        acting.button(
            page,
            "inbox.offer_plan",
            show,
            right=Right.CHAT,
            key=f"inbox:plan:{one.desk.id}:{plan.id}",
            params={"title": plan.title, "price": page.voice.money(Money(plan.amount_minor, plan.currency))},
        )


def _sales(page: Page, one: Opened) -> None:
    box, stop = f"inbox:why:{one.desk.id}", not one.card.sales_stopped
    st.text_input(page.word("inbox.sales_why"), key=box, max_chars=200)
    act = partial(acts.stop_sales, page, one.desk.id, box, stop)
    code = "inbox.stop_sales_now" if stop else "inbox.resume_sales_now"
    acting.button(page, code, act, right=Right.STOP if stop else Right.REOPEN, key=f"{box}:{stop}", kind="primary")


def notes(page: Page, one: Opened) -> None:
    """A remark about the fan for colleagues."""
    if acting.typed(NOTING) != str(one.desk.id):
        return
    box = f"inbox:note:{one.desk.id}"
    if st.session_state.pop(f"{box}:sent", False):
        st.session_state[box] = ""
    st.text_area(page.word("inbox.note_text"), key=box, height=80, max_chars=fan_notes.LONGEST)
    act = partial(acts.note, page, one.desk.id, box)
    acting.button(page, "inbox.note_save", act, right=Right.CHAT, key=f"{box}:save", kind="primary")
