"""Parsing of fan commands."""

import pytest

from foundation.i18n.translation import LANGUAGES, render_message
from subscribers.intake import fan_commands


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
        ("/mémoire", "memory"),
        ("/memory 2", "memory"),
        ("/agenda", ""),
        ("/dance", ""),
        ("stop", ""),
        ("please /stop", ""),
        ("", ""),
    ],
)
def test_command_is_recognized_at_the_start_of_a_message(said: str, name: str) -> None:
    assert fan_commands.parse_command(said) == name


def test_menu_without_sales_has_no_payment_commands() -> None:
    quiet = {command.name for command in fan_commands.command_menu(sells=False).commands}
    assert quiet == {"start", "stop", "human", "age", "memory", "terms", "privacy", "report"}
    sold = {"purchases", "subscription", "paysupport"}
    assert {
        command.name for command in fan_commands.command_menu(sells=True).commands
    } == quiet | sold


def test_every_command_is_parsed_under_all_its_names() -> None:
    for command in fan_commands.KNOWN:
        for word in ("", *command.words):
            assert fan_commands.parse_command(f"/{command.name} {word}") == command.name
    assert not fan_commands.RETIRED & {command.name for command in fan_commands.KNOWN}
    for sentence in [command.about for command in fan_commands.KNOWN]:
        assert len({render_message(sentence, language) for language in LANGUAGES}) == len(LANGUAGES)
