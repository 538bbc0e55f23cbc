"""`greenroom removal-requests …`: requests about those who run an agency, which the installation
decides.

`greenroom gate …`.

`greenroom policy …`.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions

removal_requests_app = typer.Typer(
    help="Removal requests that no agency may decide itself.", no_args_is_help=True
)

Number = Annotated[str, typer.Argument(help="The number of the request.")]
Name = Annotated[str, typer.Option("--as", help="Your name; recorded with the decision.")]


@removal_requests_app.callback()
def removal_requests() -> None:
    """List the requests that the installation decides, open a contact, decide."""


@removal_requests_app.command("list")
def listed() -> None:
    """List the pending requests, and the reports that matched no content."""
    # modules load when a command runs
    from workers.cli.gate.removal_requests import print_waiting_requests  # noqa: PLC0415  see above

    for line in print_waiting_requests():
        typer.echo(line)


@removal_requests_app.command()
def show_contact(number: Number, name: Name) -> None:
    """Show the contact details of the requester; the audit log records who opened them."""
    # modules load when a command runs
    from workers.cli.gate.removal_requests import show_contact as read  # noqa: PLC0415  see above

    typer.echo(read(number, name=name))


@removal_requests_app.command()
def uphold(number: Number, name: Name) -> None:
    """Uphold a request: remove the content everywhere and block it from being published again."""
    # modules load when a command runs
    from workers.cli.gate.removal_requests import decide_request  # noqa: PLC0415  see above

    decide_request(number, name=name, because="")


@removal_requests_app.command(context_settings=RenamedOptions(because="reason").as_context())
def reject(
    number: Number,
    name: Name,
    reason: Annotated[
        str, typer.Option(help="agreed, mistaken or unfounded; shown to the requester.")
    ],
) -> None:
    """Reject a request: the content stays published."""
    # modules load when a command runs
    from workers.cli.gate.removal_requests import decide_request  # noqa: PLC0415  see above

    decide_request(number, name=name, because=reason)


gate_app = typer.Typer(
    help="The safety check: what it decided, and proof that nobody changed it.",
    no_args_is_help=True,
)


@gate_app.callback()
def gate() -> None:
    """What was decided, why, and that the record of it is whole."""


@gate_app.command()
def public_key() -> None:
    """Print the public key of the log. Keep it elsewhere: with it, an export is checked without
    this house."""
    # modules load when a command runs
    from workers.cli.gate.log_export import public_key as read  # noqa: PLC0415  see above

    typer.echo(read())


@gate_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; JSON, one object a line.")],
    agency: Annotated[str, typer.Option(help="Of one agency; of all when left out.")] = "",
) -> None:
    """Write the log with its checkpoints and its public key, for whoever wants to verify it."""
    # modules load when a command runs
    from foundation.i18n.translation import Message  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.cli.gate.log_export import export_log  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  see above

    count = export_log(file, agency=agency)
    print_message(Message("cli.log.exported", {"count": count, "file": str(file)}))


@gate_app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export; this house's own log when left out.")
    ] = None,
    agency: Annotated[str, typer.Option(help="Of one agency, of this house's own log.")] = "",
    key: Annotated[str, typer.Option(help="The public key the file must be signed with.")] = "",
) -> None:
    """Say whether the log is whole, from when to when, and what is not signed yet. The exit code is
    0 if it is."""
    # modules load when a command runs
    from workers.cli.gate.log_export import print_proof, verify_log  # noqa: PLC0415  see above

    sys.exit(print_proof(verify_log(file, agency=agency, key=key)))


@gate_app.command()
def explain(
    post: Annotated[
        str, typer.Argument(help="Id of a post, a delivery, a message or a pack, or how it begins.")
    ],
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Tell why something was, or was not, allowed to leave; and decide again from what was
    stored."""
    # modules load when a command runs
    from workers.cli.gate.decision_explanation import print_decision_explanation  # noqa: PLC0415  see above

    typer.echo(print_decision_explanation(post, language=language))


@gate_app.command()
def report(
    month: Annotated[str, typer.Argument(help="As 2026-11; the running one when left out.")] = "",
    agency: Annotated[str, typer.Option(help="Of which agency, where there are several.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="A line a figure, for spreadsheets.")] = False,
) -> None:
    """Print a month in numbers that name nobody: what left, was kept back, asked for and taken
    away; as Markdown."""
    # modules load when a command runs
    from workers.cli.gate.transparency_export import export_transparency_report  # noqa: PLC0415  see above

    typer.echo(export_transparency_report(month, agency=agency, as_csv=csv))


@gate_app.command("check-texts")
def check_texts(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input when left out.")
    ] = None,
) -> None:
    """Judge texts: {"id", "text", "lang", "surface"} a line in, {"id", "rating", "verdict",
    "reasons"} a line out.

    A surface is a place (x.post, telegram/bot_dm) or a kind of text (caption, message); left out,
    it is x.post.
    """
    # modules load when a command runs
    from workers.cli.gate.text_check import run_text_check  # noqa: PLC0415  see above

    sys.exit(run_text_check(file))


@gate_app.command(context_settings=RenamedOptions(why="reason").as_context())
def emergency_stop(
    reason: Annotated[str, typer.Option(help="Kept with the stop, for those who end it.")] = "",
) -> None:
    """Stop publishing in the whole installation, for every agency, within two seconds."""
    # modules load when a command runs
    from foundation.i18n.translation import Message  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.cli.gate.emergency_stop import stop_installation_publishing  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  see above

    stop_installation_publishing(reason)
    print_message(Message("cli.stop.holds"))


@gate_app.command(context_settings=RenamedOptions(why="reason").as_context())
def resume(
    reason: Annotated[str, typer.Option(help="What was found and done.")],
) -> None:
    """End the emergency stop of the whole installation; stops of single agencies stay."""
    # modules load when a command runs
    from foundation.i18n.translation import Message  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.cli.gate.emergency_stop import resume_installation_publishing  # noqa: PLC0415  see above

    # modules load when a command runs
    from workers.terminal.output import print_message  # noqa: PLC0415  see above

    resume_installation_publishing(reason)
    print_message(Message("cli.stop.over"))


policy_app = typer.Typer(
    help="The rules of places: what may be shown where, and how they changed.", no_args_is_help=True
)


@policy_app.callback()
def policy() -> None:
    """Rules are data, read from the platforms' own pages and dated."""


@policy_app.command("explain", context_settings=RenamedOptions(on="date").as_context())
def explain_policy(
    place: Annotated[
        str, typer.Argument(help="As bluesky.post, or a platform for all of its places.")
    ],
    date: Annotated[str, typer.Option(help="A day, as 2027-03-01; today when left out.")] = "",
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Say what a place allows, who looks after its readers' age, where that was read, and when it
    ages."""
    # modules load when a command runs
    from workers.cli.gate.place_rules import explain_place  # noqa: PLC0415  see above

    typer.echo(explain_place(place, on=date, language=language))


@policy_app.command()
def update(
    file: Annotated[
        Path | None, typer.Argument(help="A signed release; what is in force when left out.")
    ] = None,
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Take newer rules that two who may sign have signed, or say which are in force and when they
    age."""
    # modules load when a command runs
    from workers.cli.gate.policy_release import install_release_file, release_status  # noqa: PLC0415  see above

    typer.echo(
        release_status(language=language)
        if file is None
        else install_release_file(file, language=language)
    )


@policy_app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="The release: signed once more, or made.")],
    key: Annotated[
        Path, typer.Option(help="A file with an Ed25519 private key, 32 bytes in base64.")
    ],
    matrix: Annotated[
        Path | None, typer.Option(help="The rules of a release that is made.")
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="Its lexicon; the product's when left out.")
    ] = None,
) -> None:
    """Sign a release of rules, for those who release them. Two keys export_transparency_report it
    one that can be taken."""
    # modules load when a command runs
    from workers.cli.gate.policy_release import sign_release  # noqa: PLC0415  see above

    typer.echo(sign_release(file, key, matrix=matrix, lexicon=lexicon))


@policy_app.command()
def sign_rows(
    rows: Annotated[Path, typer.Argument(help="The rows of your platform, YAML as those of ours.")],
    file: Annotated[Path, typer.Argument(help="The file your package ships.")],
    platform: Annotated[str, typer.Option(help="The platform it speaks to.")],
    key: Annotated[
        Path, typer.Option(help="A file with an Ed25519 private key, 32 bytes in base64.")
    ],
) -> None:
    """Sign the rules that a package of yours ships for its own platform: General and Suggestive
    alone."""
    # modules load when a command runs
    from workers.cli.gate.policy_release import sign_third_party_rules  # noqa: PLC0415  see above

    typer.echo(sign_third_party_rules(rows, file, key, platform=platform))


@policy_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A file of rules.")],
    new: Annotated[Path, typer.Argument(help="A later one.")],
    language: Annotated[str, typer.Option(help="fr or en; the terminal's when left out.")] = "",
) -> None:
    """Say row by row what was tightened, loosened, added or dropped. The exit code is 1 if anything
    was loosened."""
    # modules load when a command runs
    from workers.cli.gate.place_rules import diff_rules  # noqa: PLC0415  see above

    text, loosened = diff_rules(old, new, language=language)
    typer.echo(text)
    sys.exit(1 if loosened else 0)
