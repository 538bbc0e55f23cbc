"""`greenroom generation`: recipes of pictures, and runs of them: preview, start, status, stop.

`greenroom voices`, `set-voice` and `text-to-speech`.
"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from workers.cli.old_names import RenamedOptions

generation_app = typer.Typer(
    help="Generate pictures from recipes: list, preview, start, status, stop.", no_args_is_help=True
)
Creator = Annotated[str, typer.Option(help="Name or address of the creator.")]
Agency = Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")]
Recipe = Annotated[str, typer.Argument(help="As `greenroom generation recipes` lists it.")]
Run = Annotated[UUID, typer.Argument(help="As `greenroom generation start` prints it.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same prompts.")
]
Count = Annotated[
    int, typer.Option(min=0, max=24, help="Pictures; as many as the recipe says when left out.")
]
SourceOption = Annotated[UUID | None, typer.Option(help="Id of the library picture to start from.")]
StrengthOption = Annotated[
    int, typer.Option(min=10, max=95, help="Percent: how much of that picture is regenerated.")
]
Region = Annotated[
    list[str] | None,
    typer.Option(help='Regenerate only here, in percent: "ellipse 10 10 60 60"; may be repeated.'),
]
Mask = Annotated[
    Path | None, typer.Option(help="The region as a picture, light where it is regenerated.")
]
PoseOption = Annotated[UUID | None, typer.Option(help="Id of the picture whose pose is copied.")]
PoseWeight = Annotated[
    int, typer.Option(min=10, max=150, help="Percent: how strongly the pose counts.")
]
ListName = Annotated[str, typer.Argument(help="As `greenroom generation wildcards` lists it.")]
AgencyWideOption = Annotated[
    bool,
    typer.Option("--agency-wide", help="The wildcard of the whole agency, not the creator's own."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(help="name=value, for a parameter of the recipe; may be repeated."),
]

AGENCY_WIDE_NAMES = RenamedOptions(everybody="agency-wide")
RUN_OPTION_NAMES = RenamedOptions(
    answer="param",
    anew="strength",
    begin="source-image",
    key="idempotency-key",
    part="region",
    posture="pose",
    weight="pose-weight",
)


@generation_app.command()
def recipes(creator: Creator, agency: Agency = "") -> None:
    """List the recipes of a creator."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.recipe_lines(creator, agency=agency))


@generation_app.command("wildcards")
def list_wildcards(creator: Creator, agency: Agency = "") -> None:
    """List the wildcards that recipes of a creator may use, as {@name} in a prompt."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.wildcard_lines(creator, agency=agency))


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def save_wildcard(
    name: ListName,
    creator: Creator,
    words: Annotated[
        Path,
        typer.Option(help='A file of words, one a line: "red dress:3" comes three times as often.'),
    ],
    *,
    agency_wide: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Save a wildcard, a list of words, or the next version of one."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(wildcards.save_wildcard(creator, name, words, everybody=agency_wide, agency=agency))


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def rename_wildcard(
    name: ListName,
    new: Annotated[str, typer.Argument(help="The new name.")],
    creator: Creator,
    *,
    agency_wide: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Rename a wildcard, also in the recipes that use it."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(
        wildcards.rename_wildcard_by_name(creator, name, new, everybody=agency_wide, agency=agency)
    )


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def archive_wildcard(
    name: ListName, creator: Creator, *, agency_wide: AgencyWideOption = False, agency: Agency = ""
) -> None:
    """Archive a wildcard that no recipe uses."""
    from workers.cli.studio import wildcards  # noqa: PLC0415  modules load when a command runs

    typer.echo(
        wildcards.archive_wildcard_by_name(creator, name, everybody=agency_wide, agency=agency)
    )


@generation_app.command(context_settings=RUN_OPTION_NAMES.as_context())
def preview(
    recipe: Recipe,
    creator: Creator,
    *,
    seed: Seed = 0,
    count: Count = 0,
    param: Parameters = None,
    agency: Agency = "",
) -> None:
    """Say the prompts of a run, its cost and its time. Makes nothing."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(
        recipe_runs.preview_recipe_run(
            creator, recipe, seed=seed, count=count, answers=param or [], agency=agency
        )
    )


@generation_app.command(context_settings=RUN_OPTION_NAMES.as_context())
def start(
    recipe: Recipe,
    creator: Creator,
    *,
    idempotency_key: Annotated[
        str, typer.Option(help="A run with the same key starts only once.")
    ] = "",
    seed: Seed = 0,
    count: Count = 0,
    param: Parameters = None,
    source_image: SourceOption = None,
    strength: StrengthOption = 50,
    region: Region = None,
    mask: Mask = None,
    pose: PoseOption = None,
    pose_weight: PoseWeight = 100,
    agency: Agency = "",
) -> None:
    """Have the workers make the pictures; may be billed."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    base = recipe_runs.parse_source_image(source_image, anew=strength, part=region or [], mask=mask)
    reference = recipe_runs.parse_posture(pose, weight=pose_weight)
    wanted = recipe_runs.RunRequest(
        recipe, seed=seed, count=count, answers=param or [], source_image=base, posture=reference
    )
    typer.echo(recipe_runs.start_recipe_run(creator, wanted, key=idempotency_key, agency=agency))


@generation_app.command()
def status(run: Run, creator: Creator, agency: Agency = "") -> None:
    """Print the progress of a run and the state of each picture."""
    from workers.cli.studio import recipe_runs  # noqa: PLC0415  modules load when a command runs

    typer.echo(recipe_runs.recipe_run_progress(creator, run, agency=agency))


@generation_app.command()
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


def set_voice(
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    engine: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    voice: Annotated[str, typer.Option(help="As `greenroom voices` lists it.")],
    person: Annotated[UUID | None, typer.Option(help="Whom a copied voice belongs to.")] = None,
    agency: Annotated[
        str, typer.Option(help="The agency, where two have a creator of that name.")
    ] = "",
) -> None:
    """Set the voice of a creator; its licence is recorded."""
    from workers.cli.studio import voices  # noqa: PLC0415  modules load when a command runs

    # modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.terminal.session import connect_installation  # noqa: PLC0415  see above

    with connect_installation("set-voice") as services:
        print_message(
            voices.assign_voice(
                services, creator, engine=engine, voice=voice, person=person, agency=agency
            )
        )


def text_to_speech(
    text: Annotated[str, typer.Argument(help="The text to speak.")],
    creator: Annotated[str, typer.Option(help="Name or address of the creator.")],
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    agency: Annotated[
        str, typer.Option(help="The agency, where two have a creator of that name.")
    ] = "",
) -> None:
    """Convert a text to speech with the creator's voice, into the library; may be billed by the
    character."""
    # modules load when a command runs
    from foundation.i18n.translation import Message  # noqa: PLC0415  see above
    from workers.cli.studio import voices  # noqa: PLC0415  modules load when a command runs

    # modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.terminal.session import connect_installation  # noqa: PLC0415  see above

    with connect_installation("text-to-speech") as services:
        asked = voices.request_speech_file(
            services, creator, text, language=language, agency=agency
        )
        print_message(Message("cli.speak.asked", {"creator": creator, "id": str(asked)}))
