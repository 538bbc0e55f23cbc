"""A day draws from the word lists of its brief, and is refused before it starts where one is
missing."""

from datetime import date
from pathlib import Path

import pytest

from foundation.errors import BadInput
from studio.recipes import wildcards
from studio.recipes.wildcards import Wildcard
from tenants.agencies import queries as tenant_reads
from tests.studio.builders import CreatorStudio
from workers.creator_day import day_brief
from workers.creator_day.morning import MorningWork
from workers.creator_day.shiftable_clock import ShiftableClock
from workers.creator_day.timeline import Timeline

BRIEF = """\
tone: calm
languages: [en]
recipes:
  - {name: walk, prompt: "{@outfits} at dawn", variants: 1}
slots:
  - {at: "10:00", channels: [Nowhere]}
"""
LISTS = "lists:\n  outfits: {words: [a coat]}\n"


def work(nova: CreatorStudio, file: Path, text: str) -> MorningWork:
    """Build a creator's day that ends where it would wait."""

    def halt() -> None:
        raise InterruptedError

    file.write_text(text)
    with nova.scope() as scope:
        (creator,) = tenant_reads.list_creators(scope)
    tenant = nova.services.tenant
    clock = ShiftableClock(tenant, skip_idle_time=False, on_poll=halt)
    timeline = Timeline(tenant, nova.tenant_id, creator, language="en", out=print)
    return MorningWork(
        nova.services,
        nova.tenant_id,
        creator,
        day_brief.read_brief(file),
        [],
        clock=clock,
        timeline=timeline,
    )


def test_missing_list_is_reported_before_the_day(nova: CreatorStudio, tmp_path: Path) -> None:
    file = tmp_path / "brief.yaml"
    for text, code in ((BRIEF, "recipe.list_unknown"), (BRIEF + LISTS, "brief.channel_unknown")):
        with pytest.raises(BadInput) as told:
            work(nova, file, text).check_brief()
        assert told.value.message.code == code
    with nova.scope() as scope:
        wildcards.create_wildcard(
            scope, [nova.creator_id], "outfits", Wildcard(words=["a hat"]), creator_id=None
        )
    with pytest.raises(BadInput, match=r"brief\.channel_unknown"):
        work(nova, file, BRIEF).check_brief()


def test_day_draws_from_its_own_lists(nova: CreatorStudio, tmp_path: Path) -> None:
    for _ in range(2):  # # the same day twice saves no second version
        with pytest.raises(InterruptedError):
            work(nova, tmp_path / "brief.yaml", BRIEF + LISTS).generate_pictures(date(2031, 3, 3))
    with nova.scope() as scope:
        (one,) = wildcards.list_wildcards(scope, [nova.creator_id])
        assert (one.version, one.creator_id, one.said.words) == (1, nova.creator_id, ["a coat"])
        lists = scope.run(
            "SELECT lists FROM jobs WHERE tenant_id = :t", t=nova.tenant_id
        ).scalar_one()
    assert lists == {"outfits": {"version": 1, "words": ["a coat"], "weights": {}}}
