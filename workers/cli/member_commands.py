"""`greenroom api-keys` and `greenroom rate-pictures`: commands that act as a member."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from workers.cli.options import JsonOutput, Member

api_keys_app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


class ShownName(StrEnum):
    """Answers to who is shown."""

    NO_PEOPLE = "no_people"
    CREATOR = "creator"
    OTHERS = "others"
    UNSURE = "unsure"


class RatingName(StrEnum):
    """Ratings that a member may give."""

    G = "G"
    S = "S"
    N = "N"
    E = "E"


@api_keys_app.command("create")
def create_api_key(
    name: Annotated[str, typer.Option(help="Name of the key.")],
    scope: Annotated[list[str], typer.Option(help="Scope such as posts:read; repeatable.")],
    creator: Annotated[
        list[str] | None,
        typer.Option(help="Creator’s short name; repeatable. Default: all creators."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days until it expires.")] = 30,
    member: Member = "",
) -> None:
    """Create an API key and print it once."""
    from foundation.i18n.translation import Message
    from tenants.api_keys.key_requests import KeyRequest
    from workers.cli import member_requests
    from workers.terminal.output import print_progress
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        request = KeyRequest(name, scope, creator or [], days)
        typer.echo(member_requests.create_key(services, member, request))
    print_progress(Message("cli.key.created"))


@api_keys_app.command("list")
def list_api_keys(member: Member = "", as_json: JsonOutput = False) -> None:
    """List a member’s API keys, newest first."""
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        found = member_requests.list_keys(services, member)
    typer.echo(member_requests.render_keys(found, as_json=as_json))


@api_keys_app.command("revoke")
def revoke_api_key(
    key: Annotated[UUID, typer.Argument(help="Key ID from `api-keys list`.")],
    member: Member = "",
) -> None:
    """Revoke an API key and the keys created with it."""
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("api-keys") as services:
        member_requests.revoke_key(services, member, key)


def rate_pictures(
    picture: Annotated[list[UUID], typer.Argument(help="Library IDs of images or videos.")],
    rating: Annotated[
        RatingName, typer.Option(help="G general, S suggestive, N nudity or E explicit.")
    ],
    shown: Annotated[
        ShownName | None,
        typer.Option(help="People shown; required for images without an answer."),
    ] = None,
    member: Member = "",
) -> None:
    """Rate images or videos; a rating is never lowered."""
    from gate.contract.states import DepictionAnswer
    from gate.contract.units import Rating
    from workers.cli import member_requests
    from workers.terminal.session import connect_installation

    with connect_installation("rate-pictures") as services:
        member_requests.rate_pictures(
            services,
            member,
            picture,
            Rating(rating),
            shown=DepictionAnswer(shown) if shown is not None else None,
        )
