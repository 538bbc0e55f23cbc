"""Review sheets: pictures really viewed and judged together, each by the rules of a single review;
past verdicts."""

from datetime import timedelta

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.assets import viewings
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.log import queries
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import content_reviews, past_verdicts
from gate.reviews.content_reviews import MAX_SHEET_SIZE, SheetVerdict
from tenants.agencies import queries as tenant_reads
from tests.gate.builders import World, asset_of, picture, synthetic_person, unit, world

BEFORE = Message("approvals.because.check")


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def shot(house: World, count: int = 3, rating: Rating | None = Rating.N) -> list[Medium]:
    with house.scope() as scope:
        person = synthetic_person(scope, house)
        return [picture(scope, house, rating, person=person) for _ in range(count)]


def tiles(
    house: World, media: list[Medium], verdict: content_reviews.ReviewVerdict = "approve"
) -> list[SheetVerdict]:
    with house.scope() as scope:
        return [SheetVerdict(asset_of(scope, one), one.sha256, verdict) for one in media]


def show(house: World, media: list[Medium]) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        for one in media:
            viewings.record_viewing(scope, tenant_reads.get_member(scope, house.rob), one.sha256)


def judge(house: World, said: list[SheetVerdict]) -> None:
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.record_sheet_verdicts(scope, said, sheet=uuid7())


def written(house: World) -> int:
    with house.scope() as scope:
        found = scope.run(
            "SELECT count(*) FROM human_reviews WHERE tenant_id = :t", t=house.tenant_id
        ).scalar_one()
        wished = scope.run(
            "SELECT count(*) FROM outbox WHERE kind = 'rating.set' AND tenant_id = :t",
            t=house.tenant_id,
        )
        return int(found) + int(wished.scalar_one())


def test_sheet_records_separate_review_for_each_picture(house: World) -> None:
    media = shot(house)
    whole = [unit(house, media=(one,)) for one in media]
    said = [*tiles(house, media[:2]), *tiles(house, media[2:], "refuse")]
    show(house, media)
    judge(house, said)
    with house.scope() as scope:
        marked = [issuance.with_required_marks(scope, one, line=str) for one in whole]
        reasons = [
            issuance.judge_unit(scope, one, author=f"member:{house.ann}").reasons for one in marked
        ]
        own = issuance.judge_unit(scope, marked[0], author=f"member:{house.rob}").reasons
        rows = scope.run(
            "SELECT count(*), count(DISTINCT sheet), min(seen_percent) FROM human_reviews WHERE "
            "tenant_id = :t",
            t=house.tenant_id,
        ).one()
    assert reasons == [(), (), (Reason.REVIEW_MISSING,)]
    assert own == (Reason.REVIEWER_CONFLICT,), "a review does not count for the reviewer's own post"
    assert tuple(rows) == (3, 1, 100)


@pytest.mark.parametrize("missing", [1, 3], ids=["one", "all"])
def test_unviewed_picture_rejects_whole_sheet(house: World, missing: int) -> None:
    media = shot(house)
    show(house, media[missing:])
    with pytest.raises(Refused) as refused:
        judge(house, tiles(house, media))
    assert refused.value.message == Message("review.set_unseen", {"count": missing})
    assert written(house) == 0


def test_views_of_others_and_old_views_do_not_count(house: World) -> None:
    media = shot(house, 2)
    with house.scope() as scope:
        ann, rob = (tenant_reads.get_member(scope, one) for one in (house.ann, house.rob))
        for one in media:
            viewings.record_viewing(scope, ann, one.sha256)
            scope.run(
                "INSERT INTO showings (tenant_id, id, principal_id, sha256, created_at)"
                " VALUES (:t, :id, :p, :s, house_now() - CAST(:back AS interval))",
                t=house.tenant_id,
                id=uuid7(),
                p=rob.principal_id,
                s=one.sha256,
                back=viewings.LIFE + timedelta(seconds=1),
            )
    with pytest.raises(Refused):
        judge(house, tiles(house, media))
    show(house, media)
    show(house, media)
    with house.scope() as scope:
        seen = scope.run(
            "SELECT count(*) FROM showings WHERE tenant_id = :t", t=house.tenant_id
        ).scalar_one()
        assert seen == 6, "a repeated view is recorded once"
        viewings.record_viewing(scope, rob, "0" * 64)
        assert (
            scope.run(
                "SELECT count(*) FROM showings WHERE tenant_id = :t", t=house.tenant_id
            ).scalar_one()
            == seen
        )
    judge(house, tiles(house, media))


def test_views_cannot_be_deleted(house: World) -> None:
    show(house, shot(house, 1))
    with house.scope() as scope, pytest.raises(Exception, match="permission denied"):
        scope.run("DELETE FROM showings WHERE tenant_id = :t", t=house.tenant_id)


def test_frozen_picture_rejects_whole_sheet(house: World) -> None:
    media = shot(house)
    show(house, media)
    with house.scope() as scope:
        ratings.freeze_bytes(scope, media[1].sha256)
    with pytest.raises(Conflict):
        judge(house, tiles(house, media))
    assert written(house) == 0


def test_picture_of_another_tenant_is_unknown(house: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    theirs, media = shot(other, 1), shot(house, 1)
    show(house, media)
    with house.scope(f"member:{house.rob}") as scope:
        viewings.record_viewing(scope, tenant_reads.get_member(scope, house.rob), theirs[0].sha256)
        stranger = SheetVerdict(uuid7(), theirs[0].sha256, "approve")
        with pytest.raises(NotFound):
            content_reviews.record_sheet_verdicts(
                scope, [*tiles(house, media), stranger], sheet=uuid7()
            )
    assert written(house) == 0
    assert written(other) == 0


def test_empty_oversized_and_ambiguous_sheets_are_rejected(house: World) -> None:
    one = tiles(house, shot(house, 1))[0]
    many = [
        SheetVerdict(uuid7(), f"{number:064x}", "approve") for number in range(MAX_SHEET_SIZE + 1)
    ]
    unclear = (
        SheetVerdict(one.asset_id, one.sha256),
        SheetVerdict(one.asset_id, one.sha256, "approve", Rating.E),
    )
    for wrong in ([], many, [one, one], *([each] for each in unclear)):
        with pytest.raises(BadInput):
            judge(house, wrong)


def test_sheet_can_raise_but_not_lower_rating(house: World) -> None:
    media = shot(house)
    show(house, media)
    first, *rest = tiles(house, media)
    with pytest.raises(Refused):
        judge(house, [SheetVerdict(first.asset_id, first.sha256, rating=Rating.S), *rest])
    assert written(house) == 0
    judge(house, [SheetVerdict(first.asset_id, first.sha256, rating=Rating.E), *rest])
    with house.scope() as scope:
        assert queries.review_verdicts(scope, [one.sha256 for one in media]) == {
            one.sha256: "approve" for one in media[1:]
        }
        wish = scope.run(
            "SELECT args FROM outbox WHERE kind = 'rating.set' AND tenant_id = :t",
            t=house.tenant_id,
        )
        assert wish.scalar_one()["rating"] == "E"


def test_five_hundred_pictures_fit_one_sheet(house: World) -> None:
    media = shot(house, MAX_SHEET_SIZE)
    with house.scope() as scope:
        rob = tenant_reads.get_member(scope, house.rob)
        scope.run(
            "INSERT INTO showings (tenant_id, id, principal_id, sha256)"
            " SELECT tenant_id, gen_random_uuid(), :p, sha256 FROM renditions WHERE tenant_id = :t",
            p=rob.principal_id,
            t=house.tenant_id,
        )
    judge(house, tiles(house, media))
    assert written(house) == MAX_SHEET_SIZE


def test_past_verdicts_include_family_and_lookalikes(
    house: World,
) -> None:
    with house.scope() as scope:
        first = picture(scope, house, None, phash="00000000000000ff")
        child = picture(scope, house, None, parent=asset_of(scope, first), phash="ffff00000000ff00")
        alike = picture(scope, house, None, phash="00000000000001fe")
        other = picture(scope, house, None, phash="0f0f0f0f0f0f0f0f")
        for one in (first, alike, other):
            ratings.record_rating(scope, one.sha256, Rating.N, source=f"member:{house.ann}")
    with house.scope(f"member:{house.rob}") as scope:
        content_reviews.review_bytes(scope, alike.sha256, verdict="refuse", reason=BEFORE)
    with house.scope() as scope:
        ratings.freeze_bytes(scope, alike.sha256)
        rob = f"principal:{tenant_reads.get_member(scope, house.rob).principal_id}"
        told = past_verdicts.past_verdicts(
            scope, [first.sha256, child.sha256, alike.sha256, "0" * 64]
        )
    said = {key: [(one.said, one.by, one.kin) for one in found] for key, found in told.items()}
    assert said[first.sha256] == [
        ("frozen", "", "alike"),
        ("refuse", rob, "alike"),
        ("N", f"member:{house.ann}", "alike"),
        ("N", f"member:{house.ann}", "same"),
    ]
    assert said[child.sha256] == [("N", f"member:{house.ann}", "family")]
    assert said[alike.sha256][1] == ("refuse", rob, "same")
    assert told[first.sha256][1].reason == BEFORE
    assert "0" * 64 not in told
    with house.scope() as scope:
        assert len(past_verdicts.past_verdicts(scope, [first.sha256], each=2)[first.sha256]) == 2
        assert past_verdicts.past_verdicts(scope, []) == {}


def test_past_verdicts_are_limited_to_tenant(house: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    with other.scope() as scope:
        ratings.record_rating(
            scope,
            picture(scope, other, None, phash="00000000000000ff").sha256,
            Rating.N,
            source="rule:x",
        )
    with house.scope() as scope:
        mine = picture(scope, house, None, phash="00000000000000ff")
        assert past_verdicts.past_verdicts(scope, [mine.sha256]) == {}
    with pytest.raises(GreenroomError):
        judge(house, tiles(house, [mine]))
