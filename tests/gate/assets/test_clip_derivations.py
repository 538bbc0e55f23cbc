"""Clips made of several pictures inherit the strictest state, rating and marks of their stills."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from gate import epochs
from gate.assets import asset_records, erasure, lookalikes
from gate.assets.derivations import AssetPart, parts_of_asset
from gate.consent import asset_bindings
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.faces.resemblances import _FAMILY
from gate.people import persons
from gate.permits import issuance
from gate.ratings import ratings
from gate.removal import removal_requests
from tests.gate.assets.test_derivations import COMPLAINT, made, verdict
from tests.gate.builders import World, asset_of, picture, unit, world
from tests.gate.removal_builders import process_removal_request, submit_removal_request


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def clip(
    here: World, stills: Sequence[Medium], *, ai: str = "none", rating: Rating | None = Rating.G
) -> Medium:
    """Record a clip as the studio does, with its rating."""
    sha256 = uuid7().hex * 2
    with here.scope() as scope:
        asset = asset_records.record_asset(
            scope,
            creator_id=here.creator_id,
            origin="upload",
            ai=ai,
            engine="clips",
            made_at=scope.now,
            source="ingest",
            parts=[asset_of(scope, still) for still in stills],
        )
        asset_records.record_rendition(
            scope,
            asset,
            sha256=sha256,
            mime="video/mp4",
            size=1,
            width=720,
            height=1280,
            profile="post",
        )
        if rating is not None:
            ratings.record_rating(scope, sha256, rating, source="classifier@1")
    return Medium(sha256, "video/mp4", 1, ai=ai)


def three(here: World, **last: Any) -> list[Medium]:
    with here.scope() as scope:
        return [picture(scope, here), picture(scope, here), picture(scope, here, **last)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_takedown_of_any_still_takes_down_clip(here: World, number: int) -> None:
    stills, other = three(here), made(here)
    whole, apart = clip(here, stills), clip(here, [other])
    assert verdict(here, whole) == ("A", frozenset())
    wish = submit_removal_request(here, stills[number].sha256, category=COMPLAINT)
    process_removal_request(here, wish)
    assert verdict(here, whole) == ("B", {Reason.COMPLAINT_FREEZE})
    others = [still for at, still in enumerate(stills) if at != number]
    assert all(verdict(here, still) == ("A", frozenset()) for still in others)
    with here.scope() as scope:
        removal_requests.uphold_removal_request(scope, wish)
    later = clip(here, [*others, stills[number]])  # created after the takedown
    for each in (whole, later):
        got, reasons = verdict(here, each)
        assert (got, Reason.RECALL_IN_PROGRESS in reasons) == ("B", True)
    assert verdict(here, apart) == ("A", frozenset())


def test_stills_and_clip_are_mutual_lookalikes(here: World) -> None:
    stills = three(here)
    whole = clip(here, stills)
    with here.scope() as scope:
        assert set(lookalikes.find_lookalikes(scope, whole.sha256)) == {
            still.sha256 for still in stills
        }
        assert lookalikes.find_lookalikes(scope, stills[1].sha256) == [whole.sha256]
        family = set(asset_bindings._list_asset_family(scope, asset_of(scope, stills[2])))
        assert family == {asset_of(scope, stills[2]), asset_of(scope, whole)}
        rows = scope.run(
            f"SELECT f.sha256 FROM renditions, LATERAL ({_FAMILY}) f WHERE renditions.sha256 = "
            ":one",
            one=whole.sha256,
        )
        assert set(rows.scalars()) == {whole.sha256, *(still.sha256 for still in stills)}
        cut = picture(scope, here, parent=asset_of(scope, whole))
        assert set(lookalikes.find_lookalikes(scope, cut.sha256)) == {
            whole.sha256,
            *(still.sha256 for still in stills),
        }


@given(
    st.lists(st.sampled_from([Rating.G, Rating.S, Rating.N, Rating.E]), min_size=1, max_size=4),
    st.booleans(),
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_clip_has_strictest_rating_of_its_stills(
    here: World, said: list[Rating], later: bool
) -> None:
    with here.scope() as scope:
        stills = [picture(scope, here, Rating.G if later else each) for each in said]
    whole = clip(here, stills)
    with here.scope() as scope:
        for still, each in zip(stills, said, strict=True):
            ratings.record_rating(scope, still.sha256, each, source="member:rob")
        assert ratings.effective_rating(scope, whole.sha256) is max(
            said, key=lambda each: each.rank
        )
        assert ratings.inherited_rank(scope, whole.sha256) == max(each.rank for each in said)
        cut = picture(scope, here, parent=asset_of(scope, whole))  # a blurred still of the clip
        least = Rating.S if any(each.rank >= Rating.S.rank for each in said) else Rating.G
        assert ratings.effective_rating(scope, cut.sha256) is least


def test_prohibited_still_prohibits_clip(here: World) -> None:
    stills = three(here)
    whole = clip(here, stills)
    with here.scope() as scope:
        ratings.record_rating(scope, stills[2].sha256, Rating.X, source="member:rob")
        assert ratings.effective_rating(scope, whole.sha256) is Rating.X
        assert ratings.display_ratings(scope, [whole.sha256])[whole.sha256].is_withheld


@pytest.mark.parametrize("later", [False, True])
def test_person_in_any_still_is_depicted_in_clip(here: World, later: bool) -> None:
    stills = three(here)
    whole = clip(here, stills) if later else None
    with here.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="P")
        ratings.record_depiction(
            scope, asset_of(scope, stills[1]), person, how="face", confirmed_by="member:rob"
        )
    whole = whole or clip(here, stills)
    with here.scope() as scope:
        found = scope.run(
            "SELECT person_id FROM depictions WHERE asset_id = :asset", asset=asset_of(scope, whole)
        ).scalars()
        assert list(found) == [person]
        assert epochs.person_key(scope, person) in epochs.unit_keys(
            scope, unit(here, media=[whole])
        )
    got, reasons = verdict(here, whole)
    assert got == "B"  # the person gave no consent
    assert verdict(here, stills[1]) == (got, reasons)


def test_clip_approval_depends_on_all_stills(here: World) -> None:
    stills = three(here)
    whole = clip(here, stills)
    with here.scope() as scope:
        keys = epochs.unit_keys(scope, unit(here, media=[whole]))
        assert {epochs.asset_key(scope, asset_of(scope, one)) for one in [whole, *stills]} <= set(
            keys
        )
        alone = epochs.unit_keys(scope, unit(here, media=[stills[0]]))
        assert epochs.asset_key(scope, asset_of(scope, stills[1])) not in alone


def test_still_of_clip_is_retained(here: World) -> None:
    stills, other = three(here), made(here)
    clip(here, stills)
    with here.scope() as scope:
        assets = [asset_of(scope, one) for one in [*stills, other]]
        assert erasure.retained_assets(scope, assets) == dict.fromkeys(assets[:3], "source")


def test_clip_inherits_strictest_marks_labels_and_dates(here: World) -> None:
    stills = three(here, ai="generated", label="demo", model="m1", age=timedelta(days=90))
    whole = clip(here, stills)
    with here.scope() as scope:
        row = scope.session.get(asset_records.Asset, (scope.tenant_id, asset_of(scope, whole)))
        assert row is not None
        assert (row.ai, row.label, row.model) == ("generated", "demo", "m1")
        assert row.made_at is not None
        assert scope.now - row.made_at > timedelta(days=89)
        assert row.parent_id == asset_of(scope, stills[0])
        assert set(parts_of_asset(scope, row.id)) == {asset_of(scope, one) for one in stills}
        said = issuance.judge_unit(
            scope,
            unit(here, media=[whole], platform="x", surface="x.post"),
            author=f"member:{here.ann}",
        )
    assert Reason.PICTURE_LABELLED in said.reasons


def test_unproven_date_of_still_makes_clip_date_unproven(here: World) -> None:
    whole = clip(here, three(here, source="ingest"))
    with here.scope() as scope:
        row = scope.session.get(asset_records.Asset, (scope.tenant_id, asset_of(scope, whole)))
        assert row is not None
        assert row.source == "ingest"


def test_picture_of_another_agency_cannot_be_clip_part(here: World, tenant: OpenScope) -> None:
    there = world(tenant, uuid7())
    foreign, own = made(there), made(here)
    with there.scope() as scope:
        theirs = asset_of(scope, foreign)
    with here.scope() as scope, pytest.raises(NotFound):
        asset_records.record_asset(
            scope,
            creator_id=here.creator_id,
            origin="upload",
            ai="none",
            engine="clips",
            made_at=None,
            source="ingest",
            parts=[asset_of(scope, own), theirs],
        )
    with here.scope() as scope, scope.acting_as("gate"):
        row = AssetPart(tenant_id=scope.tenant_id, asset_id=asset_of(scope, own), part_id=theirs)
        with pytest.raises(IntegrityError), scope.session.begin_nested():
            scope.session.add(row)
    whole = clip(here, [own])
    with there.scope() as scope:
        for name in ("asset_parts", "asset_parents"):
            found = scope.run(
                f"SELECT count(*) FROM {name} WHERE tenant_id = :tenant", tenant=here.tenant_id
            )
            assert found.scalar_one() == 0
    assert verdict(here, whole)[0] == "A"
