"""Accounts: does each one work, test it, let it rest, connect another; the quickest platforms first."""

from functools import partial
from uuid import UUID

import streamlit as st

from channels import connecting, disconnecting, enrolling, oauth_clients, phones, visiting
from channels.enrolling import Enrolment
from channels.events import AdultAreaWanted, OwnPageWanted
from channels.states import ChannelState, EnrolmentState
from connectors.enrolment import Connectable, Field, choice_label, label
from dashboard import acting, frame, session
from dashboard.app_pages import (
    calendar_rehearsal,
    channels_ages,
    channels_calls,
    channels_costs,
    channels_links,
    channels_targets,
)
from dashboard.frame import Page
from dashboard.reads.channels import Account, Channels, channels, connectables
from dashboard.widgets import draw
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import lost
from schedules.rehearsing import What
from tenants import letterbox
from tenants.reads import Creator
from tenants.roles import Right

ACROSS = 2
ANCHOR = "connect"
"""Where the form stands, below a long list."""


def show(page: Page) -> None:
    """Draw the page."""
    st.title(page.word("dashboard.page.channels"))
    found = page.read(lambda scope: channels(scope, page.mine(scope)))
    if not found.creators:
        st.info(page.word("channels.no_creators"))
        return
    if channels_targets.ASKED in st.query_params:
        st.button(page.word("targets.back"), icon=":material/arrow_back:", on_click=st.query_params.clear)
        channels_targets.show(page, found.creators)
        return
    if not found.accounts:
        st.info(page.word("channels.empty"))
    if len(found.accounts) > ACROSS:
        draw("channels_jump.html", anchor=ANCHOR, word=page.word)
    for start in range(0, len(found.accounts), ACROSS):
        for column, account in zip(st.columns(ACROSS), found.accounts[start : start + ACROSS], strict=False):
            with column, st.container(border=True):
                _account(page, found, account)
    connect(page, found)
    calendar_rehearsal.of_agency(page, found.rehearsed)
    channels_costs.show(page, found.costs)
    channels_links.show(page, found.creators)
    channels_targets.show(page, found.creators)
    channels_calls.show(page, [one.channel for one in found.accounts])
    channels_ages.show(page, found.now)


def _account(page: Page, found: Channels, account: Account) -> None:
    draw("channels_account.html", account=account, voice=page.voice, word=page.word, now=found.now, anchor=ANCHOR)
    with st.container(horizontal=True, gap="small"):
        _acts(page, account, found.rehearsed)
    if account.by_hand:
        with st.expander(page.word("channels.whose_phone")):
            _phones(page, account)


def _acts(page: Page, account: Account, running: dict[UUID, What]) -> None:
    key, state = account.channel.id, account.channel.state
    if account.can_be_tested and not account.channel.left:
        acting.button(page, "channels.test", partial(_test, page, key), right=Right.RUN, key=f"test:{key}")
    if state == ChannelState.PAUSED:
        acting.button(page, "channels.resume", partial(_resume, page, key), right=Right.RUN, key=f"resume:{key}")
    elif state == ChannelState.ACTIVE:
        acting.button(page, "channels.pause", partial(_pause, page, key), right=Right.RUN, key=f"pause:{key}")
    calendar_rehearsal.of_account(page, key, running)
    if not account.channel.left:
        with st.popover(page.word("channels.leave")):
            draw("calendar_note.html", note=page.word("channels.leave_asked"))
            acting.button(page, "channels.leave_sure", partial(_leave, page, key), right=Right.RUN, key=f"leave:{key}")


def _phones(page: Page, account: Account) -> None:
    names = {str(one.id): one.name for one in account.able}
    box = f"people:{account.channel.id}"
    st.multiselect(
        page.word("channels.whose_phone"),
        list(names),
        format_func=lambda key: names[key],
        placeholder=page.word("channels.anybody"),
        key=box,
        select_all=False,
    )
    act = partial(_entrust, page, account.channel.id, box)
    acting.button(page, "channels.entrust", act, right=Right.RUN, key=f"entrust:{account.channel.id}")


def connect(page: Page, found: Channels) -> None:
    """The part in which an account is connected, for a creator and a platform; also used by the wizard."""
    draw("channels_style.html")
    st.subheader(page.word("channels.connect"), anchor=ANCHOR)
    creator = found.creators[0]
    if len(found.creators) > 1:
        creator = st.selectbox(
            page.word("channels.whose"), found.creators, format_func=lambda one: one.name, key="connect:creator"
        )
    if creator.id not in found.pages:
        with st.container(border=True):
            st.write(page.word("channels.page_explained"))
            box = f"connect:slug:{creator.id}"
            st.text_input(page.word("channels.page_address"), value=creator.slug, key=box)
            act = partial(_own_page, page, creator.id, box)
            acting.button(page, "channels.page_open", act, right=Right.RUN, key="connect:page")
    elif creator.id not in found.adult_areas:
        with st.container(border=True):
            st.write(page.word("channels.adults_explained"))
            act = partial(_adult_area, page, creator.id)
            acting.button(page, "channels.adults_open", act, right=Right.RUN, key="connect:adults")
    able = connectables()
    platform = st.radio(
        page.word("channels.platform"),
        list(able),
        format_func=lambda name: page.word(
            "channels.minutes", platform=page.word(f"platform.{name}"), minutes=able[name].form.minutes
        ),
        key="connect:platform",
        horizontal=True,
    )
    _form(page, creator, platform, able[platform], found)
    st.caption(page.word("channels.days"))
    _watch(page, found.asked, _connected(found))


def _connected(found: Channels) -> str:
    """What the account that was asked for last can do now that it is connected, as a sentence's code."""
    latest = found.asked.channel_id if found.asked is not None else None
    account = next((one for one in found.accounts if one.channel.id == latest), None)
    if account is not None and account.by_hand:
        return "channels.connected_by_hand"
    return "channels.connected_to_talk" if account is not None and not account.channel.surface else "channels.connected"


def _form(page: Page, creator: Creator, platform: str, connector: Connectable, found: Channels) -> None:
    """What was typed is forgotten with the next account that is asked for: the fields are others then."""
    with st.container(border=True):
        st.write(page.word(f"connect.{platform}.help"))
        form = f"{platform}:{found.asked.id if found.asked is not None else None}"
        other = not connector.form.registered or _registered(page, form, found.clients.get(platform, ""))
        for field in connector.form.asked if other else connector.form.fields:
            _input(page, form, field)
        act = partial(_connect, page, creator.id, form)
        acting.button(page, "channels.connect_now", act, right=Right.RUN, key=f"connect:{form}", kind="primary")


def _registered(page: Page, form: str, known: str) -> bool:
    """What to register there first, and whether its id is to be typed: one that is `known` serves once more."""
    wanted = not known or st.checkbox(page.word("channels.another_client", client=known), key=f"connect:{form}:other")
    if wanted:
        st.caption(page.word("channels.returns_to"))
        st.code(session.house().public_url.rstrip("/") + visiting.PATH, language=None)
    return wanted


def _input(page: Page, form: str, field: Field) -> None:
    platform, key = form.partition(":")[0], f"connect:{form}:{field.name}"
    name = page.word(label(platform, field))
    if field.choices:
        words = {one: page.word(choice_label(platform, field, one)) for one in field.choices}
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
def _watch(drawn: Page, before: Enrolment | None, connected: str) -> None:
    """How the account that was asked for last stands; once there is an answer, the page is drawn anew."""
    page = frame.look()
    if before is None or page is None:
        return
    found = page.read(lambda scope: enrolling.enrolment(scope, before.id))
    if found.state is not before.state:
        st.rerun()
    name = drawn.word(f"platform.{found.platform}")
    match found.state:
        case EnrolmentState.WAITING:
            st.info(drawn.word("channels.asking", platform=name))
        case EnrolmentState.VISITING:
            st.info(drawn.word("channels.visit", platform=name))
            st.link_button(drawn.word("channels.go_on", platform=name), found.visit, type="primary")
        case EnrolmentState.CONNECTED:
            st.success(drawn.word(connected, platform=name))
        case EnrolmentState.REFUSED if found.reason is not None:
            st.error(drawn.voice.say(found.reason))


def _connect(page: Page, creator_id: UUID, form: str, scope: Scope, press_id: UUID) -> None:
    creator, platform = page.my(scope, creator_id), form.partition(":")[0]
    asked = connectables()[platform].form
    typed = {field.name: str(acting.typed(f"connect:{form}:{field.name}") or "").strip() for field in asked.asked}
    missing = asked.missing(typed, known=platform in oauth_clients.latest(scope))
    if missing is not None:
        raise BadInput("channels.missing", field=page.word(label(platform, missing)))
    letter = letterbox.seal(session.letterbox_key(), scope.tenant_id, typed)
    enrolling.ask(scope, creator_id=creator.id, platform=platform, letter=letter, key=press_id)


def _own_page(page: Page, creator_id: UUID, box: str, scope: Scope, _: UUID) -> Message:
    creator, slug = page.my(scope, creator_id), str(acting.typed(box) or "")
    wanted = OwnPageWanted(scope.tenant_id, creator.id, slug=slug.strip().lower()[:60])
    outbox.put(scope, wanted, priority=1, dedupe=f"own_page:{creator.id}")
    return Message("channels.page_asked", {"name": creator.name})


def _adult_area(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, creator_id)
    wanted = AdultAreaWanted(scope.tenant_id, creator.id)
    outbox.put(scope, wanted, priority=1, dedupe=f"adult_area:{creator.id}")
    return Message("channels.adults_asked", {"name": creator.name})


def _mine(page: Page, scope: Scope, channel_id: UUID) -> Account:
    return next(one for one in channels(scope, page.mine(scope)).accounts if one.channel.id == channel_id)


def _test(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    enrolling.ask_test(scope, _mine(page, scope, channel_id).channel.id)
    return Message("channels.tested")


def _pause(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _mine(page, scope, channel_id).channel
    connecting.pause(scope, channel.id, Message("channel.paused_by", {"name": page.who.member.name}))
    return Message("channels.paused", {"name": channel.name})


def _resume(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _mine(page, scope, channel_id).channel
    connecting.resume(scope, channel.id)
    return Message("channels.resumed", {"name": channel.name})


def _leave(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    channel = _mine(page, scope, channel_id).channel
    disconnecting.ask(scope, channel.id, page.who.member.name)
    return Message("channels.leaving", {"name": channel.name, "posts": lost.ahead(scope, channel.id)})


def _entrust(page: Page, channel_id: UUID, box: str, scope: Scope, _: UUID) -> Message:
    people = [UUID(one) for one in acting.typed(box) or []]
    phones.entrust(scope, _mine(page, scope, channel_id).channel.id, people)
    return Message("channels.entrusted")
