"""People, pictures: those in which one member named somebody, for another who neither named nor brought them in."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages.approvals_posts import reveal, src
from dashboard.frame import Page
from dashboard.reads.approvals import given
from dashboard.reads.people import unknown, waiting
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import bystanders, naming
from gate.bystanders import Unknown
from gate.proposing import Open
from studio import judging, kinds
from studio import reads as studio_reads
from tenants.reads import Creator
from tenants.roles import Right


def show(page: Page) -> None:
    """Draw what waits, or where to begin."""
    st.write(page.word("people.pictures_how"))
    if not draw_waiting(page, page.read(page.mine)):
        draw("people_calm.html", said=page.word("people.no_open_picture"))


def draw_waiting(page: Page, creators: Sequence[Creator]) -> bool:
    """Draw the pictures of these creators that wait; whether there are any."""
    every: list[Open | Unknown] = page.read(lambda scope: [*waiting(scope, creators), *unknown(scope, creators)])
    drawn = [every[at] for at in page.read(lambda scope: kinds.of_one(scope, [[one.asset_id] for one in every]))]
    found = [one for one in drawn if isinstance(one, Open)]
    blurred = [one for one in drawn if isinstance(one, Unknown)]
    covered = page.read(lambda scope: _covered(scope, [one.asset_id for one in drawn]))
    names = {one.id: one.name for one in creators}
    with st.container(horizontal=True, gap="small"):
        for one in found:
            with st.container(width=300, border=True, gap="small"):
                _picture(page, one, names[one.creator_id], hidden=one.asset_id in covered)
    for each in blurred:  # as wide as the page: nobody judges a face on a thumbnail
        with st.container(border=True, gap="small"):
            _blurred(page, each, names[each.creator_id], hidden=each.asset_id in covered)
    if len(every) > len(drawn):
        st.caption(page.voice.some("approvals.later", len(every) - len(drawn)))
    return bool(every)


def _covered(scope: Scope, assets: Sequence[UUID]) -> frozenset[UUID]:
    """Those that come blurred and that this member has not looked at."""
    adult = [one for one in assets if files.covered(studio_reads.shown(scope, one).standing.rating)]
    return frozenset(adult) - files.seen(scope, adult)


def _shown(page: Page, asset_id: UUID, creator: str, *, hidden: bool, mark: str) -> bool:
    """Draw a picture, or the press that shows it; whether it is seen."""
    draw("people_picture.html", src=src(asset_id), creator=creator, word=page.word)
    if hidden:
        acting.button(
            page,
            "approvals.reveal_one",
            partial(reveal, page, (asset_id,)),
            right=Right.REVIEW,
            key=f"reveal:{mark}:{asset_id}",
            icon=":material/visibility:",
        )
    return not hidden


def _blurred(page: Page, one: Unknown, creator: str, *, hidden: bool) -> None:
    if not _shown(page, one.asset_id, creator, hidden=hidden, mark="blurred"):
        return
    st.write(page.word("people.blurred_count", count=one.proposed))
    own = page.who.actor == one.proposed_by
    if own:
        st.caption(page.word("people.blurred_by_you"))
    with st.container(horizontal=True, gap="small"):
        for code, count in (("people.blurred_yes", one.proposed), ("people.blurred_no", 0)):
            acting.button(
                page,
                code,
                partial(_judged, page, one.asset_id, count),
                right=Right.REVIEW,
                key=f"{code}:{one.asset_id}",
                kind="primary" if count else "secondary",
                disabled=own,
            )


def _judged(page: Page, asset_id: UUID, count: int, scope: Scope, _: UUID) -> Message:
    _looked(page, scope, asset_id)
    bystanders.judge(scope, asset_id, count, maker=judging.makers(scope, [asset_id]).get(asset_id, ""))
    return Message("people.blurred_noted" if count else "people.blurred_refused")


def _picture(page: Page, one: Open, creator: str, *, hidden: bool) -> None:
    people = {str(person): name for person, name in one.people.items()}
    if not _shown(page, one.asset_id, creator, hidden=hidden, mark="named"):
        return
    key = f"confirm:{one.asset_id}"
    st.multiselect(
        page.word("people.who_is"),
        list(people),
        default=list(people),
        format_func=people.__getitem__,
        key=key,
        placeholder=page.word("cards.people_hint"),
        select_all=False,
    )
    own = page.who.actor in one.proposed_by
    if own:
        st.caption(page.word("people.named_by_you"))
    act = partial(confirmed, page, one.asset_id, key)
    acting.button(
        page, "cards.who_now", act, right=Right.REVIEW, key=f"confirmed:{one.asset_id}", kind="primary", disabled=own
    )  # fmt: skip


def confirmed(page: Page, asset_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    """Exactly the people chosen in `key` are in the picture, says the member who pressed."""
    _looked(page, scope, asset_id)
    people = [UUID(one) for one in acting.typed(key) or ()]
    naming.ask(scope, asset_id, people, maker=judging.makers(scope, [asset_id]).get(asset_id, ""))
    return Message("cards.who_told")


def _looked(page: Page, scope: Scope, asset_id: UUID) -> None:
    """Raise NotFound for a picture of nobody they were given, Refused for one they did not look at."""
    found = studio_reads.shown(scope, asset_id)
    mine = given(page.who.member, page.mine(scope), works=page.may(Right.RUN))
    if found.creator_id not in {one.id for one in mine}:
        raise NotFound("library.asset_unknown", destination="-")
    if files.covered(found.standing.rating) and not files.seen(scope, [asset_id]):
        raise Refused("approvals.look_first")
