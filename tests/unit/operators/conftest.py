"""These tests need Airflow, so they are collected in its environment alone; the engines they use are real."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]
