"""`greenroom demo tour`: take the tour in a browser, in both languages, and compare three
witnesses."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from demo.agency.cast import LUMIERE
from demo.agency.people import is_seeded
from demo.tour import agency_steps, home_scene_check, people_steps, post_steps
from demo.tour.browser import (
    WitnessDisagreement,
    launch_browser,
    open_second_window,
    open_window,
)
from demo.tour.judge import JUDGE_ACTOR, TourCheckResult, TourJudge
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings
from tenants.agencies.rights import Role
from tenants.auth import members
from workers.installation.folder import InstallationFolder
from workers.terminal.output import print_message, print_progress, translate
from workers.terminal.session import connect_installation, exclusive_lock
from workers.wiring import Services

if TYPE_CHECKING:
    from playwright.sync_api import Browser

T = TypeVar("T")
NARROW = 390
WIDE = 1440
PICTURES_LANGUAGE = "en"
"""Language of the screenshots, as in the README. The fast tour sees every page in the first
language only."""


def run_tour(*, as_json: bool, fast: bool, pictures: Path | None) -> int:
    """Take the tour of the running installation and print a table. Returns 0 only if all witnesses
    agree."""
    with connect_installation("tour", pool_size=2) as services:
        _check_demo_available(services)
        with (
            exclusive_lock(
                InstallationFolder(services.settings.home), "tour", Message("tour.runs_already")
            ),
            launch_browser() as running,
        ):
            _wait_for_scene(services, aloud=not as_json)
            if not as_json:
                print_heading()
            began = monotonic()
            party = TourRun(
                services, running, _ignore_result if as_json else print_result, fast, pictures
            )
            _run_languages(party)
            seconds = monotonic() - began
    if as_json:
        results = [{**asdict(one), "good": one.has_passed} for one in party.results]
        print(
            json.dumps(
                {"results": results, "seconds": seconds, "slow": party.slow}, ensure_ascii=False
            )
        )
    else:
        _sum_up(party, seconds)
    return 0 if all(one.has_passed for one in party.results) else 1


def _check_demo_available(services: Services) -> None:
    if services.settings.environment == "production":
        raise Refused("demo.not_here")
    with services.tenant(LUMIERE.tenant_id, JUDGE_ACTOR) as scope:
        if not is_seeded(scope):
            raise NotFound("demo.absent")


def _wait_for_scene(services: Services, *, aloud: bool) -> None:
    """Wait for the end of a scene that an earlier visit of Home started."""
    end = monotonic() + home_scene_check.PLAY_SECONDS
    if aloud and home_scene_check.is_scene_playing(services.tenant):
        print_progress(Message("tour.waits"))
    while home_scene_check.is_scene_playing(services.tenant) and monotonic() < end:
        sleep(1)


@dataclass
class TourRun:
    """The judges of one tour, each with its own window, and their results."""

    services: Services
    running: "Browser"
    report_result: Callable[[TourCheckResult], None]
    fast: bool
    pictures: Path | None
    results: list[TourCheckResult] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    @contextmanager
    def open_judge(self, language: str, role: Role = Role.OWNER) -> Iterator[TourJudge]:
        """Open a window, sign in and choose the language. At the end of the block the tour's page
        is read again."""
        with open_window(
            self.running, language=language, own=_own_hosts(self.services.settings)
        ) as window:
            pictured = LANGUAGES[0] if self.fast else PICTURES_LANGUAGE
            kept = self.pictures if language == pictured else None
            judge = TourJudge(
                self.services, window, language, self.fast, kept, role, tell=self.report_result
            )
            before = judge.current_member()
            try:
                with self._collect_results(judge):
                    _sign_in(judge)
                    yield judge
            finally:
                judge.read_demo_agency(
                    lambda scope: members.set_member_language(scope, before.id, before.language)
                )

    @contextmanager
    def open_second_judge(self, other: TourJudge) -> Iterator[TourJudge]:
        """Open a second window of the same visitor."""
        with (
            open_second_window(other.window) as window,
            self._collect_results(replace(other, window=window, results=[])) as judge,
        ):
            yield judge

    @contextmanager
    def _collect_results(self, judge: TourJudge) -> Iterator[TourJudge]:
        try:
            yield judge
        finally:
            self.results += judge.results
            self.slow += judge.window.slow


def _run_languages(party: TourRun) -> None:
    """Take the tour in French, then in English; both at once with `fast`."""
    # imported here: Playwright is installed with the tests only
    from playwright.sync_api import Error as Broken  # noqa: PLC0415  see above

    began = monotonic()
    try:
        if party.fast:
            _run_fast_tour(party)
        else:
            for language in LANGUAGES:
                with party.open_judge(language) as judge:
                    _run_full_tour(party, judge)
    except (Broken, WitnessDisagreement) as found:  # outside of every step: the sign-in failed
        told = " ".join(str(found).split())[:300]
        party.results.append(TourCheckResult("in", "-", WIDE, monotonic() - began, "text", told))
        party.report_result(party.results[-1])
    finally:
        agency_steps.remove_judge_agencies(party.services)


def _own_hosts(settings: Settings) -> frozenset[str]:
    own = (
        settings.dashboard.public_url,
        settings.web.public_url,
        f"http://127.0.0.1:{settings.sandbox.port}",
    )
    return frozenset(urlsplit(one).netloc for one in own)


def _sign_in(j: TourJudge) -> None:
    """Sign in with a one-time link and choose the language in the sidebar."""
    j.window.open(j.sign_in_link(), drawn=False)
    j.scenes = home_scene_check.scenes_played(j)
    j.window.page.locator("button:visible").first.click()
    j.window.page.wait_for_url(j.dashboard_url("/"))
    if j.current_member().language == j.language:
        return
    with j.window.page.expect_navigation():
        j.window.page.locator(f'form[action^="/auth/language/{j.language}"] button').click()
    j.check_witness(
        "database",
        j.current_member().language == j.language,
        f"{j.current_member().name} does not read {j.language}",
    )


def _take_step(
    j: TourJudge, name: str, act: Callable[[TourJudge], T], width: int = WIDE
) -> T | None:
    """Take a step in a window of this width; returns its result, or None if a witness disagreed."""
    made: T | None = None
    j.width = width
    j.window.set_size(width)
    with j.timed_step(name):
        made = act(j)
    j.window.set_size(WIDE)
    j.width = WIDE
    return made


def _run_full_tour(party: TourRun, j: TourJudge) -> None:
    """Take every step in sequence. The wizard changes the agency, so it uses a separate window."""
    _take_step(
        j,
        "0 first minute",
        lambda one: home_scene_check.check_home_scene(one, home_scene_check.start_recording(one)),
    )
    _take_step(
        j,
        "1 publish",
        lambda one: post_steps.check_published(one, post_steps.upload_and_schedule(one)),
    )
    _take_step(j, "2 talk", people_steps.check_chat_purchase)
    _take_step(j, "3 cheat", post_steps.check_refusals)
    _take_step(
        j,
        "4 break",
        lambda one: post_steps.check_burst_after_kill(one, post_steps.start_burst(one)),
    )
    _take_step(j, "5 remove", people_steps.check_removal)
    _take_step(j, "6 count", agency_steps.check_statement_import)
    _run_narrow_tour(j, NARROW)
    with party.open_judge(j.language) as other:
        _take_step(
            other,
            "7 connect",
            lambda one: agency_steps.check_first_post(one, agency_steps.create_judge_agency(one)),
        )


def _run_narrow_tour(j: TourJudge, width: int) -> None:
    """Take steps 1, 2 and 5; the others run during the fifteen seconds of the first."""
    words = _take_step(j, "1 publish (begun)", post_steps.upload_and_schedule, width)
    _take_step(j, "2 talk", people_steps.check_chat_purchase, width)
    _take_step(j, "5 remove", people_steps.check_removal, width)
    _check_published(j, words, width)


def _run_fast_tour(party: TourRun) -> None:
    """Take the same steps in 90 seconds, with waiting steps in parallel.

    Home shows twelve lines: the removals, which add many, wait until the first minute has been
    checked.
    """
    first, second = LANGUAGES
    with (
        party.open_judge(first) as home,
        party.open_second_judge(home) as visitor,
        party.open_judge(first) as beginner,
    ):
        wanted = _take_step(home, "0 first minute (begun)", home_scene_check.start_recording)
        burst = _take_step(visitor, "4 break (begun)", post_steps.start_burst)
        mine = _take_step(beginner, "7 connect (begun)", agency_steps.create_judge_agency)
        words = _take_step(visitor, "1 publish (begun)", post_steps.upload_and_schedule)
        _take_step(visitor, "3 cheat", post_steps.check_refusals)
        _take_step(visitor, "6 count", agency_steps.check_statement_import)
        _check_published(visitor, words, WIDE)
        with party.open_judge(second, Role.MANAGER) as other:
            _take_step(other, "all, read", _read_through)
            words = _take_step(other, "1 publish (begun)", post_steps.upload_and_schedule, NARROW)
            _take_step(visitor, "2 talk", people_steps.check_chat_purchase)
            if wanted is not None:
                _take_step(
                    home,
                    "0 first minute",
                    partial(home_scene_check.check_home_scene, wanted=wanted),
                )
            _take_step(visitor, "5 remove", people_steps.check_removal)
            _take_step(other, "2 talk", people_steps.check_chat_purchase, NARROW)
            _take_step(other, "5 remove", people_steps.check_removal, NARROW)
            _check_published(other, words, NARROW)
        if burst is not None:
            _take_step(visitor, "4 break", partial(post_steps.check_burst_after_kill, begun=burst))
        if mine is not None:
            _take_step(beginner, "7 connect", partial(agency_steps.check_first_post, begun=mine))


def _check_published(j: TourJudge, words: str | None, width: int) -> None:
    if words is not None:
        _take_step(j, "1 publish", partial(post_steps.check_published, words=words), width)


def _read_through(j: TourJudge) -> None:
    """Open the tour's page with all completed steps, in this language."""
    j.open_page("/tour")
    j.window.wait_for_text(j.catalogue_text("tour.title"))


def print_heading() -> None:
    """Print the headings of the table; its rows follow one by one."""
    step, language, width, seconds, result = (
        translate(Message(f"cli.column.{name}")).upper()
        for name in ("step", "language", "width", "seconds", "result")
    )
    print(f"{step:<24}  {language:<8}  {width:>7}  {seconds:>8}  {result}", flush=True)


def print_result(one: TourCheckResult) -> None:
    """Print a row of the table: step, language, width, seconds, result."""
    said = "✓" if one.has_passed else f"✗ {one.witness}: {one.told}"
    print(
        f"{one.step:<24}  {one.language:<8}  {one.width:>7}  {one.seconds:>8.1f}  {said}",
        flush=True,
    )


def _ignore_result(_: TourCheckResult) -> None:
    return


def _sum_up(party: TourRun, seconds: float) -> None:
    for told in party.slow:
        print(f"    {told}", flush=True)
    good = sum(one.has_passed for one in party.results)
    print_message(
        Message("tour.judged", {"good": good, "of": len(party.results), "seconds": round(seconds)})
    )
    print_message(Message("tour.slower", {"count": len(party.slow)}))
