"""Posts that want a yes: what each account would show, the safety check's word, and one key for each answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame
from dashboard.app_pages import approvals_link, film, post_talk
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals, Content, Shot, content
from dashboard.reads.talk import Talk, talk
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from schedules import approvals, drafting, reviewing
from schedules.clients import Link
from schedules.reviewing import Asked
from schedules.standing import stands
from studio import judging
from studio import reads as studio_reads
from tenants.reads import Creator, Member
from tenants.roles import Right, may

AT, MODE, UNDO, CLEAR = "approvals:at", "approvals:mode", "approvals:undo", "clear:"
SECONDS = timedelta(seconds=10)
VERDICTS = {"change": "change", "reject": "no"}


def show(page: Page, found: Approvals) -> None:
    """Draw one post, and the others that wait by name."""
    if not found.posts:
        draw("approvals_note.html", note=page.word("approvals.no_posts"))
        return
    order = [str(one.post_id) for one in found.posts]
    first = next((at for at, one in enumerate(found.posts) if one.open_to(page.who.member.principal_id)), 0)
    at = order.index(st.session_state[AT]) if st.session_state.get(AT) in order else first
    asked = found.posts[at]
    creator = found.creators[asked.creator_id]
    shown, said, link = page.read(lambda scope: _read(scope, asked, creator, page.who.member))
    _steps(page, order, at)
    head(page, found, asked, shown)
    _answers(page, asked, shown, free=creator.approval_tiers == 0)
    approvals_link.show(page, asked, link)
    previews(page, asked, shown)
    post_talk.show_read(page, said)
    draw("approvals_list.html", found=found, now=asked.post_id, voice=page.voice, word=page.word)


def head(page: Page, found: Approvals, asked: Asked, shown: Content) -> None:
    """Whose post it is, when it leaves, who said yes, until when, and what it shows."""
    known = {"creator": found.creators[asked.creator_id], "ends": found.now + approvals.LIFE}
    draw("approvals_post.html", asked=asked, shown=shown, found=found, voice=page.voice, word=page.word, **known)


def _read(
    scope: Scope, asked: Asked, creator: Creator, member: Member
) -> tuple[Content, Talk, tuple[Link | None, datetime] | None]:
    shown = content(scope, asked, creator, member)
    return shown, talk(scope, asked.post_id, member), approvals_link.latest(scope, asked, creator)


def _steps(page: Page, order: list[str], at: int) -> None:
    if len(order) < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("approvals.before", "K", at - 1), ("approvals.after", "J", at + 1)):
            there = order[to % len(order)]
            st.button(page.word(code), key=code, shortcut=key, on_click=_go, args=(there,))
        draw("approvals_note.html", note=page.word("approvals.place", at=at + 1, total=len(order)))


def _go(post_id: str) -> None:
    st.session_state.update({AT: post_id, MODE: ""})


def _answers(page: Page, asked: Asked, shown: Content, *, free: bool) -> None:
    """Approve, ask for a change, turn down; the last two with a reason. `free`: here nobody's yes is asked for."""
    if shown.own and free:
        draw("approvals_free.html", post_id=asked.post_id, word=page.word)
    elif shown.own:
        draw("approvals_note.html", note=page.word("approvals.own"))
    elif shown.agreed:
        draw("approvals_note.html", note=page.word("approvals.agreed"))
    if shown.unseen and not shown.agreed:
        draw("approvals_note.html", note=page.word("approvals.look_first"))
    mode = st.session_state.get(MODE, "")
    with st.container(horizontal=True, gap="small"):
        acting.button(
            page,
            "approvals.approve",
            partial(_approve, page, asked, shown.tier),
            right=Right.APPROVE,
            key=f"approve:{asked.post_id}",
            kind="primary",
            disabled=shown.own or shown.agreed or bool(shown.unseen),
            shortcut="A",
            icon=":material/check:",
        )
        for code, key, icon in (("change", "E", ":material/edit_note:"), ("reject", "X", ":material/close:")):
            st.button(
                page.word(f"approvals.{code}"),
                key=f"{code}:{asked.post_id}",
                shortcut=key,
                icon=icon,
                on_click=_mode,
                args=("" if mode == code else code,),
            )
    if mode in VERDICTS:
        _reason(page, asked, mode)


def _mode(mode: str) -> None:
    st.session_state[MODE] = mode


def _reason(page: Page, asked: Asked, mode: str) -> None:
    with st.container(border=True):
        st.radio(
            page.word(f"approvals.why_{mode}"),
            approvals.WHY[VERDICTS[mode]],
            format_func=lambda one: page.word(f"approvals.because.{one}"),
            key=f"why:{mode}",
        )
        st.text_input(page.word("approvals.note"), key=f"note:{asked.post_id}", max_chars=400)
        act = partial(_refuse, page, asked.post_id, mode)
        acting.button(
            page, f"approvals.{mode}_now", act, right=Right.APPROVE, key=f"{mode}_now:{asked.post_id}", kind="primary"
        )


def waiting(page: Page, scope: Scope) -> dict[UUID, Asked]:
    """The posts of this member's creators that wait now, by id."""
    return {one.post_id: one for one in reviewing.asked(scope, [one.id for one in page.mine(scope)])}


def _mine(page: Page, scope: Scope, post_id: UUID) -> Asked:
    """The post, if it waits and is of one of this member's creators. Raises NotFound."""
    found = waiting(page, scope).get(post_id)
    if found is None:
        raise NotFound("approvals.settled_meanwhile")
    return found


def _approve(page: Page, read: Asked, tier: int, scope: Scope, _: UUID) -> Message:
    agree(page, scope, _mine(page, scope, read.post_id), tier, digest=read.digest)
    remember([read.post_id], scope.now)
    return Message("approvals.approved")


def agree(page: Page, scope: Scope, asked: Asked, tier: int, *, digest: str) -> None:
    """This member's yes to a post as they read it (`digest`); once nobody else is asked, it is on the calendar.

    Raises Refused where a picture was not looked at, and whatever `approvals.approve` raises.
    """
    post_id, member = asked.post_id, page.who.member
    ratings = {one: studio_reads.shown(scope, one).standing.rating for one in asked.assets}
    covered = [one for one, rating in ratings.items() if files.covered(rating)]
    if not files.seen(scope, covered) >= set(covered):
        raise Refused("approvals.look_first")
    approvals.approve(scope, post_id, member_id=member.id, tier=tier, digest=digest)
    if may(member.role, Right.REVIEW):  # one look, both words: the business's and the safety check's
        for asset_id in covered:
            if ratings[asset_id] is not None:
                judging.look(scope, asset_id)
    drafting.settle(scope, post_id)


def _refuse(page: Page, post_id: UUID, mode: str, scope: Scope, _: UUID) -> Message:
    asked, member = _mine(page, scope, post_id), page.who.member
    refuse = approvals.ask_change if mode == "change" else approvals.turn_down
    why, note = str(acting.typed(f"why:{mode}")), str(acting.typed(f"note:{asked.post_id}") or "")
    refuse(scope, post_id, member_id=member.id, why=why, note=note)
    st.session_state[MODE] = ""
    if mode == "reject":
        return Message("approvals.rejected")
    remember([post_id], scope.now)
    return Message("approvals.change_asked")


def remember(posts: Sequence[UUID], now: datetime) -> None:
    """What was said of these can be taken back for ten seconds."""
    st.session_state[UNDO] = " ".join([*map(str, posts), now.isoformat()])


def undo(page: Page) -> None:
    """For ten seconds after a yes, or a wish for a change: the way back. Its place stays, as that of what is told."""
    with st.container():
        if st.session_state.get(UNDO):
            st.fragment(_undo, run_every="2s")(page)


def _undo(drawn: Page) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    *posts, at = str(st.session_state.get(UNDO) or "").split(" ")
    if not posts:
        st.rerun()  # it was taken back: the post waits again
    left = datetime.fromisoformat(at) + SECONDS - page.read(lambda scope: scope.now)
    if left <= timedelta(0):
        st.session_state[UNDO] = ""
        st.rerun()
    act = partial(_withdraw, page, [UUID(one) for one in posts])
    acting.button(
        page, "approvals.undo", act, right=Right.APPROVE, key=f"undo:{posts[0]}", shortcut="U", icon=":material/undo:"
    )


def _withdraw(page: Page, posts: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    st.session_state[UNDO] = ""
    for post_id in posts:
        approvals.withdraw(scope, post_id, member_id=page.who.member.id)
    return Message("approvals.undone")


def previews(page: Page, asked: Asked, shown: Content) -> None:
    """A post as each account would show it."""
    if shown.unseen:
        acting.button(
            page,
            "approvals.reveal",
            partial(reveal, page, shown.unseen),
            right=Right.APPROVE,
            key=f"reveal:{asked.post_id}",
            shortcut="P",
            icon=":material/visibility:",
        )
    seen = {shot.asset_id: (src(shot.asset_id), shot.alt) for shot in shown.shots}
    films(page, shown.shots)
    wishes = {wish.channel_id: wish for wish in asked.wishes}
    with st.container(horizontal=True, gap="small"):
        for one in shown.previews:
            with st.container(width=380):
                draw(
                    "approvals_preview.html",
                    one=one,
                    wish=wishes[one.channel_id],
                    stands=stands(one, seen),
                    voice=page.voice,
                    word=page.word,
                )


def films(page: Page, shots: Sequence[Shot]) -> None:
    """The films and sounds among the pictures of something, with what has to be looked at of them."""
    for shot in shots:
        clear = st.session_state.get(f"{CLEAR}{shot.asset_id}")
        film.show(page, shot.reel, clear=clear, covered=shot.covered, seen=shot.seen)


def src(asset_id: UUID) -> str:
    """The address of a picture: clear where this member pressed to see it."""
    seen = st.session_state.get(f"{CLEAR}{asset_id}")
    return files.src(asset_id, "preview", clear=UUID(seen) if seen else None)


def reveal(page: Page, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> None:
    """Let this member see these pictures for five minutes; that they looked is written down, and counts as a look."""
    for asset_id in assets:
        st.session_state[f"{CLEAR}{asset_id}"] = str(files.reveal(scope, page.who.member, asset_id))
