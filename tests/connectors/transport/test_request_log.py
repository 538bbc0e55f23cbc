"""Request log: the path as a template of the platform, without identifiers."""

import pytest

from connectors.transport.request_log import path_template


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/{account}/posts/9f2c?key=abc", "/api/{account}/posts/*"),
        ("/api/{account}/chats/lea/messages", "/api/{account}/chats/*/messages"),
        ("/bot{token}/sendMessage", "/bot{token}/sendMessage"),
        ("/bot123456:AAHk3/sendMessage", "/*/sendMessage"),
        ("/xrpc/com.atproto.repo.createRecord", "/xrpc/com.atproto.repo.createRecord"),
        ("/channels/1122334455/messages/99", "/channels/*/messages/*"),
        ("/api/v10/users/@me", "/api/v10/users/@me"),
        ("/users/maria.example.org", "/users/*"),
        ("/interactions/12/aW50ZXJhY3Rpb24/callback", "/interactions/*/*/callback"),
        ("/house/{account}/files/" + "a" * 64, "/house/{account}/files/*"),
        ("", ""),
    ],
)
def test_path_template_hides_all_identifiers(path: str, told: str) -> None:
    assert path_template(path) == told
