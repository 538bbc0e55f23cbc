"""Fakes of the conformance suite, started once per pytest worker."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.connectors.conformance.worlds import (
    bluesky_world,
    discord_world,
    facebook_world,
    fanvue_world,
    instagram_world,
    mastodon_world,
    reddit_world,
    threads_world,
    tiktok_world,
    x_world,
    youtube_world,
)
from tests.connectors.conformance.worlds.running_fakes import RunningFakes, fakes
from tests.fakes.bluesky.server import bluesky
from tests.fakes.discord.server import discord
from tests.fakes.discord.spec import load_description
from tests.fakes.facebook.server import facebook
from tests.fakes.fanvue.server import fanvue
from tests.fakes.instagram.server import instagram
from tests.fakes.mastodon.server import mastodon
from tests.fakes.reddit.server import reddit
from tests.fakes.threads.server import threads
from tests.fakes.tiktok.server import tiktok
from tests.fakes.x.server import x
from tests.fakes.youtube.server import youtube


@pytest.fixture(scope="session")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFakes]:
    with (
        fakes(tmp_path_factory.mktemp("contract")) as running,
        discord(load_description()) as fake,
        bluesky() as pds,
        instagram() as pictures,
        mastodon() as server,
        x() as posts,
        fanvue() as agency,
        reddit() as forum,
        youtube() as films,
        tiktok() as clips,
        threads() as talk,
        facebook() as walls,
        instagram_world.lent() as files,
    ):
        for kind in ("discord", "discord_dm"):
            running.others[kind] = partial(discord_world.create_world, fake, kind, running.http)
        running.others["bluesky"] = partial(bluesky_world.create_world, pds, running.http)
        running.others["bluesky_film"] = partial(
            bluesky_world.create_world, pds, running.http, film=True
        )
        running.others["bluesky_chat"] = partial(bluesky_world.create_chat_world, pds, running.http)
        running.others |= _on_instagram(pictures, running, files)
        for kind, film in (("threads", False), ("threads_film", True)):
            running.others[kind] = partial(
                threads_world.create_world, talk, running.http, files, film=film
            )
        for kind, film in (("facebook", False), ("facebook_film", True)):
            running.others[kind] = partial(
                facebook_world.create_world, walls, running.http, files, film=film
            )
        running.others["facebook_chat"] = partial(
            facebook_world.create_chat_world, walls, running.http
        )
        running.others |= _on_mastodon(server, running)
        for kind, names in (("x", "both"), ("x_new", "new"), ("x_old", "old")):
            running.others[kind] = partial(x_world.create_world, posts, running.http, names=names)
        running.others["x_chat"] = partial(x_world.create_chat_world, posts, running.http)
        running.others["x_film"] = partial(x_world.create_world, posts, running.http, film=True)
        running.others |= _on_fanvue(agency, running)
        for kind, one in (("reddit", False), ("reddit_picture", True)):
            running.others[kind] = partial(
                reddit_world.create_world, forum, running.http, one_picture=one
            )
        running.others["reddit_chat"] = partial(reddit_world.create_chat_world, forum, running.http)
        running.others["reddit_film"] = partial(
            reddit_world.create_world, forum, running.http, film=True
        )
        running.others["youtube"] = partial(youtube_world.create_world, films, running.http)
        for kind, seconds in (("tiktok", 0.0), ("tiktok_slow", 30.0)):
            running.others[kind] = partial(
                tiktok_world.create_world, clips, running.http, slow=seconds
            )
        books = (fake, pds, pictures, server, posts, agency, forum, films, clips, talk, walls)
        running.calm += [one.book.clear_faults for one in books]
        yield running
        assert not fake.spec.refused
        assert not server.spec.refused


def _on_instagram(pictures: Any, running: RunningFakes, files: Any) -> dict[str, Any]:
    world, story = instagram_world.create_world, instagram_world.create_story_world
    return {
        "instagram": partial(world, pictures, running.http, files),
        "instagram_chat": partial(instagram_world.create_chat_world, pictures, running.http),
        "instagram_film": partial(world, pictures, running.http, files, film=True),
        "instagram_story": partial(story, pictures, running.http, files, film=False),
        "instagram_story_film": partial(story, pictures, running.http, files, film=True),
    }


def _on_mastodon(server: Any, running: RunningFakes) -> dict[str, Any]:
    world, chat = mastodon_world.create_world, mastodon_world.create_chat_world
    return {
        "mastodon": partial(world, server, running.http),
        "mastodon_fork": partial(world, server, running.http, slow=2, ignores_keys=True),
        "mastodon_chat": partial(chat, server, running.http),
        "mastodon_chat_fork": partial(chat, server, running.http, ignores_keys=True),
        "mastodon_film": partial(world, server, running.http, film=True),
    }


def _on_fanvue(agency: Any, running: RunningFakes) -> dict[str, Any]:
    world, locked = fanvue_world.create_world, fanvue_world.create_locked_world
    return {
        "fanvue": partial(world, agency, running.http, slow=0),
        "fanvue_slow": partial(world, agency, running.http, slow=2),
        "fanvue_chat": partial(fanvue_world.create_chat_world, agency, running.http),
        "fanvue_locked": partial(locked, agency, running.http, slow=0),
        "fanvue_locked_slow": partial(locked, agency, running.http, slow=2),
        "fanvue_film": partial(world, agency, running.http, film=True),
    }


@pytest.fixture(autouse=True)
def _good_day(platforms: RunningFakes) -> Iterator[None]:
    yield
    platforms.clear()
