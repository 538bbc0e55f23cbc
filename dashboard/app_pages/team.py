"""Team: who works here, what they may see, on which screens; bring in, change, let go."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, session
from dashboard.acting import typed
from dashboard.app_pages import team_desk
from dashboard.frame import Page
from dashboard.reads.team import Colleague, Team, team
from dashboard.widgets import draw
from dashboard.wording import browser_of
from foundation.database import Scope
from foundation.words import LANGUAGES, Message
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
    _second_factor(page, found)
    team_desk.show(page, found)
    draw("team_needed.html", found=found, states=tuple(State), word=page.word)
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
            if may(member.role, Right.CHAT):
                code = "team.adult_chat_end" if member.adult_chat else "team.adult_chat"
                trust = partial(_trust, member)
                acting.button(page, code, trust, right=Right.STAFF, key=f"adult:{member.id}")
            if member.role is Role.GUEST or member.id in found.keyed or found.second_factor:
                forget = partial(_forget_factor, member)
                acting.button(page, "team.forget_factor", forget, right=Right.STAFF, key=f"factor:{member.id}")


def _works_for(page: Page, found: Team, member: Member) -> str:
    """The creators by name; all of them where none is chosen, but for who only reviews, and sees what was given."""
    if member.creators:
        return ", ".join(one.name for one in found.creators if one.slug in member.creators)
    return page.word(_unchosen(member.role))


def _unchosen(role: Role) -> str:
    """What it means that no creator is chosen for somebody of this role."""
    works = any(may(role, right) for right in Right if right is not Right.REVIEW)
    return "team.all_creators" if works else "team.none_given"


def _change(page: Page, found: Team, colleague: Colleague) -> None:
    member = colleague.member
    st.selectbox(
        page.word("team.role"),
        ROLES,
        index=ROLES.index(member.role),
        format_func=lambda one: page.word(f"role.{one}"),
        key=f"role:{member.id}",
    )
    _creators(page, found, f"creators:{member.id}", member.creators, typed(f"role:{member.id}") or member.role)
    acting.button(
        page,
        "team.keep",
        partial(_keep, member.id),
        right=Right.STAFF,
        key=f"keep:{member.id}",
        kind="primary",
    )
    sure = st.checkbox(page.label("team.sure", name=member.name), key=f"sure:{member.id}")
    acting.button(
        page,
        "team.let_go",
        partial(_let_go, member.id),
        right=Right.STAFF,
        key=f"go:{member.id}",
        disabled=not sure,
    )


def _second_factor(page: Page, found: Team) -> None:
    """Whether a password or a link alone opens this agency."""
    with st.container(border=True):
        st.write(page.word("team.second_on" if found.second_factor else "team.second_off"))
        code = "team.second_end" if found.second_factor else "team.second_ask"
        acting.button(page, code, partial(_ask_second, not found.second_factor), right=Right.STAFF, key="second")


def _ask_second(wanted: bool, scope: Scope, _: UUID) -> Message:
    staffing.ask_second(scope, wanted)
    return Message("team.second_told_on" if wanted else "team.second_told_off")


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
        _creators(page, found, "new:creators", (), typed("new:role") or ROLES[1])
        act = partial(_bring_in, found.zone)
        acting.button(page, "team.bring_in_now", act, right=Right.STAFF, key="bring", kind="primary")


def _creators(page: Page, found: Team, key: str, chosen: tuple[str, ...], role: Role) -> None:
    names = {one.slug: one.name for one in found.creators}
    st.multiselect(
        page.word("team.creators"),
        list(names),
        default=[slug for slug in chosen if slug in names],
        format_func=lambda slug: names[slug],
        placeholder=page.word(_unchosen(role)),
        key=key,
        select_all=False,
    )


def _told(secret: str, name: str) -> Message:
    return Message("team.link_made", {"name": name, "link": session.way_in(secret)})


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


def _trust(member: Member, scope: Scope, _: UUID) -> Message:
    staffing.trust(scope, member.id, adult_chat=not member.adult_chat)
    return Message("team.adult_chat_ended" if member.adult_chat else "team.adult_chat_given", {"name": member.name})


def _keep(member_id: UUID, scope: Scope, _: UUID) -> Message:
    staffing.change(scope, member_id, role=typed(f"role:{member_id}"), creators=typed(f"creators:{member_id}"))
    return Message("team.kept")


def _let_go(member_id: UUID, scope: Scope, _: UUID) -> Message:
    staffing.let_go(scope, member_id)
    return Message("team.gone")
