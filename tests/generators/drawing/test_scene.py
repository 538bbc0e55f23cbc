"""Drawn scenes: prompt parsing, reproducibility and variety."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generators.contract.engines import OriginLabel
from generators.drawing.scene import draw_scene
from generators.drawing.scene_prompt import HOURS, PLACES, parse_scene_prompt
from generators.engines.images.demo_scenes import DemoSceneEngine
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.images.rating_tiles import RatingTileEngine, TileRating
from tests.generators.builders import an_image_job


def setting(prompt: str, seed: int = 1) -> tuple[str, str, str, str]:
    found = parse_scene_prompt(prompt, np.random.default_rng(seed))
    return found.place, found.hour, found.weather, found.season


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("the beach on a clear day", ("beach", "day", "clear", "summer")),
        ("Mia à la plage, coucher de soleil nuageux, soir", ("beach", "day", "cloudy", "summer")),
        ("Nova in a forest at night, misty autumn", ("forest", "night", "mist", "autumn")),
        ("rue de Paris sous la pluie, nuit d'hiver", ("city", "night", "rain", "winter")),
        ("coffee on a terrace in the morning, clear", ("cafe", "dawn", "clear", "summer")),
        ("golden hour in the desert, clear sky", ("desert", "sunset", "clear", "summer")),
        ("champ de lavande à l'aube, ciel dégagé", ("field", "dawn", "clear", "summer")),
        ("snowy alps at noon under clouds", ("mountain", "day", "cloudy", "winter")),
    ],
)
def test_known_terms_are_parsed_in_both_languages(
    prompt: str, expected: tuple[str, str, str, str]
) -> None:
    assert setting(prompt) == expected


@given(st.text(max_size=120), st.integers(0, 2**32))
def test_every_prompt_gives_a_scene(prompt: str, seed: int) -> None:
    place, hour, _, _ = setting(prompt, seed)
    assert place in PLACES
    assert hour in HOURS
    assert setting(prompt, seed) == (place, hour, *setting(prompt, seed)[2:])


def test_open_prompt_reaches_every_place() -> None:
    assert {setting("a picture", seed)[0] for seed in range(80)} == set(PLACES)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(HOURS), st.integers(0, 2**40))
def test_same_seed_draws_the_same_bytes(place: str, hour: str, seed: int) -> None:
    job = an_image_job(prompt=f"{place} {hour}", seed=seed, width=128, height=96)
    assert PlaceholderEngine().draw(job) == PlaceholderEngine().draw(job)


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from generators.contract.engines import ImageJob\n"
        "from generators.engines.images.placeholder import PlaceholderEngine\n"
        "job = ImageJob('city night rain', 5, width=160, height=120)\n"
        "print(hashlib.sha256(PlaceholderEngine().draw(job).data).hexdigest())\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    here = PlaceholderEngine().draw(an_image_job(prompt="city night rain", seed=5)).data
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()


@pytest.mark.parametrize("weather", ["clear", "rain", "mist", "snowy winter cloudy"])
@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_drawn_in_every_weather_with_contrast(place: str, weather: str) -> None:
    image, _ = draw_scene(f"{place} {weather}", 3, 160, 120)
    assert float(np.asarray(image.convert("L"), dtype=np.float32).std()) > 8


def test_places_and_hours_look_different() -> None:
    small = {
        f"{p} {h}": np.asarray(draw_scene(f"{p} {h} clear", 3, 96, 72)[0], dtype=np.float32)
        for p in PLACES
        for h in HOURS
    }
    names = sorted(small)
    nearest = min(float(np.abs(small[a] - small[b]).mean()) for a in names for b in names if a < b)
    assert nearest > 4


@pytest.mark.parametrize("size", [(64, 64), (64, 256), (512, 64), (200, 328)])
def test_odd_sizes_are_drawn(size: tuple[int, int]) -> None:
    for place in PLACES:
        assert draw_scene(place, 1, *size)[0].size == size


def test_placeholder_is_labelled_and_demo_scene_is_not() -> None:
    job = an_image_job(width=480, height=360)
    marked, bare = PlaceholderEngine().draw(job), DemoSceneEngine().draw(job)
    assert (marked.label, bare.label) == (OriginLabel.PLACEHOLDER, OriginLabel.DRAWN)
    band = np.asarray(Image.open(io.BytesIO(marked.data)).convert("L"))[-14:]
    assert band[:, :40].mean() < 70  # a dark band along the lower edge …
    assert band.max() > 200  # … with white letters on it


@pytest.mark.parametrize("means", get_args(TileRating))
def test_rating_tile_carries_its_code_and_varies_by_seed(means: TileRating) -> None:
    tiles = [RatingTileEngine(means).draw(an_image_job(seed=seed)) for seed in range(4)]
    assert {tile.label for tile in tiles} == {OriginLabel.STAND_IN}
    assert {tile.parameters["code"] for tile in tiles} == {f"TILE-{means}"}
    assert len({tile.data for tile in tiles}) == 4
