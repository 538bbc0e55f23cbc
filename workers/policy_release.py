"""`greenroom policy update` and `sign`: rules that come after the product, from whoever may sign them."""

import base64
from datetime import date
from pathlib import Path

from babel.dates import format_date
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.database import OpenScope
from foundation.errors import BadInput
from foundation.ids import HOUSE
from foundation.words import Message, say
from gate import bundle, foreign, inforce, places, release
from gate import lexicon as lexicons
from gate.checkpoints import public_text
from gate.foreign import Unbelievable
from gate.release import Release, Unsigned
from workers.gate_story import ASKING, chosen_language
from workers.visiting import at_home


def status(*, language: str = "") -> str:
    """Which rules are in force in the house that runs here, and when they age."""
    spoken = chosen_language(language)
    with at_home("policy") as services:
        return told(services.tenant, spoken)


def take(file: Path, *, language: str = "") -> str:
    """Bring a signed release into force in the house that runs here. See `taken`."""
    spoken = chosen_language(language)
    with at_home("policy") as services:
        return taken(services.tenant, _bytes(file), spoken)


def taken(tenant: OpenScope, document: bytes, language: str) -> str:
    """Bring a signed release into force, whole or not at all. Raises Refused and BadInput as `inforce.take` does."""
    with tenant(HOUSE, ASKING) as scope:
        inforce.take(scope, document)
    return told(tenant, language)


def told(tenant: OpenScope, language: str) -> str:
    """Which rules are in force, and when the next of them ages."""
    with tenant(HOUSE, ASKING) as scope:
        found, today = inforce.now(scope), scope.now.date()

    def line(code: str, **params: str | int) -> str:
        return say(Message(code, params), language)

    def day(value: date) -> str:
        return format_date(value, "medium", locale=language)

    rules = found.rules
    own = "cli.policy.own" if rules is bundle.shipped() else "cli.policy.signed"
    lines = [line("cli.policy.in_force", rules=rules.name, read=day(rules.read_on)), line(own)]
    if found.fault:
        lines.append(say(Message(f"gate.{found.fault}"), language))
    ends = places.ends(rules)
    if ends:
        first = min(ends.values())
        count = sum(end == first for end in ends.values())
        lines.append(line("cli.policy.aged" if first < today else "cli.policy.ages", day=day(first), count=count))
    return "\n".join(lines)


def sign(file: Path, key: Path, *, matrix: Path | None = None, lexicon: Path | None = None) -> str:
    """Sign the release in a file, or one made from rules; the public key that signed.

    Raises BadInput for files that cannot be read or are not what they should be.
    """
    try:
        made = (
            release.read(_bytes(file))
            if matrix is None
            else Release(_bytes(matrix).decode(), _bytes(lexicon or lexicons.SHIPPED).decode())
        )
        signing = Ed25519PrivateKey.from_private_bytes(base64.b64decode(_bytes(key).strip(), validate=True))
        signed = made.signed(signing)
        signed.rules()
    except Unsigned as none:
        raise BadInput("policy.no_release", file=str(file)) from none
    except ValueError as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    _write(file, signed.written())
    return public_text(signing.public_key())


def sign_rows(rows: Path, file: Path, key: Path, *, platform: str) -> str:
    """Write the file that a package ships for its own platform; the public key that signed.

    Raises BadInput for files that cannot be read, and for rows that no installation would take.
    """
    signing, written = _private(key), _bytes(rows)
    try:
        document = foreign.sign(platform, written.decode(), signing)
        foreign.believed(document, bundle.shipped())
    except (Unbelievable, ValueError) as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    _write(file, document)
    return public_text(signing.public_key())


def _private(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises BadInput."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(_bytes(path).strip(), validate=True))
    except ValueError as error:
        raise BadInput("policy.bad_key") from error


def _write(file: Path, document: bytes) -> None:
    try:
        file.write_bytes(document)
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(file), detail=error.strerror or "?") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error
