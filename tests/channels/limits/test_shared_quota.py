"""What is left of a platform's limits: a fifth is kept for replies and removals, the rest of an
application shared."""

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
    """An application that no other test knows."""
    return f"studio{uuid7().hex[-8:]}"


@pytest.fixture
def anna(database: Database, sandbox: RunningSandbox, app: str) -> World:
    return world(database, sandbox, "anna", app=app)


@pytest.fixture
def bo(database: Database, sandbox: RunningSandbox, app: str) -> World:
    """Of another agency, through the same application."""
    return world(database, sandbox, "bo", app=app)


def says(
    one: World, most: int, left: int, *, name: str = "x-sandbox-app", step: str = "look"
) -> None:
    """The platform answers, and says what is left of a window that has an hour to go."""
    told = {f"{name}-limit": str(most), f"{name}-remaining": str(left), f"{name}-reset": "3600"}
    with one.scope() as scope:
        send_limits.record_answer(
            scope, one.channel_id, Response(step, 200, told, {}), creates=False
        )


def posts(one: World) -> str:
    """Claim a post's units: "" where it may leave, else why it waits."""
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
    """Undoes what the claim took."""


def due(one: World, *, after: timedelta = timedelta(minutes=5)) -> None:
    """Something is due by an account of the agency."""
    with one.scope() as scope:
        lane = f"channel:{one.channel_id}"
        outbox.put(
            scope, PublishDue(one.tenant_id, uuid7()), at=scope.now + after, lane=lane, priority=5
        )


def test_a_fifth_of_an_accounts_window_is_for_replies_and_removals(lea: World) -> None:
    said = {"name": "x-sandbox-limit"}
    says(lea, 50, 11, **said)
    assert posts(lea) == ""
    says(lea, 50, 10, **said)
    assert posts(lea) == "channel.kept"
    with lea.scope() as scope:
        assert send_limits.claim_send_slot(scope, lea.channel()) is None, "a reply leaves"
        assert send_limits.send_block(scope, lea.channel_id, brake=True) is None, "and a removal"
        held = send_limits.post_block(scope, lea.channel())
        assert held is not None
        assert timedelta(minutes=59) < held.until - scope.now <= timedelta(hours=1)
        assert held.wait_from(scope.now) == send_limits.ASKED_AGAIN
    lea.pass_time(3601)
    assert posts(lea) == ""


def test_an_answer_that_says_there_is_more_lets_posts_go(lea: World) -> None:
    says(lea, 50, 3, name="x-sandbox-limit")
    with lea.scope() as scope:
        send_limits.record_answer(
            scope, lea.channel_id, Response("look", 200, {}, {}), creates=False
        )
    assert posts(lea) == "channel.kept", "one that says nothing changes nothing"
    says(lea, 50, 40, name="x-sandbox-limit")
    assert posts(lea) == ""


def test_one_agency_alone_has_all_but_the_reserve(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    assert [posts(anna) for _ in range(9)] == [""] * 8 + ["channel.kept"]
    assert posts(bo) == "channel.kept", "what is kept is kept from everybody's posts"


def test_two_with_something_due_have_half_each_whoever_comes_first(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    due(bo)
    assert [posts(anna) for _ in range(5)] == [""] * 4 + ["channel.shared"]
    with anna.scope() as scope:
        held = send_limits.post_block(scope, anna.channel())
        assert held is not None
        assert held.reason == shared_quota.QUOTA_SHARED_OUT
    assert [posts(bo) for _ in range(5)] == [""] * 4 + ["channel.kept"]


def test_what_others_have_due_in_another_window_takes_nothing_away(anna: World, bo: World) -> None:
    says(anna, 10, 10)
    due(bo, after=timedelta(days=2))
    assert [posts(anna) for _ in range(8)] == [""] * 8


def test_what_never_left_is_given_back_and_what_a_reply_costs_is_counted(anna: World) -> None:
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
        assert _used(scope) == 8, "its units were taken in its claim"
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


def test_their_window_ends_when_they_say_and_all_is_there_again(anna: World) -> None:
    says(anna, 10, 2)
    assert posts(anna) == "channel.kept"
    anna.pass_time(3601)
    assert posts(anna) == ""


@pytest.mark.parametrize("statement", ["SELECT used FROM app_days", "UPDATE app_days SET used = 0"])
def test_an_agency_sees_nobodys_units(anna: World, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), anna.scope() as scope:
        scope.run(statement)


def test_the_relay_learns_which_account_is_of_which_application_and_no_more(anna: World) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        anna.scope() as scope,
        scope.acting_as("relay"),
    ):
        scope.run("SELECT name FROM channels")


def test_an_account_as_it_is_read_knows_its_application(anna: World, lea: World) -> None:
    with anna.scope() as scope:
        assert queries.get_channel(scope, anna.channel_id).app_key is not None
    assert lea.channel().app_key is None


# the arithmetic

Act = tuple[int, Literal["post", "reply"]]
ACTS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["post", "reply"])), max_size=120)


@settings(max_examples=200, deadline=None)
@given(most=st.integers(1, 60), agencies=st.integers(1, 5), cost=st.integers(1, 3), acts=ACTS)
def test_posts_never_touch_the_reserve_nor_anothers_share(
    most: int, agencies: int, cost: int, acts: Sequence[Act]
) -> None:
    """In whatever order they come; and nobody is kept from a share that nobody's replies used
    up."""
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
                "refused below its share, and nobody replied"
            )
    assert sum(posted) <= most - kept


@given(
    at=st.integers(1_767_225_600, 1_798_761_600).map(lambda one: datetime.fromtimestamp(one, UTC))
)
def test_a_moment_lies_in_its_window_and_a_day_is_that_of_its_zone(at: datetime) -> None:
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
def test_what_an_answer_says_is_left(headers: dict[str, str], found: LimitReading | None) -> None:
    told = {f"x-sandbox-limit-{name}": value for name, value in headers.items()}
    assert (
        rate_limits.read_limit_headers(
            rate_limits.rate_limits_of("sandbox")[0], Response("look", 200, told, {})
        )
        == found
    )


def test_a_window_of_posts_is_not_told_by_reads() -> None:
    told = {"x-rate-limit-limit": "75", "x-rate-limit-remaining": "1", "x-rate-limit-reset": "90"}
    posts_of_x = rate_limits.rate_limits_of("x")[0]
    assert rate_limits.read_limit_headers(posts_of_x, Response("me", 200, told, {})) is None
    assert (
        rate_limits.read_limit_headers(posts_of_x, Response("publish", 200, told, {})) is not None
    )
