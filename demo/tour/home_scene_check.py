"""Check of the scene on Home: the browser records when each line appears."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.sending import step_runner
from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from demo import home_scene
from demo.agency.cast import DEMO_RECIPE, HANGING_CHANNEL_NAME, LUMIERE
from demo.home_scene import PICTURES
from demo.tour.browser import BrowserWindow
from demo.tour.judge import JUDGE_ACTOR, TourJudge
from foundation.db.database import OpenScope
from foundation.ops.clock import monotonic
from foundation.outbox import outbox
from gate.contract.units import Subject
from schedules.posts import queries
from schedules.posts.delivery_units import DELIVERY_SUBJECT

TOLERANCE_SECONDS = 5.0
"""Seconds by which a line may be early or late."""

SCENE_SECONDS = 85.0
LEAD = 10.0
PLAY_SECONDS = 240.0

RECORDER_SCRIPT = """
(() => {
  const wanted = WANTED, opened = Date.parse('OPENED'), began = performance.now() - 1000 * SPENT; \
window.__seen = {};
  const fresh = row => { const at = row.querySelector('time'); return !at || \
Date.parse(at.dateTime) >= opened; };
  const look = () => {
    const rows = [...document.querySelectorAll('.gr-next, .gr-live li, .gr-card')].filter(fresh)
      .map(one => one.innerText.toLowerCase());
    for (const [name, texts] of Object.entries(wanted))
      if (!(name in window.__seen) && rows.some(row => texts.some(all => all.every(text => \
row.includes(text)))))
        window.__seen[name] = (performance.now() - began) / 1000;
  };
  setInterval(look, 200); look();
})()
"""
"""Records lines in the page. Lines of earlier scenes remain for a while and are recognized by their
hour."""


@dataclass(frozen=True)
class ExpectedLine:
    """A line of the scene: when it appears, the texts that it contains, and the key of its post if
    that is checked.

    `later` is the text that replaces it a little later.
    """

    at: float
    words: tuple[str, ...]
    key: str = ""
    later: tuple[tuple[str, ...], ...] = ()


def is_scene_playing(tenant: OpenScope) -> bool:
    """Return True while a scene is playing; opening Home then starts no other."""
    with tenant(LUMIERE.tenant_id, JUDGE_ACTOR) as scope:
        return outbox.is_pending(
            scope, scope.tenant_id, DemoSceneRequested.kind, DemoSceneStep.kind
        )


def start_recording(j: TourJudge) -> dict[str, ExpectedLine]:
    """Open Home, which starts a scene, and record the lines that appear. Returns the expected
    lines.

    While an earlier scene is playing, Home is opened repeatedly until a new one starts.
    """
    before = j.scenes
    end = monotonic() + PLAY_SECONDS
    while len(scenes_played(j)) <= len(before):
        j.check_witness("database", monotonic() < end, "opening Home began nothing")
        j.window.page.wait_for_timeout(3000)
        if len(scenes_played(j)) <= len(before):
            j.window.open(j.dashboard_url("/"))
    opened = max(scenes_played(j)).partition(":")[2]
    j.wait_for_witness(
        "database",
        lambda: bool(_list_post_ids(j, f"{home_scene.HELD_POST}:{opened}")),
        "the minute lacks a post",
    )
    spent = j.read_demo_agency(
        lambda scope: (scope.now - datetime.fromisoformat(opened)).total_seconds()
    )
    j.began = monotonic() - spent
    key = f"{home_scene.PUBLISHED_POST}:{opened}"
    leaves = _get_post_text(j, key)
    held = _get_post_text(j, f"{home_scene.HELD_POST}:{opened}")
    wanted = {
        "next": ExpectedLine(5, (j.catalogue_text_start("dashboard.next"),)),
        "leaves": ExpectedLine(25, (leaves, j.catalogue_text_end("home.late")), key),
        "doubt": ExpectedLine(35, (leaves, j.catalogue_text("home.doubt"))),
        "sold": ExpectedLine(
            50,
            (
                home_scene.fan_name(len(scenes_played(j)) - 1),
                j.catalogue_text_end("home.sold_delivered"),
            ),
        ),
        "found": ExpectedLine(55, (leaves, j.catalogue_text("calendar.step.found"))),
        "held": ExpectedLine(55, (held, j.catalogue_text("calendar.step.held"))),
        "pictures": ExpectedLine(
            60,
            _progress_texts(j, 3),
            later=tuple(_progress_texts(j, done) for done in range(4, PICTURES)),
        ),
    }
    inject_recorder(j.window, wanted, opened, spent)
    j.window.note_internal_words()
    return wanted


def inject_recorder(
    window: BrowserWindow, wanted: Mapping[str, ExpectedLine], opened: str, spent: float
) -> None:
    """Record in the window when each line first appears, in seconds from the opening.

    Args:
        opened: ISO instant of the opening; lines with an earlier hour belong to another scene.
        spent: seconds since then.
    """
    script = {
        name: [[text.lower() for text in texts] for texts in (one.words, *one.later)]
        for name, one in wanted.items()
    }
    recorder = RECORDER_SCRIPT
    for name, value in {
        "WANTED": json.dumps(script),
        "OPENED": opened,
        "SPENT": f"{spent:.2f}",
    }.items():
        recorder = recorder.replace(name, value)
    window.page.evaluate(recorder)


def recorded_lines(window: BrowserWindow) -> dict[str, float]:
    """Return the recorded lines."""
    found: dict[str, float] = window.page.evaluate("window.__seen || {}")
    return found


def check_home_scene(j: TourJudge, wanted: dict[str, ExpectedLine]) -> None:
    """Check the lines of Home and their times, that the delayed post exists once on the test
    network, and that the displayed balance equals the ledger's."""
    patience = PLAY_SECONDS if j.fast else SCENE_SECONDS
    while monotonic() - j.began < patience and not wanted.keys() <= recorded_lines(j.window).keys():
        j.window.page.wait_for_timeout(500)
    j.save_screenshot("home")
    check_line_times(j, wanted)
    hung = next(one for one in j.channels_of_creator("mia") if one.name == HANGING_CHANNEL_NAME)
    (post,) = _list_post_ids(j, wanted["leaves"].key)
    (sent,) = (one.delivery_id for one in j.deliveries_of(post) if one.channel_id == hung.id)
    key = step_runner.native_key_of(Subject(DELIVERY_SUBJECT, sent))
    count = sum(one["key"] == key for one in j.sandbox_posts(hung.account))
    j.check_witness("sandbox", count == 1, f"{hung.account} has the post that hung {count} times")


def check_line_times(j: TourJudge, wanted: Mapping[str, ExpectedLine]) -> None:
    """Check that every line appeared in time. Raises WitnessDisagreement.

    When other steps run at the same time, deviations are only reported: the load of the machine
    causes them.
    """
    found = recorded_lines(j.window)
    missing = [name for name in wanted if name not in found]
    late = [
        f"{name} at {found[name]:.0f} s"
        for name, one in wanted.items()
        if name in found and not _is_on_time(found[name], one.at)
    ]
    j.check_witness("text", not missing, f"never seen: {', '.join(missing)}; {late}")
    if j.fast:
        j.window.slow += [f"first minute: {one}" for one in late]
    else:
        j.check_witness("text", not late, f"not in time: {', '.join(late)}")


def _is_on_time(seen: float, at: float) -> bool:
    """Return True if a line appeared in time; the announcement of the next post may appear from the
    start."""
    return seen <= at + TOLERANCE_SECONDS and (seen >= at - TOLERANCE_SECONDS or at < LEAD)


def scenes_played(j: TourJudge) -> list[str]:
    """Return the number of scenes so far."""
    return sorted(
        j.read_demo_agency(
            lambda scope: queries.post_ids_by_origin_key(
                scope, home_scene.HOME_SCENE_ORIGIN, f"{home_scene.PUBLISHED_POST}:"
            )
        )
    )


def _list_post_ids(j: TourJudge, key: str) -> list[UUID]:
    return list(
        j.read_demo_agency(
            lambda scope: queries.post_ids_by_origin_key(scope, home_scene.HOME_SCENE_ORIGIN, key)
        ).values()
    )


def _progress_texts(j: TourJudge, done: int) -> tuple[str, ...]:
    return (
        j.catalogue_text("home.job.running", recipe=DEMO_RECIPE.name, done=done, total=PICTURES),
    )


def _get_post_text(j: TourJudge, key: str) -> str:
    """Return the text of a post of the scene as Home displays it."""
    (post_id,) = _list_post_ids(j, key)
    post = j.read_demo_agency(lambda scope: queries.get_stored_post(scope, post_id))
    return (post.title or post.body)[:60]
