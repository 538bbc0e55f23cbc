"""docker-compose.yml against the compose specification and the project's rules. No container engine
is needed."""

import json
import re
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from foundation.ops.settings import SandboxSettings, Settings
from tests.deploy.compose import ROOT, Compose, compose
from workers import run
from workers.installation import container_status
from workers.installation.container_env import compose_variables
from workers.runtime import process_table

SCHEMA = json.loads((Path(__file__).parent / "compose.schema.json").read_text("utf-8"))
PINNED = re.compile(r"[a-z0-9./-]+:(?:v?\d+\.\d+\.\d+|\d+\.\d+)(?:-[a-z]+)?")
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$|USER$|TOKEN|_URL$")
METRICS = 9464


@pytest.fixture(scope="module")
def file() -> Compose:
    return compose()


def names_of_settings() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        group = getattr(field.annotation, "model_fields", None)
        names |= (
            {f"GREENROOM_{name}__{part}".upper() for part in group}
            if group
            else {f"GREENROOM_{name}".upper()}
        )
    return names


def environment(service: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = service.get("environment", {})
    return found


def test_file_matches_the_compose_specification(file: Compose) -> None:
    jsonschema.validate(file.tree, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "web", "healthcheck", "interval"), "often"),
        (("services", "web", "environment", "PORT"), 8080),
        (("services", "web", "depends_on", "postgres"), {"condition": "started"}),
        (("services", "web", "privileged"), True),
        (("servces",), {}),
    ],
)
def test_planted_mistake_is_found(file: Compose, path: tuple[str, ...], value: object) -> None:
    planted = json.loads(json.dumps(file.tree))
    place = planted
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(planted, SCHEMA)


def test_named_services_networks_and_volumes_exist(file: Compose) -> None:
    for name, service in file.services.items():
        assert set(service.get("depends_on", {})) <= set(file.services), name
        assert set(service["networks"]) <= set(file.tree["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (
                (ROOT / source).exists()
                if source.startswith(".")
                else source in file.tree["volumes"]
            ), volume


def test_dependencies_can_meet_their_condition(file: Compose) -> None:
    for name, service in file.services.items():
        for other, how in service.get("depends_on", {}).items():
            waited = file.services[other]
            once = waited["restart"] == "no"
            assert (how["condition"] == "service_completed_successfully") == once, (name, other)
            assert once or "healthcheck" in waited, (name, other)
            assert set(waited.get("profiles", [])) <= set(service.get("profiles", [])), (
                name,
                other,
            )


def test_every_image_is_pinned_and_every_service_has_a_healthcheck(file: Compose) -> None:
    for name, service in file.services.items():
        assert PINNED.fullmatch(service["image"]), service["image"]
        assert ("healthcheck" in service) == (service["restart"] != "no"), name


def test_services_run_processes_of_the_table(file: Compose) -> None:
    table = {row.name: row for row in process_table.PROCESS_TABLE}
    assert {row.name for row in process_table.PROCESS_TABLE if not row.on_demand} <= set(file.ours)
    for name, service in file.ours.items():
        process, *rest = service["command"]
        if rest:
            main, step = rest
            assert step == "--step"
            assert callable(run.resolve_function(main)), main
            assert service["restart"] == "no"
        else:
            assert table[process].name == name
            assert callable(run.resolve_function(table[process].main))
            grace = float(service.get("stop_grace_period", "10s").removesuffix("s"))
            assert grace >= table[process].grace_s, name


def test_every_greenroom_variable_is_a_setting(file: Compose) -> None:
    known = names_of_settings()
    for name, service in file.services.items():
        ours = {variable for variable in environment(service) if variable.startswith("GREENROOM_")}
        assert ours <= known, (name, ours - known)
    assert {name for name in file.variables if name.startswith("GREENROOM_")} <= known


def test_settings_load_from_the_environment_of_each_service(
    file: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = file.filled(dict(compose_variables(demo=True)))
    for name in file.ours:
        with monkeypatch.context() as patch:
            for variable, value in tree["services"][name]["environment"].items():
                patch.setenv(variable, value)
            settings = Settings(home=Path("/nowhere"))
        assert settings.workers.metrics_port == METRICS
        assert settings.environment == "demo", name


def test_file_contains_no_secret(file: Compose) -> None:
    for name, service in file.services.items():
        for variable, value in environment(service).items():
            if SECRET.search(variable) and not value.startswith(("http://", "https://")):
                assert value.startswith("${") or ":${" in value, (name, variable)
    must = {name for name, rest in file.variables.items() if rest.startswith(":?")}
    assert all(rest.startswith((":?", ":-")) for rest in file.variables.values()), file.variables
    ours = {
        name: rest for name, rest in file.variables.items() if name != "GREENROOM_MAIL__PASSWORD"
    }  # empty if no mail is sent
    assert not [
        name for name, rest in ours.items() if "PASSWORD" in name and not rest.startswith(":?")
    ]
    assert must <= set(compose_variables())


def test_web_processes_get_no_key_and_only_their_login(file: Compose) -> None:
    keys = {"GREENROOM_TENANTS__MASTER_KEY", "GREENROOM_GATE__SIGNING_KEY", "GREENROOM_REDIS__URL"}
    logins = {f"GREENROOM_DATABASE__{login}_URL" for login in ("OWNER", "WORK", "SUPERUSER")}
    for door in ("web", "dashboard"):
        assert not set(environment(file.services[door])) & (keys | logins), door
        assert "queue" not in file.services[door]["networks"]
    for name in set(file.ours) - {"migrate"}:
        assert "GREENROOM_DATABASE__SUPERUSER_URL" not in environment(file.services[name]), name


def test_containers_have_minimal_privileges(file: Compose) -> None:
    for name, service in file.ours.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
    for name, service in file.services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_temporary_folders_belong_to_the_user_of_the_service(file: Compose) -> None:
    """A tmpfs over an existing folder of an image belongs to root: Valkey never started once."""
    for name, service in file.services.items():
        for mount in service.get("tmpfs", []):
            _, _, given = mount.partition(":")
            options = dict(option.partition("=")[::2] for option in given.split(","))
            uid, _, gid = service.get("user", "0:0").partition(":")
            owner = (options.get("uid"), options.get("gid"))
            assert options.get("mode") == "1777" or owner == (uid, gid), (name, mount)


def test_published_ports_can_be_changed(file: Compose) -> None:
    """The containers must run beside `greenroom up` on one machine."""
    moved = file.filled(dict(compose_variables(demo=True, port_offset=10000)))
    default = file.filled(dict(compose_variables(demo=True)))
    for name in file.services:
        if name == "caddy":  # the proxy keeps the ports of HTTP and HTTPS
            continue
        for before, after in zip(
            default["services"][name].get("ports", []),
            moved["services"][name].get("ports", []),
            strict=True,
        ):
            assert int(after.split(":")[1]) == int(before.split(":")[1]) + 10000, name
    environment_of_web = moved["services"]["web"]["environment"]
    assert environment_of_web["GREENROOM_DASHBOARD__PUBLIC_URL"] == "http://localhost:18501"
    assert environment_of_web["GREENROOM_PUBLIC_URL"] == "http://127.0.0.1:18080"


def test_status_asks_every_service_that_runs_a_process(file: Compose) -> None:
    steady = {name: one for name, one in file.ours.items() if one["restart"] != "no"}
    assert set(steady) == {*container_status.SERVICES, container_status.TEST_NETWORK_SERVICE}
    # Commands run in `make`: it reaches the others at the port of their metrics.
    for name, service in steady.items():
        assert "watch" in service["networks"], name


def test_links_of_the_test_network_lead_to_its_published_port(file: Compose) -> None:
    tree = file.filled(dict(compose_variables(demo=True, port_offset=10000)))
    port = tree["services"]["sandbox"]["environment"]["GREENROOM_SANDBOX__PORT"]
    assert tree["services"]["sandbox"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    sandbox = SandboxSettings(port=int(port), inside_host="sandbox")
    assert sandbox.public_url == "http://127.0.0.1:18490"
    assert all(
        one["environment"]["GREENROOM_SANDBOX__INSIDE_HOST"] == "sandbox"
        for name, one in tree["services"].items()
        if name in file.ours
    )


def test_only_the_proxy_is_reachable_from_outside(file: Compose) -> None:
    for name, service in file.services.items():
        for port in service.get("ports", []):
            host = port.split(":")[0]
            assert name == "caddy" or ip_address(host).is_loopback, (name, port)
    assert file.services["caddy"]["profiles"] == ["tls"]
    assert {name for name, one in file.services.items() if one.get("profiles") == ["demo"]} == {
        "seed",
        "sandbox",
    }


def test_data_services_are_only_on_internal_networks(file: Compose) -> None:
    for store in ("postgres", "redis", "s3"):
        assert "ports" not in file.services[store]
        assert all(
            file.tree["networks"][network].get("internal")
            for network in file.services[store]["networks"]
        )


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    """Validates the file with docker's compose plugin, if it is installed."""
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no docker compose here")
    given = tmp_path / "env"
    given.write_text(
        "".join(f"{name}={value}\n" for name, value in compose_variables(demo=True).items()),
        "utf-8",
    )
    command = [docker, "compose", "--env-file", str(given), "--profile", "tls", "--profile", "demo"]
    done = subprocess.run(
        [*command, "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
