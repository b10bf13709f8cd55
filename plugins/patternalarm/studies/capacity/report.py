"""The capacity study as a document and a plot."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from patternalarm.studies.capacity import original
from patternalarm.studies.capacity.conclusions import conclusions
from patternalarm.studies.capacity.result import CapacityResult, LevelNeed
from patternalarm.studies.publication import rendered, svg
from patternalarm.studies.wording import count, percent, table

PLOT: Final = "throughput.svg"


def document(result: CapacityResult) -> str:
    """The study's README."""
    values = {
        "result": result,
        "levels": _levels(result),
        "points": _points(result),
        "conclusions": conclusions(result),
        "plot": PLOT,
        "percent": percent,
    }
    return rendered(Path(__file__).parent, values)


def _levels(result: CapacityResult) -> str:
    rows = []
    for need in result.levels:
        told = original.TABLE.get(need.level)
        rows.append(
            [
                f"{need.level.upper()}, {need.events_per_minute:,} events a minute",
                _workers(need, min(point.workers for point in result.fitted)),
                "" if need.memory_mib is None else f"{need.memory_mib / 1024:.1f} GiB",
                "extrapolated" if need.extrapolated else "measured range",
                "" if told is None else f"{told[0]} ({told[1]:,} a minute)",
            ]
        )
    return table(["load", "workers", "memory of the engines", "", "the original told"], rows)


def _workers(need: LevelNeed, fewest: float) -> str:
    if need.workers is None:
        return "none"
    return f"{need.workers:g} or fewer" if need.workers == fewest else f"{need.workers:g}"


def _points(result: CapacityResult) -> str:
    rows = []
    for point in (*result.fitted, result.held_out):
        law = result.law.law.throughput(point.workers)
        rows.append(
            [
                f"{point.workers:g}{', held out' if point is result.held_out else ''}",
                count(point.held_per_second * 60),
                count(law * 60),
                percent((law - point.held_per_second) / point.held_per_second),
                count(point.full_topic_per_second * 60),
                f"{point.cores_used:.2f}",
                f"{point.generator_cores:.2f}",
                f"{point.memory_mib / 1024:.1f} GiB",
            ]
        )
    head = [
        "workers (cores)",
        "held, events a minute",
        "by the law",
        "error",
        "from a full topic",
        "cores used",
        "generator's cores",
        "memory",
    ]
    return table(head, rows)


def plots(result: CapacityResult) -> dict[str, str]:
    """SVG documents by file name."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        reach = result.held_out.workers
        workers = np.linspace(0.05, reach * 1.5, 200)
        law = [result.law.law.throughput(float(one)) * 60 for one in workers]
        measured = workers <= reach
        axes.plot(workers[measured], np.array(law)[measured], color="#1f6feb", label="Universal Scalability Law")
        axes.plot(workers[~measured], np.array(law)[~measured], color="#1f6feb", linestyle=":", label="extrapolated")
        axes.plot(
            [point.workers for point in result.fitted],
            [point.held_per_second * 60 for point in result.fitted],
            "o",
            color="#0f8a7e",
            label="held, fitted",
        )
        axes.plot([reach], [result.held_out.held_per_second * 60], "s", color="#d9730d", label="held, held out")
        axes.set_xlabel("workers (cores of the engines' quota)")
        axes.set_ylabel("events a minute")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.legend(fontsize=8)

    return {PLOT: svg(draw, 7.0, 4.0)}
