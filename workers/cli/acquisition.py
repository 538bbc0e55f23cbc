"""`greenroom links`: acquisition links of a creator and their results."""

from enum import StrEnum
from typing import Annotated

import typer

from workers.cli.options import Agency, Creator, JsonOutput

links_app = typer.Typer(help="Create and measure acquisition links.", no_args_is_help=True)

First = Annotated[str, typer.Option(help="First day, such as 2026-11-01.")]
Last = Annotated[str, typer.Option(help="Last day.")]


class SourceName(StrEnum):
    """Places where a link is published."""

    BIO = "bio"
    AD = "ad"
    SHOUTOUT = "shoutout"
    OTHER = "other"


class DestinationName(StrEnum):
    """Kinds of pages that a link opens."""

    CHAT = "chat"
    DISCORD = "discord"
    WEB = "web"


class ModelName(StrEnum):
    """Models of attribution."""

    FIRST = "first"
    LAST = "last"
    LINEAR = "linear"


@links_app.command("list")
def list_links(
    creator: Creator,
    archived: Annotated[bool, typer.Option("--archived", help="Archived links only.")] = False,
    agency: Agency = "",
    as_json: JsonOutput = False,
) -> None:
    """List a creator’s links, newest first."""
    from workers.cli.acquisition_requests import render_links
    from workers.terminal.session import connect_installation

    with connect_installation("links") as services:
        typer.echo(
            render_links(services, creator, agency=agency, archived=archived, as_json=as_json)
        )


@links_app.command("create")
def create_link(
    name: Annotated[str, typer.Argument(help="Name, such as “Instagram bio”.")],
    creator: Creator,
    source: Annotated[SourceName, typer.Option(help="Where the link is published.")],
    channel: Annotated[
        str, typer.Option(help="Bot of the chat, of the page’s button or of the Discord server.")
    ] = "",
    url: Annotated[str, typer.Option(help="Web page or Discord invite.")] = "",
    destination: Annotated[
        DestinationName | None,
        typer.Option(help="Default: the kind of the URL; without a URL, chat."),
    ] = None,
    cost: Annotated[str, typer.Option(help="Price of the campaign, such as 99.50.")] = "",
    currency: Annotated[str, typer.Option(help="Currency of the price.")] = "EUR",
    first: First = "",
    last: Last = "",
    utm: Annotated[
        list[str] | None,
        typer.Option(help="UTM parameter of a web page, such as campaign=spring; repeatable."),
    ] = None,
    agency: Agency = "",
) -> None:
    """Create a link and print its short URL."""
    from workers.cli.acquisition_requests import LinkRequest, create_named_link
    from workers.terminal.session import connect_installation

    request = LinkRequest(
        name,
        str(source),
        str(destination or ""),
        channel,
        url,
        cost,
        currency,
        first,
        last,
        tuple(utm or ()),
    )
    with connect_installation("links") as services:
        typer.echo(create_named_link(services, creator, request, agency=agency))


@links_app.command("figures")
def show_figures(
    creator: Creator,
    first: First = "",
    last: Last = "",
    model: Annotated[
        ModelName, typer.Option(help="Link that a sale is credited to.")
    ] = ModelName.LAST,
    agency: Agency = "",
    as_json: JsonOutput = False,
) -> None:
    """Show the results of each link, by default of 28 days."""
    from workers.cli.acquisition_requests import render_figures
    from workers.terminal.session import connect_installation

    with connect_installation("links") as services:
        typer.echo(
            render_figures(
                services,
                creator,
                first=first,
                last=last,
                model=str(model),
                agency=agency,
                as_json=as_json,
            )
        )
