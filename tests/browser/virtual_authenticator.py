"""A virtual authenticator in Chromium (CDP, WebAuthn domain:
https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn)."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession

from tests.browser.chromium import Visitor


@dataclass(frozen=True)
class VirtualAuthenticator:
    """What a visitor's device holds."""

    session: CDPSession
    id: str

    def all(self) -> list[dict[str, Any]]:
        """The passkeys it has."""
        return list(self._send("getCredentials")["credentials"])

    def gives(self, other: "VirtualAuthenticator") -> None:
        """Another device has the same passkeys now."""
        for one in self.all():
            other._send("addCredential", credential=one)

    def shows_who(self, verified: bool) -> None:
        """Whether the finger it is shown is the right one."""
        self._send("setUserVerified", isUserVerified=verified)

    def _send(self, what: str, **params: Any) -> dict[str, Any]:
        return dict(self.session.send(f"WebAuthn.{what}", {"authenticatorId": self.id, **params}))


def add_virtual_authenticator(visitor: Visitor) -> VirtualAuthenticator:
    """A device of this visitor's own, with a finger that it knows."""
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
