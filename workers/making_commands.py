"""`greenroom make`: recipes of pictures, what a run would be, a run, its progress and its end."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(help="Have pictures made by a recipe: list, preview, start, follow, stop.", no_args_is_help=True)
Creator = Annotated[str, typer.Option(help="Name or address of the creator.")]
Agency = Annotated[str, typer.Option(help="The agency, where two have a creator of that name.")]
Recipe = Annotated[str, typer.Argument(help="As `greenroom make recipes` lists it.")]
Run = Annotated[UUID, typer.Argument(help="As `greenroom make start` says it.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same prompts.")]
Count = Annotated[int, typer.Option(min=0, max=24, help="Pictures; as many as the recipe says when left out.")]
From = Annotated[UUID | None, typer.Option("--begin", help="Id of the picture of the library it begins from.")]
Anew = Annotated[int, typer.Option(min=10, max=95, help="Percent of that picture that are made anew.")]
Part = Annotated[
    list[str] | None,
    typer.Option("--part", help='Where alone, in percent: "ellipse 10 10 60 60"; may be repeated.'),
]
Mask = Annotated[Path | None, typer.Option(help="The same as a picture, light where it is made anew.")]
Of = Annotated[UUID | None, typer.Option("--posture", help="Id of the picture whose posture is taken.")]
Weight = Annotated[int, typer.Option(min=10, max=150, help="Percent: how much the posture counts.")]
ListName = Annotated[str, typer.Argument(help="As `greenroom make lists` says it.")]
Everybody = Annotated[bool, typer.Option("--everybody", help="The list of the whole agency, not the creator's own.")]
Answers = Annotated[list[str] | None, typer.Option("--answer", help="name=words, for each question it asks.")]


@app.command()
def recipes(creator: Creator, agency: Agency = "") -> None:
    """List the recipes of a creator."""
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_asking.recipes(creator, agency=agency))


@app.command()
def lists(creator: Creator, agency: Agency = "") -> None:
    """List the words that recipes of a creator may share, as {@name} in a prompt."""
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_asking.lists(creator, agency=agency))


@app.command()
def write_list(
    name: ListName,
    creator: Creator,
    words: Annotated[Path, typer.Option(help='A file of words, one a line: "red dress:3" comes three times as often.')],
    *,
    everybody: Everybody = False,
    agency: Agency = "",
) -> None:
    """Write a list of words, or the next version of one."""
    from workers import making_lists  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_lists.write(creator, name, words, everybody=everybody, agency=agency))


@app.command()
def rename_list(
    name: ListName,
    new: Annotated[str, typer.Argument(help="What it is called from now on.")],
    creator: Creator,
    *,
    everybody: Everybody = False,
    agency: Agency = "",
) -> None:
    """Give a list of words another name, and say it in the recipes that draw from it."""
    from workers import making_lists  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_lists.rename(creator, name, new, everybody=everybody, agency=agency))


@app.command()
def put_list_away(name: ListName, creator: Creator, *, everybody: Everybody = False, agency: Agency = "") -> None:
    """Offer a list of words no more; not while a recipe draws from it."""
    from workers import making_lists  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_lists.put_away(creator, name, everybody=everybody, agency=agency))


@app.command()
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
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_asking.preview(creator, recipe, seed=seed, count=count, answers=answer or [], agency=agency))


@app.command()
def start(
    recipe: Recipe,
    creator: Creator,
    *,
    key: Annotated[str, typer.Option(help="A name of yours: under it a run is started once.")] = "",
    seed: Seed = 0,
    count: Count = 0,
    answer: Answers = None,
    begin: From = None,
    anew: Anew = 50,
    part: Part = None,
    mask: Mask = None,
    posture: Of = None,
    weight: Weight = 100,
    agency: Agency = "",
) -> None:
    """Have the workers make the pictures; may be billed."""
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    base = making_asking.begun(begin, anew=anew, part=part or [], mask=mask)
    pose = making_asking.posed(posture, weight=weight)
    wanted = making_asking.Asked(recipe, seed=seed, count=count, answers=answer or [], begin=base, pose=pose)
    typer.echo(making_asking.start(creator, wanted, key=key, agency=agency))


@app.command()
def progress(run: Run, creator: Creator, agency: Agency = "") -> None:
    """Say how far a run is, and of each picture how it stands."""
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_asking.progress(creator, run, agency=agency))


@app.command()
def stop(run: Run, creator: Creator, agency: Agency = "") -> None:
    """End a run; what is there stays."""
    from workers import making_asking  # noqa: PLC0415  modules load when a command runs

    typer.echo(making_asking.stop(creator, run, agency=agency))
