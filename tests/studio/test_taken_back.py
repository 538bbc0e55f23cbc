"""What is taken back while a picture of it is being looked at, after the last check: nothing of it is recorded."""

from collections.abc import Callable
from uuid import UUID

import pytest

from gate import ratings
from gate.units import Rating
from generators.classifying import Seen
from generators.finishing import Finish
from generators.views import View
from studio import cutting, finishing, jobs, library, recipes
from studio.beginnings import Beginning
from studio.clipping import clip
from studio.events import ClipDue, CopyDue
from studio.states import JobState, UploadState
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, Atelier, Engine, spec
from tests.studio.test_cutting import digest, wanted


class Late:
    """A classifier that finds nothing, and while it looks something happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self._happens = happens

    def look(self, views: tuple[View, ...]) -> Seen:
        self._happens()
        return Seen(self.about(), Rating.G)

    def hear(self, sound: View, *, seconds: float) -> Seen:
        return self.look((sound,))

    def about(self) -> str:
        return "classifier:late@1"

    def knows(self, source: str) -> bool:
        return source == self.about()


@pytest.fixture
def asset(nova: Atelier) -> UUID:
    found = nova.upload(encoded(a_picture(96, 64), "JPEG"), "one.jpg")
    with nova.scope() as scope:
        ratings.rate(scope, digest(nova, found), Rating.G, source="member:rob")
    return found


@pytest.fixture
def late(nova: Atelier, asset: UUID) -> Late:
    def freeze() -> None:
        with nova.scope() as scope:
            ratings.freeze(scope, library.item(scope, asset).sha256)

    return Late(freeze)


def test_of_a_variation(nova: Atelier, asset: UUID, late: Late) -> None:
    with nova.scope() as scope:
        recipe = recipes.save(scope, nova.creator_id, spec(width=64, height=64))
        given = {"creator_id": nova.creator_id, "recipe_id": recipe, "seed": 7, "key": "vary"}
        job = jobs.start(scope, begin=Beginning(asset, 50), **given)  # type: ignore[arg-type]  # as they are
    nova.work(job, lambda: Engine(does=frozenset({"init"})), classifier=late)
    with nova.scope() as scope:
        why = jobs.why(scope, job)
    assert why is not None
    assert (nova.progress(job)[0], why.code) == ("failed", "job.begins_from_withheld")
    assert nova.count("creations") == nova.count("assets") == 1


def test_of_a_clip(nova: Atelier, asset: UUID, late: Late) -> None:
    with nova.scope() as scope:
        clip_id = cutting.ask(scope, creator_id=nova.creator_id, wanted=wanted(asset), key="one", by="member:x")
    cutting.cut(
        ClipDue(nova.tenant_id, clip_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        classifier=late,
    )
    with nova.scope() as scope:
        done = clip(scope, clip_id)
    assert done.reason is not None
    assert (done.state, done.reason.code, nova.count("assets")) == (JobState.FAILED, "clip.withheld", 1)


def test_of_a_copy(nova: Atelier, asset: UUID, late: Late) -> None:
    with nova.scope("member:x") as scope:
        copy_id = finishing.ask(scope, asset, Finish(form="square"), by="member:x", store=nova.services.store)
    finishing.make(
        CopyDue(nova.tenant_id, copy_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        classifier=late,
    )
    with nova.scope() as scope:
        (found,) = finishing.copies(scope, [copy_id])
    assert found.reason is not None
    assert (found.state, found.reason.code, nova.count("assets")) == (UploadState.REFUSED, "copy.lost", 1)
