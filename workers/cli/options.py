"""Options that several commands share. Imports nothing of Greenroom, so that `--help`
stays fast."""

from typing import Annotated

import typer

Creator = Annotated[str, typer.Option(help="Creator’s name or short name.")]
Agency = Annotated[
    str, typer.Option(help="Agency name, needed if several agencies have this creator.")
]
OneAgency = Annotated[str, typer.Option(help="Agency name. Default: all agencies.")]
Language = Annotated[str, typer.Option(help="Language, fr or en. Default: the terminal’s.")]
Member = Annotated[str, typer.Option(help="Member’s email address. Default: the owner.")]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON.")]
