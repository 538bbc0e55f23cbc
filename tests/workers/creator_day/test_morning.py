"""The morning of a day in one process: pictures, posts and approvals, each once."""

from datetime import timedelta

from schedules.posts.states import DeliveryState
from tenants.agencies.queries import get_creator
from tests.schedules.builders import SandboxAgency
from tests.schedules.conftest import lea, running, sandbox, services
from workers.creator_day.day_brief import Brief
from workers.creator_day.morning import MorningWork
from workers.creator_day.shiftable_clock import ShiftableClock
from workers.creator_day.timeline import Timeline

__all__ = ["lea", "running", "sandbox", "services"]

BRIEF = {
    "tone": "calme",
    "languages": ["fr"],
    "recipes": [
        {
            "name": "carnet",
            "prompt": "{lieu} le soir",
            "words": {"lieu": ["une plage", "un lac de montagne"]},
            "variants": 2,
            "width": 64,
            "height": 64,
        }
    ],
    "slots": [
        {"at": "10:00", "channels": ["main"]},
        {"at": "15:00", "channels": ["main"], "picture": "carnet"},
    ],
}


def test_interrupted_morning_continues_without_creating_anything_twice(lea: SandboxAgency) -> None:
    lea.photo(1)
    with lea.scope() as scope:
        creator = get_creator(scope, lea.creator_id)
        day = (scope.now + timedelta(days=2)).date()
    lines: list[str] = []
    timeline = Timeline(
        lea.services.tenant, lea.tenant_id, creator, language="en", out=lines.append
    )

    def run_events() -> None:
        lea.run()

    clock = ShiftableClock(lea.services.tenant, skip_idle_time=False, on_poll=run_events)
    work = MorningWork(
        lea.services,
        lea.tenant_id,
        creator,
        Brief.model_validate(BRIEF),
        (),
        clock=clock,
        timeline=timeline,
    )
    work.check_brief()
    for _ in range(2):
        pictures = work.generate_pictures(day)
        assert {name: len(made) for name, made in pictures.items()} == {"photos": 1, "carnet": 2}
        posts = work.write_posts(day, pictures)
        assert len(set(posts)) == 2
        work.approve_and_schedule(day, posts)
        states = [entry.state for entry in work.posts_of_day(day)]
        assert states == [DeliveryState.SCHEDULED] * 2
    assert sum("Caption" in line for line in lines) == 2
    assert sum("Marc" in line or "Anne" in line for line in lines) == 2
