"""Team: who works here, what they may see, on which screens; bring in, change, let go."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, session
from dashboard.acting import typed
from dashboard.app_pages import team_cards
from dashboard.frame import Page
from dashboard.reads.team import Colleague, Team, team
from dashboard.widgets import draw
from dashboard.wording import browser_of
from foundation import settings
from foundation.database import Scope
from foundation.words import LANGUAGES, Message
from gate import mine
from gate.mine import Named
from gate.needed import State
from tenants import factors, login, staffing
from tenants.reads import Member
from tenants.roles import Right, Role, may

ROLES = tuple(Role)


def show(page: Page) -> None:
    """Draw the page."""
    found = page.read(team)
    st.title(page.word("dashboard.page.team"))
    for colleague in found.colleagues:
        _colleague(page, found, colleague)
    _newcomer(page, found)
    draw("team_needed.html", found=found, states=tuple(State), word=page.word)
    if found.shown:
        _shown(page, found)
        team_cards.show(page, found)
    draw("team_foot.html", word=page.word, clock=page.voice.clock(found.now))


def _colleague(page: Page, found: Team, colleague: Colleague) -> None:
    member = colleague.member
    with st.container(border=True):
        draw(
            "team_member.html",
            colleague=colleague,
            works_for=_works_for(page, found, member),
            voice=page.voice,
            word=page.word,
            now=found.now,
            browser_of=browser_of,
        )
        with st.container(horizontal=True, gap="small"):
            with st.popover(page.word("team.change")):
                _change(page, found, colleague)
            acting.button(page, "team.link", partial(_link, member.id), right=Right.STAFF, key=f"link:{member.id}")
            acting.button(
                page,
                "team.sign_out",
                partial(_sign_out, member.id),
                right=Right.STAFF,
                key=f"out:{member.id}",
                disabled=not colleague.seats,
            )
            if member.role is Role.GUEST:
                forget = partial(_forget_factor, member)
                acting.button(page, "team.forget_factor", forget, right=Right.STAFF, key=f"factor:{member.id}")


def _works_for(page: Page, found: Team, member: Member) -> str:
    """The creators by name; all of them where none is chosen, but for who only reviews, and sees what was given."""
    if member.creators:
        return ", ".join(one.name for one in found.creators if one.slug in member.creators)
    works = any(may(member.role, right) for right in Right if right is not Right.REVIEW)
    return page.word("team.all_creators" if works else "team.none_given")


def _change(page: Page, found: Team, colleague: Colleague) -> None:
    member = colleague.member
    st.selectbox(
        page.word("team.role"),
        ROLES,
        index=ROLES.index(member.role),
        format_func=lambda one: page.word(f"role.{one}"),
        key=f"role:{member.id}",
    )
    _creators(page, found, f"creators:{member.id}", member.creators)
    acting.button(
        page,
        "team.keep",
        partial(_keep, member.id),
        right=Right.STAFF,
        key=f"keep:{member.id}",
        kind="primary",
    )
    sure = st.checkbox(page.word("team.sure", name=member.name), key=f"sure:{member.id}")
    acting.button(
        page,
        "team.let_go",
        partial(_let_go, member.id),
        right=Right.STAFF,
        key=f"go:{member.id}",
        disabled=not sure,
    )


def _newcomer(page: Page, found: Team) -> None:
    with st.container(border=True):
        st.subheader(page.word("team.bring_in"))
        left, right = st.columns(2)
        left.text_input(page.word("team.name"), key="new:name", max_chars=80)
        right.text_input(page.word("team.email"), key="new:email", max_chars=254)
        left.selectbox(
            page.word("team.role"),
            ROLES[1:],
            format_func=lambda one: page.word(f"role.{one}"),
            key="new:role",
        )
        right.selectbox(
            page.word("team.language"),
            LANGUAGES,
            index=LANGUAGES.index(found.language),
            format_func=lambda one: page.word(f"team.language_{one}"),
            key="new:language",
        )
        _creators(page, found, "new:creators", ())
        act = partial(_bring_in, found.zone)
        acting.button(page, "team.bring_in_now", act, right=Right.STAFF, key="bring", kind="primary")


def _shown(page: Page, found: Team) -> None:
    """Real people who are shown: each may have a page of their own, under a link."""
    with st.container(border=True):
        st.subheader(page.word("team.shown"))
        st.write(page.word("team.shown_how"))
        for one in found.shown:
            left, right = st.columns([3, 2], vertical_alignment="center")
            since = page.voice.moment(one.linked_at, found.now) if one.linked_at is not None else ""
            told = page.word("team.shown_since", name=one.name, at=since) if since else one.name
            left.write(told)
            with right:
                act = partial(_own_link, one)
                acting.button(page, "team.shown_link", act, right=Right.STAFF, key=f"shown:{one.person_id}")


def _own_link(one: Named, scope: Scope, _: UUID) -> Message:
    base = settings.load().web.public_url.rstrip("/")
    return Message(
        "team.shown_made", {"name": one.name, "link": f"{base}{mine.PATH}{mine.make_link(scope, one.person_id)}"}
    )


def _creators(page: Page, found: Team, key: str, chosen: tuple[str, ...]) -> None:
    names = {one.slug: one.name for one in found.creators}
    st.multiselect(
        page.word("team.creators"),
        list(names),
        default=[slug for slug in chosen if slug in names],
        format_func=lambda slug: names[slug],
        placeholder=page.word("team.all_creators"),
        key=key,
    )


def _told(secret: str, name: str) -> Message:
    return Message("team.link_made", {"name": name, "link": f"{session.house().public_url}/auth/link/{secret}"})


def _bring_in(zone: str, scope: Scope, _: UUID) -> Message:
    name = str(typed("new:name") or "")
    secret = staffing.bring_in(
        scope,
        name=name,
        email=str(typed("new:email") or ""),
        role=typed("new:role"),
        language=typed("new:language"),
        zone=zone,
        creators=typed("new:creators"),
    )
    return _told(secret, name.strip())


def _link(member_id: UUID, scope: Scope, _: UUID) -> Message:
    name = next(one.member.name for one in team(scope).colleagues if one.member.id == member_id)
    return _told(login.invite(scope, member_id), name)


def _sign_out(member_id: UUID, scope: Scope, _: UUID) -> Message:
    return Message("team.signed_out", {"count": login.revoke(scope, member_id)})


def _forget_factor(member: Member, scope: Scope, _: UUID) -> Message:
    factors.forget(scope, member.id)
    return Message("team.factor_forgotten", {"name": member.name})


def _keep(member_id: UUID, scope: Scope, _: UUID) -> Message:
    staffing.change(scope, member_id, role=typed(f"role:{member_id}"), creators=typed(f"creators:{member_id}"))
    return Message("team.kept")


def _let_go(member_id: UUID, scope: Scope, _: UUID) -> Message:
    staffing.let_go(scope, member_id)
    return Message("team.gone")
