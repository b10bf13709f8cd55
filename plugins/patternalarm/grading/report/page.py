"""The report as one self-contained HTML page: no script, no font, no picture from elsewhere."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

import pandas as pd

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

_TEMPLATE: Final = Path(__file__).with_name("report_page.html")

# Rows of a list of campaigns; the JSON report has all of them.
_MAX_ROWS: Final = 15


def report_page(data: ReportData) -> str:
    """The page of a graded run."""
    parts = (
        _header(data),
        _cards(data),
        _gates(data),
        _detection(data),
        '<div class="two">',
        _section("How fast alerts were committed", _plot(delay_plot(data), "Delay of alerts") + _delay_table(data)),
        _section("How fast campaigns were found", _plot(detection_time_plot(data), "Time to detection per campaign")),
        "</div>",
        _section("Load over time", _plot(velocity_plot(data), "Events and alerts over time")),
        _campaigns("Fraud campaigns not found", "Without an alert of their type.", data.missed_campaigns),
        _campaigns("Look-alikes alerted", "Honest behaviour that resembles the fraud.", data.alerted_lookalikes),
        _ledger(data),
        _passport(data),
        _meanings(data),
    )
    title = f"{data.graded.run.run_id}: {data.verdict}"
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(title=escape(title), body="\n".join(parts))


def _header(data: ReportData) -> str:
    run = data.graded.run
    gated = [gate for gate in data.judgement.gates if gate.metric.gated]
    subject = f"{escape(run.kind.replace('-', ' ').capitalize())} of {escape(run.domain)}"
    load = " &middot; ".join(
        escape(part)
        for part in (
            f"level {run.level}" if run.level else "",
            f"{run.minutes:g} min" if run.minutes else "",
            f"seed {run.seed}" if run.seed is not None else "",
            moment(data.window[0]) if data.window else "",
        )
        if part
    )
    if data.verdict == "failed":
        lines = f"<p>The run failed before it was graded: {escape(run.reason or 'no reason given')}</p>"
    elif data.judgement.misses:
        missed = "".join(f"<li>{escape(gate.miss)}</li>" for gate in data.judgement.misses)
        lines = f"<p>{len(data.judgement.misses)} of {len(gated)} gates missed:</p><ul>{missed}</ul>"
    else:
        lines = f"<p>All {len(gated)} gates passed.</p>"
    if data.interruption_lines:
        told = "".join(f"<li>{escape(line)}</li>" for line in data.interruption_lines)
        lines += f"<p>What interrupted it:</p><ul>{told}</ul>"
    return (
        f"<h1>{subject}</h1><p class='muted'>{escape(run.run_id)}{' &middot; ' if load else ''}{load}</p>"
        f"<section class='verdict {data.verdict}'><div class='word'>{data.verdict.upper()}</div>{lines}</section>"
    )


def _cards(data: ReportData) -> str:
    caught = data.caught_amount
    recall = data.metric(MetricName.CAMPAIGN_RECALL)
    lookalikes = data.metric(MetricName.LOOKALIKES_ALERTED)
    rate = data.metric(MetricName.RATE_REACHED)
    asked = data.metric(MetricName.RATE_ASKED)
    ledger = data.graded.ledger
    cards = [
        _share_card("Campaigns found", recall),
        _share_card("Alerts that are right", data.metric(MetricName.ALERT_PRECISION)),
        _share_card("Look-alikes alerted", lookalikes),
    ]
    if caught:
        cards.append(
            _card(
                "Money moved out by fraud in found campaigns",
                f"{caught[0] / caught[1]:.0%}",
                f"{caught[0]:,.0f} of {caught[1]:,.0f}",
            )
        )
    if data.graded.is_replay:
        cards.append(_value_card("Average precision", data.metric(MetricName.AVERAGE_PRECISION), "of the scores"))
    else:
        p50, p99 = data.metric(MetricName.SCORE_DELAY_P50), data.metric(MetricName.SCORE_DELAY_P99)
        note = f"p99 {figure(p99.value, p99.unit)}" if p99 else ""
        cards.append(_value_card("Event to score alert, p50", p50, note))
    cards.append(
        _card(
            "Events a minute",
            f"{rate.value:,.0f}" if rate and rate.value else NOT_MEASURED,
            f"asked {asked.value:,.0f}" if asked and asked.value else "unpaced",
        )
    )
    cards.append(
        _card(
            "Ledger",
            "closed" if ledger.closed else "open",
            f"{ledger.lost:,} lost, {ledger.duplicated:,} duplicated, {ledger.altered:,} altered",
            "good" if ledger.closed else "bad",
        )
    )
    return f"<div class='cards'>{''.join(cards)}</div>"


def _card(label: str, value: str, note: str = "", tone: str = "") -> str:
    return (
        f"<div class='card'><div class='label'>{escape(label)}</div>"
        f"<div class='value {tone}'>{escape(value)}</div><div class='note'>{escape(note)}</div></div>"
    )


def _share_card(label: str, metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return _card(label, NOT_MEASURED, "none")
    return _card(label, f"{metric.value:.0%}", f"{metric.numerator:,} of {metric.denominator:,}", _tone(metric))


def _value_card(label: str, metric: Metric | None, note: str) -> str:
    if metric is None:
        return _card(label, NOT_MEASURED, note)
    return _card(label, figure(metric.value, metric.unit), note, _tone(metric))


def _tone(metric: Metric) -> str:
    return {True: "good", False: "bad", None: ""}[metric.passed]


def _gates(data: ReportData) -> str:
    pills = {True: ("yes", "passed"), False: ("no", "missed"), None: ("none", "not gated")}
    off_target = ("off", "off target")
    rows = []
    for gate in data.judgement.gates:
        style, word = off_target if gate.off_target else pills[gate.passed]
        why = f" <span class='of'>{escape(gate.unjudged)}</span>" if gate.unjudged else ""
        rows.append(
            (
                f"{escape(describe(gate))} <span class='of'>{escape(gate.metric.metric)}</span>",
                escape(gate.asked),
                escape(gate.reached),
                f"<span class='pill {style}'>{word}</span>{why}",
            )
        )
    note = (
        f"<p class='muted small'>From {MIN_CAMPAIGNS} fraud campaigns on a figure of detection decides as it stands; this "
        f"run had {len(data.graded.detection.frauds)}. Under that it misses when its 95 % interval lies under the limit.</p>"
    )
    return _section("Thresholds", note + _table(("What", "Asked", "Reached", "Verdict"), rows))


def _detection(data: ReportData) -> str:
    rows, classes = [], []
    for fraud_type in (*data.fraud_types, ALL_TYPES):
        times = (
            data.metric(name, fraud_type) for name in (MetricName.DETECTION_TIME_P50, MetricName.DETECTION_TIME_P95)
        )
        rows.append(
            (
                "all, pooled" if fraud_type == ALL_TYPES else escape(fraud_type.replace("_", " ")),
                _share_cell(data.metric(MetricName.CAMPAIGN_RECALL, fraud_type)),
                _share_cell(data.metric(MetricName.ALERT_PRECISION, fraud_type)),
                _share_cell(data.metric(MetricName.EVENT_RECALL, fraud_type)),
                " / ".join(NOT_MEASURED if time is None else figure(time.value, time.unit) for time in times),
                _share_cell(data.metric(MetricName.LOOKALIKES_ALERTED, fraud_type)),
            )
        )
        classes.append("pooled" if fraud_type == ALL_TYPES else "")
    columns = (
        "Fraud type",
        "Campaigns found (recall)",
        "Alerts right (precision)",
        "Fraud events alerted",
        "Found after, median / p95",
        "Look-alikes alerted",
    )
    note = (
        "<p class='muted small'>Share, cases and below them the 95 % Wilson interval. By type an alert must "
        "be of the campaign's type; the pooled line ignores the type and counts suspicious_activity too.</p>"
    )
    plot = _plot(detection_plot(data), "Recall and precision per fraud type with 95 % intervals")
    return _section("Detection by fraud type", plot + note + _table(columns, rows, classes))


def _share_cell(metric: Metric | None) -> str:
    if metric is None or metric.value is None or metric.ci_low is None or metric.ci_high is None:
        return f"<span class='of'>{NOT_MEASURED}</span>"
    return (
        f"{ratio(metric.value)} <span class='of'>{metric.numerator:,}/{metric.denominator:,}</span>"
        f"<span class='of below'>{metric.ci_low:.2f} to {metric.ci_high:.2f}</span>"
    )


def _delay_table(data: ReportData) -> str:
    rows = []
    for label, names in (
        ("score alerts", (MetricName.SCORE_DELAY_P50, MetricName.SCORE_DELAY_P95, MetricName.SCORE_DELAY_P99)),
        ("pattern alerts", (MetricName.PATTERN_DELAY_P50, MetricName.PATTERN_DELAY_P95, MetricName.PATTERN_DELAY_P99)),
    ):
        values = [data.metric(name) for name in names]
        rows.append((label, *(NOT_MEASURED if m is None else figure(m.value, m.unit) for m in values)))
    return _table(("", "p50", "p95", "p99"), rows)


def _campaigns(title: str, note: str, campaigns: pd.DataFrame) -> str:
    if campaigns.empty:
        return ""
    rows = [
        (
            escape(row["campaign_id"]),
            escape(row["fraud_type"].replace("_", " ")),
            str(row["events"]),
            NOT_MEASURED if row["amount"] is None else f"{row['amount']:,.2f}",
            escape((row["alerted_as"] or "no alert").replace("_", " ")),
        )
        for row in campaign_records(campaigns.head(_MAX_ROWS))
    ]
    shown = (
        f"The {_MAX_ROWS} largest of {len(campaigns)}. " if len(campaigns) > _MAX_ROWS else f"{len(campaigns)} in all. "
    )
    table = _table(("Campaign", "Type", "Events", "Amount", "Alerted as"), rows, numbers=(2, 3))
    return _section(title, f"<p class='muted small'>{note} {shown}</p>{table}")


def _ledger(data: ReportData) -> str:
    ledger = data.graded.ledger
    counts = {LEDGER_LABELS[name]: getattr(ledger, name) for name in (*LEDGER_WAY, *LEDGER_FAULTS)} | data.asides
    problems = "".join(
        f"<li class='{'bad' if problem['fails'] else 'muted'}'>{escape(problem['text'])}"
        f"{_examples(problem['examples'])}</li>"
        for problem in ledger.problems
    )
    word = "<span class='pill yes'>closed</span>" if ledger.closed else "<span class='pill no'>not closed</span>"
    note = (
        "<p class='muted small'>Redelivered copies between the engines are dropped by identity and fail nothing, nor does "
        "what a producer sent again.</p>"
    )
    table = _table(
        [label[0].upper() + label[1:] for label in counts],
        [[f"{count:,}" for count in counts.values()]],
        numbers=range(len(counts)),
    )
    return _section(f"Ledger {word}", f"{table}<ul class='small'>{problems}</ul>{note}" if problems else table + note)


def _examples(examples: Sequence[dict[str, Any]]) -> str:
    if not examples:
        return ""
    shown = "; ".join(" ".join(f"{name} {value}" for name, value in example.items()) for example in examples)
    return f"<br><span class='muted'>for example {escape(shown)}</span>"


def _passport(data: ReportData) -> str:
    entries = [(escape(name), escape(value)) for name, value in data.passport.items()]
    if data.phases:
        phases = ", ".join(f"{name} {seconds(length)}" for name, length in data.phases.items())
        entries.append(("Phases", escape(phases)))
    entries.append(("Run it again", f"<code>{escape(data.command)}</code>"))
    return _section(
        "Made of", "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in entries) + "</dl>"
    )


def _meanings(data: ReportData) -> str:
    rows = []
    for name in MetricName:
        metric = data.metric(name)
        if metric:
            interval = "" if metric.ci_low is None else f"{metric.ci_low:.3f} to {metric.ci_high:.3f}"
            cases = "" if metric.denominator is None else f"{metric.denominator:,}"
            if metric.numerator is not None and metric.denominator is not None:
                cases = f"{metric.numerator:,} / {metric.denominator:,}"
            rows.append(
                (f"<code>{name}</code>", DESCRIPTIONS[name], figure(metric.value, metric.unit), cases, interval)
            )
    return _section("Every pooled figure", _table(("Figure", "Meaning", "Value", "Cases", "95 % interval"), rows))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _plot(svg: str, alternative: str) -> str:
    encoded = base64.b64encode(svg.encode()).decode()
    return f"<figure><img alt='{escape(alternative)}' src='data:image/svg+xml;base64,{encoded}'></figure>"


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    classes: Sequence[str] = (),
    numbers: Iterable[int] = (),
) -> str:
    right = set(numbers)

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if place in right else ''}>{value}</{tag}>" for place, value in enumerate(values)
        )

    body = "".join(
        f"<tr class='{classes[number] if classes else ''}'>{cells('td', row)}</tr>" for number, row in enumerate(rows)
    )
    return (
        f"<div class='scroll'><table><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table></div>"
    )
