"""The Channels page: the health of all accounts, the form that connects another one, then status,
test and pause of each. Links and age verification have tabs."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts import lifecycle, oauth_clients
from channels.accounts.states import ChannelState
from channels.connections import account_setup, disconnection, oauth_flow
from channels.connections.account_setup import AccountSetup
from channels.connections.events import AdultAreaRequested, OwnPageRequested
from channels.connections.states import AccountSetupState
from channels.manual_tasks import assignees
from connectors.contract.account_setup import (
    FormField,
    SupportsAccountSetup,
    field_choice_label,
    field_label,
)
from dashboard.pages.channels import (
    age_verification,
    api_costs,
)
from dashboard.pages.channels.links.settings import render_link_settings
from dashboard.pages.channels.links.targets import LINKS_PARAM, render_link_targets
from dashboard.pages.channels.queries import (
    ChannelOverview,
    ChannelsView,
    connectable_platforms,
    load_channels,
)
from dashboard.pages.posts import dry_run_actions
from dashboard.shell import actions, forms, page_context, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from schedules.notices import lost_account
from schedules.posts.dry_run_state import DryRunTarget
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right
from tenants.vault import sealed_intake

ACROSS = 2

FOLDED_FROM = 8
"""Number of accounts above which those of each creator are in an expander, open if one has a
problem."""

VIEW_PARAM = "view"
VIEWS = ("accounts", "links", "age")
_VIEW = "channels:view"
CONNECT_PARAM = "connect"
"""Parameter of the address that unfolds the connect form."""


def render_page(page: PageContext) -> None:
    """Render the Channels page."""
    st.title(page.text("dashboard.page.channels"))
    found = page.read(lambda scope: load_channels(scope, page.list_creators(scope)))
    if not found.creators:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    match _render_view_picker(page):
        case "links":
            render_link_settings(page, found.creators)
            render_link_targets(page, found.creators)
        case "age":
            age_verification.render_age_verification(page, found.now)
        case _:
            _render_accounts(page, found)


def _render_view_picker(page: PageContext) -> str:
    """Draw the tabs and return the chosen one: accounts, links or age verification."""
    asked = "links" if LINKS_PARAM in st.query_params else st.query_params.get(VIEW_PARAM, "")
    chosen = st.segmented_control(
        page.text("channels.views"),
        VIEWS,
        default=asked if asked in VIEWS else VIEWS[0],
        required=True,
        format_func=lambda view: page.text(f"channels.view.{view}"),
        key=_VIEW,
        on_change=_store_view,
        label_visibility="collapsed",
        wrap=True,
    )
    return str(chosen or VIEWS[0])


def _store_view() -> None:
    """Write the chosen tab to the address, so that a reload returns to it."""
    st.query_params.from_dict({VIEW_PARAM: str(st.session_state[_VIEW])})


def _render_accounts(page: PageContext, found: ChannelsView) -> None:
    """Draw the accounts, the form that connects another one, and costs of requests."""
    if not found.accounts:
        st.info(page.text("channels.empty"))
    draw_template(
        "pages/channels/templates/health.html",
        found=found,
        ok_states=(ChannelState.ACTIVE, ChannelState.PAUSED),
        voice=page.localizer,
        word=page.text,
    )
    _render_connect_section(page, found)
    if len(found.accounts) <= FOLDED_FROM or len(found.creators) < 2:
        _render_account_cards(page, found, found.accounts)
    else:
        for creator in found.creators:
            own = [one for one in found.accounts if one.creator.id == creator.id]
            if own:
                wrong = sum(one.has_problem for one in own)
                label = page.text("channels.of_creator", count=len(own))
                problem = page.text("channels.problems", count=wrong) if wrong else ""
                title = " · ".join(filter(None, (escape_markdown(creator.name), label, problem)))
                with st.expander(title, expanded=wrong > 0, key=f"accounts:{creator.id}"):
                    _render_account_cards(page, found, own)
    dry_run_actions.render_agency_dry_run(page, found.rehearsed)
    api_costs.render_api_costs(page, found.costs)


def _render_account_cards(
    page: PageContext, found: ChannelsView, accounts: Sequence[ChannelOverview]
) -> None:
    for start in range(0, len(accounts), ACROSS):
        for column, account in zip(
            st.columns(ACROSS), accounts[start : start + ACROSS], strict=False
        ):
            with column, st.container(border=True):
                _render_account(page, found, account)


def _render_account(page: PageContext, found: ChannelsView, account: ChannelOverview) -> None:
    draw_template(
        "pages/channels/templates/account.html",
        account=account,
        voice=page.localizer,
        word=page.text,
        now=found.now,
    )
    with st.container(horizontal=True, gap="small"):
        _render_account_actions(page, account, found.rehearsed)
    if account.is_manual:
        with st.expander(page.text("channels.whose_phone")):
            _render_assignees(page, account)


def _render_account_actions(
    page: PageContext, account: ChannelOverview, running: dict[UUID, DryRunTarget]
) -> None:
    key = account.channel.id
    state = account.channel.state
    if account.can_be_tested and not account.channel.is_disconnected:
        actions.action_button(
            page,
            "channels.test",
            partial(_test_account, page, key),
            right=Right.RUN,
            key=f"test:{key}",
        )
    if state == ChannelState.PAUSED:
        actions.action_button(
            page,
            "channels.resume",
            partial(_resume_account, page, key),
            right=Right.RUN,
            key=f"resume:{key}",
        )
    elif state == ChannelState.ACTIVE:
        actions.action_button(
            page,
            "channels.pause",
            partial(_pause_account, page, key),
            right=Right.RUN,
            key=f"pause:{key}",
        )
    dry_run_actions.render_account_dry_run(page, key, running)
    if not account.channel.is_disconnected:
        with st.popover(page.text("channels.leave")):
            draw_template("shell/templates/note.html", note=page.text("channels.leave_asked"))
            actions.action_button(
                page,
                "channels.leave_sure",
                partial(_disconnect_account, page, key),
                right=Right.RUN,
                key=f"leave:{key}",
            )


def _render_assignees(page: PageContext, account: ChannelOverview) -> None:
    names = {str(one.id): one.name for one in account.able}
    box = f"people:{account.channel.id}"
    st.multiselect(
        page.text("channels.whose_phone"),
        list(names),
        format_func=lambda key: names[key],
        placeholder=page.text("channels.anybody"),
        key=box,
        select_all=False,
    )
    act = partial(_save_assignees, page, account.channel.id, box)
    actions.action_button(
        page, "channels.entrust", act, right=Right.RUN, key=f"entrust:{account.channel.id}"
    )


def _render_connect_section(page: PageContext, found: ChannelsView) -> None:
    """Render the form that connects another account, folded while there are accounts, and the
    status of the latest setup below it."""
    is_refused = found.asked is not None and found.asked.state is AccountSetupState.REFUSED
    is_open = not found.accounts or is_refused or CONNECT_PARAM in st.query_params
    with st.expander(
        page.text("channels.connect"), expanded=is_open, icon=":material/add_link:", key="connect"
    ):
        in_form = _render_connect_fields(page, found)
    _render_setup_progress(page, found.asked, _connected_message_code(found), in_form)


def _render_connect_fields(page: PageContext, found: ChannelsView) -> bool:
    """Render the choice of a creator and a platform, and the fields of the platform. Return True if
    they show why the latest setup was refused."""
    creator = found.creators[0]
    if len(found.creators) > 1:
        creator = st.selectbox(
            page.text("channels.whose"),
            found.creators,
            format_func=lambda one: one.name,
            key="connect:creator",
        )
    if creator.id not in found.pages:
        box = f"connect:slug:{creator.id}"
        with st.container(border=True), forms.open_fields(page, box):
            st.write(page.text("channels.page_explained"))
            st.text_input(page.text("channels.page_address"), value=creator.slug, key=box)
            act = partial(_request_own_page, page, creator.id, box)
            actions.action_button(
                page, "channels.page_open", act, right=Right.RUN, key="connect:page"
            )
    elif creator.id not in found.adult_areas:
        with st.container(border=True):
            st.write(page.text("channels.adults_explained"))
            act = partial(_request_adult_area, page, creator.id)
            actions.action_button(
                page, "channels.adults_open", act, right=Right.RUN, key="connect:adults"
            )
    able = connectable_platforms()
    platform = st.radio(
        page.text("channels.platform"),
        list(able),
        format_func=lambda name: page.text(
            "channels.minutes",
            platform=page.text(f"platform.{name}"),
            minutes=able[name].form.minutes,
        ),
        key="connect:platform",
        horizontal=True,
    )
    reason = _refusal_of_setup(found.asked, creator, platform, able[platform])
    _render_connect_form(page, creator, platform, found, reason)
    st.caption(page.text("channels.days"))
    return reason is not None


def _connected_message_code(found: ChannelsView) -> str:
    """Return the message code that describes what the newly connected account can do."""
    latest = found.asked.channel_id if found.asked is not None else None
    account = next((one for one in found.accounts if one.channel.id == latest), None)
    if account is not None and account.is_manual:
        return "channels.connected_by_hand"
    return (
        "channels.connected_to_talk"
        if account is not None and not account.channel.surface
        else "channels.connected"
    )


def _render_connect_form(
    page: PageContext,
    creator: Creator,
    platform: str,
    found: ChannelsView,
    reason: GreenroomError | None,
) -> None:
    """Render the fields of a platform. They keep what was typed until the account is connected."""
    connector = connectable_platforms()[platform]
    latest = found.asked
    connected = latest is not None and latest.state is AccountSetupState.CONNECTED and latest.id
    form = f"{platform}:{forms.last_success('connect', connected or None)}"
    with (
        st.container(border=True),
        forms.open_fields(page, f"connect:{form}", refused_later=reason),
    ):
        st.write(page.text(f"connect.{platform}.help"))
        other = not connector.form.registered or _render_client_registration(
            page, form, found.clients.get(platform, "")
        )
        for field in connector.form.all_fields if other else connector.form.fields:
            _render_form_field(page, form, field)
            forms.show_field_error(field.name)
        act = partial(_connect_account, page, creator.id, form)
        actions.action_button(
            page,
            "channels.connect_now",
            act,
            right=Right.RUN,
            key=f"connect:{form}",
            kind="primary",
        )


def _refusal_of_setup(
    latest: AccountSetup | None, creator: Creator, platform: str, connector: SupportsAccountSetup
) -> GreenroomError | None:
    """Return why the latest setup was refused, if it came from this form, or None."""
    if latest is None or latest.reason is None:
        return None
    if (latest.creator_id, latest.platform) != (creator.id, platform):
        return None
    error = BadInput(latest.reason.code, **latest.reason.params)
    return error.about(account_setup.refused_field(connector.form, latest.reason))


def _render_client_registration(page: PageContext, form: str, known: str) -> bool:
    """Render how to register an app with the platform. Return True if its ID must be typed; a
    `known` app can be used again."""
    wanted = not known or st.checkbox(
        page.text("channels.another_client", client=known), key=f"connect:{form}:other"
    )
    if wanted:
        st.caption(page.text("channels.returns_to"))
        st.code(
            session.dashboard_settings().public_url.rstrip("/") + oauth_flow.OAUTH_RETURN_PATH,
            language=None,
        )
    return wanted


def _render_form_field(page: PageContext, form: str, field: FormField) -> None:
    platform = form.partition(":")[0]
    key = f"connect:{form}:{field.name}"
    name = page.text(field_label(platform, field))
    if field.choices:
        words = {one: page.text(field_choice_label(platform, field, one)) for one in field.choices}
        st.selectbox(name, field.choices, format_func=words.__getitem__, key=key, index=0)
        return
    st.text_input(
        name,
        type="password" if field.secret else "default",
        placeholder=field.example,
        max_chars=500,
        autocomplete="off",
        key=key,
    )


@st.fragment(run_every="2s")
def _render_setup_progress(
    drawn: PageContext, before: AccountSetup | None, connected: str, in_form: bool
) -> None:
    """Render the status of the latest setup, without a reason that the form shows. Rerun the page
    when the status changes."""
    page = page_context.current_page()
    if before is None or page is None:
        return
    found = page.read(lambda scope: account_setup.get_setup(scope, before.id))
    if found.state is not before.state:
        st.rerun()
    name = drawn.text(f"platform.{found.platform}")
    match found.state:
        case AccountSetupState.WAITING:
            st.info(drawn.text("channels.asking", platform=name))
        case AccountSetupState.VISITING:
            st.info(drawn.text("channels.visit", platform=name))
            st.link_button(drawn.text("channels.go_on", platform=name), found.visit, type="primary")
        case AccountSetupState.CONNECTED:
            st.success(drawn.text(connected, platform=name))
        case AccountSetupState.REFUSED if found.reason is not None and not in_form:
            st.error(drawn.localizer.message_text(found.reason))


def _connect_account(
    page: PageContext, creator_id: UUID, form: str, scope: Scope, press_id: UUID
) -> None:
    creator = page.get_creator(scope, creator_id)
    platform = form.partition(":")[0]
    asked = connectable_platforms()[platform].form
    typed = {
        field.name: str(actions.typed_value(f"connect:{form}:{field.name}") or "").strip()
        for field in asked.all_fields
    }
    missing = asked.first_missing_field(
        typed, known=platform in oauth_clients.latest_oauth_clients(scope)
    )
    if missing is not None:
        label = page.text(field_label(platform, missing))
        raise BadInput("channels.missing", field=label).about(missing.name)
    account_setup.check_server(asked, typed)
    letter = sealed_intake.seal_form(session.sealed_intake_key(), scope.tenant_id, typed)
    account_setup.request_setup(
        scope, creator_id=creator.id, platform=platform, letter=letter, key=press_id
    )


def _request_own_page(
    page: PageContext, creator_id: UUID, box: str, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    slug = str(actions.typed_value(box) or "")
    wanted = OwnPageRequested(scope.tenant_id, creator.id, slug=slug.strip().lower()[:60])
    outbox.put(scope, wanted, priority=1, dedupe=f"own_page:{creator.id}")
    return Message("channels.page_asked", {"name": creator.name})


def _request_adult_area(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, creator_id)
    wanted = AdultAreaRequested(scope.tenant_id, creator.id)
    outbox.put(scope, wanted, priority=1, dedupe=f"adult_area:{creator.id}")
    return Message("channels.adults_asked", {"name": creator.name})


def _get_own_account(page: PageContext, scope: Scope, channel_id: UUID) -> ChannelOverview:
    return next(
        one
        for one in load_channels(scope, page.list_creators(scope)).accounts
        if one.channel.id == channel_id
    )


def _test_account(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    account_setup.request_test(scope, _get_own_account(page, scope, channel_id).channel.id)
    return Message("channels.tested")


def _pause_account(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _get_own_account(page, scope, channel_id).channel
    lifecycle.pause_account(
        scope, channel.id, Message("channel.paused_by", {"name": page.viewer.member.name})
    )
    return Message("channels.paused", {"name": channel.name})


def _resume_account(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _get_own_account(page, scope, channel_id).channel
    lifecycle.resume_account(scope, channel.id)
    return Message("channels.resumed", {"name": channel.name})


def _disconnect_account(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _get_own_account(page, scope, channel_id).channel
    disconnection.request_disconnection(scope, channel.id, page.viewer.member.name)
    return Message(
        "channels.leaving",
        {"name": channel.name, "posts": lost_account.count_pending_posts(scope, channel.id)},
    )


def _save_assignees(
    page: PageContext, channel_id: UUID, box: str, scope: Scope, _: UUID
) -> Message:
    people = [UUID(one) for one in actions.typed_value(box) or []]
    assignees.set_assignees(scope, _get_own_account(page, scope, channel_id).channel.id, people)
    return Message("channels.entrusted")
