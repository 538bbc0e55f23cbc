"""Evergreen pools: posts are reposted on free slots after a minimum age, variants alternate, and
the duplicate check applies."""

import itertools
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from channels.accounts import lifecycle
from connectors.registry import loader
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.approvals import decisions
from schedules.availability import slots
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, link_tracking
from schedules.posts.link_tracking import LinkChoices, LinkPolicy
from schedules.posts.states import DeliveryState
from schedules.posts.text_similarity import SIMILARITY_WINDOW
from schedules.recurrence import evergreen_planner, evergreen_pools
from schedules.recurrence.evergreen_planner import PoolUse, order_pool_turns
from schedules.recurrence.evergreen_pools import PoolSchedule
from schedules.rescheduling import account_failover
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.drafts.test_duplicates import as_x
from tests.schedules.series_builders import allow_any_lateness
from workers.wiring import Services

CONNECTORS = loader.load_connectors()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def every_day(lea: SandboxAgency, channel: str = "main", *clocks: int, label: str = "") -> None:
    with lea.scope() as scope:
        for weekday in range(7):
            for clock in clocks or (10,):
                slots.add_slot(
                    scope,
                    lea.channels[channel],
                    weekday=weekday,
                    clock=time(clock),
                    zone="UTC",
                    label=label,
                )


def settled(lea: SandboxAgency, *channels: str, **more: object) -> UUID:
    # `more` holds keyword arguments of any type
    rhythm = PoolSchedule(tuple(lea.channels[one] for one in channels or ("main",)), **more)  # type: ignore[arg-type]  # see above
    found: UUID = lea.act(evergreen_pools.save_pool, lea.creator_id, rhythm)
    return found


def published(lea: SandboxAgency, *bodies: str, channel: str = "main") -> list[UUID]:
    """Publish these posts and return their IDs."""
    found = [lea.entry(lea.delivery(body, channel=channel)).post_id for body in bodies]
    lea.live(minutes=1)
    return found


def planned(lea: SandboxAgency) -> list[tuple[str, DeliveryState, datetime]]:
    """Return text, state and due time of each delivery of the pool, by due time."""
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT p.body, d.state, d.due_at FROM deliveries d JOIN posts p ON p.tenant_id = "
            "d.tenant_id"
            " AND p.id = d.post_id WHERE d.tenant_id = :t AND d.occurrence_key LIKE 'pool-%' "
            "ORDER BY d.due_at, d.id",
            t=lea.tenant_id,
        ).all()
    return [(row.body, DeliveryState(row.state), row.due_at) for row in rows]


def kept(lea: SandboxAgency, *bodies: str, **more: object) -> list[UUID]:
    """Create a pool with these posts, published forty days ago, and return its entries."""
    pool_id = settled(lea, **{"min_age": SIMILARITY_WINDOW, **more})
    posts = published(lea, *bodies)
    lea.act(evergreen_pools.pause_pool, pool_id)
    lea.pass_time(days=40)
    entries = [lea.act(evergreen_pools.add_post_to_pool, one) for one in posts]
    lea.act(evergreen_pools.resume_pool, pool_id)
    return entries


@pytest.mark.heavy
def test_published_posts_are_reposted_on_free_slots_in_turn(lea: SandboxAgency) -> None:
    every_day(lea)
    kept(lea, "un", "deux", "trois", "quatre", min_age=SIMILARITY_WINDOW)
    lea.run()
    found = planned(lea)
    assert [body for body, _, _ in found] == ["un", "deux", "trois"], (
        "at most three are scheduled, oldest first"
    )
    assert {state for _, state, _ in found} == {DeliveryState.SCHEDULED}, (
        "the approval is still valid"
    )
    assert all(due.hour == 10 for _, _, due in found)
    assert all(later[2] - one[2] >= timedelta(days=1) for one, later in itertools.pairwise(found))
    lea.live(days=5)
    assert [body for body, state, _ in planned(lea) if state is DeliveryState.PUBLISHED] == [
        "un",
        "deux",
        "trois",
        "quatre",
    ]
    assert not [1 for _, state, _ in planned(lea) if state is DeliveryState.HELD]


def test_filling_pool_twice_has_no_effect(lea: SandboxAgency) -> None:
    every_day(lea)
    kept(lea, "un", "deux")
    lea.run()
    before = planned(lea)
    with lea.scope() as scope:
        (pool_id,) = scope.run(
            "SELECT id FROM pools WHERE tenant_id = :t", t=lea.tenant_id
        ).scalars()
    for _ in range(2):
        assert lea.act(evergreen_planner.fill_free_slots, pool_id, connectors=CONNECTORS) == 0
    assert planned(lea) == before
    assert len(lea.rows("pool.fill")) == 1


@pytest.mark.heavy
def test_post_respects_minimum_age_and_variants_alternate(lea: SandboxAgency) -> None:
    every_day(lea)
    (entry,) = kept(lea, "un", min_age=SIMILARITY_WINDOW)
    other = lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "autrement",
        key=uuid7(),
        author=f"member:{lea.author}",
    )
    lea.approve(other)
    lea.live(days=1)
    lea.live(days=75)
    out = [body for body, state, _ in planned(lea) if state is DeliveryState.PUBLISHED]
    assert out[:3] == ["autrement", "un", "autrement"], "the post itself was published first"
    times = [due for _, state, due in planned(lea) if state is not DeliveryState.CANCELLED]
    assert all(later - one >= SIMILARITY_WINDOW for one, later in itertools.pairwise(times))


def test_pool_variant_needs_approval(lea: SandboxAgency) -> None:
    every_day(lea)
    (entry,) = kept(lea, "un", min_age=SIMILARITY_WINDOW)
    lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "autrement",
        key=uuid7(),
        author=f"member:{lea.author}",
    )
    lea.run()
    assert [(body, state) for body, state, _ in planned(lea)] == [
        ("autrement", DeliveryState.DRAFT)
    ]


def test_pool_variant_keeps_link_choices(lea: SandboxAgency) -> None:
    """The link settings were lost: an excluded link was tagged in the variant, under another
    campaign."""
    lea.act(
        link_tracking.set_link_policy,
        lea.creator_id,
        LinkPolicy(source="{platform}", campaign="always"),
    )
    wanted = LinkChoices("spring", ("https://lea.example.org/me",))
    words = ("", "un https://lea.example.org/me", (), (lea.channels["main"],))
    draft = Draft(lea.creator_id, *words, links=wanted)
    first = lea.act(drafts.write_draft, draft, key=uuid7(), author=f"member:{lea.author}")
    settled(lea)
    entry = lea.act(evergreen_pools.add_post_to_pool, first)
    other = lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "autrement https://lea.example.org/me",
        key=uuid7(),
        author="system:test",
    )
    with lea.scope() as scope:
        assert link_tracking.link_plan_of_post(deliveries.get_post(scope, other)).wanted == wanted


def test_declined_variant_is_skipped(lea: SandboxAgency) -> None:
    """The declined variant was scheduled again at each run and put on hold when due."""
    every_day(lea)
    (entry,) = kept(lea, "un", min_age=SIMILARITY_WINDOW)
    other = lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "autrement",
        key=uuid7(),
        author=f"member:{lea.author}",
    )
    lea.run()
    lea.act(decisions.decline_post, other, member_id=lea.manager, note="never")
    lea.live(hours=7)
    assert [(body, state) for body, state, _ in planned(lea)] == [
        ("autrement", DeliveryState.CANCELLED),
        ("un", DeliveryState.SCHEDULED),
    ]


def test_pool_respects_duplicate_check(lea: SandboxAgency) -> None:
    """A post whose text another post of the account has within thirty days is not reposted."""
    every_day(lea)
    kept(lea, "un", "deux", min_age=SIMILARITY_WINDOW)
    lea.delivery("un", after=86_400 * 3)
    lea.run()
    assert [body for body, _, _ in planned(lea)] == ["deux"]


def test_pool_reposts_only_variants_where_platform_refuses_duplicates(
    lea: SandboxAgency,
) -> None:
    as_x(lea)
    every_day(lea, "x")
    pool_id = settled(lea, "x", min_age=SIMILARITY_WINDOW)
    (post_id,) = published(lea, "un", channel="x")
    lea.act(evergreen_pools.pause_pool, pool_id)
    lea.pass_time(days=400)
    entry = lea.act(evergreen_pools.add_post_to_pool, post_id)
    lea.act(evergreen_pools.resume_pool, pool_id)
    lea.run()
    assert planned(lea) == []
    other = lea.act(
        evergreen_pools.add_pool_variant, entry, "autrement", key=uuid7(), author="system:test"
    )
    lea.approve(other)
    lea.live(days=2)
    lea.live(days=70)
    assert [body for body, state, _ in planned(lea) if state is DeliveryState.PUBLISHED] == [
        "autrement"
    ]


def test_pool_uses_slots_of_its_label_until_its_end(lea: SandboxAgency) -> None:
    every_day(lea, "main", 10)
    every_day(lea, "main", 15, label="retour")
    until = (lea.now() + timedelta(days=41)).date()
    kept(lea, "un", "deux", "trois", min_age=SIMILARITY_WINDOW, label="retour", until=until)
    lea.run()
    found = planned(lea)
    assert 1 <= len(found) < 3
    assert all(due.hour == 15 and due.date() <= until for _, _, due in found)


def test_pause_and_removal_cancel_scheduled_reposts(lea: SandboxAgency) -> None:
    every_day(lea)
    entries = kept(lea, "un", "deux")
    lea.run()
    assert lea.act(evergreen_pools.remove_pool_entry, entries[0]) == 1
    lea.run()
    assert [
        (body, state) for body, state, _ in planned(lea) if state is DeliveryState.SCHEDULED
    ] == [("deux", DeliveryState.SCHEDULED)]
    with lea.scope() as scope:
        row = evergreen_pools.pool_of_creator(scope, lea.creator_id)
        assert row is not None
        pool_id = row.id
    assert lea.act(evergreen_pools.pause_pool, pool_id) == 1
    assert lea.act(evergreen_pools.pause_pool, pool_id) == 0
    lea.live(days=2)
    assert not [1 for _, state, _ in planned(lea) if state is not DeliveryState.CANCELLED]
    lea.act(evergreen_pools.resume_pool, pool_id)
    lea.run()
    assert [body for body, state, _ in planned(lea) if state is DeliveryState.SCHEDULED] == ["deux"]
    lea.act(evergreen_pools.add_post_to_pool, UUID(str(_first(lea, entries[0]))))
    lea.run()
    assert sorted(body for body, state, _ in planned(lea) if state is DeliveryState.SCHEDULED) == [
        "deux",
        "un",
    ]


@pytest.mark.parametrize("act", ["take_out", "pause"])
def test_held_repost_is_cancelled_with_its_entry(lea: SandboxAgency, act: str) -> None:
    """The pool reported an empty calendar, but an approval days later published the held delivery,
    which had no deadline."""
    every_day(lea)
    (entry,) = kept(lea, "un")
    other = lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "autrement",
        key=uuid7(),
        author=f"member:{lea.author}",
    )
    lea.live(days=1)
    allow_any_lateness(lea, other)
    assert [(body, state) for body, state, _ in planned(lea)][-1] == (
        "autrement",
        DeliveryState.HELD,
    )
    with lea.scope() as scope:
        pool = evergreen_pools.pool_of_creator(scope, lea.creator_id)
        assert pool is not None
    assert (
        lea.act(evergreen_pools.remove_pool_entry, entry)
        if act == "take_out"
        else lea.act(evergreen_pools.pause_pool, pool.id)
    ) == 1
    lea.approve(other)
    lea.live(days=1)
    assert {state for body, state, _ in planned(lea) if body == "autrement"} == {
        DeliveryState.CANCELLED
    }
    assert "autrement" not in lea.texts()


def _first(lea: SandboxAgency, entry_id: UUID) -> UUID:
    with lea.scope() as scope:
        found: UUID = scope.run(
            "SELECT first_id FROM pool_entries WHERE id = :id", id=entry_id
        ).scalar()
    return found


def test_pool_takes_each_slot_once(lea: SandboxAgency) -> None:
    every_day(lea)
    kept(lea, "un", "deux", "trois")
    lea.run()
    assert len({due for _, _, due in planned(lea)}) == 3
    first = planned(lea)[0][2]
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT count(*) FROM slot_uses WHERE tenant_id = :t", t=lea.tenant_id
        ).scalar()
    assert rows == 3
    assert first > lea.now()


def test_pool_filling_survives_crash(lea: SandboxAgency) -> None:
    every_day(lea)
    kept(lea, "un", "deux", "trois")
    for point in range(6):
        lea.crash(point)
    lea.run()
    assert [body for body, _, _ in planned(lea)] == ["un", "deux", "trois"]


def test_stalled_pool_is_woken_daily(lea: SandboxAgency) -> None:
    pool_id = settled(lea)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=lea.tenant_id)
        assert evergreen_pools.stalled_pools(scope) == [pool_id]
        evergreen_planner.wake_stalled_pools(scope)
    assert len(lea.rows("pool.fill")) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"min_age": timedelta(days=2)}, "pool.rhythm_wrong"),
        ({"every": timedelta(days=-1)}, "pool.rhythm_wrong"),
        ({"until": NOW.date() - timedelta(days=900)}, "pool.over"),
    ],
)
def test_invalid_pool_schedule_is_refused(
    lea: SandboxAgency, wrong: dict[str, object], code: str
) -> None:
    with pytest.raises(BadInput, match=code):
        settled(lea, **wrong)


def test_pools_are_invisible_to_another_tenant(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    other = create_sandbox_agency(services, sandbox)
    pool_id = settled(other)
    (theirs,) = published(other, "un")
    entry = other.act(evergreen_pools.add_post_to_pool, theirs)
    with pytest.raises(Conflict, match="none_yet"):
        lea.act(evergreen_pools.add_post_to_pool, lea.write("x"))
    settled(lea)
    for act, about in (
        (evergreen_pools.add_post_to_pool, theirs),
        (evergreen_pools.pause_pool, pool_id),
        (evergreen_pools.resume_pool, pool_id),
        (evergreen_pools.remove_pool_entry, entry),
    ):
        with pytest.raises(NotFound):
            lea.act(act, about)
    with pytest.raises(NotFound):
        lea.act(evergreen_pools.save_pool, lea.creator_id, PoolSchedule((other.channels["main"],)))


def test_equal_variant_is_refused_and_repeated_request_counts_once(lea: SandboxAgency) -> None:
    settled(lea)
    (post_id,) = published(lea, "un")
    entry = lea.act(evergreen_pools.add_post_to_pool, post_id)
    assert lea.act(evergreen_pools.add_post_to_pool, post_id) == entry
    with pytest.raises(BadInput, match="same_words"):
        lea.act(evergreen_pools.add_pool_variant, entry, " UN ", key=uuid7(), author="system:test")
    key = uuid7()
    made = lea.act(evergreen_pools.add_pool_variant, entry, "deux", key=key, author="system:test")
    assert (
        lea.act(evergreen_pools.add_pool_variant, entry, "deux", key=key, author="system:test")
        == made
    )


def test_pool_variants_share_photos(lea: SandboxAgency) -> None:
    settled(lea)
    post_id = lea.entry(lea.delivery("un", media=(lea.photo(),))).post_id
    lea.live(minutes=1)
    entry = lea.act(evergreen_pools.add_post_to_pool, post_id)
    made = lea.act(
        evergreen_pools.add_pool_variant, entry, "deux", key=uuid7(), author="system:test"
    )
    with lea.scope() as scope:
        assert (
            deliveries.get_post(scope, made).media
            == deliveries.get_post(scope, post_id).media
            != []
        )
    with pytest.raises(BadInput, match="same_words"):
        lea.act(evergreen_pools.add_pool_variant, entry, "Deux", key=uuid7(), author="system:test")


def test_pool_schedules_nothing_on_lost_account(lea: SandboxAgency) -> None:
    """Each delivery was held when due, and the next was scheduled."""
    every_day(lea)
    kept(lea, "un", "deux")
    lost = lea.channels["main"]
    lea.act(lifecycle.mark_gone, lost, Message("delivery.account_lost"))
    lea.live(days=2)
    assert planned(lea) == []
    lea.connect("main")
    lea.live(days=2)
    assert DeliveryState.PUBLISHED in {state for _, state, _ in planned(lea)}


@pytest.mark.heavy
def test_delivery_moved_by_failover_does_not_block_next_repost(lea: SandboxAgency) -> None:
    """The moved delivery had the occurrence key of its next repost on this account, so no repost
    was ever created."""
    every_day(lea)
    spare_id = lea.connect("spare")
    kept(lea, "un", min_age=SIMILARITY_WINDOW)
    lea.run()
    lost = lea.channels["main"]
    lea.act(
        account_failover.move_to_spare_account,
        lost,
        spare_id,
        seen=lea.act(account_failover.preview_failover, lost, spare_id).seen_versions,
    )
    lea.live(days=40)
    assert [state for _, state, _ in planned(lea)].count(DeliveryState.PUBLISHED) == 2


def test_cancelled_repost_moves_to_next_slot(lea: SandboxAgency) -> None:
    every_day(lea)
    kept(lea, "un", min_age=SIMILARITY_WINDOW)
    lea.run()
    with lea.scope() as scope:
        (delivery_id,) = scope.run(
            "SELECT id FROM deliveries WHERE tenant_id = :t AND occurrence_key LIKE 'pool-%'",
            t=lea.tenant_id,
        ).scalars()
    lea.act(drafts.remove_channel_from_post, delivery_id)
    lea.live(hours=7)
    states = [state for _, state, _ in planned(lea)]
    assert states.count(DeliveryState.SCHEDULED) == 1, "it is scheduled at the next free slot"


# Turns


@given(
    some.lists(some.integers(1, 4), min_size=1, max_size=5),
    some.lists(
        some.tuples(
            some.integers(0, 19), some.integers(0, 400), some.sampled_from([*DeliveryState])
        ),
        max_size=30,
    ),
)
def test_pool_turns_are_fair(sizes: list[int], used: list[tuple[int, int, DeliveryState]]) -> None:
    """Every variant of every entry occurs once, the entry that has waited longest is first, and the
    variant used last is last."""
    entries = {
        UUID(int=number + 1): tuple(UUID(int=100 * (number + 1) + place) for place in range(size))
        for number, size in enumerate(sizes)
    }
    posts = [one for each in entries.values() for one in each]
    uses = [
        PoolUse(posts[place % len(posts)], NOW - timedelta(days=day), state, by_pool=True)
        for place, day, state in used
    ]
    found = order_pool_turns(entries, uses)
    assert {one.entry_id: frozenset(one.wordings) for one in found} == {
        key: frozenset(each) for key, each in entries.items()
    }
    ages = [one.last for one in found]
    known = [one for one in ages if one is not None]
    assert ages == [None] * (len(ages) - len(known)) + sorted(known)
    counted = [one for one in uses if one.state not in evergreen_planner.NEVER_LEFT]
    for turn in found:
        mine = [one for one in counted if one.post_id in turn.wordings]
        if mine:
            assert turn.wordings[-1] in {one.post_id for one in mine if one.at == turn.last}
