"""Audio attributed to a synthetic person without a voice match is held."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Verdict
from gate.permits import issuance
from gate.ratings import ratings
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, unit, world

SOUNDS = ("audio/mp4", "audio/ogg")


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def recording(here: World, person: UUID, mime: str, *, ai: str = "none", model: str = "") -> Medium:
    with here.scope() as scope:
        medium = picture(scope, here, Rating.G, ai=ai, model=model)
        asset = asset_of(scope, medium)
        ratings.record_depiction(scope, asset, person, how="voice", confirmed_by="member:rob")
        with scope.acting_as("gate"):
            scope.run("UPDATE renditions SET mime = :m WHERE sha256 = :s", m=mime, s=medium.sha256)
        return Medium(medium.sha256, mime, medium.size, ai=ai)


def judged(here: World, medium: Medium) -> tuple[Verdict, bool]:
    with here.scope() as scope:
        whole = issuance.with_required_marks(scope, unit(here, media=(medium,)), line=str)
        found = issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
    return found.verdict, Reason.PERSON_UNRESOLVED in found.reasons


@pytest.mark.parametrize("mime", SOUNDS)
@pytest.mark.parametrize("ai", ["none", "assisted", "generated"])
def test_recording_of_unknown_origin_is_held(here: World, mime: str, ai: str) -> None:
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
    assert judged(here, recording(here, nova, mime, ai=ai)) == (Verdict.H, True)


@pytest.mark.parametrize("mime", SOUNDS)
def test_generated_voice_and_real_voice_are_allowed(here: World, mime: str) -> None:
    with here.scope() as scope:
        nova, ida = synthetic_person(scope, here), real_person(scope)
    assert not judged(here, recording(here, nova, mime, ai="generated", model="piper"))[1]
    assert not judged(here, recording(here, ida, mime))[1]
