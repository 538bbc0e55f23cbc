"""`greenroom gate`, `greenroom policy` and `greenroom removal-requests`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.old_names import RenamedOptions
from workers.cli.options import JsonOutput, Language, OneAgency

removal_requests_app = typer.Typer(
    help="Decide removal requests that no agency may decide.", no_args_is_help=True
)

Number = Annotated[str, typer.Argument(help="Number of the request.")]
Name = Annotated[str, typer.Option("--as", help="Your name, recorded in the audit log.")]
SigningKey = Annotated[Path, typer.Option(help="File with an Ed25519 private key in base64.")]


@removal_requests_app.command("list")
def list_requests(as_json: JsonOutput = False) -> None:
    """List pending requests and unmatched reports."""
    from workers.cli.gate.removal_requests import print_pending_requests

    print_pending_requests(as_json=as_json)


@removal_requests_app.command()
def show_contact(number: Number, name: Name, as_json: JsonOutput = False) -> None:
    """Show the requester’s contact details."""
    from workers.cli.gate.removal_requests import print_contact

    print_contact(number, name=name, as_json=as_json)


@removal_requests_app.command()
def uphold(number: Number, name: Name) -> None:
    """Uphold a request: remove and block the content."""
    from workers.cli.gate.removal_requests import decide_request

    decide_request(number, name=name, because="")


@removal_requests_app.command(context_settings=RenamedOptions(because="reason").as_context())
def reject(
    number: Number,
    name: Name,
    reason: Annotated[
        str, typer.Option(help="Reason: agreed, mistaken or unfounded; shown to the requester.")
    ],
) -> None:
    """Reject a request: the content stays published."""
    from workers.cli.gate.removal_requests import decide_request

    decide_request(number, name=name, because=reason)


gate_app = typer.Typer(help="Inspect safety decisions and stop publishing.", no_args_is_help=True)


@gate_app.command()
def public_key() -> None:
    """Show the public key of the decision log."""
    from workers.cli.gate.log_export import public_key as read

    typer.echo(read())


@gate_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Output file (JSON lines).")],
    agency: OneAgency = "",
) -> None:
    """Export the decision log for verification."""
    from foundation.i18n.translation import Message
    from workers.cli.gate.log_export import export_log
    from workers.terminal.output import print_message

    count = export_log(file, agency=agency)
    print_message(Message("cli.log.exported", {"count": count, "file": str(file)}))


@gate_app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="Exported log. Default: the log of this installation.")
    ] = None,
    agency: OneAgency = "",
    key: Annotated[str, typer.Option(help="Public key that must have signed the file.")] = "",
    as_json: JsonOutput = False,
) -> None:
    """Verify the decision log; exit code 1 if it was changed."""
    from workers.cli.gate.log_export import print_proof, verify_log

    sys.exit(print_proof(verify_log(file, agency=agency, key=key), as_json=as_json))


@gate_app.command()
def explain(
    post: Annotated[
        str, typer.Argument(help="ID of a post, delivery, message or pack, or its beginning.")
    ],
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Explain why content was allowed or blocked."""
    from workers.cli.gate.decision_explanation import explain_decision

    typer.echo(explain_decision(post, language=language, as_json=as_json))


@gate_app.command()
def report(
    month: Annotated[
        str, typer.Argument(help="Month such as 2026-11. Default: the current month.")
    ] = "",
    agency: Annotated[
        str, typer.Option(help="Agency name, needed if there are several agencies.")
    ] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOutput = False,
) -> None:
    """Show the transparency report of a month."""
    from workers.cli.gate.transparency_export import ReportFormat, export_transparency_report

    form = ReportFormat.MARKDOWN
    if csv:
        form = ReportFormat.CSV
    if as_json:
        form = ReportFormat.JSON
    typer.echo(export_transparency_report(month, agency=agency, form=form))


CHECK_TEXTS_EPILOG = (
    'Input lines have "id" and "text", and optionally "lang" and "surface". A surface is a place '
    "(x.post, telegram/bot_dm) or a kind of text (caption, message); the default is x.post. Output "
    'lines have "id", "rating", "verdict" and "reasons".'
)


@gate_app.command("check-texts", epilog=CHECK_TEXTS_EPILOG)
def check_texts(
    file: Annotated[
        Path | None, typer.Argument(help="File of JSON lines. Default: standard input.")
    ] = None,
) -> None:
    """Check texts from JSON lines; prints JSON lines."""
    from workers.cli.gate.text_check import run_text_check

    sys.exit(run_text_check(file))


@gate_app.command(context_settings=RenamedOptions(why="reason").as_context())
def emergency_stop(
    reason: Annotated[str, typer.Option(help="Reason, recorded with the stop.")] = "",
) -> None:
    """Stop publishing for every agency."""
    from foundation.i18n.translation import Message
    from workers.cli.gate.emergency_stop import stop_installation_publishing
    from workers.terminal.output import print_message

    stop_installation_publishing(reason)
    print_message(Message("cli.stop.holds"))


@gate_app.command(context_settings=RenamedOptions(why="reason").as_context())
def resume(
    reason: Annotated[str, typer.Option(help="Cause and fix, recorded with the stop.")],
) -> None:
    """Resume publishing; stops of single agencies stay."""
    from foundation.i18n.translation import Message
    from workers.cli.gate.emergency_stop import resume_installation_publishing
    from workers.terminal.output import print_message

    resume_installation_publishing(reason)
    print_message(Message("cli.stop.over"))


policy_app = typer.Typer(
    help="Show, update and sign the platforms’ content rules.", no_args_is_help=True
)


@policy_app.command("explain", context_settings=RenamedOptions(on="date").as_context())
def explain_policy(
    place: Annotated[
        str, typer.Argument(help="Surface such as bluesky.post, or a platform for all surfaces.")
    ],
    date: Annotated[str, typer.Option(help="Date such as 2027-03-01. Default: today.")] = "",
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Show the content rules of a platform."""
    from workers.cli.gate.place_rules import explain_place, place_as_json

    typer.echo(
        place_as_json(place, on=date)
        if as_json
        else explain_place(place, on=date, language=language)
    )


@policy_app.command()
def update(
    file: Annotated[
        Path | None, typer.Argument(help="Signed release. Default: show the active rules.")
    ] = None,
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Install signed rules, or show the active rules."""
    from workers.cli.gate.policy_release import install_release_file, release_status

    typer.echo(
        release_status(language=language, as_json=as_json)
        if file is None
        else install_release_file(file, language=language, as_json=as_json)
    )


@policy_app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="Release to sign, or to create with --matrix.")],
    key: SigningKey,
    matrix: Annotated[Path | None, typer.Option(help="Rules file of a new release.")] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="Lexicon of a new release. Default: the built-in one.")
    ] = None,
) -> None:
    """Sign a rules release; it needs two signatures."""
    from workers.cli.gate.policy_release import sign_release

    typer.echo(sign_release(file, key, matrix=matrix, lexicon=lexicon))


@policy_app.command()
def sign_rows(
    rows: Annotated[Path, typer.Argument(help="Rules of your platform (YAML).")],
    file: Annotated[Path, typer.Argument(help="Output file for your connector package.")],
    platform: Annotated[str, typer.Option(help="Name of your platform.")],
    key: SigningKey,
) -> None:
    """Sign a connector package’s rules (ratings G and S)."""
    from workers.cli.gate.policy_release import sign_third_party_rules

    typer.echo(sign_third_party_rules(rows, file, key, platform=platform))


@policy_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Earlier rules file.")],
    new: Annotated[Path, typer.Argument(help="Later rules file.")],
    language: Language = "",
    as_json: JsonOutput = False,
) -> None:
    """Compare two rules files; exit code 1 if any rule loosened."""
    from workers.cli.gate.place_rules import diff_rules

    text, loosened = diff_rules(old, new, language=language, as_json=as_json)
    typer.echo(text)
    sys.exit(1 if loosened else 0)
