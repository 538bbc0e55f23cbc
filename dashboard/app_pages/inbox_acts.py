"""What presses in Messages do, each in a transaction of its own; whose conversation it is, is asked there again.

What a press leaves in the session is which panel is open and which box is to be emptied: choices, no rows.
"""

from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.inbox import Opened, platform, whose
from foundation.database import Scope
from foundation.words import Message
from subscribers import answering, composing, drafts, proofs, public_desk, suggesting, talks
from subscribers import notes as fan_notes
from subscribers.answering import Why
from subscribers.inbox import Unsent
from subscribers.offers import Candidate
from subscribers.subscribing import Plan
from tenants.roles import Right

OFFERING, EDITING, REJECTING, SNOOZING, NOTING, STOPPING, CONFIRMING, ABOUT, SAVED = (
    f"inbox:{what}"
    for what in ("offering", "editing", "rejecting", "snoozing", "noting", "stopping", "confirming", "about", "saved")
)
"""Which conversation, or message, one of these panels is open for."""

SNOOZES = ("hour", "evening", "morning")
EVENING, MORNING = time(20), time(9)


def take(page: Page, talk: UUID, scope: Scope, _press: UUID) -> None:
    """The member answers from now on."""
    whose(scope, page, talk)
    answering.take(scope, talk, page.who.member.id)


def hand_back(page: Page, talk: UUID, scope: Scope, _press: UUID) -> Message:
    """The bot answers again."""
    whose(scope, page, talk)
    answering.hand_back(scope, talk, page.who.member.id)
    return Message("inbox.handed_back")


def keep(page: Page, talk: UUID, box: str, scope: Scope, _press: UUID) -> None:
    """Keep what stands in the box."""
    whose(scope, page, talk)
    composing.keep(scope, talks.read(scope, talk), page.who.member.id, str(acting.typed(box) or ""))


def say(page: Page, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Send what stands in the box; it is emptied once it is kept as a message."""
    whose(scope, page, talk)
    there = platform(scope, talk)
    answering.say(scope, talk, page.who.member.id, str(acting.typed(box) or ""), key=press, there=there)
    st.session_state[f"{box}:sent"] = True


def offer_locked(page: Page, talk: UUID, candidate: Candidate, scope: Scope, press: UUID) -> Message:
    """Put a pack of the closed list before the fan, behind its price."""
    return offer(page, talk, candidate, scope, press, lock=True)


def offer(page: Page, talk: UUID, candidate: Candidate, scope: Scope, press: UUID, *, lock: bool = False) -> Message:
    """Show the fan a pack of the closed list."""
    whose(scope, page, talk)
    words = candidate.description
    answering.offer(scope, talk, page.who.member.id, candidate.pack_id, text=words, key=press, lock=lock)
    st.session_state[OFFERING] = None
    return Message("inbox.offered", {"title": candidate.title})


def offer_plan(page: Page, talk: UUID, plan: Plan, scope: Scope, press: UUID) -> Message:
    """Show the fan a subscription."""
    whose(scope, page, talk)
    answering.offer_plan(scope, talk, page.who.member.id, plan.id, key=press)
    st.session_state[OFFERING] = None
    return Message("inbox.offered", {"title": plan.title})


def approve(page: Page, draft_id: UUID, box: str, scope: Scope, _press: UUID) -> None:
    """Send a waiting message, with the words of `box` where there is one."""
    there = platform(scope, _whose_draft(scope, page, draft_id))
    answering.approve(scope, draft_id, text=str(acting.typed(box) or "") if box else None, there=there)
    st.session_state[EDITING] = None


def reject(page: Page, draft_id: UUID, why: Why, scope: Scope, _press: UUID) -> Message:
    """Do not send a waiting message."""
    _whose_draft(scope, page, draft_id)
    answering.reject(scope, draft_id, why)
    return Message("inbox.rejected")


def settle(page: Page, draft_id: UUID, arrived: bool, scope: Scope, _press: UUID) -> Message:
    """Say whether a message in doubt arrived."""
    _whose_draft(scope, page, draft_id)
    answering.settle(scope, draft_id, arrived=arrived)
    return Message("inbox.settled")


def _whose_draft(scope: Scope, page: Page, draft_id: UUID) -> UUID:
    talk: UUID = drafts.read(scope, draft_id).conversation_id
    whose(scope, page, talk)
    return talk


def snooze(page: Page, talk: UUID, how: str, scope: Scope, _press: UUID) -> Message:
    """Set the conversation aside."""
    whose(scope, page, talk)
    until = snoozed_until(how, scope.now.astimezone(page.voice.zone))
    answering.snooze(scope, talk, until)
    st.session_state[SNOOZING] = None
    return Message("inbox.snoozed", {"until": page.voice.moment(until, scope.now)})


def snoozed_until(how: str, local: datetime) -> datetime:
    """When a conversation comes back: in an hour, this evening, or tomorrow morning on the member's clock; pure."""
    if how == "hour":
        return local + timedelta(hours=1)
    tonight = local.replace(hour=EVENING.hour, minute=0, second=0, microsecond=0)
    if how == "evening" and local < tonight:
        return tonight
    tomorrow = local + timedelta(days=1)
    return tomorrow.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)


def wake(page: Page, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Back into the list."""
    whose(scope, page, talk)
    answering.wake(scope, talk)


def note(page: Page, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Keep a note about the fan."""
    whose(scope, page, talk)
    fan_notes.add(scope, talks.read(scope, talk), page.who.member.id, str(acting.typed(box) or ""), key=press)
    st.session_state[f"{box}:sent"] = True


def stop_sales(page: Page, talk: UUID, box: str, stop: bool, scope: Scope, _press: UUID) -> Message:
    """Stop selling to this fan, or go on."""
    whose(scope, page, talk)
    answering.stop_sales(scope, talk, stop=stop, reason=str(acting.typed(box) or ""))
    st.session_state[STOPPING] = None
    return Message("inbox.sales_stopping" if stop else "inbox.sales_resuming")


def confirm_age(page: Page, talk: UUID, box: str, scope: Scope, press: UUID) -> Message:
    """Write down who outside confirmed this fan's age."""
    whose(scope, page, talk)
    custodian, why = (str(acting.typed(f"{box}:{what}") or "") for what in ("who", "why"))
    proofs.confirm(scope, talk, custodian=custodian, why=why, key=press)
    st.session_state[CONFIRMING] = None
    return Message("inbox.age_confirming")


def withdraw_proof(page: Page, talk: UUID, scope: Scope, press: UUID) -> Message:
    """Take this fan's proof of age back."""
    whose(scope, page, talk)
    proofs.withdraw(scope, talk, key=press)
    return Message("inbox.age_withdrawing")


def answer(page: Page, remark_id: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Put what stands in the box under a comment; it is emptied once it is kept as a message."""
    talk = public_desk.conversation_of(scope, remark_id)
    whose(scope, page, talk)
    can = platform(scope, talk).capabilities
    public_desk.answer(scope, remark_id, page.who.member.id, str(acting.typed(box) or ""), key=press, can=can)
    st.session_state[f"{box}:sent"] = True


def suggest(page: Page, remark_id: UUID, most: int, scope: Scope, _press: UUID) -> Message:
    """Have a model write words for an answer; they come into the box."""
    whose(scope, page, public_desk.conversation_of(scope, remark_id))
    suggesting.wanted(scope, remark_id, page.who.member.id, most=most)
    return Message("inbox.being_suggested")


def take_back(page: Page, draft_id: UUID, scope: Scope, _press: UUID) -> Message:
    """Have an answer taken away from under the comment."""
    _whose_draft(scope, page, draft_id)
    public_desk.take_back(scope, draft_id)
    st.session_state[f"{ABOUT}:sure"] = None
    return Message("inbox.being_taken_back")


def done(page: Page, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Nothing more is to be done with what was said there."""
    whose(scope, page, talk)
    public_desk.done(scope, talk)


def moderate(page: Page, remark_id: UUID, act: str, scope: Scope, _press: UUID) -> Message:
    """Have something done with a comment."""
    talk = public_desk.conversation_of(scope, remark_id)
    whose(scope, page, talk)
    public_desk.wanted(scope, remark_id, act, can=platform(scope, talk).capabilities)
    st.session_state[f"{ABOUT}:sure"] = None
    return Message("inbox.asked_platform")


def flip(slot: str, value: str) -> None:
    """Open a panel, or close it."""
    st.session_state[slot] = None if st.session_state.get(slot) == value else value


def doubt(page: Page, one: Opened, kept: Unsent) -> None:
    """A message that may have arrived: whoever looks says whether it did."""
    st.warning(page.label("inbox.doubt", fan=one.desk.fan))
    with st.container(horizontal=True, gap="small"):
        for code, arrived in (("inbox.arrived", True), ("inbox.not_arrived", False)):
            act = partial(settle, page, kept.id, arrived)
            acting.button(page, code, act, right=Right.CHAT, key=f"inbox:doubt:{kept.id}:{arrived}")


def snoozes(page: Page, one: Opened) -> None:
    """How long a conversation may be out of sight, where that was asked for."""
    talk = str(one.desk.id)
    if acting.typed(SNOOZING) == talk:
        with st.container(horizontal=True, gap="small"):
            for how in SNOOZES:
                act = partial(snooze, page, one.desk.id, how)
                acting.button(page, f"inbox.snooze.{how}", act, right=Right.CHAT, key=f"inbox:snooze:{talk}:{how}")
