"""What a study leaves: ``result.json``, its plots, and a ``README.md`` that is made of the result alone."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pydantic import BaseModel

from patternalarm.settings import REPOSITORY

RESULT_FILE: Final = "result.json"
README_FILE: Final = "README.md"
TEMPLATE_FILE: Final = "report.md"

_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e8ee",
    "legend.frameon": False,
    "figure.facecolor": "white",
    # Fixed, so that the same result gives the same bytes.
    "svg.hashsalt": "patternalarm",
}


def documents_of(study: str) -> Path:
    """Where the repository keeps the write-up of ``study``."""
    return REPOSITORY / "docs" / "studies" / study


def rendered(template_directory: Path, values: Mapping[str, object]) -> str:
    """The study's ``report.md`` filled in."""
    # Markdown of our own figures, read by no browser as HTML.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(template_directory),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE_FILE).render(values)


def svg(draw: Callable[[Figure], None], width: float = 8.0, height: float = 4.0) -> str:
    """What ``draw`` draws, as an SVG document."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    # matplotlib ends lines of paths with blanks, which reviews of a diff complain about.
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def publish(directory: Path, result: BaseModel, readme: str, plots: Mapping[str, str]) -> None:
    """Write the study down in ``directory``, which is made if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / RESULT_FILE).write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for name, document in plots.items():
        (directory / name).write_text(document, encoding="utf-8")
    (directory / README_FILE).write_text(readme, encoding="utf-8")
