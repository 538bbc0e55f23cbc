"""Policy files of installed packages are read as data; no package code runs."""

from pathlib import Path

import pytest

from connectors.registry import shipped_policies


def installed(folder: Path, name: str, document: bytes | None, *, where: str = "rows.json") -> None:
    """Install a package whose code raises SystemExit on import."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("raise SystemExit('imported')")
    if document is not None:
        (folder / name / "rows.json").write_bytes(document)
    about = folder / f"{name}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(
        f"[{shipped_policies.ENTRY_POINT_GROUP}]\n{name} = {name}:{where}\n"
    )


def test_policy_files_are_read_without_importing_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shipped_policies.shipped_policies() == ()
    installed(tmp_path, "zeta", b"z")
    installed(tmp_path, "acme", b"rows")
    installed(tmp_path, "gone", None)
    installed(tmp_path, "huge", b"x" * 10**6)
    installed(tmp_path, "bare", b"x", where="")
    monkeypatch.syspath_prepend(tmp_path)
    found = {one.package: one for one in shipped_policies.shipped_policies()}
    assert list(found) == ["acme", "huge", "zeta"]
    assert (found["acme"].version, found["acme"].document) == ("1.2", b"rows")
    assert len(found["huge"].document) == shipped_policies.MAX_POLICY_BYTES + 1, (
        "reading stops one byte after the limit"
    )
    assert b"rows" in shipped_policies.policy_documents()
