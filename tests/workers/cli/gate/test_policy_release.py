"""Policy releases on the command line: signed by two keys, admitted, and described in both
languages."""

import base64
from pathlib import Path

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Refused
from gate.contract.public_keys import encode_public_key
from gate.policy import bundle
from tests.conftest import Cluster
from tests.gate.policy_releases import ANN, BOB, build_release, past_the_gate, trusting
from workers.cli.gate import policy_release

VERSION = "2027.01.02-1"


def test_release_with_two_signatures_is_admitted_and_described(
    tenant: OpenScope, cluster: Cluster, tmp_path: Path
) -> None:
    file, matrix = tmp_path / "rules.json", tmp_path / "matrix.yaml"
    matrix.write_text(build_release(VERSION, read_by="2027-06-01").matrix, "utf-8")
    for number, key in enumerate((ANN, BOB)):
        kept = tmp_path / f"key{number}"
        kept.write_bytes(base64.b64encode(key.private_bytes_raw()))
        said = policy_release.sign_release(file, kept, matrix=matrix if number == 0 else None)
        assert said == encode_public_key(key.public_key())
        with trusting(cluster):
            if number == 0:
                with pytest.raises(Refused, match="POLICY_SIGNATURE"):
                    policy_release.admit_release(tenant, file.read_bytes(), "en")
                continue
            told = policy_release.admit_release(tenant, file.read_bytes(), "en")
            assert f"Active rules: {VERSION}+" in told
            assert "two signatures" in told
            assert "by Jun 1, 2027" in told
            assert "portant deux signatures" in policy_release.describe_rules_in_force(tenant, "fr")
            with past_the_gate(cluster) as connection:
                connection.exec_driver_sql("UPDATE policy_bundles SET state = 'retired'")
            assert "older than the ones installed" in policy_release.describe_rules_in_force(
                tenant, "en"
            )
    told = policy_release.describe_rules_in_force(tenant, "en")
    assert bundle.shipped_bundle().name in told
    assert "Source: shipped with Greenroom" in told


def test_unsignable_release_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(ANN.private_bytes_raw()))
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(BadInput, match="no_release"):
        policy_release.sign_release(text, key)
    with pytest.raises(BadInput, match="not_whole"):
        policy_release.sign_release(tmp_path / "new", key, matrix=text)
    with pytest.raises(BadInput, match="no_file"):
        policy_release.sign_release(tmp_path / "none", key)
    assert not (tmp_path / "new").exists()
