"""`greenroom policy update`, `sign` and `sign-rows`: signed releases of content rules."""

import base64
from datetime import date
from pathlib import Path

from babel.dates import format_date
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import Message, render_message
from foundation.ids import INSTALLATION_ID
from gate.contract.public_keys import encode_public_key
from gate.policy import active_policy, bundle, place_rules, plugin_place_rules, signed_release
from gate.policy.plugin_place_rules import InvalidThirdPartyRules
from gate.policy.signed_release import PolicyRelease, UnsignedRelease
from gate.text.lexicon import SHIPPED_LEXICON_PATH
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import resolve_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json


def release_status(*, language: str = "", as_json: bool = False) -> str:
    """Return the active rules of this installation and their next re-verification."""
    output = resolve_language(language)
    with connect_installation("policy") as services:
        return _status(services.tenant, output, as_json=as_json)


def install_release_file(file: Path, *, language: str = "", as_json: bool = False) -> str:
    """Install a signed release in this installation. See `admit_release`."""
    output = resolve_language(language)
    with connect_installation("policy") as services:
        admit_release(services.tenant, _read_file(file), output)
        return _status(services.tenant, output, as_json=as_json)


def admit_release(tenant: OpenScope, document: bytes, language: str) -> str:
    """Install a signed release, completely or not at all. Raises Refused and BadInput as
    `active_policy.install_release` does."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        active_policy.install_release(scope, document)
    return describe_rules_in_force(tenant, language)


def _status(tenant: OpenScope, language: str, *, as_json: bool) -> str:
    return _status_as_json(tenant) if as_json else describe_rules_in_force(tenant, language)


def _status_as_json(tenant: OpenScope) -> str:
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        found = active_policy.current_policy(scope)
    rules = found.bundle
    return format_json(
        {
            "rules": rules.name,
            "read_on": rules.read_on,
            "built_in": rules is bundle.shipped_bundle(),
            "fault": found.fault,
            "review_by": place_rules.review_deadlines(rules),
        }
    )


def describe_rules_in_force(tenant: OpenScope, language: str) -> str:
    """Return the active rules and their next re-verification as text."""
    with tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        found = active_policy.current_policy(scope)
        today = scope.now.date()

    def line(code: str, **params: str | int) -> str:
        return render_message(Message(code, params), language)

    def day(value: date) -> str:
        return format_date(value, "medium", locale=language)

    rules = found.bundle
    own = "cli.policy.own" if rules is bundle.shipped_bundle() else "cli.policy.signed"
    lines = [line("cli.policy.in_force", rules=rules.name, read=day(rules.read_on)), line(own)]
    if found.fault:
        lines.append(render_message(Message(f"gate.{found.fault}"), language))
    ends = place_rules.review_deadlines(rules)
    if ends:
        first = min(ends.values())
        count = sum(end == first for end in ends.values())
        lines.append(
            line(
                "cli.policy.aged" if first < today else "cli.policy.ages",
                day=day(first),
                count=count,
            )
        )
    return "\n".join(lines)


def sign_release(
    file: Path, key: Path, *, matrix: Path | None = None, lexicon: Path | None = None
) -> str:
    """Sign the release in a file, or a new one of rules; returns the public key of the signature.

    Raises BadInput for unreadable or invalid files.
    """
    try:
        made = (
            signed_release.read_release(_read_file(file))
            if matrix is None
            else PolicyRelease(
                _read_file(matrix).decode(), _read_file(lexicon or SHIPPED_LEXICON_PATH).decode()
            )
        )
        signing = Ed25519PrivateKey.from_private_bytes(
            base64.b64decode(_read_file(key).strip(), validate=True)
        )
        signed = made.with_signature(signing)
        signed.to_bundle()
    except UnsignedRelease as none:
        raise BadInput("policy.no_release", file=str(file)) from none
    except ValueError as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    _write_document(file, signed.to_bytes())
    return encode_public_key(signing.public_key())


def sign_third_party_rules(rows: Path, file: Path, key: Path, *, platform: str) -> str:
    """Write the signed rules that a connector package ships for its platform; returns the public
    key of the signature.

    Raises BadInput for unreadable files, and for rules that an installation would reject.
    """
    signing = _read_private_key(key)
    written = _read_file(rows)
    try:
        document = plugin_place_rules.sign_rules(platform, written.decode(), signing)
        plugin_place_rules.verify_rules(document, bundle.shipped_bundle())
    except (InvalidThirdPartyRules, ValueError) as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    _write_document(file, document)
    return encode_public_key(signing.public_key())


def _read_private_key(path: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(
            base64.b64decode(_read_file(path).strip(), validate=True)
        )
    except ValueError as error:
        raise BadInput("policy.bad_key") from error


def _write_document(file: Path, document: bytes) -> None:
    try:
        file.write_bytes(document)
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(file), detail=error.strerror or "?") from error


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error
