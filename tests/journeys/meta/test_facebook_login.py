"""A Facebook Page connected by OAuth of a member who manages it, from the form to the published
post."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.accounts import oauth_clients
from channels.accounts.states import ChannelState
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import WANTED_MESSAGES
from foundation.i18n.translation import Message
from schedules.posts.states import DeliveryState
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.meta.accounts import FacebookLogin, create_facebook_login, networks
from workers.wiring import Services


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture(scope="module")
def both(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Services, dict[str, Any]]]:
    with networks(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.fixture
def house(
    both: tuple[Services, dict[str, Any]], running: RunningSandbox
) -> Iterator[FacebookLogin]:
    """Provide an account with one Page."""
    server = both[1]["facebook"]
    yield create_facebook_login(both[0], running, server, "Léa Officiel")
    server.book.clear_faults()


def page(house: FacebookLogin) -> Any:
    return house.server.pages[next(iter(house.member.pages))]


def refused(house: FacebookLogin, **typed: str) -> Message | None:
    wish = house.enrol(**typed)
    assert wish.state == AccountSetupState.REFUSED, "the account was connected"
    assert wish.channel_id is None
    return wish.reason


def test_authorized_page_is_connected_and_publishes(
    house: FacebookLogin, caplog: pytest.LogCaptureFixture
) -> None:
    wish = house.ask()
    assert "/dialog/oauth?" in wish.visit
    back = house.approve(wish.visit)
    caplog.clear()  # the log of the browser's requests
    caplog.set_level(logging.DEBUG)
    house.bring(back)
    found = house.stands(wish.id)
    assert found.state == AccountSetupState.CONNECTED, found.reason
    channel = house.channel()
    assert (channel.account, channel.name, channel.state) == (
        page(house).id,
        "Léa Officiel",
        ChannelState.ACTIVE,
    )
    assert house.token() == page(house).token, "only the Page's token is stored, not the member's"
    assert page(house).expires_at == 0, "it was derived from a sixty-day token"
    assert channel.expires_at is not None
    assert timedelta(days=89) < channel.expires_at - house.desk.now() <= timedelta(days=90), (
        "a new authorization is due after ninety days"
    )
    sent = house.desk.delivery("Bonjour", channel="facebook")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED
    assert [one.message for one in page(house).posts.values()] == ["Bonjour"]
    said = caplog.text + house.rows(wish.id)
    secrets = (
        back["code"],
        page(house).token,
        house.form["client_secret"],
        *house.server.login.tokens,
    )
    assert not [one for one in secrets if one in said]
    with house.desk.scope() as scope:
        known = oauth_clients.latest_oauth_clients(scope)["facebook"]
        key = scope.run("SELECT app_key FROM channels WHERE platform = 'facebook'").scalar_one()
    assert known.client_id == house.form["client_id"]
    assert key is not None, "the application's limits apply to this Page"


def test_member_with_several_pages_must_choose_one(
    both: tuple[Services, dict[str, Any]], running: RunningSandbox
) -> None:
    house = create_facebook_login(
        both[0], running, both[1]["facebook"], "Nova", "Mia\nLaurent", "Sacha"
    )
    pages = [house.server.pages[one] for one in house.member.pages]
    reason = refused(house)
    assert reason is not None
    assert reason.code == "facebook.which_page"
    assert reason.params["pages"] == ", ".join(
        f"{' '.join(one.name.split())} ({one.id})" for one in pages
    )
    for typed in ("Zoé", house.server.page("Nova").id):
        reason = refused(house, page=typed)
        assert reason is not None
        assert reason.code == "facebook.which_page", "she does not manage this Page"
    for typed, meant in ((" mia laurent ", pages[1]), (pages[2].id, pages[2])):
        wish = house.enrol(page=typed, client_id="", client_secret="")
        assert wish.state == AccountSetupState.CONNECTED, (
            "the application is stored: it got a token before"
        )
        assert (house.channel().account, house.token()) == (meant.id, meant.token)


def test_page_beyond_the_first_list_page_is_found(
    both: tuple[Services, dict[str, Any]], running: RunningSandbox
) -> None:
    house = create_facebook_login(
        both[0], running, both[1]["facebook"], *(f"Page {number}" for number in range(130))
    )
    assert house.enrol(page="Page 129").state == AccountSetupState.CONNECTED
    assert house.channel().name == "Page 129"


def test_member_without_pages_is_refused(house: FacebookLogin) -> None:
    house.member.pages.clear()
    assert refused(house) == Message("facebook.no_page")


def test_declined_permission_is_named_and_can_be_granted_later(house: FacebookLogin) -> None:
    house.member.unticks = frozenset({"pages_manage_posts"})
    assert refused(house) == Message("facebook.right_missing", {"rights": "pages_manage_posts"})
    house.member.unticks = frozenset({"pages_show_list"})
    assert refused(house) == Message("oauth.scopes")
    house.member.unticks = frozenset()
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_member_without_the_posting_task_is_refused(house: FacebookLogin) -> None:
    house.member.pages[page(house).id] = ("ANALYZE", "MODERATE")
    assert refused(house) == Message("facebook.no_task", {"page": "Léa Officiel"})
    house.member.pages[page(house).id] = ("PROFILE_PLUS_CREATE_CONTENT",)
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_message_right_is_requested_only_for_messages(house: FacebookLogin) -> None:
    assert "pages_messaging" not in house.ask().visit
    house.member.unticks = frozenset({"pages_messaging"})
    assert refused(house, wanted=WANTED_MESSAGES) == Message(
        "facebook.right_missing", {"rights": "pages_messaging"}
    )
    house.member.unticks = frozenset()
    assert house.enrol(wanted=WANTED_MESSAGES).state == AccountSetupState.CONNECTED
    assert house.channel().chat_surface == "facebook.message"


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "garbage", "status:503_after"])
def test_lost_token_exchange_is_retried(house: FacebookLogin, mode: str) -> None:
    house.server.book.schedule_fault(mode, on="exchanges", times=2)
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason


@pytest.mark.parametrize("office", ["tokens", "exchanges", "checks"])
def test_used_code_requires_a_new_authorization(house: FacebookLogin, office: str) -> None:
    house.server.book.schedule_fault("reset_after", on=office, times=3)
    assert refused(house) == Message("oauth.again")
    house.server.book.clear_faults()
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_wrong_secret_or_application_is_refused_and_not_stored(house: FacebookLogin) -> None:
    assert refused(house, client_secret="0" * 32) == Message("oauth.client_refused")
    wish = house.ask(client_id="", client_secret="")
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("meta.no_client"))
    with house.desk.scope() as scope:
        assert "facebook" not in oauth_clients.latest_oauth_clients(scope)


def test_declined_or_repeated_authorization_is_refused(house: FacebookLogin) -> None:
    wish = house.ask()
    house.bring(house.approve(wish.visit, no=True))
    assert house.stands(wish.id).reason == Message("enrolment.declined")
    wish = house.ask()
    back = house.approve(wish.visit)
    house.server.login.codes[back["code"]].used = True
    house.bring(back)
    assert house.stands(wish.id).reason == Message("oauth.again")
