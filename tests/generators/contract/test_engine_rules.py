"""The engines of every kind under one set of rules, and a breach that each rule finds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foundation.http.http_client import ResponseLost
from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    PictureUndelivered,
    Progress,
    ignore_progress,
)
from generators.contract.speech import GeneratedSpeech, SpeechJob, SpeechUncertain
from generators.engines.images.comfyui import ComfyUI
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.images.stability import Stability
from generators.engines.speech.elevenlabs import ElevenLabs
from generators.engines.text.ollama import OllamaEngine
from tests.generators.contract import engine_environments as worlds
from tests.generators.contract import engine_rules as rules
from tests.generators.contract.engine_rules import World

KINDS = {**worlds.PICTURES, **worlds.SPEECH, **worlds.TEXTS}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_engine_follows_the_rules(name: str, tmp_path: Path) -> None:
    with KINDS[name](tmp_path) as world:
        rules.keeps_all(world)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_failure_raises_its_documented_error(name: str, tmp_path: Path) -> None:
    with KINDS[name](tmp_path) as world:
        for failure in world.failures:
            rules.a_failure_is_said(world, failure)


class RunsBack(PlaceholderEngine):
    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        return super().draw(job, lambda done, total: progress(total - done, total))


class HearsNoStop(PlaceholderEngine):
    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        try:
            return super().draw(job, progress)
        except rules.Stopped:
            return super().draw(job)


class LeavesItRunning(ComfyUI):
    def _cancel_job(self, key: str) -> None:
        """Leave the job running on the server."""


class TakesAnySeed(PlaceholderEngine):
    drawn = 0

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        self.drawn += 1
        return super().draw(
            ImageJob(job.prompt, self.drawn, width=job.width, height=job.height), progress
        )


class OneForAll(PlaceholderEngine):
    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        return super().draw(ImageJob(job.prompt, 1, width=job.width, height=job.height), progress)


class LostIsFree(Stability):
    def _order_picture(self, *given: Any) -> bytes:
        try:
            return super()._order_picture(*given)
        except PictureUndelivered:
            given[-1].mark_refused()
            raise


class AllIsLost(Stability):
    def _send_form(self, *given: Any) -> Any:
        reply = super()._send_form(*given)
        return ResponseLost("status") if getattr(reply, "status", 200) != 200 else reply


class AsksTwice(ElevenLabs):
    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        try:
            return super().synthesize(job)
        except SpeechUncertain:
            return super().synthesize(job)


class BuysTwo(ElevenLabs):
    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        super().synthesize(job)
        return super().synthesize(job)


class TellsItself(OllamaEngine):
    def write(self, job: Any) -> Any:
        job.tally.record_request(self.name, self.model, 1, 1)
        job.tally.record_not_received()
        job.tally.record_request(self.name, self.model, 1, 1)
        return super().write(job)


def failing(name: str) -> Callable[[World], None]:
    return lambda world: rules.a_failure_is_said(world, name)


@pytest.mark.parametrize(
    ("world", "kind", "rule", "found"),
    [
        (worlds.placeholders, RunsBack, rules.progress_reaches_its_end, "begins at"),
        (worlds.placeholders, HearsNoStop, rules.a_stop_stops, "not told as stopped"),
        (worlds.comfy, LeavesItRunning, rules.a_stop_stops, "goes on there"),
        (worlds.placeholders, TakesAnySeed, rules.a_seed_repeats, "gives other bytes"),
        (worlds.placeholders, OneForAll, rules.seeds_differ, "gives the same bytes"),
        (worlds.stable, LostIsFree, failing("lost 0"), "booked otherwise"),
        (worlds.stable, AllIsLost, failing("503"), "told as PictureUndelivered"),
        (worlds.eleven, AsksTwice, failing("lose"), "nothing was said"),
        (worlds.eleven, BuysTwo, rules.each_is_billed_once, "billed for two"),
        (worlds.local_texts, TellsItself, rules.each_is_billed_once, "ends twice"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_each_rule_finds_its_breach(
    tmp_path: Path, world: Any, kind: type, rule: Callable[[World], None], found: str
) -> None:
    with world(tmp_path, kind) as broken, pytest.raises(AssertionError, match=found):
        rule(broken)
