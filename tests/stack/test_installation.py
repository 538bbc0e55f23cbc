"""Parts of an installation: folder, secrets, ports, commands and doctor."""

import fcntl
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url

from foundation.errors import Conflict, Unavailable
from foundation.ops import settings as house_settings
from foundation.ops.clock import monotonic
from foundation.ops.settings import Settings
from tenants.auth import second_factor
from tenants.vault import envelope, sealed_intake
from tests.conftest import free_port
from tests.stack.conftest import ROOT, Installation
from workers.cli import status
from workers.installation import data_services, ports
from workers.installation import folder as places
from workers.installation.folder import InstallationFolder, read_env, write_env
from workers.runtime import process_table

MASTER, SIGNING = "GREENROOM_TENANTS__MASTER_KEY", "GREENROOM_GATE__SIGNING_KEY"


@pytest.fixture
def home(tmp_path: Path) -> InstallationFolder:
    found = InstallationFolder(tmp_path / "home")
    places.create_folders(found)
    return found


def test_secrets_are_created_once_and_existing_lines_kept(home: InstallationFolder) -> None:
    home.env_file.write_text("# mine\nGREENROOM_WEB__PORT=9000\nGREENROOM_GATE__SIGNING_KEY=\n")
    home.env_file.chmod(0o644)
    places.create_missing_secrets(home)
    first = read_env(home)
    places.create_missing_secrets(home)
    assert read_env(home) == first
    assert first["GREENROOM_WEB__PORT"] == "9000"
    assert len(first["GREENROOM_GATE__SIGNING_KEY"]) == 44
    assert home.env_file.read_text().startswith("# mine\n")
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600
    assert not list(home.folder.glob(".greenroom.env.*"))


def test_existing_keys_are_read_in_every_env_syntax(home: InstallationFolder) -> None:
    """The file is read as shells and settings read it: a key that is not recognized would be
    replaced and the data lost."""
    keys = {name: places.SECRET_FACTORIES[name]() for name in (MASTER, SIGNING)}
    home.env_file.write_text(
        f'export {MASTER}="{keys[MASTER]}"\n{SIGNING.lower()} = {keys[SIGNING]} # of the gate\n'
    )
    places.create_missing_secrets(home)
    found = house_settings.load_settings_of(home.folder)
    assert found.tenants.master_key.get_secret_value() == keys[MASTER]
    assert found.gate.signing_key.get_secret_value() == keys[SIGNING]
    assert found.tenants.letterbox_key == sealed_intake.derive_public_key(
        envelope.parse_master_key(keys[MASTER])
    )


def test_derived_keys_use_the_key_of_the_environment(
    home: InstallationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = places.SECRET_FACTORIES[MASTER]()
    monkeypatch.setenv(MASTER, key)
    places.create_missing_secrets(home)
    found = house_settings.load_settings_of(home.folder)
    assert found.tenants.master_key.get_secret_value() == key
    assert found.tenants.letterbox_key == sealed_intake.derive_public_key(
        envelope.parse_master_key(key)
    )
    assert found.tenants.door_key.get_secret_value() == second_factor.derive_door_key(
        envelope.parse_master_key(key)
    )
    assert MASTER not in read_env(home)  # a key stored elsewhere must not be copied into the file


def test_home_folder_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    places.create_folders(InstallationFolder(tmp_path / "home"))
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(Unavailable) as caught:
        places.create_folders(InstallationFolder(tmp_path / "home"))
    assert caught.value.message.code == "stack.folder_unwritable"


def test_lock_names_its_holder_until_release(home: InstallationFolder) -> None:
    assert places.running_supervisor_pid(home) is None
    lock = places.acquire_lock(home)
    assert places.running_supervisor_pid(home) == os.getpid()
    with pytest.raises(Conflict) as caught:
        places.acquire_lock(home)
    assert caught.value.message.params == {"pid": os.getpid()}
    lock.release()
    assert places.running_supervisor_pid(home) is None


def test_check_of_the_lock_does_not_block_a_start(home: InstallationFolder) -> None:
    """`status` and `up --detach` check the lock while another process starts; a busy machine may
    pause them in between."""
    with (home.folder / "lock").open("a") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        over = threading.Timer(0.1, fcntl.flock, (asking, fcntl.LOCK_UN))
        over.start()
        places.acquire_lock(home).release()
        over.join()


def test_unwritable_folder_raises_unavailable(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(Unavailable):
        places.write_atomically(tmp_path / "run" / "state.json", "{}")


@pytest.mark.parametrize(("lines", "shown"), [(0, []), (1, ["two"]), (9, ["one", "two"])])
def test_logs_print_the_requested_number_of_lines(
    home: InstallationFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: int,
    shown: list[str],
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(home.folder))
    home.log_file("web").write_text("one\ntwo\n")
    status.print_logs("web", follow=False, lines=lines)
    assert capsys.readouterr().out.split() == shown


HOLDS = """
import os, signal, sys, time
from pathlib import Path
from workers.installation import folder
kept = folder.acquire_lock(folder.InstallationFolder(Path(sys.argv[1])))
print("held", flush=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
time.sleep(60)
"""


def test_installation_that_ends_at_once_is_stopped(
    home: InstallationFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(home.folder))
    monkeypatch.setenv("LANG", "C")
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home.folder)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert held.stdout is not None
    assert held.stdout.readline() == b"held\n"
    threading.Thread(target=held.wait).start()  # its parent reaps it, as a shell does
    status.stop_installation(now=True)
    assert "Stopped." in capsys.readouterr().out
    held.stdout.close()


def test_logs_are_rotated_by_size(home: InstallationFolder) -> None:
    log = home.log_file("web")
    for number in range(5):
        with log.open("wb") as file:
            file.truncate(places.LOG_MIB * places.MIB)
            file.write(str(number).encode())
        places.rotate_log(log)
    assert sorted(path.name for path in log.parent.iterdir()) == [
        "web.log.1",
        "web.log.2",
        "web.log.3",
    ]
    assert (log.parent / "web.log.1").read_bytes()[:1] == b"4"


def test_default_addresses_follow_their_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        home=tmp_path,
        web={"port": free_port()},
        dashboard={"port": free_port(), "public_url": "https://a.example"},
    )
    values, moved = ports.choose_ports(settings)
    assert values["GREENROOM_WEB__PUBLIC_URL"] == f"http://127.0.0.1:{settings.web.port}"
    assert "GREENROOM_DASHBOARD__PUBLIC_URL" not in values
    assert [move for move in moved if move.name == "web"] == []
    with socket.create_server(("127.0.0.1", settings.web.port)):
        values, moved = ports.choose_ports(settings)
        assert int(values["GREENROOM_WEB__PORT"]) != settings.web.port
        monkeypatch.setenv("GREENROOM_WEB__PORT", str(settings.web.port))
        with pytest.raises(Unavailable) as caught:
            ports.choose_ports(settings)
    assert caught.value.message.code == "stack.port_busy"


@pytest.mark.parametrize(
    ("name", "is_socket"), [("home", True), ("home" * 30, False), ("a,b", False)]
)
def test_database_is_reached_by_socket_where_its_path_is_usable(name: str, is_socket: bool) -> None:
    home = InstallationFolder(Path("/srv") / name)
    settings = Settings(home=home.folder, workers={"postgres_port": 8433})
    address = make_url(data_services.superuser_url(settings))
    assert address.query["port"] == "8433"
    assert address.query["host"] == (str(home.postgres_folder) if is_socket else "127.0.0.1")


def test_external_address_is_not_embedded(
    home: InstallationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(home.folder))
    places.create_missing_secrets(home)
    write_env(
        home,
        data_services.embedded_addresses(house_settings.load_settings(), database=True, redis=True),
    )
    assert data_services.is_database_embedded(house_settings.load_settings())
    assert data_services.is_redis_embedded(house_settings.load_settings())
    monkeypatch.setenv("GREENROOM_REDIS__URL", "redis://:else@127.0.0.1:1/0")
    for login in data_services.DATABASE_LOGINS:
        monkeypatch.setenv(
            f"GREENROOM_DATABASE__{login.upper()}_URL", "postgresql+psycopg://me:else@127.0.0.1/db"
        )
    assert not data_services.is_database_embedded(house_settings.load_settings())
    assert not data_services.is_redis_embedded(house_settings.load_settings())


def test_help_loads_no_product_packages() -> None:
    started = monotonic()
    probe = "import sys; sys.argv = ['greenroom', '--help']\nfrom workers.cli.main import main\n"
    probe += "try: main()\nexcept SystemExit: pass\n"
    probe += (
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('foundation', 'sqlalchemy', "
        "'pydantic')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert monotonic() - started < 5  # the benchmark measures the exact time


@pytest.mark.parametrize(
    ("environment", "words", "code"),
    [
        ({"GREENROOM_WEB__PORT": "many"}, "The setting GREENROOM_WEB__PORT is not valid", 2),
        ({"GREENROOM_HOME": "/proc/nowhere"}, "Can’t write to /proc/nowhere", 3),
        (
            {"GREENROOM_HOME": "/proc/nowhere", "LANG": "fr_FR.UTF-8"},
            "Impossible d’écrire dans /proc/nowhere",
            3,
        ),
    ],
)
def test_errors_are_one_sentence(
    tmp_path: Path, environment: dict[str, str], words: str, code: int
) -> None:
    house = Installation(InstallationFolder(tmp_path / "home"), environment=environment)
    done = house.command("up")
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_doctor_works_before_the_first_start_and_while_running(
    tmp_path: Path, house: Installation
) -> None:
    early = Installation(InstallationFolder(tmp_path / "nothing")).command("doctor", "--json")
    assert early.returncode == 0
    assert not (tmp_path / "nothing").exists()
    house.up()
    found = {
        finding["part"]: finding for finding in json.loads(house.command("doctor", "--json").stdout)
    }
    assert {part for part, finding in found.items() if finding["verdict"] == "bad"} == set()
    assert found["walls"]["verdict"] == "fine"
    assert "without superuser rights" in found["database work"]["says"]
    house.home.folder.chmod(0o755)
    ill = house.command("doctor")
    assert ill.returncode == 3
    assert re.search("✗ +Folder", ill.stdout)
    logs = house.command("logs", "postgres", "-n", "1").stdout
    assert len(logs.splitlines()) == 1
    missing = house.command("logs", "nobody")
    assert missing.returncode == 4
    assert "postgres" in missing.stderr


@pytest.mark.slow
def test_detached_installation_outlives_its_terminal(house: Installation) -> None:
    house.environment["GREENROOM_ENVIRONMENT"] = "production"
    house.environment["GREENROOM_WORKERS__METRICS_PORT"] = str(
        free_port()
    )  # the port of the child processes, not of the supervisor
    script = (
        "import sys; from workers.runtime import background_start; "
        "sys.exit(background_start.start_in_background('tests.stack.start_command:calm'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=house.variables(),
        check=False,
    )
    assert "Start PostgreSQL" in done.stderr
    assert house.report().phase == "up"
    assert house.command("down").returncode == 0
    assert house.living() == []


def test_number_of_senders_follows_the_settings() -> None:
    def named(senders: int) -> list[str]:
        settings = Settings(workers={"senders": senders})
        return [
            row.name
            for row in process_table.expand_scaled_processes(process_table.PROCESS_TABLE, settings)
        ]

    assert named(1) == [row.name for row in process_table.PROCESS_TABLE]
    found = named(3)
    assert found[found.index("send") :][:3] == ["send", "send-2", "send-3"]
    assert len(found) == len(set(found)) == len(process_table.PROCESS_TABLE) + 2
