"""Installation of the extra at first use: it continues where it stopped, and says why it failed."""

import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from foundation.errors import BadInput, GreenroomError, Unavailable
from insights.predictions import analysis_packages
from insights.predictions.child_process import run_in_child


def wheel(folder: Path, name: str) -> str:
    """Write a wheel of one module and return its lines of a lock file."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "NUMBER = 7\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 \\\n    --hash=sha256:{sha256(file.read_bytes()).hexdigest()}\n"


def test_installation_continues_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "links"
    folder = tmp_path / "home" / "analysis" / "1"
    links.mkdir()
    (folder.parent / "older").mkdir(parents=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    lock = tmp_path / "requirements.lock"
    lock.write_text("# Title.\n" + wheel(links, "aaaone") + wheel(links, "aaatwo"))
    second = links / "aaatwo-1.0-py3-none-any.whl"
    second.rename(tmp_path / second.name)
    seen: list[tuple[int, int, str]] = []

    def report(*progress: int | str) -> None:
        seen.append(progress)  # type: ignore[arg-type]  # as the caller passes them

    with pytest.raises(Unavailable) as refused:
        analysis_packages.install_lock(lock, folder, report)
    assert refused.value.message.code == "analysis.no_download"
    assert (folder / "aaaone.py").exists()

    second.write_bytes((tmp_path / second.name).read_bytes() + b"changed")
    with pytest.raises(Unavailable) as refused:
        analysis_packages.install_lock(lock, folder, report)
    assert refused.value.message.code == "analysis.wrong_digest"
    assert not (folder / "aaatwo.py").exists()

    (tmp_path / second.name).rename(second)
    analysis_packages.install_lock(lock, folder, report)
    assert (folder / "aaatwo.py").exists()
    assert not (folder.parent / "older").exists()
    # The first package was installed once.
    assert [one[2] for one in seen] == ["aaaone", "aaatwo", "aaatwo", "aaatwo", ""]
    analysis_packages.install_lock(lock, folder, report)
    assert len(seen) == 5


def test_child_process_returns_results_and_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_TENANTS__MASTER_KEY", "not for children")
    here = "tests.insights.predictions.child_functions"
    found = run_in_child(f"{here}:describe_environment", {"number": 3}, home=tmp_path)
    assert found == {"number": 3, "secrets": [], "scipy": True}

    def fails(name: str, seconds: float = 30) -> GreenroomError:
        with pytest.raises(GreenroomError) as refused:
            run_in_child(f"{here}:{name}", {}, home=tmp_path, seconds=seconds)
        return refused.value

    assert isinstance(fails("refuse_input"), BadInput)
    assert fails("exhaust_memory").message.code == "analysis.failed"
    assert fails("never_end", seconds=1).message.code == "analysis.slow"
