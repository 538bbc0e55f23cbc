"""Instagram and Threads: an account is connected by OAuth or with a pasted token. Both tokens last
sixty days and are renewed early."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.accounts import oauth_clients
from channels.accounts.states import ChannelState
from channels.connections.states import AccountSetupState
from foundation.i18n.translation import Message
from tests.conftest import Cluster
from tests.fakes.meta import oauth
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.meta.accounts import (
    PASTED,
    PLATFORMS,
    MetaAccount,
    create_meta_account,
    networks,
)
from tests.journeys.test_x import terminal
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


@pytest.fixture(params=PLATFORMS)
def house(
    both: tuple[Services, dict[str, Any]], running: RunningSandbox, request: pytest.FixtureRequest
) -> Iterator[MetaAccount]:
    services, servers = both
    server = servers[request.param]
    yield create_meta_account(services, running, server, request.param)
    server.book.clear_faults()
    server.oauth.young, server.oauth.unticks = (100, 0), frozenset()
    server.oauth.wraps = request.param == "instagram"


def paste(house: MetaAccount) -> None:
    wish = house.ask(**{**dict.fromkeys(house.form, ""), PASTED: house.member.token})
    assert wish.state == AccountSetupState.CONNECTED, wish.reason


def test_pasted_token_is_renewed_early(house: MetaAccount) -> None:
    paste(house)
    house.days(1)
    assert house.renewed() == 0, "its age is unknown: it must be a day old"
    house.days(1.5)
    assert house.renewed() == 1
    assert house.token() != house.member.token
    channel = house.channel()
    assert channel.expires_at is not None
    left = channel.expires_at - house.desk.now()
    assert timedelta(days=59) < left <= timedelta(days=60), "its expiry is known now"
    house.days(47)
    assert house.renewed() == 1
    house.days(2)
    assert house.renewed() == 2, "eleven days before its expiry"
    for _ in range(4):
        house.days(49)
    assert (house.renewed(), house.channel().state) == (6, ChannelState.ACTIVE)
    house.oauth.known(house.token())


@pytest.mark.parametrize(
    "mode", ["reset_after", "reset_before", "garbage", "status:503_after", "status:429"]
)
def test_failed_renewal_is_retried(house: MetaAccount, mode: str) -> None:
    paste(house)
    house.server.book.schedule_fault(mode, on="refreshes", times=2)
    house.days(2.5)
    for _ in range(4):
        house.days(0.05)
    assert house.channel().state == ChannelState.ACTIVE
    assert (
        house.oauth.known(house.token()).issued_at > house.oauth.known(house.member.token).issued_at
    )


@pytest.mark.parametrize("refusal", [(100, 0), (190, 0), (10, 0), (190, 467)])
def test_refused_renewal_keeps_a_valid_token(house: MetaAccount, refusal: tuple[int, int]) -> None:
    """The platform has several error codes for this refusal."""
    paste(house)
    house.oauth.young = refusal
    house.oauth.tokens[house.member.token].issued_at += timedelta(days=2)
    house.days(2.5)
    assert (house.renewed(), house.channel().state) == (0, ChannelState.ACTIVE)
    assert house.token() == house.member.token
    house.days(2.5)
    assert (house.renewed(), house.channel().state) == (1, ChannelState.ACTIVE)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        (oauth.EXPIRED, "meta.token_expired"),
        (oauth.PASSWORD, "meta.password_changed"),
        (oauth.TAKEN_BACK, "meta.taken_back"),
        (467, "connectors.token_refused"),
    ],
)
def test_ended_token_requires_reconnection_with_a_reason(
    house: MetaAccount, over: int, code: str
) -> None:
    paste(house)
    house.oauth.end(house.member, over)
    house.days(2.5)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, code)
    asked = len(house.server.book.list_requests())
    house.days(3)
    assert len(house.server.book.list_requests()) == asked, (
        "an account with an ended token sends no requests"
    )
    house.member.token = house.oauth.give(house.member)
    paste(house)
    assert house.channel().state == ChannelState.ACTIVE


def test_token_that_expired_during_downtime_is_not_renewed(house: MetaAccount) -> None:
    paste(house)
    house.days(61)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, "meta.token_expired")


def test_no_token_is_logged_or_stored_readably(
    house: MetaAccount, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    paste(house)
    house.server.book.schedule_fault("reset_after", on="refreshes")
    house.days(2.5)
    house.days(0.01)
    assert house.renewed() == 2
    said = caplog.text
    with house.desk.scope() as scope:
        rows = "SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM {} t"
        for table in ("outbox", "channels", "enrolments", "tokens", "attempts", "audit_entries"):
            said += str(scope.run(rows.format(table)).scalar_one())
    assert not [token for token in house.oauth.tokens if token in said]


def clients(house: MetaAccount) -> list[str]:
    with house.desk.scope() as scope:
        found = oauth_clients.latest_oauth_clients(scope).get(house.platform)
    return [found.client_id] if found is not None else []


def test_oauth_flow_gets_a_sixty_day_token_and_renews_it(house: MetaAccount) -> None:
    wish = house.ask()
    assert f"client_id={house.form['client_id']}" in wish.visit
    assert "/oauth/authorize?" in wish.visit
    back = house.approve(wish.visit)
    house.bring(back)
    assert house.stands(wish.id).state == AccountSetupState.CONNECTED, house.stands(wish.id).reason
    assert [grant.partition("_")[2] for grant in house.oauth.asked] == ["code", "exchange_token"]
    channel, shown = house.channel(), house.oauth.known(house.token())
    assert (channel.account, channel.name) == (house.member.id, f"@{house.member.username}")
    assert (shown.member, shown.long, shown.app.client_id) == (
        house.member,
        True,
        house.form["client_id"],
    )
    assert channel.expires_at is not None
    assert timedelta(days=59) < channel.expires_at - house.desk.now() <= timedelta(days=60)
    assert back["code"] not in house.rows(wish.id)
    house.days(47)
    assert house.renewed() == 0
    house.days(2)
    assert (house.renewed(), house.channel().state) == (1, ChannelState.ACTIVE)


def test_second_account_shares_the_application_and_its_limits(
    house: MetaAccount,
) -> None:
    house.enrol()
    assert clients(house) == [house.form["client_id"]]
    house.member = house.server.profile(f"mo{str(house.desk.tenant_id)[-8:]}")
    assert house.enrol(client_id="", client_secret="").state == AccountSetupState.CONNECTED
    with house.desk.scope() as scope:
        keys = scope.run(
            "SELECT app_key FROM channels WHERE platform = :platform", platform=house.platform
        )
        found = keys.scalars().all()
    assert (len(found), len(set(found)), None in found) == (2, 1, False)


def test_pasted_token_belongs_to_no_application(house: MetaAccount) -> None:
    """An application typed beside the token is not stored, since no request proved that it works."""
    wish = house.ask(**{PASTED: house.member.token})
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert clients(house) == []
    with house.desk.scope() as scope:
        key = scope.run(
            "SELECT app_key FROM channels WHERE platform = :platform", platform=house.platform
        )
        assert key.scalars().all() == [None]


def test_token_response_without_a_list_is_read(house: MetaAccount) -> None:
    house.oauth.wraps = not house.oauth.wraps
    assert house.enrol().state == AccountSetupState.CONNECTED


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "garbage", "status:503_after"])
def test_lost_token_exchange_is_retried(house: MetaAccount, mode: str) -> None:
    house.server.book.schedule_fault(mode, on="exchanges", times=2)
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason


@pytest.mark.parametrize("office", ["tokens", "exchanges"])
def test_used_code_requires_a_new_authorization(house: MetaAccount, office: str) -> None:
    house.server.book.schedule_fault("reset_after", on=office, times=3)
    wish = house.enrol()
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.again"))
    house.server.book.clear_faults()
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_wrong_client_secret_is_reported_and_not_stored(house: MetaAccount) -> None:
    wish = house.enrol(client_secret="0" * 32)
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.client_refused"))
    assert clients(house) == []


def test_form_without_application_or_token_is_refused(
    house: MetaAccount,
) -> None:
    for typed in ({"client_id": "", "client_secret": ""}, {"client_secret": ""}):
        wish = house.ask(**typed)
        assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("meta.no_client"))


def test_declined_authorization_ends_the_setup(house: MetaAccount) -> None:
    wish = house.ask()
    house.bring(house.approve(wish.visit, no=True))
    found = house.stands(wish.id)
    assert (found.state, found.reason) == (AccountSetupState.REFUSED, Message("enrolment.declined"))


def test_instagram_account_without_publish_scope_is_refused(house: MetaAccount) -> None:
    """Instagram returns the granted scopes at once; Threads returns none and refuses the post."""
    house.oauth.unticks = frozenset({"instagram_business_content_publish"})
    wish = house.enrol()
    if house.platform == "instagram":
        assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.scopes"))
        house.oauth.unticks, house.member.account_type = frozenset(), "PERSONAL"
        assert house.enrol().reason == Message("instagram.not_professional")
    else:
        assert wish.state == AccountSetupState.CONNECTED


def test_terminal_check_uses_a_token_or_an_application(house: MetaAccount) -> None:
    (_, (said, well)) = terminal(house, dry=True, platform=house.platform)
    assert well
    assert "/oauth/authorize" in said
    house.form[PASTED] = house.member.token
    (_, (said, well)) = terminal(house, dry=True, platform=house.platform)
    assert well
    assert "GET /me" in said
    del house.form[PASTED]
    assert terminal(house, platform=house.platform)[-1][1]
    house.form = {}
    (_, (said, well)) = terminal(house, dry=True, platform=house.platform)
    assert well, "the application is stored"
    assert "/oauth/authorize" in said
