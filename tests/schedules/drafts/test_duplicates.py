"""Duplicate posts of an account: a warning when they are scheduled, a hold when they are due, and
the permission to publish anyway."""

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
    """Return the agency with duplicates of its account on hold."""
    lea.act(lifecycle.hold_repeats, lea.channels["main"], True)
    return lea


def test_duplicate_is_published_if_account_does_not_hold_repeats(lea: SandboxAgency) -> None:
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
    """A sandbox whose surface `as_x` never accepts the same text twice."""

    capabilities = replace(Sandbox.capabilities, once=frozenset({"as_x"}))


def as_x(lea: SandboxAgency) -> UUID:
    """Connect an account on a surface that never accepts the same text twice."""
    lea.services = replace(
        lea.services, connectors={**lea.services.connectors, "sandbox": Strict()}
    )
    lea.network.account(f"x-{str(lea.tenant_id)[-8:]}")
    account = f"x-{str(lea.tenant_id)[-8:]}"
    return lea.connect_to(
        "x", account=account, token=lea.network.tokens[account], surface="sandbox.as_x"
    )


@pytest.mark.parametrize("again", ["hello", "  HELLO\n"])
def test_duplicate_text_is_held_until_allowed(lea: SandboxAgency, again: str) -> None:
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
    assert lea.state(second) is DeliveryState.HELD, "a retry does not allow the duplicate"
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


def test_similar_text_and_same_photos_are_held(lea: SandboxAgency) -> None:
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


def test_duplicate_is_announced_ten_minutes_before(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    second = lea.delivery("hello", after=3600)
    lea.live(minutes=55)
    assert lea.notices()[f"delivery:{second}:preflight"] == "delivery.repeats_words"
    assert anyway(lea, second) == 1
    lea.live(minutes=6)
    assert lea.state(second) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


def test_duplicate_after_a_month_is_published(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    lea.pass_time(days=31)
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_post_on_another_account_or_failed_post_is_no_duplicate(
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


def test_text_of_removed_post_can_be_published_again(lea: SandboxAgency) -> None:
    first = lea.delivery("hello")
    lea.live(minutes=1)
    lea.act(post_removal.request_post_removal, first)
    lea.live(minutes=5)
    assert lea.state(first) is DeliveryState.REMOVED
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_uncertain_post_counts_as_duplicate(lea: SandboxAgency) -> None:
    """Its page offers to duplicate the post; the copy was published without a warning although the
    first had arrived."""
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


def test_duplicate_permission_covers_both_texts_only(lea: SandboxAgency) -> None:
    """The permission is bound to both posts as they were: a change of either needs another."""
    lea.delivery("un")
    lea.delivery("deux")
    lea.live(minutes=1)
    second = lea.delivery("un", after=3600)
    assert anyway(lea, second) == 1
    assert anyway(lea, second) == 0, "a second call has no effect"
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


def test_second_of_two_scheduled_duplicates_is_held(lea: SandboxAgency) -> None:
    first, second = lea.delivery("hello", after=3600), lea.delivery("hello", after=7200)
    assert [one.delivery_id for one in likes(lea, second)] == [first]
    assert [one.delivery_id for one in likes(lea, first)] == [second]
    lea.live(hours=3)
    assert (lea.state(first), lea.state(second)) == (DeliveryState.PUBLISHED, DeliveryState.HELD)


def test_simultaneous_duplicates_publish_once(lea: SandboxAgency) -> None:
    both = [lea.delivery("hello", after=60), lea.delivery("hello", after=60)]
    lea.live(minutes=3)
    assert sorted(lea.state(one) for one in both) == [DeliveryState.HELD, DeliveryState.PUBLISHED]
    assert lea.texts() == ["hello"]


def test_occurrences_of_series_are_no_duplicates(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea, DAILY))
    approve_and_release(lea, post_id)
    lea.live(days=3)
    states = [row.state for row in list_deliveries(lea, post_id)]
    assert states.count(DeliveryState.PUBLISHED) == 3
    assert DeliveryState.HELD not in states


@pytest.mark.heavy
def test_detached_occurrence_is_no_duplicate(lea: SandboxAgency) -> None:
    """An occurrence with another time or photo is detached: neither it nor later occurrences are
    held as duplicates."""
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


def test_duplicate_cannot_be_allowed_where_platform_refuses_it(
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
def test_series_publishes_once_where_platform_refuses_duplicates(lea: SandboxAgency) -> None:
    as_x(lea)
    post_id = start_series(lea, build_recurrence(lea, DAILY), "x")
    approve_and_release(lea, post_id)
    lea.live(days=2)
    done = [
        row for row in list_deliveries(lea, post_id) if row.state not in (DeliveryState.SCHEDULED,)
    ]
    assert [row.state for row in done] == [DeliveryState.PUBLISHED, DeliveryState.HELD]
    assert lea.why(done[1].id) == "delivery.repeats_refused"


def test_override_text_counts_for_duplicates(lea: SandboxAgency) -> None:
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


def test_posts_of_another_tenant_are_no_duplicates(
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


def test_missing_fingerprints_are_backfilled(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    with lea.scope() as scope:
        scope.run("DELETE FROM post_prints WHERE tenant_id = :t", t=lea.tenant_id)
        assert fingerprints.backfill_fingerprints(scope) == 1
        assert fingerprints.backfill_fingerprints(scope) == 0
    second = lea.delivery("hello", after=60)
    lea.live(minutes=2)
    assert lea.state(second) is DeliveryState.HELD


def test_duplicates_can_be_acknowledged_when_scheduling(lea: SandboxAgency) -> None:
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
    """Return the number of statements that the duplicate check runs for one claim."""
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


def test_duplicate_check_of_new_post_runs_one_statement(lea: SandboxAgency) -> None:
    lea.delivery("hello")
    lea.live(minutes=1)
    second = lea.delivery(LONG, after=3600)
    with lea.scope() as scope:
        assert statements(scope, second) == 1


_READ = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables
WHERE relname IN ('posts', 'post_prints', 'deliveries')
"""
"""SQL that counts the rows of the compared tables that this transaction has read."""


@pytest.mark.slow
def test_duplicate_check_reads_few_rows_of_ten_thousand_posts(
    lea: SandboxAgency, cluster: Cluster
) -> None:
    """Different texts cost almost no rows; equal texts published long ago cost only their own rows."""
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
    with engine.connect() as connection:  # autovacuum does the same some time after so many inserts
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
    assert read["new"] < 50, read  # of eleven thousand rows
    assert read["same"] < 3_000, (
        read
    )  # only the fingerprint and the delivery of each post with an equal text


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
