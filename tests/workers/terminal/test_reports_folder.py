"""Report folders contain names of fans and amounts, so only the account that runs the installation
can open them."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from foundation.ids import uuid7
from foundation.ops.settings import Settings
from workers.terminal.lookup import create_reports_folder


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("earlier", [False, True])
def test_report_folders_are_private_to_their_owner(
    tmp_path: Path, mask: int, earlier: bool
) -> None:
    tenant_id = uuid7()
    home = tmp_path / "house"
    if earlier:
        (home / "reports" / str(tenant_id) / "mia").mkdir(parents=True)
        for folder in (home / "reports", home / "reports" / str(tenant_id)):
            folder.chmod(0o755)
    before = os.umask(mask)
    try:
        creator = SimpleNamespace(slug="mia")
        found = create_reports_folder(Settings(home=home), tenant_id, creator)  # type: ignore[arg-type]  # its slug is all that is read
    finally:
        os.umask(before)
    assert found == home / "reports" / str(tenant_id) / "mia"
    for folder in (found, found.parent, found.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
