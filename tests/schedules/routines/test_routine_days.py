"""A creator's routine over a day and a week, on the routes of the workers, with placeholder images,
template captions and the sandbox platform; the clock of the installation is moved."""

from dataclasses import replace
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from foundation.errors import Conflict
from foundation.i18n.translation import LANGUAGES, render_message
from foundation.ops.wall_time import WallTime, local_day
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.ratings import ratings
from generators.contract.engines import EngineMissing, ImageEngine
from schedules.approvals import decisions
from schedules.approvals.release import release_post
from schedules.calendar.versioned_actions import StaleVersion
from schedules.routines import routines, steps
from schedules.routines.plans import (
    RoutinePlan,
    RoutineSlot,
    SlotMedia,
    TemplateUse,
    WeeklySteps,
)
from schedules.routines.states import StepState
from schedules.routines.steps import StepView
from studio.costs import quotas
from studio.library import assets
from studio.recipes import specs
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import ZONE, SandboxAgency

DAILY = ("generate", "propose", "approve", "publish:10:00", "publish:15:00", "publish:20:00")


def plan_for(lea: SandboxAgency, **changes: object) -> RoutinePlan:
    """Return three slots a day on the account `main`, with pictures of one template."""
    with lea.scope() as scope:
        specs.save_recipe(
            scope,
            lea.creator_id,
            specs.RecipeSpec(
                name="plage",
                prompt="{lieu} au coucher du soleil",
                words={"lieu": ["une plage", "un lac de montagne", "une rue de ville"]},
                width=64,
                height=64,
            ),
        )
    slots = tuple(RoutineSlot(time(hour), (lea.channels["main"],)) for hour in (10, 15, 20))
    plan = RoutinePlan(slots, (TemplateUse("plage", 3),))
    return replace(plan, **changes)  # type: ignore[arg-type]  # fields of the plan


def go_to(lea: SandboxAgency, day: date, clock: time) -> None:
    """Let time pass until a local time, handling what is due."""
    at = WallTime(day, clock, ZONE).instant()
    lea.live(seconds=max((at - lea.now()).total_seconds(), 0))


def next_day(lea: SandboxAgency, weekday: int | None = None) -> date:
    """Move the clock to 01:00 of the next local day, or of the next `weekday`."""
    day = local_day(lea.now(), ZONE) + timedelta(days=1)
    while weekday not in (None, day.weekday()):
        day += timedelta(days=1)
    at = WallTime(day, time(1), ZONE).instant()
    lea.pass_time(seconds=(at - lea.now()).total_seconds())
    return day


def approve_all(lea: SandboxAgency, *keys: str) -> None:
    """Rate the pictures and approve the proposed posts as a manager does in Approvals."""
    with lea.scope(f"member:{lea.manager}") as scope:
        rows = scope.run(
            "SELECT id, media, origin_key FROM posts WHERE tenant_id = :t AND origin = 'routine'",
            t=lea.tenant_id,
        ).all()
        for row in rows:
            for asset in row.media:
                sha256 = assets.get_asset(scope, UUID(asset)).sha256
                if ratings.effective_rating(scope, sha256) is None:
                    rate_and_answer(scope, sha256, Rating.G, source=f"member:{lea.manager}")
            if not keys or row.origin_key[-5:] in keys:
                decisions.approve_post(scope, row.id, member_id=lea.manager)
                release_post(scope, row.id)


def steps_of(lea: SandboxAgency, day: date) -> dict[str, StepView]:
    with lea.scope() as scope:
        return {one.name: one for one in steps.list_steps(scope, lea.creator_id, day)}


def states_of(lea: SandboxAgency, day: date) -> dict[str, str]:
    return {name: str(one.state) for name, one in steps_of(lea, day).items()}


def reason_of(lea: SandboxAgency, day: date, name: str) -> str:
    reason = steps_of(lea, day)[name].reason
    assert reason is not None
    for language in LANGUAGES:
        assert render_message(reason, language)
    return reason.code


def test_day_runs_from_generation_to_report(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    assert set(states_of(lea, day).values()) == {"due"}
    go_to(lea, day, time(7, 30))
    assert steps_of(lea, day)["generate"].results.counts == {"pictures": 3, "clips": 0}
    go_to(lea, day, time(8, 30))
    assert steps_of(lea, day)["propose"].results.counts == {"posts": 3}
    assert lea.posts() == []
    assert "routine.proposed" in lea.notices().values()
    approve_all(lea)
    go_to(lea, day, time(23))
    assert set(states_of(lea, day).values()) == {"done"}
    assert len(set(lea.texts())) == 3
    report = steps_of(lea, day)["report"].results
    assert report.counts == {"published": 3, "posts": 3}
    assert "routine.report_ready" in lea.notices().values()
    assert "routine.proposed" not in lea.notices().values()
    folder = lea.services.settings.home / "reports" / str(lea.tenant_id) / "lea"
    assert (folder / f"{day}.html").is_file()


def test_unapproved_posts_are_reported_at_the_deadline_and_held_at_their_slots(
    lea: SandboxAgency,
) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    go_to(lea, day, time(9))
    approve_all(lea, "15:00")
    go_to(lea, day, time(23))
    found = states_of(lea, day)
    assert (found["approve"], found["publish:15:00"]) == ("failed", "done")
    assert reason_of(lea, day, "approve") == "routine.approval_missing"
    assert found["publish:10:00"] == found["publish:20:00"] == "skipped"
    assert reason_of(lea, day, "publish:10:00") == "delivery.unapproved"
    assert len(lea.posts()) == 1


def test_week_plans_on_monday_reviews_on_friday_and_has_weekend_specials(
    lea: SandboxAgency,
) -> None:
    monday = next_day(lea, weekday=0)
    main = (lea.channels["main"],)
    plan = plan_for(lea)
    special = RoutineSlot(
        time(18), main, days=(5, 6), template="plage", theme="le week-end commence"
    )
    weekdays = tuple(replace(slot, days=(0, 1, 2, 3, 4)) for slot in plan.slots[:1])
    weekly = WeeklySteps(time(9), 2, ("La nouvelle série",), time(17))
    plan = replace(plan, slots=(*weekdays, special), weekly=weekly)
    lea.act(routines.save_routine, lea.creator_id, plan)
    for ahead in range(7):
        day = monday + timedelta(days=ahead)
        go_to(lea, day, time(9))
        approve_all(lea)
        go_to(lea, day, time(23, 30))
        found = states_of(lea, day)
        assert set(found.values()) == {"done"}, (day, found)
        assert ("plan_week" in found) == (ahead == 0)
        assert ("review_week" in found) == (ahead == 4)
        assert ("publish:18:00" in found) == (ahead >= 5)
    assert len(lea.posts()) == 7
    review = steps_of(lea, monday + timedelta(days=4))["review_week"].results.counts
    assert review == {"published": 5, "troubled": 0, "slots": 5, "unfinished": 0}
    assert {"routine.week_planned", "routine.review_ready"} <= set(lea.notices().values())


def test_late_machine_catches_up_what_is_not_over(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    at = WallTime(day, time(14), ZONE).instant()
    lea.pass_time(seconds=(at - lea.now()).total_seconds())
    go_to(lea, day, time(14, 15))
    approve_all(lea)
    go_to(lea, day, time(23))
    found = states_of(lea, day)
    assert found["generate"] == found["propose"] == found["approve"] == "done"
    assert found["publish:15:00"] == found["publish:20:00"] == "done"
    assert reason_of(lea, day, "publish:10:00") == "routine.too_late"


def test_missed_day_is_skipped_with_a_reason(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    lea.pass_time(days=2)
    lea.run()
    assert set(states_of(lea, day).values()) == {"skipped"}
    assert reason_of(lea, day, "generate") == "routine.too_late"
    assert states_of(lea, day + timedelta(days=2))["generate"] == "due"


def test_emergency_stop_skips_generation_and_proposals(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    with lea.services.tenant(lea.tenant_id, f"member:{lea.manager}", role="gate") as scope:
        emergency_stops.close_switch(
            scope, "creator", str(lea.creator_id), "sending", reason="test"
        )
    go_to(lea, day, time(23))
    found = states_of(lea, day)
    assert reason_of(lea, day, "generate") == "routine.stopped"
    assert reason_of(lea, day, "publish:10:00") == "routine.stopped"
    assert found["report"] == "done"


def test_pause_skips_the_rest_of_the_day_and_resume_restores_it(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    lea.act(routines.pause_routine, lea.creator_id)
    assert reason_of(lea, day, "generate") == "routine.paused_reason"
    lea.live(hours=3)
    lea.act(routines.resume_routine, lea.creator_id)
    assert states_of(lea, day)["generate"] == "due"
    go_to(lea, day, time(8, 30))
    assert states_of(lea, day)["propose"] == "done"
    lea.act(routines.pause_routine, lea.creator_id)
    go_to(lea, day + timedelta(days=1), time(23))
    assert states_of(lea, day)["publish:10:00"] == "skipped"
    assert states_of(lea, day + timedelta(days=1)) == {}


def test_quota_and_missing_approver_skip_with_a_reason(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    with lea.scope() as scope:
        quotas.set_daily_quota(scope, 1)
        scope.run("UPDATE members SET role = 'accountant' WHERE tenant_id = :t", t=lea.tenant_id)
    go_to(lea, day, time(12))
    generated = steps_of(lea, day)["generate"]
    assert (generated.state, generated.results.counts["pictures"]) == (StepState.DONE, 1)
    assert reason_of(lea, day, "generate") == "routine.limit_quota"
    assert reason_of(lea, day, "propose") == "routine.no_approver"


def test_library_photos_and_clips_fill_their_slots(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.photo(1)
    main = (lea.channels["main"],)
    slots = (
        RoutineSlot(time(12), main, SlotMedia.LIBRARY),
        RoutineSlot(time(20), main, SlotMedia.CLIP),
    )
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea, slots=slots, clips=1))
    go_to(lea, day, time(9))
    found = steps_of(lea, day)
    assert found["generate"].results.counts == {"pictures": 3, "clips": 1}
    assert set(found["propose"].results.posts) == {"12:00", "20:00"}


def test_killed_worker_creates_each_post_once(lea: SandboxAgency) -> None:
    day = next_day(lea)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    go_to(lea, day, time(7, 59))
    at = WallTime(day, time(8, 1), ZONE).instant()
    lea.pass_time(seconds=(at - lea.now()).total_seconds())
    for point in (7, 19, 31):
        assert lea.crash(point)
    go_to(lea, day, time(8, 30))
    with lea.scope() as scope:
        posts, sent = scope.run(
            "SELECT count(DISTINCT p.id), count(d.id) FROM posts p JOIN deliveries d"
            " ON d.tenant_id = p.tenant_id AND d.post_id = p.id"
            " WHERE p.tenant_id = :t AND p.origin = 'routine'",
            t=lea.tenant_id,
        ).one()
    assert (posts, sent) == (3, 3)


def test_missing_engine_skips_generation_with_its_reason_and_the_step_runs_again(
    lea: SandboxAgency,
) -> None:
    engine = lea.services.image_engine

    def no_engine() -> ImageEngine:
        raise EngineMissing("engine.not_here", engine="diffusers")

    day = next_day(lea)
    lea.services = replace(lea.services, image_engine=no_engine)
    lea.act(routines.save_routine, lea.creator_id, plan_for(lea))
    go_to(lea, day, time(8, 30))
    assert states_of(lea, day)["generate"] == states_of(lea, day)["propose"] == "skipped"
    assert reason_of(lea, day, "propose") == "engine.not_here"
    lea.services = replace(lea.services, image_engine=engine)
    lea.__dict__.pop("routes")
    for name in ("generate", "propose"):
        lea.act(steps.run_step_again, lea.creator_id, steps_of(lea, day)[name].id)
        lea.live(minutes=2)
    assert states_of(lea, day)["propose"] == "done"
    with pytest.raises(Conflict):
        lea.act(steps.run_step_again, lea.creator_id, steps_of(lea, day)["propose"].id)


def test_changed_plan_moves_the_steps_that_are_due(lea: SandboxAgency) -> None:
    day = next_day(lea)
    plan = plan_for(lea)
    lea.act(routines.save_routine, lea.creator_id, plan)
    go_to(lea, day, time(7))
    later = replace(plan, propose_at=time(9), slots=plan.slots[1:], approve_by=time(12))
    with pytest.raises(StaleVersion):
        lea.act(routines.save_routine, lea.creator_id, later, version=0)
    lea.act(routines.save_routine, lea.creator_id, later, version=1)
    go_to(lea, day, time(8, 30))
    found = states_of(lea, day)
    assert (found["generate"], found["propose"]) == ("done", "due")
    assert "publish:10:00" not in found
    go_to(lea, day, time(9, 30))
    assert states_of(lea, day)["propose"] == "done"
