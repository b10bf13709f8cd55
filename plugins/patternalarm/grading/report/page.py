"""The report as one self-contained HTML page: no script, no font, no picture from elsewhere."""

import base64
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from patternalarm.contracts.alerts import ALL_TYPES
from patternalarm.grading.figures.metrics import DESCRIPTIONS, Metric, MetricName
from patternalarm.grading.figures.wording import NOT_MEASURED, figure, ratio, seconds
from patternalarm.grading.report.data import (
    LEDGER_FAULTS,
    LEDGER_LABELS,
    LEDGER_WAY,
    ReportData,
    campaign_records,
    moment,
)
from patternalarm.grading.report.plots import delay_plot, detection_plot, detection_time_plot, velocity_plot
from patternalarm.grading.verdict.judgement import describe
from patternalarm.grading.verdict.thresholds import MIN_CAMPAIGNS

# Rows of a list of campaigns; the JSON report has all of them.
_MAX_ROWS: Final = 15


def report_page(data: ReportData) -> str:
    """The page of a graded run."""
    run, ledger = data.graded.run, data.graded.ledger
    subtitle = (
        run.run_id,
        f"level {run.level}" if run.level else "",
        f"{run.minutes:g} min" if run.minutes else "",
        f"seed {run.seed}" if run.seed is not None else "",
        moment(data.window[0]) if data.window else "",
    )
    counts = {LEDGER_LABELS[name]: getattr(ledger, name) for name in (*LEDGER_WAY, *LEDGER_FAULTS)} | data.asides
    return (
        _environment()
        .get_template("page.html")
        .render(
            data=data,
            run=run,
            ledger=ledger,
            subtitle=[part for part in subtitle if part],
            ledger_counts={label[0].upper() + label[1:]: count for label, count in counts.items()},
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "base64": lambda text: base64.b64encode(text.encode()).decode(),
        "campaign_records": campaign_records,
        "describe": describe,
        "ratio": ratio,
        "seconds": seconds,
        "tone": _tone,
        "value": _value,
        "words": lambda name: name.replace("_", " "),
    }
    environment.globals |= {
        "ALL_TYPES": ALL_TYPES,
        "DESCRIPTIONS": DESCRIPTIONS,
        "M": MetricName,
        "MAX_ROWS": _MAX_ROWS,
        "MIN_CAMPAIGNS": MIN_CAMPAIGNS,
        "NOT_MEASURED": NOT_MEASURED,
        "delay_plot": delay_plot,
        "detection_plot": detection_plot,
        "detection_time_plot": detection_time_plot,
        "velocity_plot": velocity_plot,
    }
    return environment


def _tone(metric: Metric | None) -> str:
    return {True: "good", False: "bad", None: ""}[metric.passed if metric else None]


def _value(metric: Metric | None) -> str:
    return NOT_MEASURED if metric is None else figure(metric.value, metric.unit)
