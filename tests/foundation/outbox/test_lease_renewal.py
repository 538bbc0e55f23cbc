"""Short leases of a process that lives, and of one that was killed."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
