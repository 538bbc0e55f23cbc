"""The fakes of the contract suite, served once per worker."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.contract import (
    bluesky_worlds,
    discord_worlds,
    facebook_worlds,
    fanvue_worlds,
    instagram_worlds,
    mastodon_worlds,
    reddit_worlds,
    threads_worlds,
    tiktok_worlds,
    x_worlds,
    youtube_worlds,
)
from tests.contract.worlds import Fakes, fakes
from tests.fakes.bluesky import bluesky
from tests.fakes.discord import discord
from tests.fakes.discord_spec import document
from tests.fakes.facebook import facebook
from tests.fakes.fanvue import fanvue
from tests.fakes.google import youtube
from tests.fakes.instagram import instagram
from tests.fakes.mastodon import mastodon
from tests.fakes.reddit import reddit
from tests.fakes.threads import threads
from tests.fakes.tiktok import tiktok
from tests.fakes.x import x


@pytest.fixture(scope="session")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fakes]:
    with (
        fakes(tmp_path_factory.mktemp("contract")) as running,
        discord(document()) as fake,
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
        instagram_worlds.lent() as files,
    ):
        for kind in ("discord", "discord_dm"):
            running.others[kind] = partial(discord_worlds.world, fake, kind, running.http)
        running.others["bluesky"] = partial(bluesky_worlds.world, pds, running.http)
        running.others["bluesky_film"] = partial(bluesky_worlds.world, pds, running.http, film=True)
        running.others["bluesky_chat"] = partial(bluesky_worlds.chat_world, pds, running.http)
        running.others |= _on_instagram(pictures, running, files)
        for kind, film in (("threads", False), ("threads_film", True)):
            running.others[kind] = partial(
                threads_worlds.world, talk, running.http, files, film=film
            )
        for kind, film in (("facebook", False), ("facebook_film", True)):
            running.others[kind] = partial(
                facebook_worlds.world, walls, running.http, files, film=film
            )
        running.others["facebook_chat"] = partial(facebook_worlds.chat_world, walls, running.http)
        running.others |= _on_mastodon(server, running)
        for kind, names in (("x", "both"), ("x_new", "new"), ("x_old", "old")):
            running.others[kind] = partial(x_worlds.world, posts, running.http, names=names)
        running.others["x_chat"] = partial(x_worlds.chat_world, posts, running.http)
        running.others["x_film"] = partial(x_worlds.world, posts, running.http, film=True)
        running.others |= _on_fanvue(agency, running)
        for kind, one in (("reddit", False), ("reddit_picture", True)):
            running.others[kind] = partial(
                reddit_worlds.world, forum, running.http, one_picture=one
            )
        running.others["reddit_chat"] = partial(reddit_worlds.chat_world, forum, running.http)
        running.others["reddit_film"] = partial(reddit_worlds.world, forum, running.http, film=True)
        running.others["youtube"] = partial(youtube_worlds.world, films, running.http)
        for kind, seconds in (("tiktok", 0.0), ("tiktok_slow", 30.0)):
            running.others[kind] = partial(tiktok_worlds.world, clips, running.http, slow=seconds)
        books = (fake, pds, pictures, server, posts, agency, forum, films, clips, talk, walls)
        running.calm += [one.book.clear_faults for one in books]
        yield running
        assert not fake.spec.refused
        assert not server.spec.refused


def _on_instagram(pictures: Any, running: Fakes, files: Any) -> dict[str, Any]:
    world, story = instagram_worlds.world, instagram_worlds.story_world
    return {
        "instagram": partial(world, pictures, running.http, files),
        "instagram_chat": partial(instagram_worlds.chat_world, pictures, running.http),
        "instagram_film": partial(world, pictures, running.http, files, film=True),
        "instagram_story": partial(story, pictures, running.http, files, film=False),
        "instagram_story_film": partial(story, pictures, running.http, files, film=True),
    }


def _on_mastodon(server: Any, running: Fakes) -> dict[str, Any]:
    world, chat = mastodon_worlds.world, mastodon_worlds.chat_world
    return {
        "mastodon": partial(world, server, running.http),
        "mastodon_fork": partial(world, server, running.http, slow=2, ignores_keys=True),
        "mastodon_chat": partial(chat, server, running.http),
        "mastodon_chat_fork": partial(chat, server, running.http, ignores_keys=True),
        "mastodon_film": partial(world, server, running.http, film=True),
    }


def _on_fanvue(agency: Any, running: Fakes) -> dict[str, Any]:
    world, locked = fanvue_worlds.world, fanvue_worlds.locked_world
    return {
        "fanvue": partial(world, agency, running.http, slow=0),
        "fanvue_slow": partial(world, agency, running.http, slow=2),
        "fanvue_chat": partial(fanvue_worlds.chat_world, agency, running.http),
        "fanvue_locked": partial(locked, agency, running.http, slow=0),
        "fanvue_locked_slow": partial(locked, agency, running.http, slow=2),
        "fanvue_film": partial(world, agency, running.http, film=True),
    }


@pytest.fixture(autouse=True)
def _good_day(platforms: Fakes) -> Iterator[None]:
    yield
    platforms.clear()
