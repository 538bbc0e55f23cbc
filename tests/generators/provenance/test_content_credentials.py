"""Content credentials: written last, and valid until one byte changes."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args

import pytest

from foundation.errors import BadInput
from foundation.ops.clock import wall_now
from generators.contract.engines import EngineMissing
from generators.media import pictures
from generators.media.pictures import OutputMime, RenditionProfile
from generators.provenance import content_credentials
from generators.provenance.content_credentials import MarkStatus, ProvenanceClaim, SigningCredential
from tests.generators.builders import a_picture, encoded

NOW = wall_now()
CREDENTIAL = content_credentials.development_credential(now=NOW)
ORIGIN = ProvenanceClaim("diffusion", "sdxl", "trainedAlgorithmicMedia")
MIMES = get_args(OutputMime)


def rendition(mime: OutputMime) -> bytes:
    photo = pictures.decode_photo(encoded(a_picture(), "PNG"), name="x")
    return pictures.render_photo(
        photo, RenditionProfile("p", 96, mime), xmp=content_credentials.xmp_packet(ORIGIN.source)
    ).data


@pytest.mark.parametrize("mime", MIMES)
def test_signed_rendition_is_valid_and_names_its_origin(mime: OutputMime) -> None:
    plain = rendition(mime)
    signed = content_credentials.sign_media(plain, mime, CREDENTIAL, ORIGIN)
    mark = content_credentials.verify_media(signed, mime)
    assert (mark.standing, mark.engine, mark.source) == (
        MarkStatus.VALID,
        "diffusion",
        "trainedAlgorithmicMedia",
    )
    assert (
        content_credentials.verify_media(signed, mime, anchor=CREDENTIAL.anchor).standing
        is MarkStatus.TRUSTED
    )
    assert len(signed) - len(plain) < 6000  # no thumbnail inside
    assert b"trainedAlgorithmicMedia" in plain  # the second mark, in XMP


@pytest.mark.parametrize("mime", MIMES)
@pytest.mark.parametrize("share", [0.45, 0.6, 0.9])
def test_one_changed_byte_invalidates_the_signature(mime: OutputMime, share: float) -> None:
    plain = rendition(mime)
    damaged = bytearray(content_credentials.sign_media(plain, mime, CREDENTIAL, ORIGIN))
    at = int(len(plain) * share)
    damaged[damaged.index(plain[at : at + 12])] ^= 1  # the manifest itself ends in unsigned padding
    assert content_credentials.verify_media(bytes(damaged), mime).standing in (
        MarkStatus.INVALID,
        MarkStatus.NONE,
    )


def test_signature_of_another_installation_is_valid_but_untrusted() -> None:
    signed = content_credentials.sign_media(
        rendition("image/jpeg"), "image/jpeg", CREDENTIAL, ORIGIN
    )
    other = content_credentials.development_credential(now=NOW)
    assert (
        content_credentials.verify_media(signed, "image/jpeg", anchor=other.anchor).standing
        is MarkStatus.VALID
    )


def test_re_encoding_removes_the_credential() -> None:
    assert (
        content_credentials.verify_media(rendition("image/jpeg"), "image/jpeg").standing
        is MarkStatus.NONE
    )
    signed = content_credentials.sign_media(
        rendition("image/jpeg"), "image/jpeg", CREDENTIAL, ORIGIN
    )
    again = pictures.render_photo(
        pictures.decode_photo(signed, name="x"), pictures.POST_PROFILE
    ).data
    assert content_credentials.verify_media(again, "image/jpeg").standing is MarkStatus.NONE


ELSEWHERE = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    ' xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="w"?>'
)


@pytest.mark.parametrize("mime", MIMES)
def test_remote_manifest_is_never_fetched(mime: OutputMime) -> None:
    asked: list[str] = []

    class Inside(BaseHTTPRequestHandler):
        """A server that is reachable only from this machine."""

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Inside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        xmp = ELSEWHERE.format(
            url=f"http://127.0.0.1:{server.server_port}/latest/meta-data"
        ).encode()
        photo = pictures.decode_photo(encoded(a_picture(), "PNG"), name="x")
        data = pictures.render_photo(photo, RenditionProfile("p", 96, mime), xmp=xmp).data
        mark = content_credentials.verify_media(data, mime)
        server.shutdown()
    assert asked == []
    assert mark.standing in (MarkStatus.NONE, MarkStatus.INVALID)
    assert (mark.engine, mark.source) == ("", "")


def test_unsupported_media_is_refused() -> None:
    with pytest.raises(BadInput):
        content_credentials.sign_media(b"just words", "text/plain", CREDENTIAL, ORIGIN)
    with pytest.raises(BadInput):
        content_credentials.sign_media(b"no picture", "image/jpeg", CREDENTIAL, ORIGIN)


def test_signature_expires_with_its_certificate() -> None:
    old = content_credentials.development_credential(now=datetime(2015, 1, 1, tzinfo=UTC))
    try:
        signed = content_credentials.sign_media(rendition("image/jpeg"), "image/jpeg", old, ORIGIN)
    except BadInput:
        return  # a refusal when signing is fine too
    assert content_credentials.verify_media(signed, "image/jpeg").standing is MarkStatus.INVALID


def test_credential_is_created_once_with_private_permissions(tmp_path: Path) -> None:
    first = content_credentials.load_credential(tmp_path / "keys", now=NOW)
    again = content_credentials.load_credential(tmp_path / "keys", now=NOW + timedelta(days=9))
    assert first == again
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert "PRIVATE" not in repr(first)


def signs(credential: SigningCredential) -> bool:
    signed = content_credentials.sign_media(
        rendition("image/jpeg"), "image/jpeg", credential, ORIGIN
    )
    return (
        content_credentials.verify_media(signed, "image/jpeg", anchor=credential.anchor).standing
        is MarkStatus.TRUSTED
    )


def test_concurrent_starts_share_one_credential_that_signs(tmp_path: Path) -> None:
    for turn in range(5):
        folder, together = tmp_path / str(turn), threading.Barrier(8)

        def first(
            folder: Path = folder, together: threading.Barrier = together
        ) -> SigningCredential:
            together.wait(30)
            return content_credentials.load_credential(folder, now=NOW)

        with ThreadPoolExecutor(8) as pool:
            found = [each.result() for each in [pool.submit(first) for _ in range(8)]]
        assert {(one.chain, one.key, one.anchor) for one in found} == {
            (found[0].chain, found[0].key, found[0].anchor)
        }
        assert content_credentials.load_credential(folder, now=NOW) == found[0]
        assert signs(found[0])


def test_development_credential_is_renewed_before_it_expires(tmp_path: Path) -> None:
    first = content_credentials.load_credential(tmp_path, now=NOW - timedelta(days=3 * 365 - 20))
    signed = content_credentials.sign_media(rendition("image/jpeg"), "image/jpeg", first, ORIGIN)
    again = content_credentials.load_credential(tmp_path, now=NOW)
    assert again.chain != first.chain
    assert content_credentials.load_credential(tmp_path, now=NOW) == again
    assert signs(again)
    assert (
        content_credentials.verify_media(signed, "image/jpeg", anchor=again.anchor).standing
        is MarkStatus.TRUSTED
    )


def test_mismatched_credential_files_are_replaced(tmp_path: Path) -> None:
    """Two processes that start at the same time can leave files in this state."""
    content_credentials.load_credential(tmp_path, now=NOW)
    (tmp_path / "c2pa-key.pem").write_bytes(CREDENTIAL.key)
    assert signs(content_credentials.load_credential(tmp_path, now=NOW))


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the agency's certificate, which expired a year ago."""
    with monkeypatch.context() as named:
        named.setattr(content_credentials, "_DEVELOPMENT", "Agence")
        content_credentials.load_credential(tmp_path, now=NOW - timedelta(days=4 * 365))
    return tmp_path


def lying(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("without", ["", "c2pa-anchor.pem"])
def test_supplied_credential_is_never_replaced(given: Path, without: str) -> None:
    if without:
        (given / without).unlink()
    before = lying(given)
    found = content_credentials.load_credential(given, now=NOW)
    assert (found.chain, found.key) == (before["c2pa-chain.pem"], before["c2pa-key.pem"])
    assert found.anchor == before.get("c2pa-anchor.pem", b"")
    assert lying(given) == before


def test_supplied_certificate_without_its_key_is_reported(given: Path) -> None:
    (given / "c2pa-key.pem").unlink()
    before = lying(given)
    with pytest.raises(EngineMissing) as told:
        content_credentials.load_credential(given, now=NOW)
    assert told.value.message.params["file"] == "c2pa-key.pem"
    assert lying(given) == before


@pytest.mark.parametrize("left", [["chain"], ["chain", "key"], ["key"]])
def test_interrupted_credential_creation_is_repeated(tmp_path: Path, left: list[str]) -> None:
    content_credentials.load_credential(tmp_path, now=NOW)
    for part in {"chain", "key", "anchor"} - set(left):
        (tmp_path / f"c2pa-{part}.pem").unlink()
    found = content_credentials.load_credential(tmp_path, now=NOW)
    assert signs(found)
    assert content_credentials.load_credential(tmp_path, now=NOW) == found


@pytest.mark.parametrize(
    ("engine", "source"),
    [("placeholder", "algorithmicMedia"), ("diffusion", "trainedAlgorithmicMedia")],
)
def test_drawings_by_code_are_not_declared_as_trained_model(engine: str, source: str) -> None:
    assert content_credentials.source_type_of(engine) == source
