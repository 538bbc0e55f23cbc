"""Pictures that resemble somebody, without a classifier: known faces, what comparing found, and answers."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import GreenroomError
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate import beside, faces, likeness, people, showing
from gate.beside import Alike, LikenessJudged
from gate.faces import Compared
from gate.units import Medium, Rating
from tenants import agencies, reads
from tenants.roles import Role
from tests.gate.builders import World, picture

MODEL = "arc@3"


def member(here: World, role: Role = Role.MANAGER) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope, name="M", email=f"{uuid7()}@example.test", role=role, language="en", zone="UTC"
        )


def guest(here: World) -> UUID:
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


def known(here: World, *pictures: str) -> tuple[UUID, UUID]:
    """Somebody real whose face is known from these pictures, and what it is known by."""
    with here.scope() as scope:
        person = people.add_person(scope, kind="real", display_ref="Ida")
    with here.open(here.tenant_id, f"person:{person}") as scope:
        faces.agree(scope, person)
        subject = faces.living(scope, person)
        assert subject is not None
        faces.keep(scope, subject.id, model=MODEL, box=Sealed(b"box"), pictures=pictures)
        return person, subject.id


def barred(here: World) -> UUID:
    with here.scope(f"member:{here.ann}") as scope:
        subject = uuid7()
        faces.bar(scope, subject_id=subject, why="asked us", model=MODEL, box=Sealed(b"box"))
        return subject


def shown(here: World, rating: Rating = Rating.G, *, ai: str = "none", person: UUID | None = None) -> Medium:
    with here.scope() as scope:
        return picture(scope, here, rating, ai=ai, person=person)


def note(here: World, medium: Medium, resembles: dict[UUID, int], **changes: Any) -> None:
    with here.scope() as scope:
        whole = {"model": MODEL, "version": faces.version(scope), "complete": True, "faces": 1}
        likeness.note(scope, medium.sha256, Compared(**(whole | changes), resembles=resembles))


def waiting(here: World, **more: Any) -> list[Alike]:
    with here.scope() as scope:
        return beside.waiting(scope, [here.creator_id], **more)


def see(here: World, who: UUID, *digests: str) -> None:
    with here.scope() as scope:
        for sha256 in digests:
            showing.note(scope, reads.member(scope, who), sha256)


def said(one: Alike, who: UUID, answer: str, because: str = "", *, maker: str = "", digest: str = "") -> LikenessJudged:
    return LikenessJudged(uuid7(), one.id, digest or one.digest, answer, because, maker, f"member:{who}")


def judge(here: World, one: Alike, who: UUID, answer: str, because: str = "", **more: str) -> None:
    with here.scope(f"member:{who}") as scope:
        beside.judge(scope, said(one, who, answer, because, **more))


def refused(here: World, one: Alike, who: UUID, answer: str, because: str = "", **more: str) -> str:
    with pytest.raises(GreenroomError) as found:
        judge(here, one, who, answer, because, **more)
    return found.value.message.code


def depicted(here: World, asset: UUID) -> Collection[tuple[UUID, str]]:
    with here.scope() as scope:
        rows = scope.run("SELECT person_id, state FROM depictions WHERE asset_id = :a", a=asset)
        return {(row.person_id, row.state) for row in rows}
