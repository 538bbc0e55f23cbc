"""`greenroom voices`, `voice` and `speak`."""

from typing import Annotated
from uuid import UUID

import typer


def voices(
    language: Annotated[str, typer.Argument(help="As fr or en; all languages when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which voices can speak here, by which engine and under what licence."""
    from foundation import settings  # noqa: PLC0415  modules load when a command runs
    from workers import voice_table  # noqa: PLC0415  modules load when a command runs

    lines = voice_table.lines(settings.load().generators, language)
    typer.echo(voice_table.as_json(lines) if as_json else voice_table.text(lines, language))


def voice(
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    engine: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    voice: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    person: Annotated[UUID | None, typer.Option(help="Whom a copied voice belongs to.")] = None,
    agency: Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")] = "",
) -> None:
    """Let a creator speak with a voice from now on; its licence is written down."""
    from workers import voice_asking  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs
    from workers.visiting import at_home  # noqa: PLC0415  modules load when a command runs

    with at_home("voice") as services:
        tell(voice_asking.choose(services, creator, engine=engine, voice=voice, person=person, agency=agency))


def speak(
    text: Annotated[str, typer.Argument(help="What is said.")],
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    agency: Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")] = "",
) -> None:
    """Have a text said with the creator's voice, into the library; may be billed by the character."""
    from foundation.words import Message  # noqa: PLC0415  modules load when a command runs
    from workers import voice_asking  # noqa: PLC0415  modules load when a command runs
    from workers.terminal import tell  # noqa: PLC0415  modules load when a command runs
    from workers.visiting import at_home  # noqa: PLC0415  modules load when a command runs

    with at_home("speak") as services:
        asked = voice_asking.speak(services, creator, text, language=language, agency=agency)
        tell(Message("cli.speak.asked", {"creator": creator, "id": str(asked)}))
