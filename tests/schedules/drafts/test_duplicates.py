"""What an account has said already: told when it is planned, held at its time, unless a person
wants it so."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, event, text

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.registry import loader
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime
from schedules.approvals.release import release_post
from schedules.drafts import drafts, duplicates
from schedules.drafts.drafts import Draft
from schedules.drafts.duplicates import DuplicatePost
from schedules.posts import deliveries, fingerprints
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.models import Post
from schedules.posts.states import DeliveryState
from schedules.posts.text_similarity import SimilarityKind
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal, uncertain_deliveries
from schedules.recurrence import detached_occurrences
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.publishing.test_uncertain_deliveries import in_doubt
from tests.schedules.series_builders import (
    DAILY,
    approve_and_release,
    build_recurrence,
    get_series_id,
    list_deliveries,
    start_series,
)
from workers.wiring import Services

CONNECTORS = loader.load_connectors()
LONG = (
    "Nouvelle série ce soir, tournée au bord de la mer avec une lumière qui ne reviendra pas "
    "avant longtemps"
)


@pytest.fixture
def lea(lea: SandboxAgency) -> SandboxAgency:
    """Léa, whose account holds what it said already."""
    lea.act(lifecycle.hold_repeats, lea.channels["main"], True)
    return lea


def test_an_account_that_holds_nothing_only_tells(lea: SandboxAgency) -> None:
    lea.act(lifecycle.hold_repeats, lea.channels["main"], False)
    lea.delivery("hello")
    again = lea.delivery("hello", after=60)
    assert [like.kind for like in likes(lea, again)] == [SimilarityKind.WORDS]
    lea.live(seconds=90)
    assert (lea.state(again), lea.texts()) == (DeliveryState.PUBLISHED, ["hello", "hello"])


def likes(lea: SandboxAgency, delivery_id: UUID) -> list[DuplicatePost]:
    with lea.scope() as scope:
        return duplicates.find_delivery_duplicates(
            scope, delivery_id, connectors=lea.services.connectors
        )


def anyway(lea: SandboxAgency, delivery_id: UUID, **more: object) -> int:
    found: int = lea.act(
        duplicates.allow_duplicate, delivery_id, connectors=lea.services.connectors, **more
    )
    return found


class Strict(Sandbox):
    """The sandbox, where one place never takes the same words twice."""

    capabilities = replace(Sandbox.capabilities, once=frozenset({"as_x"}))


def as_x(lea: SandboxAgency) -> UUID:
    """An account on a place that never takes the same words twice."""
    lea.services = replace(
        lea.services, connectors={**lea.services.connectors, "sandbox": Strict()}
    )
    lea.network.account(f"x-{str(lea.tenant_id)[-8:]}")
    account = f"x-{str(lea.tenant_id)[-8:]}"
    return lea.connect_to(
        "x", account=account, token=lea.network.tokens[account], surface="sandbox.as_x"
    )


@pytest.mark.parametrize("again", ["hello", "  HELLO\n"])
def test_the_same_words_are_held_and_leave_when_a_person_wants_it(
    lea: SandboxAgency, again: str
) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    second = lea.delivery(again, after=60)
    assert [(one.kind, one.out, one.refused) for one in likes(lea, second)] == [
        (SimilarityKind.WORDS, True, False)
    ]
    lea.live(minutes=2)
    assert (lea.state(second), lea.why(second)) == (DeliveryState.HELD, "delivery.repeats_words")
    assert len(lea.asked()) == 1
    lea.act(drafts.retry_delivery, second)
    lea.live(minutes=1)
    assert lea.state(second) is DeliveryState.HELD, "trying again is not saying that one knows"
    assert anyway(lea, second) == 1
    lea.live(minutes=1)
    assert lea.state(second) is DeliveryState.PUBLISHED
    with lea.scope() as scope:
        told = scope.run(
            "SELECT actor, act, about FROM audit_entries WHERE act = 'delivery.repeated'"
        ).all()
    assert [tuple(one) for one in told] == [
        (f"member:{lea.manager}", "delivery.repeated", f"delivery:{second}")
    ]


def test_nearly_the_same_and_the_same_pictures_are_held(lea: SandboxAgency) -> None:
    photo, other = lea.photo(1), lea.photo(2)
    lea.delivery(LONG, media=(photo, other))
    lea.live(minutes=1)
    near = lea.delivery(f"{LONG} !!! ❤️", after=60)
    shown = lea.delivery("tout autre chose", media=(photo,), after=120)
    new = lea.delivery("et encore", media=(photo, lea.photo(3)), after=180)
    lea.live(minutes=5)
    assert [lea.why(one) for one in (near, shown, new)] == [
        "delivery.repeats_nearly",
        "delivery.repeats_pictures",
        "",
    ]
    assert lea.state(new) is DeliveryState.PUBLISHED


def test_it_is_told_ten_minutes_before(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    second = lea.delivery("hello", after=3600)
    lea.live(minutes=55)
    assert lea.notices()[f"delivery:{second}:preflight"] == "delivery.repeats_words"
    assert anyway(lea, second) == 1
    lea.live(minutes=6)
    assert lea.state(second) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


def test_a_month_later_it_is_new(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    lea.pass_time(days=31)
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_another_account_another_creator_and_what_never_left_are_no_repeats(
    lea: SandboxAgency,
) -> None:
    lea.connect("other")
    lea.delivery("hello", channel="other")
    lea.fault("refuse")
    refused = lea.delivery("hello")
    lea.live(minutes=1)
    assert lea.state(refused) is DeliveryState.FAILED
    lea.act(drafts.remove_channel_from_post, refused)
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_what_was_taken_away_may_be_said_again(lea: SandboxAgency) -> None:
    first = lea.delivery("hello")
    lea.live(minutes=1)
    lea.act(post_removal.request_post_removal, first)
    lea.live(minutes=5)
    assert lea.state(first) is DeliveryState.REMOVED
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_what_was_left_in_doubt_may_stand_there(lea: SandboxAgency) -> None:
    """Its own page offers to duplicate it, and the copy left without a word beside the post that
    had arrived."""
    left = in_doubt(lea, "reset_after")
    lea.act(uncertain_deliveries.close_uncertain_delivery, left, member_id=lea.manager)
    second = lea.delivery("once", after=60)
    assert [(one.kind, one.delivery_id, one.out) for one in likes(lea, second)] == [
        (SimilarityKind.WORDS, left, True)
    ]
    lea.live(minutes=2)
    assert (lea.state(second), lea.why(second), lea.texts()) == (
        DeliveryState.HELD,
        "delivery.repeats_words",
        ["once"],
    )


def test_a_word_counts_for_these_words_alone(lea: SandboxAgency) -> None:
    """Bound to both posts as they were: changing either asks again."""
    lea.delivery("un")
    lea.delivery("deux")
    lea.live(minutes=1)
    second = lea.delivery("un", after=3600)
    assert anyway(lea, second) == 1
    assert anyway(lea, second) == 0, "twice is as once"
    post_id = lea.entry(second).post_id
    draft = Draft(lea.creator_id, "", "deux", (), (lea.channels["main"],))
    lea.act(drafts.rewrite_post, post_id, draft, author=f"member:{lea.author}")
    lea.approve(post_id)
    lea.act(release_post, post_id)
    lea.live(hours=2)
    assert lea.why(second) == "delivery.repeats_words"
    lea.act(
        drafts.rewrite_post,
        post_id,
        Draft(lea.creator_id, "", "trois", (), draft.channels),
        author="system:test",
    )
    assert likes(lea, second) == []


def test_two_planned_alike_are_told_and_the_second_is_held(lea: SandboxAgency) -> None:
    first, second = lea.delivery("hello", after=3600), lea.delivery("hello", after=7200)
    assert [one.delivery_id for one in likes(lea, second)] == [first]
    assert [one.delivery_id for one in likes(lea, first)] == [second]
    lea.live(hours=3)
    assert (lea.state(first), lea.state(second)) == (DeliveryState.PUBLISHED, DeliveryState.HELD)


def test_two_at_the_same_instant_leave_once(lea: SandboxAgency) -> None:
    both = [lea.delivery("hello", after=60), lea.delivery("hello", after=60)]
    lea.live(minutes=3)
    assert sorted(lea.state(one) for one in both) == [DeliveryState.HELD, DeliveryState.PUBLISHED]
    assert lea.texts() == ["hello"]


def test_times_of_a_series_are_meant(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea, DAILY))
    approve_and_release(lea, post_id)
    lea.live(days=3)
    states = [row.state for row in list_deliveries(lea, post_id)]
    assert states.count(DeliveryState.PUBLISHED) == 3
    assert DeliveryState.HELD not in states


@pytest.mark.heavy
def test_one_date_apart_is_still_one_of_them(lea: SandboxAgency) -> None:
    """A date of a series got another hour or another picture: neither it nor the dates after it
    wait for a word."""
    post_id = start_series(lea, wanted := build_recurrence(lea, DAILY))
    approve_and_release(lea, post_id)
    lea.run()
    apart = lea.act(
        detached_occurrences.detach_occurrence,
        get_series_id(lea, post_id),
        wanted.starts_on + timedelta(days=1),
        author="system:test",
    )
    approve_and_release(lea, apart)
    (alone,) = list_deliveries(lea, apart)
    assert likes(lea, alone.id) == []
    lea.live(days=4)
    assert lea.state(alone.id) == DeliveryState.PUBLISHED
    assert {
        lea.state(row.id) for row in list_deliveries(lea, post_id) if row.due_at < lea.now()
    } == {
        DeliveryState.PUBLISHED,
        DeliveryState.CANCELLED,
    }
    assert lea.texts() == ["again and again"] * 4


def test_where_the_same_words_are_never_taken_nothing_but_other_words_helps(
    lea: SandboxAgency,
) -> None:
    as_x(lea)
    lea.delivery("hello", channel="x")
    lea.live(minutes=1)
    lea.pass_time(days=200)
    second = lea.delivery("hello", channel="x", after=60)
    lea.live(minutes=2)
    assert lea.why(second) == "delivery.repeats_refused"
    with pytest.raises(Refused, match="never_twice"):
        anyway(lea, second)
    assert len(lea.asked("x")) == 1


@pytest.mark.heavy
def test_a_series_there_leaves_once(lea: SandboxAgency) -> None:
    as_x(lea)
    post_id = start_series(lea, build_recurrence(lea, DAILY), "x")
    approve_and_release(lea, post_id)
    lea.live(days=2)
    done = [
        row for row in list_deliveries(lea, post_id) if row.state not in (DeliveryState.SCHEDULED,)
    ]
    assert [row.state for row in done] == [DeliveryState.PUBLISHED, DeliveryState.HELD]
    assert lea.why(done[1].id) == "delivery.repeats_refused"


def test_what_a_place_says_otherwise_is_what_counts_there(lea: SandboxAgency) -> None:
    other = ChannelOverride(str(lea.channels["main"]), body="à part")
    first = lea.delivery("hello", others=(other,))
    lea.live(minutes=1)
    assert lea.texts() == ["à part"]
    same, said_elsewhere = lea.delivery("à part", after=60), lea.delivery("hello", after=120)
    lea.live(minutes=3)
    assert (lea.state(first), lea.state(same), lea.state(said_elsewhere)) == (
        DeliveryState.PUBLISHED,
        DeliveryState.HELD,
        DeliveryState.PUBLISHED,
    )


def test_another_tenants_posts_are_no_repeats(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    other = create_sandbox_agency(services, sandbox)
    other.delivery("hello")
    other.live(minutes=1)
    mine = lea.delivery("hello", after=60)
    with other.scope() as scope, pytest.raises(NotFound):
        duplicates.allow_duplicate(scope, mine, connectors=lea.services.connectors)
    lea.live(minutes=2)
    assert lea.state(mine) is DeliveryState.PUBLISHED


def test_posts_from_before_are_caught_up_with(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    with lea.scope() as scope:
        scope.run("DELETE FROM post_prints WHERE tenant_id = :t", t=lea.tenant_id)
        assert fingerprints.backfill_fingerprints(scope) == 1
        assert fingerprints.backfill_fingerprints(scope) == 0
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.HELD


def test_a_person_who_plans_says_once_that_they_know(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    main = lea.channels["main"]
    with lea.scope(f"member:{lea.author}") as scope:
        at = scope.now + timedelta(hours=1)
        said = PostContent("", "hello", (), ())
        (found,) = duplicates.find_content_duplicates(
            scope, said, [main], at, connectors=lea.services.connectors
        )
        draft = Draft(lea.creator_id, "", "hello", (), (main,))
        wall = WallTime(at.date(), at.time(), "UTC")
        planned = drafts.plan_draft(
            scope, draft, key=uuid7(), at=wall, author=f"member:{lea.author}"
        )
        duplicates.acknowledge_duplicates(
            scope, planned.post_id, seen={found.post_id}, connectors=lea.services.connectors
        )
        (row,) = deliveries.deliveries_of_post(scope, planned.post_id)
    assert likes(lea, row.id) == []
    lea.approve(planned.post_id)
    lea.act(release_post, planned.post_id)
    lea.live(hours=2)
    assert lea.state(row.id) is DeliveryState.PUBLISHED


def statements(scope: Scope, delivery_id: UUID) -> int:
    """How many statements the guard asks of one claim."""
    asked: list[str] = []
    row = get_delivery(scope, delivery_id)
    owner = deliveries.get_post(scope, row.post_id)
    channel = channel_reads.get_channel(scope, row.channel_id)
    event.listen(
        scope.session.info["connection"],
        "before_cursor_execute",
        lambda _c, _u, said, *_: asked.append(said),
    )
    duplicates.find_blocking_duplicate(scope, row, owner, channel, CONNECTORS[channel.platform])
    return len(asked)


def test_a_new_post_costs_one_statement_a_claim(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    second = lea.delivery(LONG, after=3600)
    with lea.scope() as scope:
        assert statements(scope, second) == 1


_READ = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables
WHERE relname IN ('posts', 'post_prints', 'deliveries')
"""
"""Rows this transaction has read so far of what is compared, through indices or not."""


@pytest.mark.slow
def test_of_ten_thousand_posts_before_a_few_are_read(lea: SandboxAgency, cluster: Cluster) -> None:
    """Where they differ, next to none; where many say the same, long ago, those alone."""
    main = lea.channels["main"]
    words = [
        f"Publication {number // 10:04} {chr(97 + number % 26) * 3} et encore des mots à la suite"
        for number in range(10_000)
    ]
    with lea.scope() as scope:
        made = [
            _old(lea, number, body)
            for number, body in enumerate([*words, *["toujours pareil"] * 1_000])
        ]
        scope.session.add_all(made)
        scope.session.flush()
        fingerprints.store_new_fingerprints(scope, made)
        scope.run(
            "INSERT INTO deliveries (tenant_id, id, creator_id, post_id, channel_id, state, "
            "wall_time, zone, due_at,"
            " settled_at, priority, occurrence_key, parts, part_ids, attempt, version)"
            " SELECT tenant_id, gen_random_uuid(), creator_id, id, :channel, 'published', "
            "'2026-01-01T10:00', 'UTC',"
            " house_now() - interval '40 days', house_now() - interval '40 days', 5, '', 1, '[]', "
            "1, 1"
            " FROM posts WHERE tenant_id = :tenant AND origin = 'old'",
            channel=main,
            tenant=lea.tenant_id,
        )
    engine = create_engine(cluster.url("postgres", "house"), isolation_level="AUTOCOMMIT")
    with (
        engine.connect() as connection
    ):  # as the database does by itself, some time after so many rows
        connection.execute(text("ANALYZE post_prints, deliveries"))
    engine.dispose()
    new, same = (
        lea.delivery(words[17] + " mais aujourd’hui", after=3600),
        lea.delivery("toujours pareil", after=3600),
    )
    read = {}
    for name, one in (("new", new), ("same", same)):
        with lea.scope() as scope:
            row = get_delivery(scope, one)
            owner, channel = (
                deliveries.get_post(scope, row.post_id),
                channel_reads.get_channel(scope, main),
            )
            before = scope.run(_READ).scalar_one()
            assert (
                duplicates.find_blocking_duplicate(
                    scope, row, owner, channel, CONNECTORS["sandbox"]
                )
                is None
            )
            read[name] = int(scope.run(_READ).scalar_one() - before)
    assert read["new"] < 50, read  # of eleven thousand
    assert read["same"] < 3_000, (
        read
    )  # of each that says the same a mark and where it went, of no other


def _old(lea: SandboxAgency, number: int, text: str) -> Post:
    return Post(
        tenant_id=lea.tenant_id,
        creator_id=lea.creator_id,
        id=uuid7(),
        title="",
        body=text,
        origin="old",
        origin_key=str(number),
        author="system:test",
        late_ok=None,
        digest="",
    )
