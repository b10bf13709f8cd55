"""The report as tables in the terminal."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, TextIO

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from patternalarm.contracts.alerts import ALL_TYPES
from patternalarm.grading.figures.metrics import Metric, MetricName
from patternalarm.grading.figures.wording import NOT_MEASURED, figure, seconds, share
from patternalarm.grading.report.data import LEDGER_FAULTS, LEDGER_LABELS, LEDGER_WAY, ReportData
from patternalarm.grading.verdict.judgement import GateResult, describe

# Airflow's logs and pipes have no width of their own; this fits the widest table.
PLAIN_WIDTH: Final = 132

_STYLES = {"passed": "bold green", "missed": "bold red", "failed": "bold red"}


def print_report(data: ReportData, out: TextIO) -> None:
    """Write the report's tables to ``out``, coloured when it is a terminal."""
    # A name with brackets is no markup.
    console = Console(file=out, width=None if out.isatty() else PLAIN_WIDTH, highlight=False, markup=False)
    for part in (_verdict(data), _gates(data), _detection(data), _delays(data), _ledger(data), _passport(data)):
        console.print(part)


def _table(*columns: str, title: str, right: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place in right else "left", header_style="")
    return table


def _verdict(data: ReportData) -> Panel:
    lines = [Text(f"{data.graded.run.run_id}: {data.verdict.upper()}", style=_STYLES[data.verdict])]
    if data.verdict == "failed":
        lines.append(Text(f"  {data.graded.run.reason}"))
    lines += [Text(f"  {gate.miss}") for gate in data.judgement.misses]
    lines += [Text(f"  {line}", "yellow") for line in data.interruption_lines]
    return Panel(Group(*lines), expand=False, border_style=_STYLES[data.verdict])


def _gates(data: ReportData) -> Table:
    table = _table("Threshold", "Meaning", "Asked", "Reached", "Verdict", title="Thresholds")
    for gate in data.judgement.gates:
        table.add_row(str(gate.metric.metric), describe(gate), gate.asked, gate.reached, _word(gate))
    return table


def _word(gate: GateResult) -> Text:
    if gate.passed is not None:
        return Text("passed", "green") if gate.passed else Text("missed", "bold red")
    word = Text("off target", "yellow") if gate.off_target else Text("not gated", "dim")
    return word.append(f": {gate.unjudged}", "dim")


def _detection(data: ReportData) -> Table:
    table = _table(
        "Fraud type",
        "Campaigns found\n(recall)",
        "Alerts right\n(precision)",
        "Fraud events\nalerted",
        "Found after\np50 / p95",
        "Look-alikes\nalerted",
        title="Detection: value [95 % Wilson interval] cases",
    )
    for fraud_type in (*data.fraud_types, ALL_TYPES):
        if fraud_type == ALL_TYPES:
            table.add_section()
        times = [
            data.metric(name, fraud_type) for name in (MetricName.DETECTION_TIME_P50, MetricName.DETECTION_TIME_P95)
        ]
        table.add_row(
            "all, pooled" if fraud_type == ALL_TYPES else fraud_type,
            _share(data.metric(MetricName.CAMPAIGN_RECALL, fraud_type)),
            _share(data.metric(MetricName.ALERT_PRECISION, fraud_type)),
            _share(data.metric(MetricName.EVENT_RECALL, fraud_type)),
            " / ".join(_value(metric) for metric in times),
            _count(data.metric(MetricName.LOOKALIKES_ALERTED, fraud_type)),
        )
    return table


def _delays(data: ReportData) -> Table:
    table = _table("What", "p50", "p95", "p99", "Measured on", title="Speed and ranking")
    for label, names in (
        ("event to score alert", (MetricName.SCORE_DELAY_P50, MetricName.SCORE_DELAY_P95, MetricName.SCORE_DELAY_P99)),
        (
            "event to pattern alert",
            (MetricName.PATTERN_DELAY_P50, MetricName.PATTERN_DELAY_P95, MetricName.PATTERN_DELAY_P99),
        ),
    ):
        metrics = [data.metric(name) for name in names]
        alerts = metrics[0].denominator if metrics[0] else 0
        table.add_row(label, *(_value(metric) for metric in metrics), f"{alerts:,} alerts")
    table.add_section()
    for label, name in (
        ("rate asked", MetricName.RATE_ASKED),
        ("rate reached", MetricName.RATE_REACHED),
        ("average precision of the scores", MetricName.AVERAGE_PRECISION),
        ("ROC AUC of the scores", MetricName.ROC_AUC),
        ("fraud in the top 1 % of scores", MetricName.PRECISION_AT_BUDGET),
    ):
        metric = data.metric(name)
        if metric and metric.value is not None:
            events = f"{metric.denominator:,} events" if metric.denominator else ""
            table.add_row(label, _value(metric), "", "", events)
    return table


def _ledger(data: ReportData) -> Group:
    ledger = data.graded.ledger
    title = f"Ledger: {'closed' if ledger.closed else 'NOT CLOSED'}"
    table = _table("Events", "Count", "Wrong or told apart", "Count", title=title, right=(1, 3))
    wrong = {LEDGER_LABELS[name]: getattr(ledger, name) for name in LEDGER_FAULTS} | data.asides
    for pair in zip_longest(((LEDGER_LABELS[name], getattr(ledger, name)) for name in LEDGER_WAY), wrong.items()):
        table.add_row(*(cell for entry in pair for cell in ((entry[0], f"{entry[1]:,}") if entry else ("", ""))))
    problems = [Text(f"  {'!' if problem['fails'] else 'note:'} {problem['text']}") for problem in ledger.problems]
    return Group(table, *problems)


def _passport(data: ReportData) -> Table:
    table = _table("", "", title="Made of")
    table.show_header = False
    for name, value in data.passport.items():
        table.add_row(name, value)
    if data.phases:
        table.add_row("Phases", ", ".join(f"{name} {seconds(length)}" for name, length in data.phases.items()))
    table.add_row("Run it again", data.command)
    return table


def _share(metric: Metric | None) -> str:
    if metric is None:
        return NOT_MEASURED
    return share(metric.numerator, metric.denominator, metric.value, metric.ci_low, metric.ci_high)


def _count(metric: Metric | None) -> str:
    return f"{metric.numerator}/{metric.denominator}" if metric and metric.denominator else NOT_MEASURED


def _value(metric: Metric | None) -> str:
    return NOT_MEASURED if metric is None else figure(metric.value, metric.unit)
