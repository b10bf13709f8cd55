"""The batching study as a document and a plot."""

from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from patternalarm.studies.batching import original
from patternalarm.studies.batching.conclusions import conclusions, describe
from patternalarm.studies.batching.result import BatchingResult, Way
from patternalarm.studies.publication import rendered, svg
from patternalarm.studies.wording import count, milliseconds, table

PLOT: Final = "latency_and_cpu.svg"

_COLORS: Final = {
    Way.SPARK_JOB: "#d9730d",
    Way.MICROBATCH: "#6b7785",
    Way.REALTIME: "#1f6feb",
    Way.IN_PROCESS: "#0f8a7e",
    Way.HTTP: "#c9352b",
}


def document(result: BatchingResult) -> str:
    """The study's README."""
    values = {
        "result": result,
        "figures": _figures(result),
        "split": _split(result),
        "points": conclusions(result),
        "missing": [f"{way}: {reason}" for way, reason in result.missing.items()],
        "plot": PLOT,
        "count": count,
    }
    return rendered(Path(__file__).parent, values)


def _figures(result: BatchingResult) -> str:
    told = {
        1: (original.SINGLE_MS, original.SINGLE_PER_MINUTE),
        original.BATCH_ROWS: (original.BATCH_MS, original.BATCH_PER_MINUTE),
    }
    rows = []
    for one in result.measurements:
        beside = told.get(one.rows) if one.way is Way.SPARK_JOB else None
        rows.append(
            [
                describe(one),
                milliseconds(one.p50_ms),
                milliseconds(one.p99_ms),
                milliseconds(one.ms_per_row) if one.way not in (Way.MICROBATCH, Way.REALTIME) else "",
                count(one.rows_per_second * 60),
                count(one.rows_per_cpu_second),
                f"{milliseconds(beside[0])}, {count(beside[1])} a minute" if beside else "",
            ]
        )
    head = ["way", "p50", "p99", "p50 a row", "rows a minute", "rows a CPU second", "the original told"]
    return table(head, rows)


def _split(result: BatchingResult) -> str:
    told = [
        "the original, one row",
        *map(milliseconds, (original.CREATE_MS, original.TRANSFORM_MS, original.COLLECT_MS)),
    ]
    rows = [[*told, milliseconds(original.SINGLE_MS)]]
    for one in result.measurements:
        if one.split:
            parts = (one.split.create_ms, one.split.transform_ms, one.split.collect_ms)
            rows.append([describe(one), *map(milliseconds, parts), milliseconds(one.p50_ms)])
    return table(["request", "createDataFrame", "transform", "collect", "together"], rows)


def plots(result: BatchingResult) -> dict[str, str]:
    """SVG documents by file name."""

    def draw(figure: Figure) -> None:
        latency, cost = figure.subplots(1, 2)
        for way in Way:
            found = [one for one in result.measurements if one.way is way]
            if not found:
                continue
            rows = [one.rows for one in found]
            style = {"color": _COLORS[way], "label": way, "marker": "o", "markersize": 4}
            latency.plot(rows, [one.p50_ms for one in found], **style)
            latency.fill_between(
                rows, [one.p50_ms for one in found], [one.p99_ms for one in found], color=_COLORS[way], alpha=0.12
            )
            cost.plot(rows, [one.cpu_us_per_row for one in found], **style)
        for axes, title in ((latency, "Latency, p50 to p99 (ms)"), (cost, "CPU time of a row (us)")):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("rows in a request")
            axes.set_title(title)
        latency.legend(fontsize=8)

    return {PLOT: svg(draw, 9.6, 4.0)}
