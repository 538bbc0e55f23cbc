"""A picture without an alt text is shown by the name of its file where members choose it."""

import pytest

from tenants.agencies.rights import Role
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import stream

PAGES: tuple[tuple[str, dict[str, object]], ...] = (("/studio", {}), ("/calendar", {"new": 1}))


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_members_see_the_name_of_the_file(door: Door, role: Role) -> None:
    who = create_agency(door.tenant, language="en")
    picture(door, who, alt="")
    for path, query in PAGES:
        with stream(door.url, door.cookie(who, role)) as page:
            text = page.open(path, **query)
            drawn = text + b"".join(page.frames).decode("utf-8", "replace")
        assert "a.jpg" in drawn, path
        assert "Image without alt text" not in drawn, path
