"""An agency with a member of every role."""

from tests.dashboard.conftest import lumiere  # noqa: F401  a fixture
