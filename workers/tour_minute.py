"""The first minute by itself: each line of Home noted by the browser the moment it appears, then judged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels import carrying
from dashboard.events import SceneStep, SceneWanted
from foundation import outbox
from foundation.clock import monotonic
from foundation.database import OpenScope
from gate.units import Subject
from schedules import reads as schedule_reads
from schedules.composing import DELIVERY
from workers import demo_fan, demo_scene
from workers.demo_cast import HANGING, LUMIERE, RECIPE
from workers.demo_scene import PICTURES
from workers.tour_browser import Window
from workers.tour_judge import JUDGING, Judge

WITHIN = 5.0
"""Seconds a line may be early or late."""

MINUTE, LEAD, PLAYED = 85.0, 10.0, 240.0

RECORD = """
(() => {
  const wanted = WANTED, opened = Date.parse('OPENED'), began = performance.now() - 1000 * SPENT; window.__seen = {};
  const fresh = row => { const at = row.querySelector('time'); return !at || Date.parse(at.dateTime) >= opened; };
  const look = () => {
    const rows = [...document.querySelectorAll('.gr-next, .gr-live li, .gr-card')].filter(fresh)
      .map(one => one.innerText.toLowerCase());
    for (const [name, texts] of Object.entries(wanted))
      if (!(name in window.__seen) && rows.some(row => texts.some(all => all.every(text => row.includes(text)))))
        window.__seen[name] = (performance.now() - began) / 1000;
  };
  setInterval(look, 200); look();
})()
"""
"""Lines of earlier minutes, which stay on the page for a while, are told by their hour."""


@dataclass(frozen=True)
class Expected:
    """A line of the minute: when it is to be seen, the words it holds, and the key of its post where that is asked.

    `later` is what it says in their stead to whoever looks a little late.
    """

    at: float
    words: tuple[str, ...]
    key: str = ""
    later: tuple[tuple[str, ...], ...] = ()


def is_played(tenant: OpenScope) -> bool:
    """Whether a minute is being played, during which opening Home begins none."""
    with tenant(LUMIERE.tenant_id, JUDGING) as scope:
        return outbox.awaited(scope, scope.tenant_id, SceneWanted.kind, SceneStep.kind)


def begin(j: Judge) -> dict[str, Expected]:
    """Home is open, which began the minute; have the browser note what appears. What is to come.

    While an earlier minute is still played, opening Home begins nothing: then Home is opened again and again.
    """
    before, end = j.scenes, monotonic() + PLAYED
    while len(scenes(j)) <= len(before):
        j.agree("database", monotonic() < end, "opening Home began nothing")
        j.window.page.wait_for_timeout(3000)
        if len(scenes(j)) <= len(before):
            j.window.go(j.address("/"))
    opened = max(scenes(j)).partition(":")[2]
    j.until("database", lambda: bool(_posts(j, f"{demo_scene.HELD}:{opened}")), "the minute lacks a post")
    spent = j.read(lambda scope: (scope.now - datetime.fromisoformat(opened)).total_seconds())
    j.began = monotonic() - spent
    key = f"{demo_scene.LEAVES}:{opened}"
    leaves, held = _words(j, key), _words(j, f"{demo_scene.HELD}:{opened}")
    wanted = {
        "next": Expected(5, (j.begins("dashboard.next"),)),
        "leaves": Expected(25, (leaves, j.ends("home.late")), key),
        "doubt": Expected(35, (leaves, j.word("home.doubt"))),
        "sold": Expected(50, (demo_fan.name(len(scenes(j)) - 1), j.ends("home.sold_delivered"))),
        "found": Expected(55, (leaves, j.word("calendar.step.found"))),
        "held": Expected(55, (held, j.word("calendar.step.held"))),
        "pictures": Expected(60, _pictures(j, 3), later=tuple(_pictures(j, done) for done in range(4, PICTURES))),
    }
    record(j.window, wanted, opened, spent)
    j.window.read()
    return wanted


def record(window: Window, wanted: Mapping[str, Expected], opened: str, spent: float) -> None:
    """Have the window note when each line is there for the first time, in seconds from the opening.

    Args:
        opened: ISO instant of the opening; lines that tell of an earlier hour are another minute's.
        spent: seconds since then.
    """
    script = {
        name: [[text.lower() for text in texts] for texts in (one.words, *one.later)] for name, one in wanted.items()
    }
    recorder = RECORD
    for name, value in {"WANTED": json.dumps(script), "OPENED": opened, "SPENT": f"{spent:.2f}"}.items():
        recorder = recorder.replace(name, value)
    window.page.evaluate(recorder)


def seen(window: Window) -> dict[str, float]:
    """What was noted so far."""
    found: dict[str, float] = window.page.evaluate("window.__seen || {}")
    return found


def judge(j: Judge, wanted: dict[str, Expected]) -> None:
    """What Home showed, and when; the post that hung stands once on the sandbox; the till is the ledger."""
    patience = PLAYED if j.fast else MINUTE
    while monotonic() - j.began < patience and not wanted.keys() <= seen(j.window).keys():
        j.window.page.wait_for_timeout(500)
    j.picture("home")
    in_time(j, wanted)
    hung, (post,) = next(one for one in j.channels("mia") if one.name == HANGING), _posts(j, wanted["leaves"].key)
    (sent,) = (one.delivery_id for one in j.entries(post) if one.channel_id == hung.id)
    key = carrying.native_key(Subject(DELIVERY, sent))
    count = sum(one["key"] == key for one in j.received(hung.account))
    j.agree("sandbox", count == 1, f"{hung.account} has the post that hung {count} times")


def in_time(j: Judge, wanted: Mapping[str, Expected]) -> None:
    """Every line was seen when it was to be seen. Raises Disagreement.

    Where other steps are taken at the same time the moments are the machine's, not ours: those are told, no more.
    """
    found = seen(j.window)
    missing = [name for name in wanted if name not in found]
    late = [
        f"{name} at {found[name]:.0f} s"
        for name, one in wanted.items()
        if name in found and not _fits(found[name], one.at)
    ]
    j.agree("text", not missing, f"never seen: {', '.join(missing)}; {late}")
    if j.fast:
        j.window.slow += [f"first minute: {one}" for one in late]
    else:
        j.agree("text", not late, f"not in time: {', '.join(late)}")


def _fits(seen: float, at: float) -> bool:
    """The next post is announced from the start on; everything else has its moment."""
    return seen <= at + WITHIN and (seen >= at - WITHIN or at < LEAD)


def scenes(j: Judge) -> list[str]:
    """The minutes that were played so far."""
    return sorted(j.read(lambda scope: schedule_reads.written(scope, demo_scene.ORIGIN, f"{demo_scene.LEAVES}:")))


def _posts(j: Judge, key: str) -> list[UUID]:
    return list(j.read(lambda scope: schedule_reads.written(scope, demo_scene.ORIGIN, key)).values())


def _pictures(j: Judge, done: int) -> tuple[str, ...]:
    return (j.word("home.job.running", recipe=RECIPE.name, done=done, total=PICTURES),)


def _words(j: Judge, key: str) -> str:
    """What a post of the scene is recognised by on Home."""
    (post_id,) = _posts(j, key)
    post = j.read(lambda scope: schedule_reads.written_post(scope, post_id))
    return (post.title or post.body)[:60]
