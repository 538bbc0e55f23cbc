"""Tokens of Instagram and Threads live sixty days: they are renewed ahead, pasted ones too; nobody is asked twice."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.states import ChannelState, EnrolmentState
from tests.conftest import Cluster
from tests.fakes import meta_oauth
from tests.fakes.network import Network, network
from tests.journeys.meta import PASTED, PLATFORMS, Signed, networks, signed
from workers.wiring import Services


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture(scope="module")
def both(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, dict[str, Any]]]:
    with networks(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.fixture(params=PLATFORMS)
def house(both: tuple[Services, dict[str, Any]], running: Network, request: pytest.FixtureRequest) -> Iterator[Signed]:
    services, servers = both
    server = servers[request.param]
    yield signed(services, running, server, request.param)
    server.book.clear()
    server.oauth.young, server.oauth.unticks = (100, 0), frozenset()


def paste(house: Signed) -> None:
    wish = house.ask(**{**dict.fromkeys(house.form, ""), PASTED: house.member.token})
    assert wish.state == EnrolmentState.CONNECTED, wish.reason


def test_a_pasted_token_is_renewed_within_days_and_then_well_ahead(house: Signed) -> None:
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


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "garbage", "status:503_after", "status:429"])
def test_a_bad_day_is_asked_again_and_costs_nothing(house: Signed, mode: str) -> None:
    paste(house)
    house.server.book.ask(mode, on="refreshes", times=2)
    house.days(2.5)
    for _ in range(4):
        house.days(0.05)
    assert house.channel().state == ChannelState.ACTIVE
    assert house.oauth.known(house.token()).born > house.oauth.known(house.member.token).born


@pytest.mark.parametrize("refusal", [(100, 0), (190, 0), (10, 0), (190, 467)])
def test_a_token_that_works_and_is_not_renewed_yet_is_kept(house: Signed, refusal: tuple[int, int]) -> None:
    """However they say it."""
    paste(house)
    house.oauth.young = refusal
    house.oauth.tokens[house.member.token].born += timedelta(days=2)
    house.days(2.5)
    assert (house.renewed(), house.channel().state) == (0, ChannelState.ACTIVE)
    assert house.token() == house.member.token
    house.days(2.5)
    assert (house.renewed(), house.channel().state) == (1, ChannelState.ACTIVE)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        (meta_oauth.EXPIRED, "meta.token_expired"),
        (meta_oauth.PASSWORD, "meta.password_changed"),
        (meta_oauth.TAKEN_BACK, "meta.taken_back"),
        (467, "connectors.token_refused"),
    ],
)
def test_a_dead_token_asks_the_person_and_says_why(house: Signed, over: int, code: str) -> None:
    paste(house)
    house.oauth.end(house.member, over)
    house.days(2.5)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, code)
    asked = len(house.server.book.record())
    house.days(3)
    assert len(house.server.book.record()) == asked, "a dead account is left alone"
    house.member.token = house.oauth.give(house.member)
    paste(house)
    assert house.channel().state == ChannelState.ACTIVE


def test_nobody_renews_a_token_that_ended_while_the_house_was_away(house: Signed) -> None:
    paste(house)
    house.days(61)
    assert (house.channel().state, house.why()) == (ChannelState.REAUTHORIZE, "meta.token_expired")


def test_no_token_is_logged_or_kept_in_the_open(house: Signed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    paste(house)
    house.server.book.ask("reset_after", on="refreshes")
    house.days(2.5)
    house.days(0.01)
    assert house.renewed() == 2
    said = caplog.text
    with house.desk.scope() as scope:
        rows = "SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM {} t"
        for table in ("outbox", "channels", "enrolments", "tokens", "attempts", "audit_entries"):
            said += str(scope.run(rows.format(table)).scalar_one())
    assert not [token for token in house.oauth.tokens if token in said]
