"""The fakes of the contract suite, served once per worker."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.contract import bluesky_worlds, discord_worlds, instagram_worlds
from tests.contract.worlds import Fakes, fakes
from tests.fakes.bluesky import bluesky
from tests.fakes.discord import discord
from tests.fakes.discord_spec import document
from tests.fakes.instagram import instagram


@pytest.fixture(scope="session")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fakes]:
    with (
        fakes(tmp_path_factory.mktemp("contract")) as running,
        discord(document()) as fake,
        bluesky() as pds,
        instagram() as pictures,
        instagram_worlds.lent() as files,
    ):
        for kind in ("discord", "discord_dm"):
            running.others[kind] = partial(discord_worlds.world, fake, kind, running.http)
        running.others["bluesky"] = partial(bluesky_worlds.world, pds, running.http)
        running.others["instagram"] = partial(instagram_worlds.world, pictures, running.http, files)
        running.calm += [fake.book.clear, pds.book.clear, pictures.book.clear]
        yield running
        assert not fake.spec.refused


@pytest.fixture(autouse=True)
def _good_day(platforms: Fakes) -> Iterator[None]:
    yield
    platforms.clear()
