"""HTTPS with the operator's own certificate: served besides HTTP, and checked before a start."""

import datetime
import ipaddress
import ssl
import threading
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from foundation.errors import BadInput
from foundation.ops.clock import wall_now
from foundation.ops.settings import DashboardSettings, Settings, TlsSettings, WebSettings
from tests.conftest import free_port, wait_until
from workers.runtime import listening_socket, start_summary, tls
from workers.runtime.asgi_server import ReadyServer, server_config


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsSettings:
    """Return the settings of a certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = wall_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return TlsSettings(
        certificate=str(folder / "cert.pem"), key=str(folder / "key.pem"), host="127.0.0.1"
    )


async def scheme(request: Request) -> Response:
    return PlainTextResponse(request.url.scheme)


def test_one_process_serves_https_and_local_http(files: TlsSettings) -> None:
    port, secure = free_port(), free_port()
    listener = tls.open_tls_listener(files, secure)
    app = Starlette(routes=[Route("/", scheme)])
    server = ReadyServer(server_config(app), listener)
    plain = listening_socket.create_socket("127.0.0.1", port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [plain]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        trusted = ssl.create_default_context(cafile=files.certificate)
        https = httpx.get(f"https://127.0.0.1:{secure}/", verify=trusted)
        assert https.text == "https"
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "http"
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{secure}/")
    finally:
        server.should_exit = True
        thread.join(60)


def settings_with(own: TlsSettings, *, dashboard: str, web: str, host: str = "") -> Settings:
    return Settings(
        environment="production",
        tls=own,
        dashboard=DashboardSettings(public_url=dashboard, host=host or "127.0.0.1"),
        web=WebSettings(public_url=web),
    )


def test_start_names_the_setting_that_is_wrong(files: TlsSettings, tmp_path: Path) -> None:
    right = {"dashboard": "https://team.example:8444", "web": "https://pages.example:8443"}
    tls.check_tls(settings_with(files, **right))
    tls.check_tls(settings_with(TlsSettings(), dashboard="http://a", web="http://b"))
    with pytest.raises(BadInput) as refused:
        tls.check_tls(settings_with(files, **right | {"web": "http://pages.example"}))
    assert refused.value.message.params == {"name": "GREENROOM_WEB__PUBLIC_URL"}
    (tmp_path / "empty.pem").touch()
    for wrong in (str(tmp_path / "empty.pem"), str(tmp_path / "missing.pem"), files.certificate):
        with pytest.raises(BadInput, match=r"tls\.unreadable"):
            tls.check_tls(settings_with(files.model_copy(update={"key": wrong}), **right))
    with pytest.raises(ValidationError, match="need each other"):
        TlsSettings(certificate=files.certificate)


@pytest.mark.parametrize(
    ("dashboard", "host", "warned"),
    [
        ("http://localhost:8501", "", False),
        ("http://team.example:8501", "0.0.0.0", True),
        ("http://localhost:8501", "0.0.0.0", True),
        ("https://team.example", "0.0.0.0", False),
    ],
)
def test_production_warns_of_addresses_without_encryption(
    dashboard: str, host: str, warned: bool
) -> None:
    own = settings_with(TlsSettings(), dashboard=dashboard, web="http://127.0.0.1:8080", host=host)
    assert start_summary.find_unencrypted_addresses(own) == ([dashboard] if warned else [])
    demo = own.model_copy(update={"environment": "demo"})
    assert start_summary.find_unencrypted_addresses(demo) == []
