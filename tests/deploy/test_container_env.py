"""`greenroom deploy env`: every variable of docker-compose.yml, with new secrets each time."""

import base64

import pytest

from foundation.errors import BadInput
from tenants.auth import second_factor
from tenants.vault import envelope, sealed_intake
from tests.deploy.compose import compose
from workers.installation.container_env import compose_variables

SECRETS = ("_PASSWORD", "_KEY")


def test_every_required_variable_is_generated_and_no_other() -> None:
    asked = compose().variables
    given = compose_variables(demo=True)
    assert {name for name, rest in asked.items() if rest.startswith(":?")} <= set(given)
    assert set(given) - set(asked) == {"COMPOSE_PROFILES"}
    assert compose().filled(dict(given))["services"]["web"]


def test_secrets_are_new_each_time() -> None:
    one, other = compose_variables(), compose_variables()
    secrets = [name for name in one if name.endswith(SECRETS)]
    assert len(secrets) == 12
    for name in secrets:
        assert one[name] != other[name], name
        assert len(one[name]) >= 18, name
        assert not set(one[name]) & set("$#'\" \\"), name


def test_keys_match_each_other() -> None:
    given = compose_variables()
    master = envelope.parse_master_key(given["GREENROOM_TENANTS__MASTER_KEY"])
    assert given["GREENROOM_TENANTS__LETTERBOX_KEY"] == sealed_intake.derive_public_key(master)
    assert given["GREENROOM_TENANTS__DOOR_KEY"] == second_factor.derive_door_key(master)
    assert len(base64.b64decode(given["GREENROOM_GATE__SIGNING_KEY"])) == 32


def test_proxy_is_enabled_for_https_addresses() -> None:
    assert compose_variables()["COMPOSE_PROFILES"] == ""
    assert compose_variables(demo=True)["COMPOSE_PROFILES"] == "demo"
    given = compose_variables(
        dashboard="https://team.example.test/", public="https://pages.example.test"
    )
    assert (given["COMPOSE_PROFILES"], given["GREENROOM_ENVIRONMENT"]) == ("tls", "production")
    assert given["GREENROOM_DASHBOARD__PUBLIC_URL"] == "https://team.example.test"


@pytest.mark.parametrize(
    ("dashboard", "public", "code"),
    [
        ("team.example.test", "", "deploy.address"),
        ("", "https://pages.example.test/shop", "deploy.address"),
        ("", "https://pages.example.test\nX=1", "deploy.address"),
        ("https://a.example.test", "https://a.example.test:8443", "deploy.one_host"),
    ],
)
def test_invalid_addresses_are_refused(dashboard: str, public: str, code: str) -> None:
    with pytest.raises(BadInput) as raised:
        compose_variables(dashboard=dashboard, public=public)
    assert raised.value.message.code == code
