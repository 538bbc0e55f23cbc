"""What a page asks the database does not grow with what it shows: statements are counted, never milliseconds.

Each case is counted with little to show and with more; what grows by one for each account, picture or post is found so.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from channels import connecting
from channels import reads as channel_reads
from dashboard.reads import calendar, compose, likeness, posts, second, talk
from dashboard.reads import channels as accounts
from dashboard.reads.approvals import approvals, content, judged
from dashboard.reads.calendar import Wanted
from dashboard.reads.home import home
from dashboard.reads.lanes import lanes
from foundation.database import Scope
from foundation.ids import uuid7
from gate import sampling
from gate.units import Medium, Rating
from schedules import planning
from schedules.calendar import local_wall
from schedules.drafting import Draft
from schedules.threads import Piece
from studio import library
from studio import reads as studio_reads
from studio.states import ShelfState
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from tenants.roles import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.test_approvals_appeals import decided
from tests.dashboard.test_approvals_likeness import alike
from tests.dashboard.test_approvals_requests import complain
from tests.dashboard.test_files import picture
from tests.dashboard.test_guests import give
from tests.dashboard.test_second import sent

YES = "home.to_approve"


@dataclass
class Growing:
    """An agency that is given one more of everything, and how much is asked of its database meanwhile."""

    door: Door
    who: Agency
    places: list[UUID] = field(default_factory=list)
    pictures: list[UUID] = field(default_factory=list)
    posts: list[UUID] = field(default_factory=list)

    def account(self, *, by_hand: bool = False) -> UUID:
        number = len(self.places)
        with self.who.scope() as scope:
            channel_id = connecting.connect(
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
        self.pictures.append(picture(self.door, self.who, seed=10 + len(self.pictures), rating=Rating.G))
        return self.pictures[-1]

    def post(self) -> UUID:
        """One that waits for a yes, with every picture, on every account; half of the pictures follow it."""
        half, author = len(self.pictures) // 2, self.who.act_as(Role.MANAGER)
        follow = [Piece(f"Part {asset}", media=(asset,)) for asset in self.pictures[:half]]
        with self.who.scope(author) as scope:
            post_id = planning.write_post(
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
            at = local_wall(scope.now + timedelta(hours=1), ZONE)
            for place in self.places:
                planning.add_delivery(scope, post_id, place, at=at)
        self.posts.append(post_id)
        return post_id

    @contextmanager
    def looking(self) -> Iterator[tuple[Scope, list[Creator], Member, list[str]]]:
        """The owner's scope, with all that is asked in it from now on."""
        with self.who.scope(self.who.act_as(Role.OWNER)) as scope:
            mine = tenant_reads.creators(scope)
            member, asked = tenant_reads.member(scope, self.who.members[Role.OWNER]), list[str]()
            connection = scope.session.info["connection"]
            event.listen(connection, "before_cursor_execute", lambda _c, _u, text, *_: asked.append(text))
            scope.session.expunge_all()  # what was read to build it is read again, as by a page
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
        found = accounts.channels(scope, mine).accounts
        assert [one.by_hand for one in found].count(True) * 2 == len(found)
        assert all(len(one.able) for one in found if one.by_hand)

    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.account()
            growing.account(by_hand=True)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1] <= 10


def test_what_waits_for_a_yes_is_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        found = approvals(scope, mine, content=True, review=True, decide=True)
        assert len(found.posts) == len(growing.posts)

    growing.account()
    growing.picture()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.post()
        counted.append(growing.asks(look))
    assert counted[0] == counted[1] <= 15


def test_what_waits_for_a_yes_is_counted_on_home_at_once(growing: Growing) -> None:
    def look(scope: Scope, _: Sequence[Creator], member: Member) -> None:
        told = [one.message for one in home(scope, member).needs]
        assert any(one.params.get("count", 1) == len(growing.posts) for one in told if one.code.startswith(YES))

    growing.account()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.post()
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_removal_requests_and_what_was_taken_away_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        found = approvals(scope, mine, content=True, review=True, decide=True)
        assert (len(found.requests), len(found.taken), len(found.doubts)) == (wanted, wanted, wanted)

    counted, wanted = [], 0
    for more in (1, 3):
        for _ in range(more):
            wanted += 1
            decided(growing.door, growing.who, because="")
            complain(growing.door, growing.who, shot=growing.picture())
            growing.who.post(f"perdue {wanted}", state="uncertain", minutes=-9)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_a_post_is_read_once_for_all_its_accounts_and_pictures(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        asked = next(one for one in approvals(scope, mine, content=True, review=False).posts if one.post_id == post_id)
        found = content(scope, asked, mine[0], member)
        assert len(found.previews) == len(growing.places)
        assert len(found.shots) == len(growing.pictures)
        talk.talk(scope, post_id, member)

    counted = []
    for more in (2, 4):
        for _ in range(more):
            growing.account()
            growing.picture()
        post_id = growing.post()
        counted.append(growing.asks(look))
    blocklist = len(growing.pictures) - 2
    assert counted[1] - counted[0] <= blocklist, "each picture is held against the blocklist by itself, and no more"


def test_a_draft_is_read_once_for_all_its_pictures(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        draft = Draft(growing.who.creator_id, "", "Bonjour", tuple(growing.pictures), tuple(growing.places))
        found = compose.desk(scope, mine[0], draft, author=scope.actor, brought=(), pictures=12)
        assert len(found.previews[0].media) == len(growing.pictures)

    growing.account()
    counted = []
    for more in (1, 4):
        for _ in range(more):
            growing.picture()
        counted.append(growing.asks(look))
    blocklist = len(growing.pictures) - 1
    assert counted[1] - counted[0] <= blocklist, "each picture is held against the blocklist by itself, and no more"


def test_a_post_of_the_calendar_is_read_once_for_all_its_accounts(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        assert len(posts.opened(scope, mine, post_id).places) == len(growing.places)

    counted = []
    for more in (8, 3):  # what would stop the eight that are due first is asked of each
        for _ in range(more):
            growing.account()
        post_id = growing.post()
        with growing.who.scope() as scope:
            scope.run("UPDATE deliveries SET state = 'scheduled' WHERE post_id = :post", post=post_id)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_a_calendar_is_read_at_once(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], _: Member) -> None:
        found = calendar.calendar(scope, mine, Wanted(first, 14))
        assert sum(len(turn.posts) for day in found.days for turn in day.turns) == expected
        assert sum(lane.count for lane in lanes(scope, mine, Wanted(first, 14), "account").lanes) == expected

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


def test_pictures_to_judge_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        cards = studio_reads.to_judge(scope, {one.id for one in mine}, limit=50)
        assert len(cards) == wanted
        assert len(judged(scope, cards, member)) == wanted

    counted, wanted = [], 0
    for more in (1, 4):
        for _ in range(more):
            wanted += 1
            kept = picture(growing.door, growing.who, seed=40 + wanted)
            with growing.who.scope() as scope:
                library.shelve(scope, kept, ShelfState.KEPT)
        counted.append(growing.asks(look))
    assert counted[0] == counted[1]


def test_pairs_that_look_alike_are_read_together(growing: Growing) -> None:
    def look(scope: Scope, mine: Sequence[Creator], member: Member) -> None:
        found = likeness.pairs(scope, [one.id for one in mine], member)
        assert len(found) >= wanted
        assert all(one.shot is not None and one.others for one in found)

    alike(growing.door, growing.who)
    wanted = 1
    before = growing.asks(look)
    alike(growing.door, growing.who, name="Léa")
    wanted = 2
    assert growing.asks(look) == before


def test_what_is_read_afterwards_is_read_together(growing: Growing) -> None:
    give(growing.who)
    sent(growing.who, growing.picture(), "SUGGESTIVE-MARKER-A")
    with growing.looking() as (scope, mine, _, asked):
        (one,) = sampling.waiting(scope, {each.id for each in mine})
        medium: Medium = one.unit.media[0]
        many = [replace(one, id=uuid7()) for _ in range(4)]
        asked.clear()
        alone = second.pictures(scope, [one])
        once = len(asked)
        together = second.pictures(scope, [one, *many])
        assert len(asked) == 2 * once
        assert set(together) == {one.id, *(each.id for each in many)}
        assert together[one.id] == alone[one.id]
        assert alone[one.id][medium.sha256].alt == "la mer"


def test_the_story_of_attempts_is_told_by_subject(growing: Growing) -> None:
    with growing.looking() as (scope, *_):
        assert channel_reads.attempts_of(scope, []) == {}
