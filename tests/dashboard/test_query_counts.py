"""The number of queries of a page does not grow with its content: statements are counted, not time.

Each case is counted with little and with more content, which reveals queries for each account,
picture or post.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from channels.accounts import lifecycle
from channels.attempts.queries import list_attempts_by_subject
from dashboard.pages.approvals import resemblance_queries, second_review_queries
from dashboard.pages.approvals.queries import load_approvals, load_picture_reviews
from dashboard.pages.calendar import queries as calendar
from dashboard.pages.calendar.lane_queries import load_lanes
from dashboard.pages.calendar.queries import CalendarFilter
from dashboard.pages.channels import queries as accounts
from dashboard.pages.compose import queries as compose
from dashboard.pages.home.queries import load_home
from dashboard.pages.posts import queries as posts
from dashboard.pages.posts import review_comment_queries
from dashboard.pages.posts.pending_post import load_post_content
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from gate.contract.units import Medium, Rating
from gate.reviews import spot_checks
from schedules.approvals.pending_decisions import review_scope_of
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.thread_parts import ThreadPart
from studio.library import assets
from studio.library import queries as studio_reads
from studio.library.states import ShelfState
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Role
from tests.dashboard.auth.test_guest_reviewers import give
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_appeals import decided
from tests.dashboard.pages.approvals.test_removal_requests import complain
from tests.dashboard.pages.approvals.test_resemblance_reviews import alike
from tests.dashboard.pages.approvals.test_second_reviews import sent

YES = "home.to_approve"


@dataclass
class Growing:
    """An agency that grows by one of everything, with a counter of its queries."""

    door: Door
    who: Agency
    places: list[UUID] = field(default_factory=list)
    pictures: list[UUID] = field(default_factory=list)
    posts: list[UUID] = field(default_factory=list)

    def account(self, *, by_hand: bool = False) -> UUID:
        number = len(self.places)
        with self.who.scope() as scope:
            channel_id = lifecycle.connect_account(
                scope,
                creator_id=self.who.creator_id,
                platform="byhand" if by_hand else "sandbox",
                surface="onlyfans" if by_hand else "sandbox.post",
                account=f"mia{number}-{str(self.who.tenant_id)[-6:]}",
                name=f"Account {number}",
                base_url="" if by_hand else "http://127.0.0.1:9",
                token=None,
                zone=ZONE,
                options={"hand_over": True} if by_hand else {},
            )
        self.places += [] if by_hand else [channel_id]
        return channel_id

    def picture(self) -> UUID:
        self.pictures.append(
            picture(self.door, self.who, seed=10 + len(self.pictures), rating=Rating.G)
        )
        return self.pictures[-1]

    def post(self) -> UUID:
        """Create a post pending approval on every account, with half of the pictures in its thread
        parts."""
        half, author = len(self.pictures) // 2, self.who.act_as(Role.MANAGER)
        follow = [ThreadPart(f"Part {asset}", media=(asset,)) for asset in self.pictures[:half]]
        with self.who.scope(author) as scope:
            post_id = deliveries.create_post(
                scope,
                creator_id=self.who.creator_id,
                title="",
                body=f"Post {len(self.posts)}",
                media=self.pictures[half:],
                origin="test",
                origin_key=str(uuid7()),
                author=author,
                parts=follow,
            )
            at = to_wall_time(scope.now + timedelta(hours=1), ZONE)
            for place in self.places:
                deliveries.create_delivery(scope, post_id, place, at=at)
        self.posts.append(post_id)
        return post_id

    @contextmanager
    def looking(self) -> Iterator[tuple[Scope, list[Creator], Member, list[str]]]:
        """Yield a scope of the owner and a list of all statements executed in it."""
        with self.who.scope(self.who.act_as(Role.OWNER)) as scope:
            mine = tenant_reads.list_creators(scope)
            member, asked = (
                tenant_reads.get_member(scope, self.who.members[Role.OWNER]),
                list[str](),
            )
            connection = scope.session.info["connection"]
            event.listen(
                connection, "before_cursor_execute", lambda _c, _u, text, *_: asked.append(text)
            )
            scope.session.expunge_all()  # everything is read again, as by a page
            yield scope, mine, member, asked

    def asks(self, look: Callable[[Scope, Sequence[Creator], Member], Any]) -> int:
        with self.looking() as (scope, mine, member, asked):
            look(scope, mine, member)
            return len(asked)


@pytest.fixture
def growing(door: Door, lumiere: Agency) -> Growing:
    return Growing(door, lumiere)


def test_accounts_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        found = accounts.load_channels(scope, mine).accounts
        assert [one.is_manual for one in found].count(True) * 2 == len(found)
        assert all(len(one.able) for one in found if one.is_manual)

    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.account()
            growing.account(by_hand=True)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1] <= 10


def test_pending_approvals_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        found = load_approvals(scope, review_scope_of(member, mine), member)
        assert len(found.posts) == len(growing.posts)

    growing.account()
    growing.picture()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.post()
        counted.append(growing.asks(look))
    assert counted[0] == counted[1] <= 17


def test_pending_approvals_are_counted_in_one_query_on_home(growing: Growing) -> None:
    def look(scope: Scope, _: Sequence[Creator], member: Member) -> None:
        told = [one.message for one in load_home(scope, member).needs]
        assert any(
            one.params.get("count", 1) == len(growing.posts)
            for one in told
            if one.code.startswith(YES)
        )

    growing.account()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.post()
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_removal_requests_and_appeals_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        found = load_approvals(scope, review_scope_of(member, mine), member)
        assert (len(found.requests), len(found.taken), len(found.doubts)) == (
            wanted,
            wanted,
            wanted,
        )

    counted, wanted = [], 0
    for more in (1, 3):
        for _ in range(more):
            wanted += 1
            decided(growing.door, growing.who, because="")
            complain(growing.door, growing.who, shot=growing.picture())
            growing.who.post(f"perdue {wanted}", state="uncertain", minutes=-9)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_post_is_read_once_for_all_accounts_and_pictures(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        asked = next(
            one
            for one in load_approvals(scope, review_scope_of(member, mine), member).posts
            if one.post_id == post_id
        )
        found = load_post_content(scope, asked, mine[0], member)
        assert len(found.previews) == len(growing.places)
        assert len(found.shots) == len(growing.pictures)
        review_comment_queries.load_review_comments(scope, post_id, member)

    counted = []
    for more in (2, 4):
        for _ in range(more):
            growing.account()
            growing.picture()
        post_id = growing.post()
        counted.append(growing.asks(look))
    blocklist = len(growing.pictures) - 2
    assert counted[1] - counted[0] <= blocklist, "only the blocklist is queried for each picture"


def test_draft_is_read_once_for_all_pictures(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        draft = Draft(
            growing.who.creator_id, "", "Bonjour", tuple(growing.pictures), tuple(growing.places)
        )
        found = compose.load_compose(
            scope, mine[0], draft, author=scope.actor, brought=(), pictures=12
        )
        assert len(found.previews[0].media) == len(growing.pictures)

    growing.account()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.picture()
        counted.append(growing.asks(look))
    blocklist = len(growing.pictures) - 1
    assert counted[1] - counted[0] <= blocklist, "only the blocklist is queried for each picture"


def test_post_of_the_calendar_is_read_once_for_all_accounts(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        assert len(posts.load_post(scope, mine, post_id).places) == len(growing.places)

    counted = []
    for more in (8, 3):  # the first eight due deliveries are checked one by one
        for _ in range(more):
            growing.account()
        post_id = growing.post()
        with growing.who.scope() as scope:
            scope.run(
                "UPDATE deliveries SET state = 'scheduled' WHERE post_id = :post", post=post_id
            )
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_calendar_is_read_in_constant_queries(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        found = calendar.load_calendar(scope, mine, CalendarFilter(first, 14))
        assert sum(len(turn.posts) for day in found.days for turn in day.turns) == expected
        assert (
            sum(
                lane.post_count
                for lane in load_lanes(scope, mine, CalendarFilter(first, 14), "account").lanes
            )
            == expected
        )

    first, expected, counted = date.min, 0, []
    for more in (1, 4):
        for _ in range(more):
            growing.account()
            growing.post()
            expected += len(growing.places)
        with growing.who.scope() as scope:
            first = scope.now.date()
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_pictures_to_review_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        cards = studio_reads.list_unreviewed(scope, {one.id for one in mine}, limit=50)
        assert len(cards) == wanted
        assert len(load_picture_reviews(scope, cards, member)) == wanted

    counted, wanted = [], 0
    for more in (1, 4):
        for _ in range(more):
            wanted += 1
            kept = picture(growing.door, growing.who, seed=40 + wanted)
            with growing.who.scope() as scope:
                assets.set_shelf_state(scope, kept, ShelfState.KEPT)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_resemblance_pairs_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        found = resemblance_queries.list_resemblance_pairs(scope, [one.id for one in mine], member)
        assert len(found) >= wanted
        assert all(one.shot is not None and one.others for one in found)

    alike(growing.door, growing.who)
    wanted = 1
    before = growing.asks(look)
    alike(growing.door, growing.who, name="Léa")
    wanted = 2
    assert growing.asks(look) == before


def test_spot_checks_are_read_together(growing: Growing) -> None:
    give(growing.who)
    sent(growing.who, growing.picture(), "SUGGESTIVE-MARKER-A")
    with growing.looking() as (scope, mine, _, asked):
        (one,) = spot_checks.list_pending_samples(scope, {each.id for each in mine})
        medium: Medium = one.unit.media[0]
        many = [replace(one, id=uuid7()) for _ in range(4)]
        asked.clear()
        alone = second_review_queries.load_sampled_pictures(scope, [one])
        once = len(asked)
        together = second_review_queries.load_sampled_pictures(scope, [one, *many])
        assert len(asked) == 2 * once
        assert set(together) == {one.id, *(each.id for each in many)}
        assert together[one.id] == alone[one.id]
        assert alone[one.id][medium.sha256].alt == "la mer"


def test_attempts_of_no_subject_are_empty(growing: Growing) -> None:
    with growing.looking() as (scope, *_):
        assert list_attempts_by_subject(scope, []) == {}
