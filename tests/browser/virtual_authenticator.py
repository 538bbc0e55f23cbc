"""A virtual authenticator in Chromium (CDP, WebAuthn domain:
https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn)."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession

from tests.browser.chromium import Visitor


@dataclass(frozen=True)
class VirtualAuthenticator:
    """A virtual device of a visitor."""

    session: CDPSession
    id: str

    def all(self) -> list[dict[str, Any]]:
        """Return the passkeys of the device."""
        return list(self._send("getCredentials")["credentials"])

    def gives(self, other: "VirtualAuthenticator") -> None:
        """Copy the passkeys to another device."""
        for one in self.all():
            other._send("addCredential", credential=one)

    def shows_who(self, verified: bool) -> None:
        """Set the result of the device's user verification."""
        self._send("setUserVerified", isUserVerified=verified)

    def _send(self, what: str, **params: Any) -> dict[str, Any]:
        return dict(self.session.send(f"WebAuthn.{what}", {"authenticatorId": self.id, **params}))


def add_virtual_authenticator(visitor: Visitor) -> VirtualAuthenticator:
    """Add a device with user verification to the visitor's browser."""
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return VirtualAuthenticator(session, str(made["authenticatorId"]))
