"""Provenance marks of generated media: a signed C2PA manifest, and the IPTC source type in XMP as a
second mark.

Signing is the last step of a rendition: any later change invalidates the mark. Without a configured
certificate (docs/guides/deployment.md), a development certificate is used; readers then report the
signature as valid but not trusted.
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
"""Validity of a development certificate in years, and the time before its expiry at which it is
renewed."""

_FETCHES_NOTHING = {"remote_manifest_fetch": False, "ocsp_fetch": False}
"""Settings with which the library fetches nothing while it reads; the first is enabled by default
(seen in c2pa-python 0.38)."""

_DEVELOPMENT = "Greenroom development certificate"
_NAMES = {"chain": "c2pa-chain.pem", "key": "c2pa-key.pem", "anchor": "c2pa-anchor.pem"}
_LABEL = "org.greenroom.label"
"""Our parameter of the action, which contains the label of the picture."""
DigitalSourceType = Literal[
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "digitalCreation",
    "algorithmicMedia",
]


@dataclass(frozen=True)
class SigningCredential:
    """A signing certificate with its chain, and the key, both in PEM. `anchor` is the root that a
    reader may trust."""

    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    anchor: bytes = field(repr=False)


class LoadCredential(Protocol):
    """Loads the installation's signing credential on first use."""

    def __call__(self) -> SigningCredential: ...


@dataclass(frozen=True)
class ProvenanceClaim:
    """The content of a mark: engine, model, IPTC source type, and the label
    (`generators.contract.engines.OriginLabel`)."""

    engine: str
    model: str
    source: DigitalSourceType = "trainedAlgorithmicMedia"
    label: str = ""


class MarkStatus(StrEnum):
    """The result of reading a mark: none, invalid, valid by an unknown signer, or valid by a
    trusted one."""

    NONE = "none"
    INVALID = "invalid"
    VALID = "valid"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class ProvenanceMark:
    """A mark that was read, with its status and content. `faults` are C2PA's codes."""

    standing: MarkStatus
    engine: str = ""
    source: str = ""
    label: str = ""
    faults: tuple[str, ...] = ()


def source_type_of(engine: str) -> DigitalSourceType:
    """Return the source type of an engine's pictures: drawings by our code are not the work of a
    trained model."""
    return (
        "algorithmicMedia"
        if engine in ("placeholder", "drawn", "tile")
        else "trainedAlgorithmicMedia"
    )


def xmp_packet(source: DigitalSourceType) -> bytes:
    """Return the XMP packet with the source type, to be embedded before signing."""
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
    """Return `data` with a signed manifest, which adds about 3 KB. Raises BadInput if the format
    cannot contain a manifest.

    No time stamp authority is used: nothing is sent, and the signature expires with its
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
    """Read and verify the mark in `data`. Signatures that chain to `anchor` (PEM) count as trusted.

    Nothing is fetched, because a file may refer to a manifest at any URL, including one in this
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
    """Return the credential in `folder`. A development credential is created on first use and
    renewed before it expires.

    The files are readable only by their owner. Processes that start at the same time get the same
    credential. A configured credential is never overwritten: a chain without its key raises
    EngineMissing.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock_folder(folder):
        kept = _read_credential(folder)
        if kept.key and not _is_over(kept, now):
            return kept
        if kept.chain and not _is_ours(kept.chain):
            raise EngineMissing("provenance.no_key", folder=str(folder), file=_NAMES["key"])
        made = development_credential(now=now)
        # Earlier signatures must remain verifiable.
        made = replace(made, anchor=made.anchor + kept.anchor)
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
    """Return the contents of the credential files, empty where a file is missing. A configured
    chain and key may lack the root."""
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
    """Return True if a development credential must be renewed, because it expires soon or its parts
    do not match. A configured credential is never renewed."""
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
    """Create a root and a leaf for signing, valid for three years from one day before `now`."""
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
