"""The commands of `greenroom creators`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.options import Agency, JsonOutput, OneAgency

creators_app = typer.Typer(help="Add and manage creators.", no_args_is_help=True)

TargetAgency = Annotated[
    str, typer.Option(help="Agency name, needed if there are several agencies.")
]
CreatorName = Annotated[str, typer.Argument(help="Creator’s name or handle.")]
Biography = Annotated[str | None, typer.Option(help="Biography on the public page.")]
Avatar = Annotated[Path | None, typer.Option(help="Picture for the dashboard.")]
Languages = Annotated[
    list[str] | None, typer.Option("--language", help="Language, fr or en; repeatable.")
]
Zone = Annotated[str | None, typer.Option(help="Time zone such as Europe/Paris.")]
PostsPerDay = Annotated[
    int | None, typer.Option(min=0, help="Maximum number of posts per day; 0 for no limit.")
]
ImagesPerDay = Annotated[
    int | None, typer.Option(min=0, help="Maximum number of generated images per day; 0 for none.")
]
Responsible = Annotated[
    list[str] | None, typer.Option(help="Email address of a responsible member; repeatable.")
]


class KindName(StrEnum):
    """Types of creators."""

    HUMAN = "human"
    VIRTUAL = "virtual"


class CeilingName(StrEnum):
    """Maximum content ratings of a creator."""

    G = "G"
    S = "S"
    N = "N"
    E = "E"


Kind = Annotated[KindName | None, typer.Option(help="human for a real person, or virtual.")]
Ceiling = Annotated[
    CeilingName | None,
    typer.Option("--rating", help="Maximum rating: G general, S suggestive, N nudity, E explicit."),
]


@creators_app.command("add")
def add_creator(
    name: Annotated[str, typer.Argument(help="Creator’s name.")],
    *,
    handle: Annotated[
        str, typer.Option(help="Address of the public page. Default: made from the name.")
    ] = "",
    kind: Kind = None,
    zone: Zone = None,
    language: Languages = None,
    biography: Biography = None,
    rating: Ceiling = None,
    posts_per_day: PostsPerDay = None,
    images_per_day: ImagesPerDay = None,
    avatar: Avatar = None,
    responsible: Responsible = None,
    agency: TargetAgency = "",
) -> None:
    """Add a creator; without an agency, create one with this name."""
    from workers.cli.creators import profiles
    from workers.cli.creators.profiles import TypedProfile

    typed = TypedProfile(
        name=name,
        kind=kind,
        zone=zone,
        languages=language,
        biography=biography,
        rating_ceiling=rating,
        posts_per_day=posts_per_day,
        images_per_day=images_per_day,
        avatar=avatar,
        responsible=responsible,
    )
    typer.echo(profiles.add_from_terminal(typed, handle=handle, agency=agency))


@creators_app.command("list")
def list_creators(agency: OneAgency = "", as_json: JsonOutput = False) -> None:
    """List the creators of every agency."""
    from workers.cli.creators import profiles

    typer.echo(profiles.render_creators(agency, as_json=as_json))


@creators_app.command("show")
def show_creator(creator: CreatorName, agency: Agency = "", as_json: JsonOutput = False) -> None:
    """Show the profile of a creator."""
    from workers.cli.creators import profiles

    typer.echo(profiles.render_creator(creator, agency, as_json=as_json))


@creators_app.command("edit")
def edit_creator(
    creator: CreatorName,
    *,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    handle: Annotated[
        str | None, typer.Option(help="New handle, until the first post is published.")
    ] = None,
    kind: Kind = None,
    zone: Zone = None,
    language: Languages = None,
    biography: Biography = None,
    rating: Ceiling = None,
    posts_per_day: PostsPerDay = None,
    images_per_day: ImagesPerDay = None,
    avatar: Avatar = None,
    responsible: Responsible = None,
    agency: Agency = "",
) -> None:
    """Change fields of a creator; the others keep their values."""
    from workers.cli.creators import profiles
    from workers.cli.creators.profiles import TypedProfile

    typed = TypedProfile(
        name=name,
        kind=kind,
        zone=zone,
        languages=language,
        biography=biography,
        rating_ceiling=rating,
        posts_per_day=posts_per_day,
        images_per_day=images_per_day,
        avatar=avatar,
        responsible=responsible,
    )
    profiles.edit_from_terminal(creator, typed, handle=handle, agency=agency)


@creators_app.command("deactivate")
def deactivate_creator(creator: CreatorName, agency: Agency = "") -> None:
    """Pause the posts, chats and image generation of a creator."""
    from workers.cli.creators import profiles

    profiles.change_state_from_terminal(creator, "inactive", agency=agency)


@creators_app.command("reactivate")
def reactivate_creator(creator: CreatorName, agency: Agency = "") -> None:
    """Resume the posts and chats of an inactive or archived creator."""
    from workers.cli.creators import profiles

    profiles.change_state_from_terminal(creator, "active", agency=agency)


@creators_app.command("archive")
def archive_creator(creator: CreatorName, agency: Agency = "") -> None:
    """Pause a creator and hide them from the lists."""
    from workers.cli.creators import profiles

    profiles.change_state_from_terminal(creator, "archived", agency=agency)
