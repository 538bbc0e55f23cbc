"""The Team page: members with their roles, creators and sessions, invitations and the duties."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels.manual_tasks import assignees
from dashboard.pages.approvals import policy_offer
from dashboard.pages.team.queries import TeamMember, TeamView, load_team
from dashboard.shell import actions, forms, session
from dashboard.shell.actions import typed_value
from dashboard.shell.localization import browser_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from gate.reviews.duty_coverage import DutyStatus
from tenants.agencies.queries import Member
from tenants.agencies.rights import OUTSIDE_ROLES, Right, Role, has_right
from tenants.auth import members, second_factor, sessions
from tenants.notices import mail_servers

ROLES = tuple(Role)

MEMBERS_PER_PAGE = 12


def render_page(page: PageContext) -> None:
    """Draw the page."""
    found = page.read(load_team)
    st.title(page.text("dashboard.page.team"))
    policy_offer.render_policy_offer(page)
    for colleague in _page_of(found.colleagues):
        _render_member(page, found, colleague)
    _render_invite_form(page, found)
    _render_second_factor(page, found)
    with st.expander(page.text("team.needed_title"), key="team:duties"):
        draw_template(
            "pages/team/templates/duty_coverage.html",
            found=found,
            states=tuple(DutyStatus),
            word=page.text,
        )
    draw_template(
        "pages/team/templates/footer.html",
        word=page.text,
        clock=page.localizer.format_clock(found.now),
    )


def _page_of(colleagues: Sequence[TeamMember]) -> Sequence[TeamMember]:
    """Draw the page numbers of a large team above the members of the chosen page, and return
    these members."""
    pages = -(-len(colleagues) // MEMBERS_PER_PAGE)
    if pages < 2:
        return colleagues
    start = (st.pagination(pages, key="team:page") - 1) * MEMBERS_PER_PAGE
    return colleagues[start : start + MEMBERS_PER_PAGE]


def _render_member(page: PageContext, found: TeamView, colleague: TeamMember) -> None:
    """Draw a member as one row, with all actions behind a button."""
    member = colleague.member
    with (
        st.container(border=True),
        st.container(horizontal=True, wrap=False, gap="small", vertical_alignment="center"),
    ):
        draw_template(
            "pages/team/templates/member.html",
            colleague=colleague,
            works_for=_format_member_creators(page, found, member),
            voice=page.localizer,
            word=page.text,
            now=found.now,
            browser_of=browser_label,
        )
        with st.popover(page.text("team.change")):
            _render_member_form(page, found, colleague)
            _render_member_actions(page, found, colleague)


def _render_member_actions(page: PageContext, found: TeamView, colleague: TeamMember) -> None:
    member = colleague.member
    actions.action_button(
        page,
        "team.link",
        partial(_create_sign_in_link, member.id),
        right=Right.STAFF,
        key=f"link:{member.id}",
    )
    actions.action_button(
        page,
        "team.sign_out",
        partial(_sign_out, member.id),
        right=Right.STAFF,
        key=f"out:{member.id}",
        disabled=not colleague.seats,
    )
    if colleague.has_phone:
        remove = partial(_remove_phone, member)
        actions.action_button(
            page, "team.phone_remove", remove, right=Right.STAFF, key=f"phone:{member.id}"
        )
    if has_right(member.role, Right.CHAT):
        code = "team.adult_chat_end" if member.adult_chat else "team.adult_chat"
        trust = partial(_toggle_adult_chat, member)
        actions.action_button(page, code, trust, right=Right.STAFF, key=f"adult:{member.id}")
    if member.role in OUTSIDE_ROLES or member.id in found.keyed or found.second_factor:
        forget = partial(_reset_second_factor, member)
        actions.action_button(
            page, "team.forget_factor", forget, right=Right.STAFF, key=f"factor:{member.id}"
        )


def _format_member_creators(page: PageContext, found: TeamView, member: Member) -> str:
    """Return the names of the member's creators, or the text for an empty choice."""
    if member.creators:
        return ", ".join(one.name for one in found.creators if one.slug in member.creators)
    return page.text(_empty_choice_code(member.role))


def _empty_choice_code(role: Role) -> str:
    """Return the code of the text shown when a member of this role has no creators chosen.

    For most roles this means all creators. A guest reviewer has none, and a custodian sees only the
    requests of the agency.
    """
    empty = {Role.GUEST: "team.none_given", Role.CUSTODIAN: "team.only_requests"}
    return empty.get(role, "team.all_creators")


def _render_member_form(page: PageContext, found: TeamView, colleague: TeamMember) -> None:
    member = colleague.member
    st.selectbox(
        page.text("team.role"),
        ROLES,
        index=ROLES.index(member.role),
        format_func=lambda one: page.text(f"role.{one}"),
        key=f"role:{member.id}",
    )
    _render_creator_select(
        page,
        found,
        f"creators:{member.id}",
        member.creators,
        typed_value(f"role:{member.id}") or member.role,
    )
    actions.action_button(
        page,
        "team.keep",
        partial(_change_member, member.id),
        right=Right.STAFF,
        key=f"keep:{member.id}",
        kind="primary",
    )
    sure = st.checkbox(page.markdown("team.sure", name=member.name), key=f"sure:{member.id}")
    actions.action_button(
        page,
        "team.let_go",
        partial(_remove_member, member.id),
        right=Right.STAFF,
        key=f"go:{member.id}",
        disabled=not sure,
    )


def _render_second_factor(page: PageContext, found: TeamView) -> None:
    """Draw the setting that requires two-factor authentication from every member."""
    with st.container(border=True):
        st.write(page.text("team.second_on" if found.second_factor else "team.second_off"))
        code = "team.second_end" if found.second_factor else "team.second_ask"
        actions.action_button(
            page,
            code,
            partial(_require_second_factor, not found.second_factor),
            right=Right.STAFF,
            key="second",
        )


def _require_second_factor(wanted: bool, scope: Scope, _: UUID) -> Message:
    members.require_second_factor(scope, wanted)
    return Message("team.second_told_on" if wanted else "team.second_told_off")


def _render_invite_form(page: PageContext, found: TeamView) -> None:
    with st.container(border=True), forms.open_fields(page, "team:invite"):
        st.subheader(page.text("team.bring_in"))
        left, right = st.columns(2)
        left.text_input(page.text("team.name"), key="new:name", max_chars=80)
        forms.show_field_error("name", left)
        right.text_input(page.text("team.email"), key="new:email", max_chars=254)
        forms.show_field_error("email", right)
        left, right = st.columns(2)
        left.selectbox(
            page.text("team.role"),
            ROLES[1:],
            format_func=lambda one: page.text(f"role.{one}"),
            key="new:role",
        )
        right.selectbox(
            page.text("team.language"),
            LANGUAGES,
            index=LANGUAGES.index(found.language),
            format_func=lambda one: page.text(f"team.language_{one}"),
            key="new:language",
        )
        _render_creator_select(page, found, "new:creators", (), typed_value("new:role") or ROLES[1])
        act = partial(_invite_member, found.zone)
        actions.action_button(
            page, "team.bring_in_now", act, right=Right.STAFF, key="bring", kind="primary"
        )


def _render_creator_select(
    page: PageContext, found: TeamView, key: str, chosen: tuple[str, ...], role: Role
) -> None:
    names = {one.slug: one.name for one in found.creators}
    st.multiselect(
        page.text("team.creators"),
        list(names),
        default=[slug for slug in chosen if slug in names],
        format_func=lambda slug: names[slug],
        placeholder=page.text(_empty_choice_code(role)),
        key=key,
        select_all=False,
    )


def _build_link_message(secret: str, name: str) -> Message:
    return Message("team.link_made", {"name": name, "link": session.sign_in_page_url(secret)})


def _invite_member(zone: str, scope: Scope, _: UUID) -> Message:
    name = str(typed_value("new:name") or "")
    own_server = mail_servers.find_mail_server(scope)
    by_email = own_server is not None or not session.missing_mail_settings()
    secret = members.invite_member(
        scope,
        name=name,
        email=str(typed_value("new:email") or ""),
        role=typed_value("new:role"),
        language=typed_value("new:language"),
        zone=zone,
        creators=typed_value("new:creators"),
        by_email=by_email,
    )
    if secret:
        link = session.sign_in_page_url(secret)
        return Message("team.invitation_made", {"name": name.strip(), "link": link})
    if typed_value("new:role") is Role.CUSTODIAN:
        return _sent_message(name.strip())
    return Message("team.invitation_mailed", {"name": name.strip()})


def _create_sign_in_link(member_id: UUID, scope: Scope, _: UUID) -> Message:
    name = next(
        one.member.name for one in load_team(scope).colleagues if one.member.id == member_id
    )
    secret = members.create_member_link(scope, member_id)
    return _build_link_message(secret, name) if secret else _sent_message(name)


def _sent_message(name: str) -> Message:
    """Return the confirmation for a custodian's link, which is sent to the custodian alone."""
    return Message("team.link_mailed", {"name": name})


def _sign_out(member_id: UUID, scope: Scope, _: UUID) -> Message:
    return Message("team.signed_out", {"count": sessions.revoke_sessions(scope, member_id)})


def _remove_phone(member: Member, scope: Scope, _: UUID) -> Message:
    assignees.unpair_phone(scope, member.id)
    return Message("team.phone_removed", {"name": member.name})


def _reset_second_factor(member: Member, scope: Scope, _: UUID) -> Message:
    second_factor.reset_second_factor(scope, member.id)
    return Message("team.factor_forgotten", {"name": member.name})


def _toggle_adult_chat(member: Member, scope: Scope, _: UUID) -> Message:
    members.set_adult_chat_training(scope, member.id, adult_chat=not member.adult_chat)
    return Message(
        "team.adult_chat_ended" if member.adult_chat else "team.adult_chat_given",
        {"name": member.name},
    )


def _change_member(member_id: UUID, scope: Scope, _: UUID) -> Message:
    members.change_member(
        scope,
        member_id,
        role=typed_value(f"role:{member_id}"),
        creators=typed_value(f"creators:{member_id}"),
    )
    return Message("team.kept")


def _remove_member(member_id: UUID, scope: Scope, _: UUID) -> Message:
    members.remove_member(scope, member_id)
    return Message("team.gone")
