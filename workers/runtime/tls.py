"""HTTPS with the operator's own certificate, for an installation without a TLS proxy."""

import socket
import ssl
from dataclasses import dataclass

from foundation.errors import BadInput
from foundation.ops.settings import Settings, TlsSettings
from workers.runtime import listening_socket


@dataclass(frozen=True)
class TlsListener:
    """A socket on which a web process serves HTTPS besides its HTTP port on this machine."""

    socket: socket.socket
    context: ssl.SSLContext


def check_tls(settings: Settings) -> None:
    """Check the certificate, the key and the public addresses before a start. Raises BadInput with
    the name of the wrong setting."""
    if not settings.tls.certificate:
        return
    load_tls_context(settings.tls)
    for name, address in (
        ("GREENROOM_DASHBOARD__PUBLIC_URL", settings.dashboard.public_url),
        ("GREENROOM_WEB__PUBLIC_URL", settings.web.public_url),
    ):
        if not address.startswith("https://"):
            raise BadInput("tls.address", name=name)


def open_tls_listener(tls: TlsSettings, port: int) -> TlsListener | None:
    """Return a listener on `port`, or None without a certificate. Raises BadInput, and OSError if
    the port is taken."""
    if not tls.certificate:
        return None
    context = load_tls_context(tls)
    return TlsListener(listening_socket.create_socket(tls.host, port), context)


def load_tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Load certificate and key. Raises BadInput if a file is missing, is not in PEM format or does
    not belong to the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key that is encrypted would be asked for on the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BadInput("tls.unreadable", certificate=tls.certificate, key=tls.key) from error
    return context
