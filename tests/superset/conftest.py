"""The scripts of ``superset/`` import each other by bare name, as when they are run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "superset"))
