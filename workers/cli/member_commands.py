"""`greenroom api-keys`: make, list and revoke keys of the API. `greenroom rate-pictures`."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

api_keys_app = typer.Typer(
    help="Keys of the API, of a member with a second factor: create, list, revoke.",
    no_args_is_help=True,
)
Member = Annotated[str, typer.Option(help="E-mail of the member; the owner when left out.")]


class RatingName(StrEnum):
    """The ratings that a member gives."""

    G = "G"
    S = "S"
    N = "N"
    E = "E"


@api_keys_app.command("create")
def create_api_key(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option(help="A use, as posts:read; may be repeated.")],
    creator: Annotated[
        list[str] | None,
        typer.Option(help="Address of a creator it may see; all when left out; may be repeated."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it lives.")] = 30,
    member: Member = "",
) -> None:
    """Make a key and print it: it is shown this once."""
    from tenants.api_keys.key_requests import KeyRequest
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        request = KeyRequest(name, scope, creator or [], days)
        typer.echo(member_requests.create_key(services, member, request))


@api_keys_app.command("list")
def list_api_keys(member: Member = "") -> None:
    """List the keys of a member, the newest first."""
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        for line in member_requests.list_keys(services, member):
            typer.echo(line)


@api_keys_app.command("revoke")
def revoke_api_key(
    key: Annotated[UUID, typer.Argument(help="As `greenroom api-keys list` prints it.")],
    member: Member = "",
) -> None:
    """End a key, and those that were made with it."""
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        member_requests.revoke_key(services, member, key)


def rate_pictures(
    picture: Annotated[list[UUID], typer.Argument(help="Ids of pictures or films of the library.")],
    rating: Annotated[
        RatingName, typer.Option(help="G general, S suggestive, N nudity, E explicit.")
    ],
    member: Member = "",
) -> None:
    """Rate pictures as a member, never lower than they are rated."""
    from gate.contract.units import Rating
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("rate-pictures") as services:
        member_requests.rate_pictures(services, member, picture, Rating(rating))
