"""Where the processes may go: in production to what the settings name and to the public
internet."""

import pytest

from foundation.http.address_policy import allow_any_address, can_connect
from foundation.ops.settings import ConnectorsSettings, SandboxSettings, Settings, WebSettings
from workers.wiring import allowed_reach


def test_only_production_is_bounded() -> None:
    assert allowed_reach(Settings(environment="demo")) is allow_any_address
    assert allowed_reach(Settings(environment="test")) is allow_any_address


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://web:8080", True),
        ("http://sandbox:8490", True),
        ("http://10.0.0.7:9000", True),
        ("http://127.0.0.1:8432", False),
        ("http://169.254.169.254", False),
        ("https://127.0.0.1:2583", False),
        ("https://nowhere.invalid", False),
    ],
)
def test_what_is_ours_and_what_is_not(url: str, allowed: bool) -> None:
    settings = Settings(
        environment="production",
        web=WebSettings(host="0.0.0.0", inside_url="http://web:8080"),
        sandbox=SandboxSettings(inside_url="http://sandbox:8490"),
        connectors=ConnectorsSettings(telegram_url="http://10.0.0.7:9000"),
    )
    assert can_connect(url, allowed_reach(settings)) is allowed
