"""Marks of origin on what was generated: a signed C2PA manifest, and the IPTC source type in XMP as
a second mark.

Signing is the last thing done to a rendition: any later change of a byte breaks it, and is meant
to. The certificate is a development one unless the house is given another (docs/deploying.md);
readers call such a signature valid but not trusted.
"""

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from foundation.errors import BadInput
from generators.contract.engines import EngineMissing

_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_YEARS = 3
_RENEWED = timedelta(days=30)
"""How long a development certificate is good, and how long before its end another takes its
place."""

_FETCHES_NOTHING = {"remote_manifest_fetch": False, "ocsp_fetch": False}
"""Of the library's settings for reading; the first is on unless it is said (seen with c2pa-python
0.38)."""

_DEVELOPMENT = "Greenroom development certificate"
_NAMES = {"chain": "c2pa-chain.pem", "key": "c2pa-key.pem", "anchor": "c2pa-anchor.pem"}
_LABEL = "org.greenroom.label"
"""A parameter of our own in the action that tells how it was made."""
DigitalSourceType = Literal[
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "digitalCreation",
    "algorithmicMedia",
]


@dataclass(frozen=True)
class SigningCredential:
    """A signing certificate with its chain, and the key: both PEM. `anchor` is the root a reader
    may trust."""

    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    anchor: bytes = field(repr=False)


class LoadCredential(Protocol):
    """Load the installation's signing credential when it is first needed."""

    def __call__(self) -> SigningCredential: ...


@dataclass(frozen=True)
class ProvenanceClaim:
    """What the mark says: engine and model that made the picture, the kind of source in IPTC's
    words, and the label it must not lose (`generators.contract.engines.OriginLabel`)."""

    engine: str
    model: str
    source: DigitalSourceType = "trainedAlgorithmicMedia"
    label: str = ""


class MarkStatus(StrEnum):
    """What a reader finds: no mark, a broken one, a sound one by a stranger, a sound one by
    somebody trusted."""

    NONE = "none"
    INVALID = "invalid"
    VALID = "valid"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class ProvenanceMark:
    """A mark that was read: its standing, and what it says. `faults` are C2PA's own codes."""

    standing: MarkStatus
    engine: str = ""
    source: str = ""
    label: str = ""
    faults: tuple[str, ...] = ()


def source_type_of(engine: str) -> DigitalSourceType:
    """The source type for what an engine makes: drawings by our own code are no trained model's
    work."""
    return (
        "algorithmicMedia"
        if engine in ("placeholder", "drawn", "tile")
        else "trainedAlgorithmicMedia"
    )


def xmp_packet(source: DigitalSourceType) -> bytes:
    """The XMP packet that names the source type, to be embedded before signing."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{_SOURCES}{source}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def sign_media(
    data: bytes, mime: str, credential: SigningCredential, origin: ProvenanceClaim
) -> bytes:
    """`data` with a signed manifest inside, about 3 KB longer. Raises BadInput when it cannot carry
    one.

    No time stamp authority is asked: nothing leaves the house, and the signature ends with its
    certificate.
    """
    action = {
        "action": "c2pa.created",
        "digitalSourceType": _SOURCES + origin.source,
        "softwareAgent": {"name": origin.engine, "version": origin.model},
        **({"parameters": {_LABEL: origin.label}} if origin.label else {}),
    }
    manifest = {
        "claim_generator_info": [{"name": "Greenroom", "version": "0.1"}],
        "format": mime,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    settings = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
    info = c2pa.C2paSignerInfo(
        alg=b"es256", sign_cert=credential.chain, private_key=credential.key, ta_url=None
    )
    signed = io.BytesIO()
    try:
        with c2pa.Context(settings=settings) as context, c2pa.Signer.from_info(info) as signer:
            builder = c2pa.Builder(manifest, context=context)
            builder.sign(signer, mime, io.BytesIO(data), signed)
    except c2pa.C2paError as error:
        raise BadInput("provenance.unsigned", mime=mime) from error
    return signed.getvalue()


def verify_media(data: bytes, mime: str, *, anchor: bytes = b"") -> ProvenanceMark:
    """Read and check the mark in `data`; with `anchor` (PEM) its owner's signatures count as
    trusted.

    Nothing is fetched: a file may say that its mark lies at any address, also at one of this
    network.
    """
    reading: dict[str, object] = {"verify": {"verify_trust": bool(anchor), **_FETCHES_NOTHING}}
    if anchor:
        reading["trust"] = {"user_anchors": anchor.decode()}
    try:
        with c2pa.Context(settings=c2pa.Settings.from_dict(reading)) as context:
            reader = c2pa.Reader.try_create(mime, io.BytesIO(data), context=context)
            if reader is None:
                return ProvenanceMark(MarkStatus.NONE)
            with reader:
                return _parse_provenance_mark(
                    json.loads(reader.json()), str(reader.get_validation_state())
                )
    except c2pa.C2paError as error:
        return ProvenanceMark(MarkStatus.INVALID, faults=(type(error).__name__,))


def _parse_provenance_mark(store: dict[str, object], state: str) -> ProvenanceMark:
    standing = {"valid": MarkStatus.VALID, "trusted": MarkStatus.TRUSTED}.get(
        state.lower(), MarkStatus.INVALID
    )
    manifests = store.get("manifests")
    active = store.get("active_manifest")
    manifest = manifests.get(str(active), {}) if isinstance(manifests, dict) else {}
    actions = [
        action
        for assertion in manifest.get("assertions", ())
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", ())
    ]
    first = actions[0] if actions else {}
    agent = first.get("softwareAgent", "")
    given = first.get("parameters", {})
    results = store.get("validation_status")
    return ProvenanceMark(
        standing=standing,
        engine=str(agent.get("name", "")) if isinstance(agent, dict) else str(agent),
        source=str(first.get("digitalSourceType", "")).removeprefix(_SOURCES),
        label=str(given.get(_LABEL, "")) if isinstance(given, dict) else "",
        faults=tuple(str(entry.get("code")) for entry in results)
        if isinstance(results, list)
        else (),
    )


def load_credential(folder: Path, *, now: datetime) -> SigningCredential:
    """The credential kept in `folder`; the development one is made on first use, and anew before it
    ends. Only their owner reads the files. Processes that begin at once have the same one.

    One that the house was given is never written over. Raises EngineMissing for such a chain
    without its key.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock_folder(folder):
        kept = _read_credential(folder)
        if kept.key and not _is_over(kept, now):
            return kept
        if kept.chain and not _is_ours(kept.chain):
            raise EngineMissing("provenance.no_key", folder=str(folder), file=_NAMES["key"])
        made = development_credential(now=now)
        made = replace(
            made, anchor=made.anchor + kept.anchor
        )  # what was signed before is still somebody's
        for part, name in _NAMES.items():
            _write_private_file(folder / name, getattr(made, part))
    return made


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _read_credential(folder: Path) -> SigningCredential:
    """What lies there, empty where it does not. Who is given a chain and a key may do without the
    root."""
    files = {part: folder / name for part, name in _NAMES.items()}
    return SigningCredential(
        **{part: file.read_bytes() if file.is_file() else b"" for part, file in files.items()}
    )


def _is_ours(chain: bytes) -> bool:
    try:
        return x509.load_pem_x509_certificate(chain).subject == _x509_name(_DEVELOPMENT)
    except ValueError:
        return False


def _is_over(kept: SigningCredential, now: datetime) -> bool:
    """Whether a development credential signs nothing any more, or soon: it ends, or its parts are
    of two. One that the house was given is the house's to replace."""
    if not kept.chain:
        return True
    if not _is_ours(kept.chain):
        return False
    leaf = x509.load_pem_x509_certificate(kept.chain)
    try:
        key = serialization.load_pem_private_key(kept.key, password=None)
    except ValueError:
        return True
    ends = leaf.not_valid_after_utc - now < _RENEWED
    return ends or leaf.public_key() != key.public_key() or not kept.anchor


def _write_private_file(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)


def development_credential(*, now: datetime) -> SigningCredential:
    """A root and a leaf for signing, valid from a day before `now` for three years."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    root_name = _x509_name("Greenroom development root")
    leaf_name = _x509_name(_DEVELOPMENT)
    root = (
        _certificate_builder(root_name, root_name, root_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate_builder(leaf_name, root_name, leaf_key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    no_password = serialization.NoEncryption()
    anchor = root.public_bytes(pem)
    key = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    return SigningCredential(chain=leaf.public_bytes(pem) + anchor, key=key, anchor=anchor)


def _x509_name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Greenroom"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate_builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
