"""Connectors of plugins: loaded if valid, skipped with a reason otherwise, without side effects on
other connectors."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import LookupQuery, PlatformCopy
from connectors.contract.outcomes import Retry, Unknown
from connectors.registry import loader, shipped_policies
from foundation.http.address_policy import can_connect
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from foundation.ops.settings import Settings
from gate.contract.units import Rating, Subject, Text, Unit, Verdict
from gate.policy import bundle, plugin_place_rules
from tests.fakes.installed_packages import clear_plugin_caches, install_example, install_package
from workers import wiring
from workers.cli.platforms import capability_table
from workers.doctor import examination
from workers.doctor.findings import FindingLevel as Found

GROUP = "greenroom.connectors"
WHOLE = """
from dataclasses import replace
from connectors.contract.account_setup import ConnectForm as F
from connectors.platforms.sandbox.publisher import Sandbox
class One(Sandbox):
    contract = 2
    capabilities = replace(Sandbox.capabilities, platform="{name}", address="https://api.{name}.example")
"""
CONNECTS = "connect = verify_account = lambda self: 0"


def whole(name: str, instead: str = "", by: str = "") -> str:
    code = WHOLE.format(name=name)
    assert instead in code
    return code.replace(instead, by) if instead else code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory on the import path for installed packages, with cleared caches."""
    monkeypatch.syspath_prepend(tmp_path)
    clear_plugin_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    clear_plugin_caches()


def brings(folder: Path, package: str, platform: str, code: str, named: str = "One") -> None:
    install_package(
        folder, package, {GROUP: {platform: f"{package.replace('-', '_')}:{named}"}}, code
    )


def why(platform: str = "acme") -> list[str]:
    """Return the reasons for which plugins of a platform were skipped."""
    return [
        one.why.code.rpartition(".")[2]
        for one in loader.load_plugin_connectors().left_out
        if one.platform == platform
    ]


def test_without_plugins_only_builtin_connectors_load(folder: Path) -> None:
    assert set(loader.load_connectors()) == set(loader.load_builtin_connectors())
    assert loader.load_plugin_connectors().left_out == ()


def test_valid_plugin_is_loaded_beside_builtin_connectors(folder: Path) -> None:
    install_example(folder)
    found = loader.load_connectors()
    assert set(found) == {*loader.load_builtin_connectors(), "acme"}
    assert found["acme"].capabilities.platform == "acme"
    assert loader.load_plugin_connectors().packages == {"acme": "acme-greenroom 1.0"}
    assert "acme" in loader.connectable_platforms(found)
    assert loader.load_plugin_connectors().left_out == ()


UNUSABLE = {
    "raises": whole("acme", "class One", "raise RuntimeError('no')\nclass One"),
    "exits": whole("acme", "class One", "raise SystemExit('no')\nclass One"),
    "has no such name": whole("acme", "class One", "class Other"),
    "needs an argument": whole(
        "acme", "    contract", "    def __init__(self, more): ...\n    contract"
    ),
    "computes its contract": whole(
        "acme", "contract = 2", "contract = property(lambda self: 1 / 0)"
    ),
    "computes its form": whole(
        "acme", "contract = 2", "contract = 2; form = property(lambda self: exit(3)); " + CONNECTS
    ),
    "is not Python": "class",
}
UNFIT = {
    "nothing": ("One = object", "no_connector"),
    "a number": ("def One(): return 3", "no_connector"),
    "no lookup": (whole("acme", "contract = 2", "contract = 2; look_up = None"), "no_connector"),
    "no capabilities": (
        whole("acme", "contract = 2", "contract = 2\n    one = 0") + "    capabilities = {}\n",
        "no_connector",
    ),
    "no listener": (whole("acme", "contract = 2", "contract = 2; listen = None"), "no_connector"),
    "no form": (
        whole("acme", "contract = 2", "contract = 2; form = 3; " + CONNECTS),
        "no_connector",
    ),
    "setup minutes as text": (
        whole("acme", "contract = 2", "contract = 2; form = F((), minutes='2'); " + CONNECTS),
        "no_connector",
    ),
    "a limit as text": (
        whole("acme", 'platform="acme"', 'platform="acme", max_text="9"'),
        "no_connector",
    ),
    "an invalid surface": (
        whole("acme", 'platform="acme"', 'platform="acme", surfaces=("post", 3)'),
        "no_connector",
    ),
    "an invalid price": (
        whole("acme", 'platform="acme"', 'platform="acme", cost="dear"'),
        "no_connector",
    ),
    "crossposts without an option": (
        whole("acme", 'platform="acme"', 'platform="acme", passes_on="x"'),
        "no_connector",
    ),
    "declares itself in-house": (
        whole("acme", 'platform="acme"', 'platform="acme", in_house=True'),
        "no_connector",
    ),
    "declares manual posting": (
        whole("acme", 'platform="acme"', 'platform="acme", hand_over=True'),
        "no_connector",
    ),
    "declares replacement": (
        whole("acme", 'platform="acme"', 'platform="acme", replaces=True'),
        "no_connector",
    ),
    "an older contract": (whole("acme", "contract = 2", "contract = 1"), "contract"),
    "no contract": (whole("acme", "contract = 2", "pass"), "contract"),
    "another platform": (whole("acme", 'platform="acme"', 'platform="x"'), "platform"),
    "in the clear": (whole("acme", "https:", "http:"), "address"),
    "an address with a name": (whole("acme", "https://api", "https://me@api"), "address"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_failing_plugin_is_skipped_and_others_load(folder: Path, name: str) -> None:
    brings(folder, "bad", "acme", UNUSABLE[name])
    install_example_as_other(folder)
    assert set(loader.load_connectors()) == {*loader.load_builtin_connectors(), "other"}
    assert why() == ["raises"]


def install_example_as_other(folder: Path) -> None:
    brings(folder, "other", "other", whole("other"))


@pytest.mark.parametrize("name", UNFIT)
def test_plugin_without_the_contract_is_skipped(folder: Path, name: str) -> None:
    code, reason = UNFIT[name]
    brings(folder, "bad", "acme", code)
    assert set(loader.load_connectors()) == set(loader.load_builtin_connectors())
    assert why() == [reason]


@pytest.mark.parametrize("name", ["x", "own_page", "byhand"])
def test_plugin_cannot_replace_a_builtin_connector(folder: Path, name: str) -> None:
    brings(folder, "thief", name, whole(name, "class One", "raise SystemExit\nclass One"))
    assert loader.load_connectors()[name] is not None
    assert type(loader.load_connectors()[name]) is type(loader.load_builtin_connectors()[name])
    assert why(name) == ["ours"]


@pytest.mark.parametrize(
    "name", ["bluesky_pages", "acme_pages", "acme_auth", "x_2", "Acme", "a", "a" * 32, "a.b", "9a"]
)
def test_ambiguous_platform_name_is_refused(folder: Path, name: str) -> None:
    brings(folder, "thief", name, whole(name))
    assert set(loader.load_connectors()) == set(loader.load_builtin_connectors())
    assert why(name) == ["name"]


def test_two_plugins_of_one_platform_are_both_skipped(folder: Path) -> None:
    for package in ("one-acme", "two-acme"):
        brings(folder, package, "acme", whole("acme"))
    assert set(loader.load_connectors()) == set(loader.load_builtin_connectors())
    assert why() == ["twice", "twice"]
    assert {one.package for one in loader.load_plugin_connectors().left_out} == {
        "one-acme 1.0",
        "two-acme 1.0",
    }


def test_unreadable_metadata_does_not_hide_other_plugins(folder: Path) -> None:
    install_example(folder)
    install_package(folder, "broken", {})
    (folder / "broken-1.0.dist-info/entry_points.txt").write_text(f"[{GROUP}]\nno entry point\n")
    assert "acme" in loader.load_connectors()
    assert len(shipped_policies.shipped_policies()) == 1


def test_skipped_plugin_is_logged_once_and_reported_by_doctor(folder: Path) -> None:
    brings(folder, "bad", "acme", UNUSABLE["raises"])
    with capture_logs() as logs:
        loader.load_connectors()
        loader.load_connectors()
    assert [(entry["event"], entry["package"], entry["why"]) for entry in logs] == [
        ("connector.left_out", "bad 1.0", "raises")
    ]
    [finding] = examination.check_connector_packages()
    assert (finding.level, finding.message.params["error"]) == (Found.WARN, "RuntimeError")
    assert "bad 1.0" in render_message(finding.message, "fr")


def test_doctor_reports_the_package_of_each_plugin(folder: Path) -> None:
    install_example(folder)
    [finding] = examination.check_connector_packages()
    assert finding.part == "connectors"
    assert (finding.level, render_message(finding.message, "en")) == (
        Found.OK,
        "acme-greenroom 1.0 provides acme",
    )


def test_plugin_base_url_is_overridden_by_settings(folder: Path) -> None:
    install_example(folder)
    found, settings = loader.load_connectors(), Settings().connectors.base_urls
    assert loader.base_addresses(found, settings) == {
        **settings,
        "acme": "https://api.acme.example",
    }
    assert loader.base_addresses(found, {"acme": "http://127.0.0.1:1"}) == {
        "acme": "http://127.0.0.1:1"
    }


def test_plugin_url_in_production_is_limited_to_public_hosts(folder: Path) -> None:
    """Its base URL is not among those in the settings, so the egress guard limits it to public
    hosts."""
    brings(
        folder,
        "inside",
        "acme",
        whole("acme", "https://api.acme.example", "https://localhost:5432"),
    )
    settings = Settings(environment="production", reachable="")
    address = loader.base_addresses(loader.load_connectors(), settings.connectors.base_urls)["acme"]
    assert address == "https://localhost:5432"
    assert not can_connect(address, wiring.allowed_reach(settings))


def test_capability_table_includes_the_plugin(folder: Path) -> None:
    install_example(folder)
    line = next(
        one
        for one in capability_table.capability_rows(
            loader.load_connectors(), loader.load_plugin_connectors().packages
        )
        if one.brought_by
    )
    assert (line.platform, line.connecting, line.review) == ("acme", "2 min", "2 days")
    assert line.brought_by == "acme-greenroom 1.0"
    said = capability_table.platform_guide(
        loader.load_connectors(), "acme", loader.load_plugin_connectors().packages
    )
    assert "acme-greenroom 1.0" in said
    assert "Token of the application" in said or "Jeton de l’application" in said


def test_plugin_policy_rows_load_within_their_bounds(folder: Path) -> None:
    install_example(folder)
    [file] = shipped_policies.shipped_policies()
    rows = plugin_place_rules.verify_rules(file.document, bundle.shipped_bundle())
    row = rows.row_of_place("acme.post")
    assert (file.package, rows.platform) == ("acme-greenroom", "acme")
    assert row is not None
    assert row.verdicts == {
        Rating.G: Verdict.A,
        Rating.S: Verdict.A,
        Rating.N: Verdict.B,
        Rating.E: Verdict.B,
    }


def test_plugin_texts_render_in_both_languages(folder: Path) -> None:
    install_example(folder)
    assert render_message(Message("connect.acme.token"), "fr") == "Jeton de l’application"
    assert (
        render_message(Message("acme.bad_token"), "en")
        == "Acme does not know this token. Copy it again, whole."
    )


def sentences(folder: Path, **languages: str) -> None:
    """Install a plugin with texts by language, each line `code=text`."""
    brings(folder, "acme", "acme", whole("acme"))
    (folder / "acme/locale").mkdir()
    for language, lines in languages.items():
        head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
        told = [line.partition("=") for line in lines.splitlines()]
        body = "".join(f'\nmsgid "{code}"\nmsgstr "{sentence}"\n' for code, _, sentence in told)
        (folder / f"acme/locale/{language}.po").write_text(head + body, "utf-8")


def test_missing_language_falls_back_to_the_other(folder: Path) -> None:
    sentences(folder, en="acme.no=Acme said no")
    assert render_message(Message("acme.no"), "fr") == "Acme said no"


def test_missing_text_renders_from_its_code(folder: Path) -> None:
    sentences(folder, en="acme.holes={nobody} gave {this.__class__}\nplatform.acme=Acme Ltd")
    said = {
        code: render_message(Message(code, {"word": "late"}), "en")
        for code in ("acme.holes", "acme.never", "platform.acme")
    }
    assert said == {
        "acme.holes": "Acme: holes (late)",
        "acme.never": "Acme: never (late)",
        "platform.acme": "Acme Ltd",
    }
    assert render_message(Message("connect.acme.api_key"), "fr") == "Api key"
    assert render_message(Message("place.acme.post"), "fr") == "Acme: post"


def test_plugin_cannot_override_texts_of_others(folder: Path) -> None:
    sentences(
        folder,
        en="gate.stopped=open\nplatform.x=Y\nconnect.x.new=mine\nconnectors.refused=fine\nacme.no=No",
    )
    assert render_message(Message("platform.x"), "en") == "X"
    with pytest.raises(KeyError):
        render_message(Message("connect.x.new"), "en")
    assert render_message(Message("acme.no"), "en") == "No"


def test_unreadable_catalogue_falls_back_to_codes(folder: Path) -> None:
    sentences(folder, en="acme.no=No")
    (folder / "acme/locale/en.po").write_bytes(b"\xff\xfe not a catalogue")
    assert render_message(Message("acme.no"), "en") == "Acme: no"
    assert render_message(Message("platform.x"), "en") == "X"


def test_account_of_a_removed_plugin_retries(folder: Path) -> None:
    found = loader.load_connectors()
    assert "acme" not in found
    assert found.get("acme") is None
    away, now = found["acme"], wall_now()
    unit = Unit(
        tenant_id=uuid7(),
        creator_id=uuid7(),
        subject=Subject("delivery", uuid7()),
        platform="acme",
        surface="acme.post",
        channel_id=uuid7(),
        account="mia",
        audience="public",
        texts=(Text("body", "hello"),),
    )
    for outcome in (away.next_step(unit, ()), away.remove(PlatformCopy("p1", "mia"), ())):
        assert isinstance(outcome, Retry)
        assert render_message(outcome.reason, "en").startswith(
            "The acme connector is no longer installed"
        )
    assert isinstance(away.look_up(LookupQuery("k", "hello", now, "mia"), ()), Unknown)
    assert away.read_metrics(PlatformCopy("p1", "mia"), ()) is None
    assert render_message(Message("acme.bad_token"), "en") == "Acme: bad token"


def test_plugin_returns_the_shared_contract_classes(folder: Path) -> None:
    """The plugin uses the classes of this installation, not a bundled copy of them."""
    install_example(folder)
    module = sys.modules[type(loader.load_connectors()["acme"]).__module__]
    assert module.ConnectedAccount is ConnectedAccount
