"""`greenroom make`: recipes of pictures, what a run would be, a run, its progress and its end.

`greenroom voices`, `voice` and `speak`.
"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

make_app = typer.Typer(help="Have pictures made by a recipe: list, preview, start, follow, stop.", no_args_is_help=True)
Creator = Annotated[str, typer.Option(help="Name or address of the creator.")]
Agency = Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")]
Recipe = Annotated[str, typer.Argument(help="As `greenroom make recipes` lists it.")]
Run = Annotated[UUID, typer.Argument(help="As `greenroom make start` says it.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same prompts.")]
Count = Annotated[int, typer.Option(min=0, max=24, help="Pictures; as many as the recipe says when left out.")]
SourceOption = Annotated[UUID | None, typer.Option("--begin", help="Id of the picture of the library it begins from.")]
StrengthOption = Annotated[int, typer.Option(min=10, max=95, help="Percent of that picture that are made anew.")]
Part = Annotated[
    list[str] | None,
    typer.Option("--part", help='Where alone, in percent: "ellipse 10 10 60 60"; may be repeated.'),
]
Mask = Annotated[Path | None, typer.Option(help="The same as a picture, light where it is made anew.")]
PostureOption = Annotated[UUID | None, typer.Option("--posture", help="Id of the picture whose posture is taken.")]
Weight = Annotated[int, typer.Option(min=10, max=150, help="Percent: how much the posture counts.")]
ListName = Annotated[str, typer.Argument(help="As `greenroom make lists` says it.")]
AgencyWideOption = Annotated[
    bool, typer.Option("--everybody", help="The list of the whole agency, not the creator's own.")
]
Answers = Annotated[list[str] | None, typer.Option("--answer", help="name=words, for each question it asks.")]


@make_app.command()
def recipes(creator: Creator, agency: Agency = "") -> None:
    """List the recipes of a creator."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.recipe_lines(creator, agency=agency))


@make_app.command()
def lists(creator: Creator, agency: Agency = "") -> None:
    """List the words that recipes of a creator may share, as {@name} in a prompt."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.wildcard_lines(creator, agency=agency))


@make_app.command()
def write_list(
    name: ListName,
    creator: Creator,
    words: Annotated[Path, typer.Option(help='A file of words, one a line: "red dress:3" comes three times as often.')],
    *,
    everybody: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Write a list of words, or the next version of one."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(wildcards.save_wildcard(creator, name, words, everybody=everybody, agency=agency))


@make_app.command()
def rename_list(
    name: ListName,
    new: Annotated[str, typer.Argument(help="What it is called from now on.")],
    creator: Creator,
    *,
    everybody: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Give a list of words another name, and say it in the recipes that draw from it."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(wildcards.rename_wildcard_by_name(creator, name, new, everybody=everybody, agency=agency))


@make_app.command()
def put_list_away(
    name: ListName, creator: Creator, *, everybody: AgencyWideOption = False, agency: Agency = ""
) -> None:
    """Offer a list of words no more; not while a recipe draws from it."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(wildcards.archive_wildcard_by_name(creator, name, everybody=everybody, agency=agency))


@make_app.command()
def preview(
    recipe: Recipe,
    creator: Creator,
    *,
    seed: Seed = 0,
    count: Count = 0,
    answer: Answers = None,
    agency: Agency = "",
) -> None:
    """Say the prompts of a run, its cost and its time. Makes nothing."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(
        recipe_runs.preview_recipe_run(creator, recipe, seed=seed, count=count, answers=answer or [], agency=agency)
    )


@make_app.command()
def start(
    recipe: Recipe,
    creator: Creator,
    *,
    key: Annotated[str, typer.Option(help="A name of yours: under it a run is started once.")] = "",
    seed: Seed = 0,
    count: Count = 0,
    answer: Answers = None,
    begin: SourceOption = None,
    anew: StrengthOption = 50,
    part: Part = None,
    mask: Mask = None,
    posture: PostureOption = None,
    weight: Weight = 100,
    agency: Agency = "",
) -> None:
    """Have the workers make the pictures; may be billed."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    base = recipe_runs.parse_source_image(begin, anew=anew, part=part or [], mask=mask)
    pose = recipe_runs.parse_posture(posture, weight=weight)
    wanted = recipe_runs.RunRequest(
        recipe, seed=seed, count=count, answers=answer or [], source_image=base, posture=pose
    )
    typer.echo(recipe_runs.start_recipe_run(creator, wanted, key=key, agency=agency))


@make_app.command()
def progress(run: Run, creator: Creator, agency: Agency = "") -> None:
    """Say how far a run is, and of each picture how it stands."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.recipe_run_progress(creator, run, agency=agency))


@make_app.command()
def stop(run: Run, creator: Creator, agency: Agency = "") -> None:
    """End a run; what is there stays."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.stop_recipe_run(creator, run, agency=agency))


def voices(
    language: Annotated[str, typer.Argument(help="As fr or en; all languages when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which voices can speak here, by which engine and under what licence."""
    from foundation.ops import settings  # noqa: PLC0415  modules load when a command runs
    from workers.cli.studio import voices  # noqa: PLC0415  modules load when a command runs

    lines = voices.voice_rows(settings.load_settings().generators, language)
    typer.echo(voices.voices_as_json(lines) if as_json else voices.render_voices(lines, language))


def voice(
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    engine: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    voice: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    person: Annotated[UUID | None, typer.Option(help="Whom a copied voice belongs to.")] = None,
    agency: Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")] = "",
) -> None:
    """Let a creator speak with a voice from now on; its licence is written down."""
    from workers.cli.studio import voices  # noqa: PLC0415  modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  modules load when a command runs
    from workers.terminal.session import connect_installation  # noqa: PLC0415  modules load when a command runs

    with connect_installation("voice") as services:
        print_message(voices.assign_voice(services, creator, engine=engine, voice=voice, person=person, agency=agency))


def speak(
    text: Annotated[str, typer.Argument(help="What is said.")],
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    agency: Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")] = "",
) -> None:
    """Have a text said with the creator's voice, into the library; may be billed by the character."""
    from foundation.i18n.translation import Message  # noqa: PLC0415  modules load when a command runs
    from workers.cli.studio import voices  # noqa: PLC0415  modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  modules load when a command runs
    from workers.terminal.session import connect_installation  # noqa: PLC0415  modules load when a command runs

    with connect_installation("speak") as services:
        asked = voices.request_speech_file(services, creator, text, language=language, agency=agency)
        print_message(Message("cli.speak.asked", {"creator": creator, "id": str(asked)}))
