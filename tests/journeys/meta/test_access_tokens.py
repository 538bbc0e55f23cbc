"""Instagram and Threads: an account comes in by a yes or by a pasted token; either lives sixty
days, renewed ahead."""

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


def test_a_pasted_token_is_renewed_within_days_and_then_well_ahead(house: MetaAccount) -> None:
    paste(house)
    house.days(1)
    assert house.renewed() == 0, "nothing tells its age: it must be a day old"
    house.days(1.5)
    assert house.renewed() == 1
    assert house.token() != house.member.token
    channel = house.channel()
    assert channel.expires_at is not None
    left = channel.expires_at - house.desk.now()
    assert timedelta(days=59) < left <= timedelta(days=60), "now its end is known"
    house.days(47)
    assert house.renewed() == 1
    house.days(2)
    assert house.renewed() == 2, "eleven days before its end"
    for _ in range(4):
        house.days(49)
    assert (house.renewed(), house.channel().state) == (6, ChannelState.ACTIVE)
    house.oauth.known(house.token())


@pytest.mark.parametrize(
    "mode", ["reset_after", "reset_before", "garbage", "status:503_after", "status:429"]
)
def test_a_bad_day_is_asked_again_and_costs_nothing(house: MetaAccount, mode: str) -> None:
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
def test_a_token_that_works_and_is_not_renewed_yet_is_kept(
    house: MetaAccount, refusal: tuple[int, int]
) -> None:
    """However they say it."""
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
def test_a_dead_token_asks_the_person_and_says_why(
    house: MetaAccount, over: int, code: str
) -> None:
    paste(house)
    house.oauth.end(house.member, over)
    house.days(2.5)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, code)
    asked = len(house.server.book.list_requests())
    house.days(3)
    assert len(house.server.book.list_requests()) == asked, "a dead account is left alone"
    house.member.token = house.oauth.give(house.member)
    paste(house)
    assert house.channel().state == ChannelState.ACTIVE


def test_nobody_renews_a_token_that_ended_while_the_house_was_away(house: MetaAccount) -> None:
    paste(house)
    house.days(61)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, "meta.token_expired")


def test_no_token_is_logged_or_kept_in_the_open(
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


def test_a_yes_gives_a_token_of_sixty_days_and_renews_it_ahead(house: MetaAccount) -> None:
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


def test_the_next_account_comes_in_through_the_same_application_and_shares_its_limits(
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


def test_a_pasted_token_is_of_no_application(house: MetaAccount) -> None:
    """What is typed beside it is not kept: nobody showed that it works."""
    wish = house.ask(**{PASTED: house.member.token})
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert clients(house) == []
    with house.desk.scope() as scope:
        key = scope.run(
            "SELECT app_key FROM channels WHERE platform = :platform", platform=house.platform
        )
        assert key.scalars().all() == [None]


def test_an_answer_without_a_list_around_it_is_read_as_well(house: MetaAccount) -> None:
    house.oauth.wraps = not house.oauth.wraps
    assert house.enrol().state == AccountSetupState.CONNECTED


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "garbage", "status:503_after"])
def test_a_lost_token_of_sixty_days_is_asked_for_again(house: MetaAccount, mode: str) -> None:
    house.server.book.schedule_fault(mode, on="exchanges", times=2)
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason


@pytest.mark.parametrize("office", ["tokens", "exchanges"])
def test_where_the_code_is_used_up_the_person_says_yes_again(
    house: MetaAccount, office: str
) -> None:
    house.server.book.schedule_fault("reset_after", on=office, times=3)
    wish = house.enrol()
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.again"))
    house.server.book.clear_faults()
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_a_wrong_secret_is_told_and_not_kept(house: MetaAccount) -> None:
    wish = house.enrol(client_secret="0" * 32)
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.client_refused"))
    assert clients(house) == []


def test_without_an_application_or_a_token_a_person_is_told_what_to_write(
    house: MetaAccount,
) -> None:
    for typed in ({"client_id": "", "client_secret": ""}, {"client_secret": ""}):
        wish = house.ask(**typed)
        assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("meta.no_client"))


def test_who_says_no_is_not_asked_again(house: MetaAccount) -> None:
    wish = house.ask()
    house.bring(house.approve(wish.visit, no=True))
    found = house.stands(wish.id)
    assert (found.state, found.reason) == (AccountSetupState.REFUSED, Message("enrolment.declined"))


def test_an_account_that_may_not_publish_is_not_let_in(house: MetaAccount) -> None:
    """Instagram tells at once what was allowed; Threads does not, and says it when a post is
    refused."""
    house.oauth.unticks = frozenset({"instagram_business_content_publish"})
    wish = house.enrol()
    if house.platform == "instagram":
        assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("oauth.scopes"))
        house.oauth.unticks, house.member.account_type = frozenset(), "PERSONAL"
        assert house.enrol().reason == Message("instagram.not_professional")
    else:
        assert wish.state == AccountSetupState.CONNECTED


def test_the_terminal_asks_for_a_token_or_for_an_application(house: MetaAccount) -> None:
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
    assert well, "the application is known by now"
    assert "/oauth/authorize" in said
