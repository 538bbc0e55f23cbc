"""Shared quota of platform limits: a fifth is reserved for replies and removals, the rest is shared
by an application's agencies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import ProgrammingError

from channels.accounts import queries
from channels.limits import send_limits, shared_quota
from connectors.contract.connector import Response, StepNotSent
from connectors.shared import rate_limits
from connectors.shared.rate_limits import LimitReading, RateLimit, fair_share, post_verdict
from foundation.db.database import Database, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate.contract.units import Subject
from schedules.posts.events import PublishDue
from tests.channels.builders import World, world
from tests.fakes.sandbox import RunningSandbox


@pytest.fixture
def app() -> str:
    """An application that no other test uses."""
    return f"studio{uuid7().hex[-8:]}"


@pytest.fixture
def anna(database: Database, sandbox: RunningSandbox, app: str) -> World:
    return world(database, sandbox, "anna", app=app)


@pytest.fixture
def bo(database: Database, sandbox: RunningSandbox, app: str) -> World:
    """An account of another agency in the same application."""
    return world(database, sandbox, "bo", app=app)


def says(
    one: World, most: int, left: int, *, name: str = "x-sandbox-app", step: str = "look"
) -> None:
    """Record a response with the remaining quota of a window that ends in an hour."""
    told = {f"{name}-limit": str(most), f"{name}-remaining": str(left), f"{name}-reset": "3600"}
    with one.scope() as scope:
        send_limits.record_answer(
            scope, one.channel_id, Response(step, 200, told, {}), creates=False
        )


def posts(one: World) -> str:
    """Claim a post's units; return "" if it may be sent, otherwise the reason for waiting."""
    try:
        with one.scope() as scope:
            channel = one.channel()
            held = send_limits.claim_send_slot(scope, channel, posts=True)
            if held is not None:
                raise _Refused(held.reason.code)
            short = shared_quota.take_quota(scope, channel, ["publish"])
            if short is not None:
                raise _Refused(short[1].code)
    except _Refused as refused:
        return str(refused)
    return ""


class _Refused(Exception):
    """Rolls back the claim."""


def due(one: World, *, after: timedelta = timedelta(minutes=5)) -> None:
    """Schedule a post of the agency."""
    with one.scope() as scope:
        lane = f"channel:{one.channel_id}"
        outbox.put(
            scope, PublishDue(one.tenant_id, uuid7()), at=scope.now + after, lane=lane, priority=5
        )


def test_fifth_of_an_account_window_is_reserved_for_replies_and_removals(lea: World) -> None:
    said = {"name": "x-sandbox-limit"}
    says(lea, 50, 11, **said)
    assert posts(lea) == ""
    says(lea, 50, 10, **said)
    assert posts(lea) == "channel.kept"
    with lea.scope() as scope:
        assert send_limits.claim_send_slot(scope, lea.channel()) is None, "a reply may be sent"
        assert send_limits.send_block(scope, lea.channel_id, brake=True) is None, "and a removal"
        held = send_limits.post_block(scope, lea.channel())
        assert held is not None
        assert timedelta(minutes=59) < held.until - scope.now <= timedelta(hours=1)
        assert held.wait_from(scope.now) == send_limits.ASKED_AGAIN
    lea.pass_time(3601)
    assert posts(lea) == ""


def test_response_with_more_quota_releases_posts(lea: World) -> None:
    says(lea, 50, 3, name="x-sandbox-limit")
    with lea.scope() as scope:
        send_limits.record_answer(
            scope, lea.channel_id, Response("look", 200, {}, {}), creates=False
        )
    assert posts(lea) == "channel.kept", "a response without quota changes nothing"
    says(lea, 50, 40, name="x-sandbox-limit")
    assert posts(lea) == ""


def test_single_agency_gets_all_but_the_reserve(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    assert [posts(anna) for _ in range(9)] == [""] * 8 + ["channel.kept"]
    assert posts(bo) == "channel.kept", "the reserve is closed to the posts of all agencies"


def test_two_agencies_with_due_posts_get_half_each(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    due(bo)
    assert [posts(anna) for _ in range(5)] == [""] * 4 + ["channel.shared"]
    with anna.scope() as scope:
        held = send_limits.post_block(scope, anna.channel())
        assert held is not None
        assert held.reason == shared_quota.QUOTA_SHARED_OUT
    assert [posts(bo) for _ in range(5)] == [""] * 4 + ["channel.kept"]


def test_posts_due_in_another_window_reserve_nothing(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    due(bo, after=timedelta(days=2))
    assert [posts(anna) for _ in range(8)] == [""] * 8


def test_unsent_units_are_returned_and_replies_are_counted(anna: World) -> None:
    says(anna, 10, 10)
    assert [posts(anna) for _ in range(8)] == [""] * 8
    with anna.scope() as scope:
        of = Subject("delivery", uuid7())
        send_limits.record_answer(
            scope, anna.channel_id, StepNotSent("publish", "deadline"), creates=True, of=of
        )
    assert [posts(anna), posts(anna)] == ["", "channel.kept"]
    with anna.scope() as scope:
        answer = Response("publish", 200, {}, {})
        send_limits.record_answer(
            scope, anna.channel_id, answer, creates=True, of=Subject("delivery", uuid7())
        )
        assert _used(scope) == 8, "its units were taken by its claim"
        send_limits.record_answer(
            scope, anna.channel_id, answer, creates=True, of=Subject("draft", uuid7())
        )
        assert _used(scope) == 9


def _used(scope: Scope) -> int:
    with scope.acting_as("relay"):
        found = scope.run(
            "SELECT d.used FROM app_days d JOIN channels c ON c.app_key = d.app_key"
            " WHERE c.tenant_id = :tenant AND d.agency = :house",
            tenant=scope.tenant_id,
            house=INSTALLATION_ID,
        )
        return int(found.scalar_one())


def test_quota_resets_when_the_platforms_window_ends(anna: World) -> None:
    says(anna, 10, 2)
    assert posts(anna) == "channel.kept"
    anna.pass_time(3601)
    assert posts(anna) == ""


@pytest.mark.parametrize("statement", ["SELECT used FROM app_days", "UPDATE app_days SET used = 0"])
def test_agency_cannot_read_quota_use(anna: World, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), anna.scope() as scope:
        scope.run(statement)


def test_web_process_learns_the_wait_of_its_own_application_only(
    anna: World, bo: World, lea: World, pages: Database
) -> None:
    says(anna, 10, 1)
    due(bo)
    for agency in (anna, bo):
        with pages.scope(agency.tenant_id, "system:test") as scope:
            held = send_limits.post_block(scope, agency.channel())
            assert held is not None
            assert held.reason == shared_quota.QUOTA_RESERVED
            assert shared_quota.used_share(scope, agency.channel()) == 0.9
    with pages.scope(lea.tenant_id, "system:test") as scope:
        asked = "SELECT * FROM app_quota_standing(:app, :now)"
        stranger = scope.run(asked, app=anna.channel().app_key, now=scope.now).all()
    assert stranger == []


def test_relay_role_reads_only_the_application_of_an_account(anna: World) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        anna.scope() as scope,
        scope.acting_as("relay"),
    ):
        scope.run("SELECT name FROM channels")


def test_channel_includes_its_application_key(anna: World, lea: World) -> None:
    with anna.scope() as scope:
        assert queries.get_channel(scope, anna.channel_id).app_key is not None
    assert lea.channel().app_key is None


# property tests of the arithmetic

Act = tuple[int, Literal["post", "reply"]]
ACTS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["post", "reply"])), max_size=120)


@settings(max_examples=200, deadline=None)
@given(most=st.integers(1, 60), agencies=st.integers(1, 5), cost=st.integers(1, 3), acts=ACTS)
def test_posts_never_exceed_the_reserve_or_their_share(
    most: int, agencies: int, cost: int, acts: Sequence[Act]
) -> None:
    """In any order; and no agency is refused below its share unless replies used it."""
    one = RateLimit("day", "app", most=most)
    kept, used, posted = one.reserved_units(most), [0] * agencies, [0] * agencies
    assert kept * 5 >= most
    for who, what in acts:
        ours = who % agencies
        if what == "reply":
            used[ours] += 1
            continue
        said = post_verdict(
            most=most, kept=kept, used=sum(used), ours=used[ours], agencies=agencies, cost=cost
        )
        if said == "yes":
            used[ours] += cost
            posted[ours] += cost
            assert sum(used) <= most - kept
            assert used[ours] <= fair_share(most - kept, agencies)
        elif sum(used) == sum(posted) and (most - kept) >= agencies:
            assert used[ours] + cost > (most - kept) // agencies, (
                "refused below its share without any reply"
            )
    assert sum(posted) <= most - kept


@given(
    at=st.integers(1_767_225_600, 1_798_761_600).map(lambda one: datetime.fromtimestamp(one, UTC))
)
def test_window_contains_its_time_and_follows_its_time_zone(at: datetime) -> None:
    for one in (each for known in rate_limits.RATE_LIMITS.values() for each in known):
        begun, ends = one.window_at(at)
        assert begun <= at < ends
        assert one.window_at(begun)[0] == begun
        assert one.window_at(ends)[0] == ends
    films, _ = rate_limits.rate_limits_of("youtube")
    assert films.window_at(datetime(2026, 11, 24, 9, tzinfo=UTC))[1] == datetime(
        2026, 11, 25, 8, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            {"limit": "100", "remaining": "7", "reset": "90"},
            LimitReading(100, 7, timedelta(seconds=90)),
        ),
        (
            {"used": "30", "remaining": "70.0", "reset": "90"},
            LimitReading(100, 70, timedelta(seconds=90)),
        ),
        ({"limit": "100", "remaining": "7"}, None),
        ({"limit": "0", "remaining": "0", "reset": "90"}, None),
        ({"limit": "many", "remaining": "-1", "reset": "90"}, None),
    ],
)
def test_limit_headers_are_parsed(headers: dict[str, str], found: LimitReading | None) -> None:
    told = {f"x-sandbox-limit-{name}": value for name, value in headers.items()}
    assert (
        rate_limits.read_limit_headers(
            rate_limits.rate_limits_of("sandbox")[0], Response("look", 200, told, {})
        )
        == found
    )


def test_read_responses_do_not_report_the_post_window() -> None:
    told = {"x-rate-limit-limit": "75", "x-rate-limit-remaining": "1", "x-rate-limit-reset": "90"}
    posts_of_x = rate_limits.rate_limits_of("x")[0]
    assert rate_limits.read_limit_headers(posts_of_x, Response("me", 200, told, {})) is None
    assert (
        rate_limits.read_limit_headers(posts_of_x, Response("publish", 200, told, {})) is not None
    )
