"""The names of commands, as people write them."""

import pytest

from foundation.words import LANGUAGES, say
from subscribers import commands


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("/stop", "stop"),
        ("/Stop all", "stop"),
        ("/stopp", "stop"),
        ("/stop.", "stop"),
        ("  /human please", "human"),
        ("/start@nova_bot", "start"),
        ("/signaler une image", "report"),
        ("/report", "report"),
        ("/âge", "age"),
        ("/agenda", ""),
        ("/dance", ""),
        ("stop", ""),
        ("please /stop", ""),
        ("", ""),
    ],
)
def test_a_command_is_known_by_how_a_message_begins(said: str, name: str) -> None:
    assert commands.given(said) == name


def test_nothing_about_money_is_offered_where_nothing_is_sold() -> None:
    quiet = {command.name for command in commands.menu(sells=False).commands}
    assert quiet == {"start", "stop", "human", "age", "terms", "privacy", "report"}
    sold = {"purchases", "subscription", "paysupport"}
    assert {command.name for command in commands.menu(sells=True).commands} == quiet | sold


def test_each_is_written_as_it_is_known() -> None:
    for command in commands.KNOWN:
        for word in ("", *command.words):
            assert commands.given(f"/{command.name} {word}") == command.name
    assert not commands.RETIRED & {command.name for command in commands.KNOWN}
    for sentence in [command.about for command in commands.KNOWN]:
        assert len({say(sentence, language) for language in LANGUAGES}) == len(LANGUAGES)
