"""`greenroom generation`, `greenroom voices`, `greenroom set-voice` and `greenroom
text-to-speech`."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from workers.cli.old_names import RenamedOptions
from workers.cli.options import Agency, Creator, JsonOutput

generation_app = typer.Typer(help="Generate images from prompt templates.", no_args_is_help=True)
Recipe = Annotated[str, typer.Argument(help="Name from `generation recipes`.")]
Run = Annotated[UUID, typer.Argument(help="Run ID from `generation start`.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, help="Seed; the same seed draws the same prompts.")
]
Count = Annotated[
    int, typer.Option(min=0, max=24, help="Number of images. Default: that of the template.")
]
SourceOption = Annotated[UUID | None, typer.Option(help="Library ID of an image to start from.")]
StrengthOption = Annotated[
    int, typer.Option(min=10, max=95, help="Percentage of change to the source image.")
]
Region = Annotated[
    list[str] | None,
    typer.Option(help='Region to change, in percent: "ellipse 10 10 60 60"; repeatable.'),
]
Mask = Annotated[
    Path | None, typer.Option(help="Mask image of the region to change; light areas change.")
]
PoseOption = Annotated[UUID | None, typer.Option(help="Library ID of an image with the pose.")]
PoseWeight = Annotated[int, typer.Option(min=10, max=150, help="Weight of the pose in percent.")]
ListName = Annotated[str, typer.Argument(help="Wildcard name.")]
AgencyWideOption = Annotated[
    bool,
    typer.Option("--agency-wide", help="Use the agency’s wildcard, not the creator’s."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(help="Template parameter as name=value; repeatable."),
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
def recipes(creator: Creator, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """List a creator’s prompt templates."""
    from workers.cli.studio import recipe_runs

    typer.echo(recipe_runs.render_recipes(creator, agency=agency, as_json=as_json))


@generation_app.command("wildcards")
def list_wildcards(creator: Creator, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """List a creator’s wildcards ({@name} in a prompt)."""
    from workers.cli.studio import recipe_runs

    typer.echo(recipe_runs.render_wildcards(creator, agency=agency, as_json=as_json))


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def save_wildcard(
    name: ListName,
    creator: Creator,
    words: Annotated[
        Path,
        typer.Option(help='File with one value a line; "red dress:3" has three times the weight.'),
    ],
    *,
    agency_wide: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Create a wildcard or save a new version."""
    from workers.cli.studio import wildcards

    typer.echo(wildcards.save_wildcard(creator, name, words, everybody=agency_wide, agency=agency))


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def rename_wildcard(
    name: ListName,
    new: Annotated[str, typer.Argument(help="New name.")],
    creator: Creator,
    *,
    agency_wide: AgencyWideOption = False,
    agency: Agency = "",
) -> None:
    """Rename a wildcard and update its templates."""
    from workers.cli.studio import wildcards

    typer.echo(
        wildcards.rename_wildcard_by_name(creator, name, new, everybody=agency_wide, agency=agency)
    )


@generation_app.command(context_settings=AGENCY_WIDE_NAMES.as_context())
def archive_wildcard(
    name: ListName, creator: Creator, *, agency_wide: AgencyWideOption = False, agency: Agency = ""
) -> None:
    """Archive a wildcard that no template uses."""
    from workers.cli.studio import wildcards

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
    as_json: JsonOutput = False,
) -> None:
    """Show the prompts, cost and duration of a run."""
    from workers.cli.studio import recipe_runs

    found = recipe_runs.preview_recipe_run(
        creator, recipe, seed=seed, count=count, answers=param or [], agency=agency
    )
    typer.echo(recipe_runs.render_estimate(found, as_json=as_json))


@generation_app.command(context_settings=RUN_OPTION_NAMES.as_context())
def start(
    recipe: Recipe,
    creator: Creator,
    *,
    idempotency_key: Annotated[
        str, typer.Option(help="Runs with the same key start only once.")
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
    """Start a run and print its ID; engines may charge."""
    from workers.cli.studio import recipe_runs

    base = recipe_runs.parse_source_image(source_image, anew=strength, part=region or [], mask=mask)
    reference = recipe_runs.parse_posture(pose, weight=pose_weight)
    wanted = recipe_runs.RunRequest(
        recipe, seed=seed, count=count, answers=param or [], source_image=base, posture=reference
    )
    typer.echo(recipe_runs.start_recipe_run(creator, wanted, key=idempotency_key, agency=agency))


@generation_app.command()
def status(run: Run, creator: Creator, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """Show the progress of a run."""
    from workers.cli.studio import recipe_runs

    typer.echo(recipe_runs.render_run(creator, run, agency=agency, as_json=as_json))


@generation_app.command()
def stop(run: Run, creator: Creator, agency: Agency = "") -> None:
    """Stop a run; finished images stay."""
    from workers.cli.studio import recipe_runs

    typer.echo(recipe_runs.stop_recipe_run(creator, run, agency=agency))


def voices(
    language: Annotated[str, typer.Argument(help="Language such as fr. Default: all.")] = "",
    as_json: JsonOutput = False,
) -> None:
    """List voices and their licences."""
    from foundation.ops import settings
    from workers.cli.studio import voices

    lines = voices.voice_rows(settings.load_settings().generators, language)
    typer.echo(voices.voices_as_json(lines) if as_json else voices.render_voices(lines, language))


def set_voice(
    creator: Creator,
    engine: Annotated[str, typer.Option(help="Engine from `voices`.")],
    voice: Annotated[str, typer.Option(help="Voice from `voices`.")],
    person: Annotated[
        UUID | None, typer.Option(help="ID of the person whose voice is cloned.")
    ] = None,
    agency: Agency = "",
) -> None:
    """Set a creator’s voice."""
    from workers.cli.studio import voices
    from workers.terminal.output import print_message
    from workers.terminal.session import connect_installation

    with connect_installation("set-voice") as services:
        print_message(
            voices.assign_voice(
                services, creator, engine=engine, voice=voice, person=person, agency=agency
            )
        )


def text_to_speech(
    text: Annotated[str, typer.Argument(help="Text to speak.")],
    creator: Creator,
    language: Annotated[str, typer.Option(help="Language of the text, fr or en.")] = "fr",
    agency: Agency = "",
) -> None:
    """Convert text to speech with a creator’s voice."""
    from foundation.i18n.translation import Message
    from workers.cli.studio import voices
    from workers.terminal.output import print_message
    from workers.terminal.session import connect_installation

    with connect_installation("text-to-speech") as services:
        speech = voices.request_speech_file(
            services, creator, text, language=language, agency=agency
        )
        print_message(Message("cli.speak.asked", {"creator": creator, "id": str(speech)}))
