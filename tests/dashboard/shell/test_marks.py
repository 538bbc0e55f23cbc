"""Avatars and channel icons: initials, pictures, labels and hostile names."""

from base64 import b64decode
from uuid import uuid4

import defusedxml.ElementTree
import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors.registry import loader
from dashboard.shell.channel_glyphs import GLYPHS
from dashboard.shell.marks import (
    AVATAR_COLORS,
    CHANNEL_MARKS,
    channel_icon,
    channel_icon_uri,
    creator_avatar,
    name_initials,
    person_avatar,
)
from tenants.agencies.queries import Creator


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Léa Martin", "LM"),
        ("zoé", "Z"),
        ("Jean de la Tour", "JT"),
        ("@nova_77", "N"),
        ("«Mia» (perso)", "MP"),
        ("", "?"),
        ("🌿 🌿", "?"),
        ("ßeta", "S"),
    ],
)
def test_initials_are_those_of_the_first_and_last_word(name: str, initials: str) -> None:
    assert name_initials(name) == initials


@given(some.text(max_size=60))
def test_hostile_name_is_never_markup(name: str) -> None:
    for drawn in (
        person_avatar(name, name),
        person_avatar(name),
        channel_icon(name, name, compact=True),
    ):
        assert drawn.count("<") == drawn.count(">")
        assert "<script" not in drawn
        assert drawn.count('"') % 2 == 0


def test_creator_with_a_picture_has_it_as_avatar() -> None:
    one = Creator(uuid4(), "mia", "Mia", "human", "Europe/Paris", ("fr",), "sfw", 1)
    assert ">M</span>" in creator_avatar(one)
    shown = Creator(one.id, "mia", "Mia", "human", "Europe/Paris", ("fr",), "sfw", 1, avatar="ab12")
    assert f'src="/files/creators/{one.id}/ab12"' in creator_avatar(shown)


def test_every_platform_has_its_own_letters_and_a_label() -> None:
    assert set(loader.load_connectors()) <= set(CHANNEL_MARKS)
    assert len({letters for letters, _ in CHANNEL_MARKS.values()}) == len(CHANNEL_MARKS)
    assert "Mia sur X" in channel_icon("x", "Mia sur X")
    assert 'title="Mia sur X"' in channel_icon("x", "Mia sur X", compact=True)
    assert ">Ab</span>" in channel_icon("abroad", "Elsewhere")


def test_glyphs_belong_to_known_platforms_and_replace_letters() -> None:
    assert set(GLYPHS) <= set(CHANNEL_MARKS)
    assert ">Tg<" not in channel_icon("telegram", "Mia")
    assert ">OF<" in channel_icon("onlyfans", "Mia")
    for platform in (*CHANNEL_MARKS, "abroad<"):
        drawn = b64decode(channel_icon_uri(platform).partition(",")[2])
        assert defusedxml.ElementTree.fromstring(drawn).tag.endswith("svg")


def test_white_letters_are_readable_on_every_color() -> None:
    def light(color: str) -> float:
        parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (
            one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    colors = (*AVATAR_COLORS, *(color for _, color in CHANNEL_MARKS.values()))
    assert not [one for one in colors if 1.05 / (light(one) + 0.05) < 4.5]
