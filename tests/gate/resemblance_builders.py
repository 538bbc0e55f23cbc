"""Pictures that resemble a person, without a classifier: known faces, comparison results and
judgements."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import GreenroomError
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.assets import viewings
from gate.contract.units import Medium, Rating
from gate.faces import known_faces, resemblances
from gate.faces.known_faces import FaceComparisonResult
from gate.people import persons
from gate.reviews import resemblance_reviews
from gate.reviews.resemblance_reviews import FaceComparisonTask, ResemblanceJudged
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.gate.builders import World, picture

MODEL = "arc@3"


def add_member(here: World, role: Role = Role.MANAGER) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope, name="M", email=f"{uuid7()}@example.test", role=role, language="en", zone="UTC"
        )


def add_guest(here: World) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope,
            name="Gus",
            email=f"{uuid7()}@example.test",
            role=Role.GUEST,
            language="en",
            zone="UTC",
            creators=("mia",),
        )


def add_known_face(here: World, *pictures: str) -> tuple[UUID, UUID]:
    """Add a real person with a face consent and an enrolled template; return their ID and their
    face subject ID."""
    with here.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="Ida")
    with here.open(here.tenant_id, f"person:{person}") as scope:
        known_faces.record_face_consent(scope, person)
        subject = known_faces.find_face_consent(scope, person)
        assert subject is not None
        known_faces.store_template(
            scope, subject.id, model=MODEL, box=Sealed(b"box"), pictures=pictures
        )
        return person, subject.id


def ban_face(here: World) -> UUID:
    with here.scope(f"member:{here.ann}") as scope:
        subject = uuid7()
        known_faces.add_face_ban(
            scope, subject_id=subject, why="asked us", model=MODEL, box=Sealed(b"box")
        )
        return subject


def add_picture(
    here: World, rating: Rating = Rating.G, *, ai: str = "none", person: UUID | None = None
) -> Medium:
    with here.scope() as scope:
        return picture(scope, here, rating, ai=ai, person=person)


def store_comparison(
    here: World, medium: Medium, resembles: dict[UUID, int], **changes: Any
) -> None:
    with here.scope() as scope:
        whole = {
            "model": MODEL,
            "version": known_faces.faces_version(scope),
            "complete": True,
            "faces": 1,
        }
        resemblances.record_comparison(
            scope, medium.sha256, FaceComparisonResult(**(whole | changes), resembles=resembles)
        )


def list_open_comparisons(here: World, **more: Any) -> list[FaceComparisonTask]:
    with here.scope() as scope:
        return resemblance_reviews.list_face_comparisons(scope, [here.creator_id], **more)


def view_pictures(here: World, who: UUID, *digests: str) -> None:
    with here.scope() as scope:
        for sha256 in digests:
            viewings.record_viewing(scope, queries.get_member(scope, who), sha256)


def build_judgement(
    one: FaceComparisonTask,
    who: UUID,
    answer: str,
    because: str = "",
    *,
    maker: str = "",
    digest: str = "",
) -> ResemblanceJudged:
    return ResemblanceJudged(
        uuid7(), one.id, digest or one.digest, answer, because, maker, f"member:{who}"
    )


def judge_comparison(
    here: World, one: FaceComparisonTask, who: UUID, answer: str, because: str = "", **more: str
) -> None:
    with here.scope(f"member:{who}") as scope:
        resemblance_reviews.record_face_judgement(
            scope, build_judgement(one, who, answer, because, **more)
        )


def get_refusal_code(
    here: World, one: FaceComparisonTask, who: UUID, answer: str, because: str = "", **more: str
) -> str:
    with pytest.raises(GreenroomError) as found:
        judge_comparison(here, one, who, answer, because, **more)
    return found.value.message.code


def list_depictions(here: World, asset: UUID) -> Collection[tuple[UUID, str]]:
    with here.scope() as scope:
        rows = scope.run("SELECT person_id, state FROM depictions WHERE asset_id = :a", a=asset)
        return {(row.person_id, row.state) for row in rows}
