"""The conformance suite, run for every registered connector on every kind of account."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.conformance import rules
from connectors.conformance.address_rules import addresses_are_resolved
from connectors.conformance.harness import SendingHarness
from connectors.conformance.textless_post_rules import textless_posts_are_found
from connectors.contract.outcomes import Published
from connectors.contract.post_addresses import SupportsAddressLookup
from connectors.registry import loader
from connectors.shared import options
from schedules.posts.channel_overrides import normalize_options
from tests.connectors.conformance.worlds.reddit_world import FLAIR
from tests.connectors.conformance.worlds.running_fakes import KINDS, RunningFakes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("day", rules.TRANSIENT_FAULTS)
def test_post_is_published_exactly_once(platforms: RunningFakes, kind: str, day: str) -> None:
    world = platforms.world(kind)
    assert rules.publishes_exactly_once(world, world.connector, day) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", rules.CORE_RULES, ids=lambda rule: rule.__name__)
def test_connector_follows_rule(platforms: RunningFakes, kind: str, rule: rules.Rule) -> None:
    world = platforms.world(kind)
    assert rule(world, world.connector) == []


def test_slow_machine_does_not_count_as_a_fault(platforms: RunningFakes) -> None:
    """Every request takes longer than the shortened deadline, which only a fake that hangs may
    exceed."""
    world = platforms.world("x_film")
    world.hang_deadline = 0.001
    assert rules.staging_is_never_uncertain(world, world.connector) == []


OF_STORIES: tuple[rules.Rule, ...] = (
    rules.retry_after_is_respected,
    rules.marks_are_sent,
    rules.refused_connection_is_retried,
    rules.control_steps_carry_no_content,
    rules.metrics_are_read,
    textless_posts_are_found,
    addresses_are_resolved,
)
"""Rules that do not identify posts by their text, since stories have none."""


@pytest.mark.parametrize("kind", ["instagram_story", "instagram_story_film"])
def test_story_connector_follows_rules(platforms: RunningFakes, kind: str) -> None:
    for rule in OF_STORIES:
        world = platforms.world(kind)
        assert (rule.__name__, rule(world, world.connector)) == (rule.__name__, [])


def test_every_sending_connector_has_a_world(platforms: RunningFakes) -> None:
    """Connectors of manual posting send nothing to a fake. Their tests are
    `tests/connectors/platforms/byhand/test_publisher.py` and the journey of a manual task."""
    worlds = {platforms.world(kind).connector.capabilities.platform for kind in KINDS}
    sending = {
        name for name, one in loader.load_connectors().items() if not one.capabilities.hand_over
    }
    assert worlds == sending


def test_every_connector_resolves_post_addresses(platforms: RunningFakes) -> None:
    """A member who confirms an uncertain delivery enters its URL. The platform's response names the
    post; a part of the URL alone is never trusted."""
    posts = [world for kind in KINDS if not (world := platforms.world(kind)).viewer]
    assert [world.name for world in posts if world.address is None] == []
    assert [
        name
        for name, one in loader.load_builtin_connectors().items()
        if not isinstance(one, SupportsAddressLookup)
    ] == []


KEPT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "x": (
        {"answers": "following", "partnership": True},
        {"reply_settings": "following", "paid_partnership": True, "made_with_ai": True},
    ),
    "mastodon": (
        {"visibility": "unlisted", "warning": "Food", "language": "de"},
        {
            "visibility": "unlisted",
            "spoiler_text": "18+ · NSFW · Food",
            "sensitive": True,
            "language": "de",
        },
    ),
    "tiktok": (
        {"readers": "SELF_ONLY", "comments": False, "duets": True},
        {
            "privacy": "SELF_ONLY",
            "no_comments": True,
            "no_duets": False,
            "no_stitches": True,
            "ai": True,
        },
    ),
    "tiktok_paid": (
        {"readers": "PUBLIC_TO_EVERYONE", "partnership": True, "own_brand": True},
        {"privacy": "PUBLIC_TO_EVERYONE", "paid": True, "own_brand": True, "ai": True},
    ),
    "youtube": (
        {"readers": "unlisted", "tags": ["sea", "big sky"], "category": "24", "partnership": True},
        {
            "privacy": "unlisted",
            "tags": ("sea", "big sky"),
            "category": "24",
            "made_for_kids": False,
            "paid": True,
        },
    ),
    "reddit": (
        {"spoiler": True, "flair": FLAIR},
        {"spoiler": True, "flair_id": FLAIR, "nsfw": True},
    ),
}


@pytest.mark.parametrize("kind", KEPT)
def test_platform_stores_options_and_marks(platforms: RunningFakes, kind: str) -> None:
    said, kept = KEPT[kind]
    world = platforms.world(kind.partition("_")[0])
    unit = world.unit(media=world.flagged_media, flags=world.flags)
    unit = replace(
        unit, options=options.option_settings(normalize_options(said), world.connector.capabilities)
    )
    outcome = SendingHarness(world, world.connector).publish(unit).outcome
    assert isinstance(outcome, Published), outcome
    there = _there(world.fake, outcome.native_id)
    assert {name: getattr(there, name) for name in kept} == kept


def _there(fake: Any, native_id: str) -> Any:
    member = fake.member
    for held in ("statuses", "videos", "posts"):
        if native_id in getattr(member, held, {}):
            return getattr(member, held)[native_id]
    made = [*getattr(member, "made", ()), *getattr(member, "posts", {}).values()]
    return next(
        (one for one in made if native_id in (one.id, getattr(one, "publish_id", ""))), None
    ) or next(one for name, one in fake.server.posts.items() if native_id in (name, f"t3_{name}"))


LAGS = [timedelta(seconds=seconds) for seconds in (840, 901, 1830, 7000, 50_000)]
"""Lags of a platform's lists around and beyond those that were observed."""


@pytest.mark.parametrize("kind", KINDS)
def test_post_is_never_repeated_behind_a_lagging_list(platforms: RunningFakes, kind: str) -> None:
    for lag in LAGS:
        world = platforms.world(kind)
        if not world.lags or world.connector.capabilities.lists_complete:
            pytest.skip("its lists are complete within the documented time")
        assert (lag, rules.never_repeats_behind_a_lag(world, world.connector, lag)) == (lag, [])
