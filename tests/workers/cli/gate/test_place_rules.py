"""Surface rules on the command line: in both languages, with every term they use."""

import base64
from pathlib import Path

import pytest
import yaml

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import LANGUAGES, load_catalogue
from foundation.ids import uuid7
from gate.contract.units import Verdict
from gate.policy import admission, bundle, plugin_place_rules
from gate.policy.place_rules import VIEWER_ORDER, ChangeDirection
from tests.connectors.registry.test_shipped_policies import installed
from tests.gate.builders import world
from tests.gate.third_party_packages import ACME, build_rule_file, build_rule_row
from workers.cli.gate import place_rules, policy_release


def test_explanation_shows_sources_and_age_of_a_rule() -> None:
    told = place_rules.explain_place("bluesky.post", on="2026-11-20", language="en")
    for part in (
        "bluesky.post (",
        "Nudity [N]: allowed with label (",
        "checked by the platform",
        "https://",
        "Feb 18, 2027",
    ):
        assert part in told
    assert "from Feb 19, 2027, Nudity, Explicit: needs review" in told
    aged = place_rules.explain_place("bluesky.post", on="2027-03-01", language="fr")
    assert "depuis le 19 févr. 2027, Nudité, Explicite : à examiner" in aged
    assert "Nudité [N]: à examiner – resserré" in aged
    assert place_rules.explain_place("x", on="", language="fr").count("Âge du public") == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_surface_can_be_explained(language: str) -> None:
    for name in bundle.shipped_bundle().rows:
        assert name in place_rules.explain_place(name, on="2026-11-20", language=language)


def test_unknown_surface_suggests_a_similar_one() -> None:
    with pytest.raises(NotFound) as raised:
        place_rules.explain_place("blusky.post")
    assert "bluesky.post" in str(raised.value.message.params["near"])
    for arguments in ({"on": "soon"}, {"language": "de"}):
        with pytest.raises(BadInput):
            place_rules.explain_place("x.post", **arguments)


def test_loosened_rule_is_reported(tmp_path: Path) -> None:
    text, new = bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"), tmp_path / "new.yaml"
    assert place_rules.diff_rules(
        bundle.SHIPPED_MATRIX_PATH, bundle.SHIPPED_MATRIX_PATH, language="en"
    ) == (
        "The rules are identical.",
        False,
    )
    new.write_text(
        text.replace("verdicts: {G: A, S: F, N: F, E: F}", "verdicts: {G: A, S: A, N: F, E: H}"),
        "utf-8",
    )
    told, loosened = place_rules.diff_rules(bundle.SHIPPED_MATRIX_PATH, new, language="en")
    assert loosened
    assert "bluesky.post: tightened and LOOSENED" in told
    assert "! LOOSENED verdict [S]: F → A" in told
    assert "  tightened verdict [E]: F → H" in told
    new.write_text(
        text.replace("verdicts: {G: A, S: F, N: F, E: F}", "verdicts: {G: A, S: F, N: H, E: H}"),
        "utf-8",
    )
    told, loosened = place_rules.diff_rules(bundle.SHIPPED_MATRIX_PATH, new, language="fr")
    assert (loosened, "ASSOUPLI" in told, "assouplis : 0" in told) == (False, False, True)


@pytest.mark.parametrize("broken", ["", "- a", "rows: []", "a: [", "\x00"])
def test_invalid_rules_file_is_refused(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(broken, "utf-8")
    for pair in (
        (path, bundle.SHIPPED_MATRIX_PATH),
        (bundle.SHIPPED_MATRIX_PATH, path),
        (tmp_path / "none", path),
    ):
        with pytest.raises(BadInput):
            place_rules.diff_rules(*pair)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_term_has_a_translation(language: str) -> None:
    parts: dict[str, list[str]] = {
        "verdict": list(Verdict),
        "link": list(Verdict),
        "viewer": list(VIEWER_ORDER),
        "verified": ["primary", "secondary", "derived", "unverified"],
        "way": [*ChangeDirection, "both", "neither"],
    }
    whats = [
        "verdict",
        "flag",
        "ai_mark",
        "viewer",
        "adult_link",
        "probe",
        "applies_to",
        "ageing",
        "review_by",
        "test_network",
        "level",
    ]
    codes = [f"cli.policy.{part}.{each}" for part, all_of in parts.items() for each in all_of]
    codes += [f"cli.policy.what.{what}" for what in whats] + [
        f"cli.policy.{kind}" for kind in ("changed", "new", "gone")
    ]
    assert not [code for code in codes if code not in load_catalogue(language)]


def test_plugin_rule_is_explained_with_its_origin(
    tenant: OpenScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, rows = tmp_path / "key", tmp_path / "rows.yaml"
    key.write_bytes(base64.b64encode(ACME.private_bytes_raw()))
    rows.write_text(yaml.safe_dump([build_rule_row("AHBB")]), "utf-8")
    public = policy_release.sign_third_party_rules(
        rows, tmp_path / "signed.json", key, platform="acme"
    )
    document = (tmp_path / "signed.json").read_bytes()
    installed(tmp_path / "packages", "acme", document)
    installed(tmp_path / "packages", "greedy", build_rule_file(build_rule_row("AAFF")))
    monkeypatch.syspath_prepend(tmp_path / "packages")
    told = place_rules.explain_place("acme.post", language="en")
    for part in (
        f"From the package acme 1.2, signed with the key {public}",
        "[S]: needs review",
        "[N]: blocked",
        "Start Greenroom to see",
    ):
        assert part in told
    assert "greedy" not in place_rules.explain_place("acme", language="fr")
    with pytest.raises(NotFound):
        place_rules.explain_place("acme.story")
    assert "Source: shipped with Greenroom" in place_rules.explain_place("x.post", language="en")
    said = plugin_place_rules.verify_rules(document, bundle.shipped_bundle())
    here = world(tenant, uuid7())
    before = place_rules.count_admitting_agencies(tenant, said)
    with here.scope(f"member:{here.rob}") as scope:
        admission.admit_rules(scope, document)
    assert place_rules.count_admitting_agencies(tenant, said) == before + 1


def test_unacceptable_plugin_rules_are_not_signed(tmp_path: Path) -> None:
    key, rows = tmp_path / "key", tmp_path / "rows.yaml"
    key.write_bytes(base64.b64encode(ACME.private_bytes_raw()))
    rows.write_text(yaml.safe_dump([build_rule_row("AAFF")]), "utf-8")
    with pytest.raises(BadInput, match="not_whole"):
        policy_release.sign_third_party_rules(rows, tmp_path / "out", key, platform="acme")
    with pytest.raises(BadInput, match="bad_key"):
        policy_release.sign_third_party_rules(rows, tmp_path / "out", rows, platform="acme")
    assert not (tmp_path / "out").exists()
