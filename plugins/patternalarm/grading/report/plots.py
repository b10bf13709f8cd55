"""Plots of a report, each an SVG document with its text as outlines, so that it looks the same everywhere."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from patternalarm.contracts.alerts import ALL_TYPES, EvidenceSource
from patternalarm.grading.figures.metrics import MetricName
from patternalarm.grading.report.data import BUCKETS_MS, ReportData

INK: Final = "#1c2733"
MUTED: Final = "#6b7785"
GRID: Final = "#e3e8ee"
BLUE: Final = "#1f6feb"
ORANGE: Final = "#d9730d"
TEAL: Final = "#0f8a7e"
RED: Final = "#c9352b"

SOURCE_COLORS: Final = {EvidenceSource.SCORE: BLUE, EvidenceSource.PATTERN: ORANGE}

# Seconds.
_ROUND_TIMES: Final = {
    "1 ms": 0.001,
    "10 ms": 0.01,
    "100 ms": 0.1,
    "1 s": 1,
    "10 s": 10,
    "1 min": 60,
    "10 min": 600,
    "1 h": 3_600,
    "6 h": 21_600,
    "1 d": 86_400,
    "7 d": 604_800,
    "30 d": 2_592_000,
}
_MAX_TIME_TICKS: Final = 6

_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.5,
    "text.color": INK,
    # A name with dollar signs is no formula.
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    # Fixed, so that the same run gives the same bytes.
    "svg.hashsalt": "patternalarm",
}


def detection_plot(data: ReportData) -> str:
    """Recall of campaigns and precision of alerts per fraud type, with their 95 % intervals and the target."""
    types = (ALL_TYPES, *data.fraud_types)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, name, title in (
            (panels[0], MetricName.CAMPAIGN_RECALL, "Recall: campaigns found"),
            (panels[1], MetricName.ALERT_PRECISION, "Precision: alerts that are right"),
        ):
            target = data.metric(name)
            if target and target.threshold is not None:
                axes.axvline(target.threshold, color=MUTED, linestyle=(0, (3, 3)), linewidth=1)
            for row, fraud_type in enumerate(types):
                metric = data.metric(name, fraud_type)
                if metric is None or metric.value is None or metric.ci_low is None or metric.ci_high is None:
                    axes.text(0.5, row, "none", color=MUTED, va="center", ha="center", fontsize=8.5)
                    continue
                pooled = fraud_type == ALL_TYPES
                color = INK if pooled else BLUE
                axes.plot([metric.ci_low, metric.ci_high], [row, row], color=color, alpha=0.35, linewidth=5)
                axes.plot([metric.value], [row], "o", color=color, markersize=8 if pooled else 6.5)
                axes.text(1.05, row, f"{metric.numerator}/{metric.denominator}", color=MUTED, va="center", fontsize=8.5)
            axes.set_title(title)
            axes.set_xlim(0, 1.03)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(range(len(types)), [_type_label(fraud_type) for fraud_type in types], color=INK)
        panels[0].get_yticklabels()[0].set_fontweight("bold")
        panels[0].set_ylim(len(types) - 0.4, -0.6)

    return _svg(draw, 9.6, 1.1 + 0.36 * len(types))


def delay_plot(data: ReportData) -> str:
    """Share of alerts committed within a delay, for score alerts and pattern alerts apart, with their limits."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for source in EvidenceSource:
            delays = np.sort(data.graded.delays_ms(source))
            if not len(delays):
                continue
            share = np.arange(1, len(delays) + 1) / len(delays)
            color = SOURCE_COLORS[source]
            axes.step(np.maximum(delays, 1), share, where="post", color=color, linewidth=2)
            axes.fill_between(np.maximum(delays, 1), share, step="post", color=color, alpha=0.08)
            axes.plot([], [], color=color, linewidth=2, label=f"{source} alerts ({len(delays):,})")
        for name, source, label in (
            (MetricName.SCORE_DELAY_P50, EvidenceSource.SCORE, "p50"),
            (MetricName.SCORE_DELAY_P99, EvidenceSource.SCORE, "p99"),
            (MetricName.PATTERN_DELAY_P99, EvidenceSource.PATTERN, "p99"),
        ):
            metric = data.metric(name)
            if metric and metric.threshold is not None:
                axes.axvline(metric.threshold, color=SOURCE_COLORS[source], linestyle=(0, (3, 3)), linewidth=1)
                axes.text(
                    metric.threshold, 1.02, f"{label} limit", color=SOURCE_COLORS[source], fontsize=8, ha="center"
                )
        _time_axis(axes, per_second=1_000)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.set_ylim(0, 1.0)
        axes.set_xlabel("from sending the event" if data.graded.is_replay else "from the event's scheduled time")
        axes.set_title("Alerts committed within", pad=18)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=2)
        else:
            _nothing(axes, "no alert")

    return _svg(draw, 4.7, 3.4)


def detection_time_plot(data: ReportData) -> str:
    """Time from a campaign's first event to its first alert, one dot per found campaign, with medians."""
    detection, by_event_time = data.graded.detection, data.graded.is_replay
    types = [fraud_type for fraud_type in data.fraud_types if (detection.frauds["fraud_type"] == fraud_type).any()]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for row, fraud_type in enumerate(types):
            seconds = np.sort(detection.detection_seconds(fraud_type, by_event_time=by_event_time))
            # A fixed zigzag spreads equal times over the row without chance.
            spread = 0.22 * (((np.arange(len(seconds)) * 0.618) % 1) * 2 - 1)
            axes.plot(np.maximum(seconds, 0.01), row + spread, "o", color=TEAL, alpha=0.45, markersize=4.5, mew=0)
            if len(seconds):
                median = max(float(np.quantile(seconds, 0.5, method="inverted_cdf")), 0.01)
                axes.plot([median, median], [row - 0.34, row + 0.34], color=INK, linewidth=2)
            missed = int((detection.frauds["fraud_type"] == fraud_type).sum()) - len(seconds)
            if missed:
                axes.text(
                    1.02,
                    row,
                    f"{missed} missed",
                    color=RED,
                    va="center",
                    fontsize=8.5,
                    transform=axes.get_yaxis_transform(),
                )
        _time_axis(axes, per_second=1)
        axes.set_yticks(range(len(types)), [_type_label(fraud_type) for fraud_type in types], color=INK)
        axes.set_ylim(len(types) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_title("First event of a campaign to its first alert")
        axes.set_xlabel(f"{'event time' if by_event_time else 'time'}; the bar is the median")
        if not types:
            _nothing(axes, "no fraud campaign")

    return _svg(draw, 4.9, 4.4)


def velocity_plot(data: ReportData) -> str:
    """Events and alerts over the measured time."""
    velocity = data.velocity

    def draw(figure: Figure) -> None:
        panels = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        if velocity is None:
            for axes in panels:
                _nothing(axes, "not recorded")
            return
        begins = velocity.frame["bucket_ms"].to_numpy()
        edges = np.append(begins, begins[-1] + BUCKETS_MS[velocity.width])
        times = [datetime.fromtimestamp(ms / 1_000, UTC) for ms in edges]
        for axes, column, color in ((panels[0], "events", BLUE), (panels[1], "alerts", ORANGE)):
            # Every bucket is drawn to its end, so the last count stands twice.
            counts = np.append(velocity.frame[column], velocity.frame[column].iloc[-1])
            axes.fill_between(times, counts, step="post", color=color, alpha=0.12, linewidth=0)
            axes.step(times, counts, where="post", color=color, linewidth=1.8)
            axes.set_title(f"{column.capitalize()} per {velocity.width}")
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
        panels[1].xaxis.set_major_locator(locator)
        panels[1].xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]

    return _svg(draw, 9.6, 3.6)


def _svg(draw: Callable[[Figure], None], width: float, height: float) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode()


def _nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, color=MUTED, ha="center", va="center", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])


def _type_label(fraud_type: str) -> str:
    return "all, pooled" if fraud_type == ALL_TYPES else fraud_type.replace("_", " ")


def _time_axis(axes: Axes, per_second: float) -> None:
    """A logarithmic axis with ticks at round times, as many as fit; call it when the data are drawn."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    times = [(name, seconds * per_second) for name, seconds in _ROUND_TIMES.items()]
    within = [(name, at) for name, at in times if low <= at <= high]
    shown = within[:: max(1, -(-len(within) // _MAX_TIME_TICKS))]
    axes.set_xticks([at for _, at in shown], [name for name, _ in shown])
