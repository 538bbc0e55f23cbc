"""Review sheets: pictures that arrived together, judged as displayed or not at all."""

from uuid import UUID

import pytest

from foundation.errors import Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.assets import viewings
from gate.contract.units import Rating
from gate.log import queries as gate_reads
from gate.ratings import ratings
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from studio.ingest import uploads
from studio.library import assets as library
from studio.library import review_sheets
from studio.library.review_sheets import PictureVerdict, ReviewSheet
from studio.library.states import ShelfState
from studio.packs import packs
from studio.runs import runner
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, Engine, create_studio
from tests.studio.ingest.test_uploads import work
from tests.studio.library.test_member_reviews import member


def kept(nova: CreatorStudio, assets: list[UUID], rating: Rating | None = Rating.N) -> list[UUID]:
    with nova.scope() as scope:
        for asset in assets:
            library.set_shelf_state(scope, asset, ShelfState.KEPT)
            if rating is not None:
                rate_and_answer(
                    scope, library.get_asset(scope, asset).sha256, rating, source="rule:test"
                )
    return assets


def made(nova: CreatorStudio, *, key: str = "run", by: str = "") -> list[UUID]:
    job_id = nova.start(key=key, seed=sum(map(ord, key)))
    nova.work(job_id, Engine)
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET by = :by WHERE id = :id", by=by, id=job_id)
        return list(runner.run_assets(scope, job_id))


def brought(nova: CreatorStudio, seeds: range, by: str) -> list[UUID]:
    batch, ids = uuid7(), []
    with nova.scope(by) as scope:
        for seed in seeds:
            data, store = encoded(a_picture(seed=seed), "JPEG"), nova.services.store
            given = {
                "creator_id": nova.creator_id,
                "name": f"{seed}.jpg",
                "data": data,
                "by": by,
                "store": store,
            }
            ids.append(uploads.receive_upload(scope, **given, batch=batch))
    found = [work(nova, each).asset_id for each in ids]
    return [one for one in found if one is not None]


def waiting(nova: CreatorStudio) -> tuple[list[ReviewSheet], list[UUID]]:
    with nova.scope() as scope:
        found, alone = review_sheets.group_into_sheets(
            scope, review_sheets.list_waiting_pictures(scope, [nova.creator_id])
        )
    return found, [card.asset_id for card in alone]


def decide(
    nova: CreatorStudio,
    who: UUID,
    said: list[PictureVerdict],
    *,
    shown: bool = True,
    key: UUID | None = None,
) -> None:
    with nova.scope(f"member:{who}") as scope:
        for one in said if shown else ():
            viewings.record_viewing(
                scope,
                tenant_reads.get_member(scope, who),
                library.get_asset(scope, one.asset_id).sha256,
            )
    with nova.scope(f"member:{who}") as scope:
        review_sheets.review_sheet(scope, [nova.creator_id], said, key=key or uuid7())


def yes(sheet: ReviewSheet) -> list[PictureVerdict]:
    return [
        PictureVerdict(card.asset_id, card.standing.rating, approve=True) for card in sheet.cards
    ]


def looked(nova: CreatorStudio, assets: list[UUID]) -> list[str | None]:
    with nova.scope() as scope:
        digests = [library.get_asset(scope, asset).sha256 for asset in assets]
        found = gate_reads.review_verdicts(scope, digests)
    return [found.get(sha256) for sha256 in digests]


def test_runs_batches_and_packs_form_sheets_and_single_pictures_do_not(nova: CreatorStudio) -> None:
    run = kept(nova, made(nova))
    batch = kept(nova, brought(nova, range(11, 14), f"member:{member(nova)}"))
    alone = kept(nova, [nova.upload(encoded(a_picture(seed=20), "JPEG"))])
    pair = kept(nova, [nova.upload(encoded(a_picture(seed=seed), "JPEG")) for seed in (31, 32)])
    unrated = kept(nova, made(nova, key="another"), None)
    with nova.scope() as scope:
        packs.create_pack(
            scope,
            creator_id=nova.creator_id,
            slug="duo",
            title="Duo",
            description="",
            assets=[*pair, run[0]],
        )
    found, single = waiting(nova)
    told = {(one.origin, one.wants): [card.asset_id for card in one.cards] for one in found}
    assert told == {
        ("job", "review"): run,
        ("upload", "review"): batch,
        ("pack", "review"): pair,
        ("job", "rating"): unrated,
    }
    assert single == alone
    assert [one.wants for one in found] == ["review", "review", "review", "rating"], (
        "the oldest first"
    )


def test_sheet_is_judged_except_for_excluded_pictures(nova: CreatorStudio) -> None:
    first, second, third = kept(nova, made(nova))
    who = member(nova)
    said = [
        PictureVerdict(first, Rating.N, approve=True),
        PictureVerdict(second, Rating.N, approve=False),
        PictureVerdict(third, Rating.N, rating=Rating.E),
    ]
    key = uuid7()
    for _ in range(2):  # # a repeated request counts once
        decide(nova, who, said, key=key)
    assert looked(nova, [first, second, third]) == ["approve", "refuse", None]
    with nova.scope() as scope:
        sha256 = library.get_asset(scope, third).sha256
        about = scope.run(
            "SELECT details FROM audit_entries WHERE act = 'sheet.judged' AND tenant_id = :t",
            t=nova.tenant_id,
        )
        assert about.scalar_one() == {"count": 3, "refused": 1, "rated": 1}
    event = RatingRequested(nova.tenant_id, third, sha256, "E", False, f"member:{who}")
    handle_rating_request(event, tenant=nova.services.tenant)
    assert waiting(nova) == ([], [third]), "a raised picture waits for a review at its new rating"


def test_concurrent_change_cancels_the_decision_and_the_rest_waits(nova: CreatorStudio) -> None:
    assets = kept(nova, made(nova))
    one, other = member(nova), member(nova)
    drawn = yes(waiting(nova)[0][0])
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, library.get_asset(scope, assets[0]).sha256)
    with pytest.raises(Conflict):
        decide(nova, one, drawn)
    assert looked(nova, assets) == [None] * 3
    left = yes(waiting(nova)[0][0])
    assert [each.asset_id for each in left] == assets[1:]
    decide(nova, other, left[:1])
    with pytest.raises(Conflict):
        decide(nova, one, left)
    with nova.scope() as scope:
        rate_and_answer(
            scope, library.get_asset(scope, assets[2]).sha256, Rating.E, source="rule:test"
        )
    with pytest.raises(Conflict):
        decide(nova, one, left[1:])
    assert looked(nova, assets) == [None, "approve", None]
    assert waiting(nova)[1] == assets[2:], "the last picture left is single"


def test_own_or_unseen_pictures_cannot_be_approved(nova: CreatorStudio) -> None:
    who, other = member(nova), member(nova)
    assets = kept(nova, made(nova, by=f"member:{who}"))
    said = yes(waiting(nova)[0][0])
    with pytest.raises(Refused):
        decide(nova, who, said)
    with pytest.raises(Refused):
        decide(nova, other, said, shown=False)
    with pytest.raises(Refused):
        decide(nova, member(nova, Role.CHATTER), said)
    assert looked(nova, assets) == [None] * 3
    decide(nova, who, [PictureVerdict(one.asset_id, Rating.N, approve=False) for one in said])
    assert looked(nova, assets) == ["refuse"] * 3


def test_pictures_of_another_agency_are_not_found(nova: CreatorStudio) -> None:
    strange, who = create_studio(nova.services), member(nova)
    theirs = kept(strange, made(strange))
    mine = yes_of(kept(nova, made(nova)))
    decide_none = [*mine, *yes_of(theirs)]
    with nova.scope(f"member:{who}") as scope, pytest.raises(NotFound):
        review_sheets.review_sheet(scope, [nova.creator_id], decide_none, key=uuid7())
    with nova.scope(f"member:{who}") as scope, pytest.raises(NotFound):
        review_sheets.review_sheet(scope, [uuid7()], mine, key=uuid7())
    assert looked(strange, theirs) == [None] * 3


def yes_of(assets: list[UUID]) -> list[PictureVerdict]:
    return [PictureVerdict(asset, Rating.N, approve=True) for asset in assets]
