"""`greenroom persona`: the persona of a creator and the autonomy of the creator's bot."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.options import Agency, Creator, JsonOutput

persona_app = typer.Typer(help="Manage personas and the bot’s autonomy.", no_args_is_help=True)


class LevelName(StrEnum):
    """Levels of autonomy."""

    OFF = "off"
    SUGGEST = "suggest"
    SUPERVISED = "supervised"
    AUTONOMOUS = "autonomous"


STORED_LEVELS = {LevelName.SUGGEST: "copilot", LevelName.AUTONOMOUS: "autopilot"}
"""Stored values of levels that have another name in the command line."""


@persona_app.command("show")
def show_persona(creator: Creator, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """Show a persona’s versions and the bot’s autonomy."""
    from subscribers.replies import autonomy, persona
    from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
    from workers.terminal.session import connect_installation
    from workers.terminal.tables import format_json, format_table

    with connect_installation("persona") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            versions = persona.list_personas(scope, found.id)
            view = autonomy.load_autonomy(scope, found.id)
    level = next((name for name in LevelName if STORED_LEVELS.get(name, name) == view.level), "-")
    if as_json:
        typer.echo(
            format_json(
                {
                    "autonomy": str(level),
                    "reviewed": view.evidence.reviewed,
                    "versions": [
                        {"version": one.version, "state": one.state, **one.persona.content()}
                        for one in versions
                    ],
                }
            )
        )
        return
    rows = [(str(one.version), one.state, one.persona.name) for one in versions]
    typer.echo(f"autonomy: {level}, reviewed drafts: {view.evidence.reviewed}")
    typer.echo(format_table(("version", "state", "name"), rows))


@persona_app.command("import")
def import_card(
    file: Annotated[Path, typer.Argument(help="Character Card V2 or V3: JSON, PNG or CHARX.")],
    creator: Creator,
    agency: Agency = "",
    activate: Annotated[
        bool, typer.Option("--activate", help="Activate it instead of saving a draft.")
    ] = False,
) -> None:
    """Save a character card as a new version of a persona."""
    from dataclasses import replace

    from foundation.errors import BadInput
    from foundation.i18n.translation import Message
    from subscribers.replies import character_cards, content_checks, persona
    from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
    from workers.terminal.output import print_note, print_progress
    from workers.terminal.session import connect_installation

    with connect_installation("persona") as services:
        tenant_id, found = find_creator(services, creator, agency)
        try:
            with file.open("rb") as opened:
                data = opened.read(character_cards.MAX_FILE + 1)
        except OSError as error:
            raise BadInput("card.no_card") from error
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            base = persona.active_persona(scope, found.id) or persona.default_persona(
                found.name, found.kind, found.languages
            )
            card = character_cards.read_card(data, base=base)
            content_checks.check_card_texts(scope, card.texts)
            wanted = replace(card.persona, virtual=found.kind == "virtual")
            content_checks.check_persona(scope, wanted)
            made = persona.create_persona_version(scope, found.id, wanted)
            if activate:
                persona.activate_persona(scope, made)
    for note in card.notes:
        print_note(note)
    print_progress(Message("cli.persona.activated" if activate else "cli.persona.saved"))


@persona_app.command("export")
def export_card(
    file: Annotated[Path, typer.Argument(help="New file, .json or .png.")],
    creator: Creator,
    agency: Agency = "",
) -> None:
    """Save the active persona as a Character Card V3."""
    from foundation.errors import NotFound
    from subscribers.replies import character_cards, persona
    from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
    from workers.terminal.session import connect_installation

    with connect_installation("persona") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            active = persona.active_persona(scope, found.id)
    if active is None:
        raise NotFound("persona.unknown")
    is_picture = file.suffix.lower() == ".png"
    write = character_cards.export_png if is_picture else character_cards.export_json
    file.write_bytes(write(active))
    typer.echo(str(file))


@persona_app.command("autonomy")
def set_autonomy(
    level: Annotated[LevelName, typer.Argument(help="Level of autonomy.")],
    creator: Creator,
    agency: Agency = "",
) -> None:
    """Set the bot’s autonomy; a higher level needs reviewed drafts."""
    from subscribers.replies import autonomy
    from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
    from workers.terminal.output import print_message
    from workers.terminal.session import connect_installation

    with connect_installation("persona") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            said = autonomy.change_autonomy(scope, found.id, STORED_LEVELS.get(level, str(level)))
    print_message(said)
