"""Report on a run: ``python -m patternalarm.grading.report.report --run-id R``.

Needs the run's figures (``patternalarm.grading.figures.measure``). Writes ``<reports_dir>/<run_id>/report.json`` and
``report.html`` and prints the tables. The exit code is 0 whatever the verdict; the verdict command has the other.
"""

import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from patternalarm.grading.command_line import run_command
from patternalarm.grading.graded_run import load_graded_run
from patternalarm.grading.report.data import ReportData
from patternalarm.grading.report.page import report_page
from patternalarm.grading.report.table import print_report
from patternalarm.grading.run_store import connect, load_metrics
from patternalarm.settings import get_settings


def write_report(data: ReportData, directory: Path) -> tuple[Path, Path]:
    """Write the JSON and the HTML report into ``directory``; their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    json_path, page_path = directory / "report.json", directory / "report.html"
    json_path.write_text(json.dumps(data.as_json(), indent=2, default=_plain, allow_nan=False) + "\n", encoding="utf-8")
    page_path.write_text(report_page(data), encoding="utf-8")
    return json_path, page_path


def report(run_id: str) -> int:
    """Write and print the report on ``run_id``; the command's exit code."""
    settings = get_settings()
    with connect(settings) as connection:
        data = ReportData(load_graded_run(connection, run_id), load_metrics(connection, run_id))
    json_path, page_path = write_report(data, settings.reports_dir / run_id)
    print_report(data, sys.stdout)
    sys.stdout.write(f"{page_path}\n{json_path}\n")
    return 0


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value.item()


if __name__ == "__main__":
    sys.exit(run_command(str(__doc__), report))
