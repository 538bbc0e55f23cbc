"""Adult content of real people is posted manually: the member confirms the platform's duty."""

from datetime import timedelta
from uuid import UUID

import pytest

from channels.manual_tasks import tasks
from foundation.errors import BadInput, Conflict
from gate.contract.units import DUTY_FLAG, Rating, Verdict
from gate.decision.unit_rules import has_other_duties, required_flags
from gate.policy.bundle import shipped_bundle
from gate.ratings import ratings
from gate.reviews import content_reviews
from schedules.posts.states import DeliveryState
from studio.library import assets
from tests.channels.manual_task_builders import (
    NAME,
    Phone,
    connect_manual_account,
    open_phone,
    pair_phone,
)
from tests.fakes.sandbox import RunningSandbox
from tests.gate.builders import real_person
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.conftest import running, sandbox, services  # noqa: F401  fixtures
from workers.wiring import Services

ADULT = (Rating.N, Rating.E)
LINKS = {
    "onlyfans": "https://onlyfans.com/12345678/mia",
    "pornhub": "https://www.pornhub.com/view_video.php?viewkey=ph12345",
}


def test_duty_without_an_api_field_is_confirmed_by_a_member() -> None:
    rules = shipped_bundle()
    found = {True: 0, False: 0}
    for row in rules.rows.values():
        for people in ("real", "synthetic", None):
            place = rules.row(row.platform, row.id, on=rules.read_on, people=people)
            for rating in ADULT:
                confirmed = DUTY_FLAG in required_flags(place, rating, ai=False)
                needed = place.verdict(rating) is Verdict.F and has_other_duties(place, rating)
                assert confirmed == (needed and place.is_manual), (row.id, rating)
                found[confirmed] += 1
    assert all(found.values())


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:  # noqa: F811  fixtures
    made = create_sandbox_agency(services, sandbox)
    with made.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :id", id=made.creator_id)
    return made


def adult_picture(lea: SandboxAgency, rating: Rating) -> UUID:
    """Return a reviewed picture of a real person, a month old."""
    asset = lea.photo(1, rating=rating)
    with lea.scope() as scope:
        person = real_person(scope, surfaces=("byhand",))
        ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:x")
        digest = assets.get_asset(scope, asset).sha256
        with scope.acting_as("gate"):
            scope.run(
                "UPDATE assets SET source = 'capture', made_at = :at WHERE id = :id",
                at=scope.now - timedelta(days=30),
                id=asset,
            )
    with lea.scope(f"member:{lea.manager}") as scope:
        content_reviews.review_bytes(scope, digest, verdict="approve")
    return asset


def due(lea: SandboxAgency, site: str, rating: Rating) -> tuple[UUID, Phone, tasks.ManualTask]:
    connect_manual_account(lea, site)
    pair_phone(lea)
    hand = open_phone(lea)
    delivery = lea.delivery("Pour vous", channel=NAME, after=1, media=(adult_picture(lea, rating),))
    lea.live(seconds=3)
    assert lea.state(delivery) == DeliveryState.PROCESSING, lea.why(delivery)
    (task,) = hand.tasks()
    return delivery, hand, task


@pytest.mark.parametrize(
    ("site", "rating"), [("onlyfans", Rating.N), ("onlyfans", Rating.E), ("pornhub", Rating.N)]
)
def test_adult_task_requires_a_screenshot_and_a_checklist(
    lea: SandboxAgency, site: str, rating: Rating
) -> None:
    delivery, hand, task = due(lea, site, rating)
    assert tasks.DUTY_LINE in task.checklist
    hand.open(task.id)
    with pytest.raises(BadInput, match="no_screenshot"):
        hand.done(task.id, LINKS[site], ticked=task.checklist)
    hand.act(tasks.attach_screenshot, task.id, "a" * 64)
    with pytest.raises(BadInput, match="unticked"):
        hand.done(task.id, LINKS[site], ticked=())
    done = hand.done(task.id, LINKS[site], ticked=task.checklist)
    assert done.screenshot == "a" * 64
    assert lea.state(delivery) == DeliveryState.PUBLISHED
    with pytest.raises(Conflict):
        hand.act(tasks.attach_screenshot, task.id, "b" * 64)


def test_non_adult_task_requires_no_screenshot(lea: SandboxAgency) -> None:
    _, hand, task = due(lea, "onlyfans", Rating.S)
    assert tasks.DUTY_LINE not in task.checklist
    hand.open(task.id)
    with pytest.raises(BadInput):
        hand.act(tasks.attach_screenshot, task.id, "a" * 64)
    hand.done(task.id, LINKS["onlyfans"], ticked=task.checklist)
