"""What dbt's yml files say of the marts, in the words of Superset's datasets: nothing is declared twice."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from patternalarm.settings import REPOSITORY

MARTS: Final = REPOSITORY / "dbt" / "models" / "marts"

_TEMPORAL: Final = ("timestamp", "date")


def mart_datasets(folder: Path = MARTS) -> dict[str, dict[str, Any]]:
    """Description and columns of every mart's dataset, by the mart's name.

    dbt's contract holds the database to the types, so they are what Superset would read there.
    """
    return {
        model["name"]: {
            "description": model.get("description", ""),
            "columns": [_column(column) for column in model["columns"]],
        }
        for path in sorted(folder.glob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


def _column(column: dict[str, Any]) -> dict[str, Any]:
    data_type = str(column["data_type"])
    return {
        "column_name": column["name"],
        "verbose_name": column["name"].replace("_", " ").capitalize(),
        "type": re.sub(r"\(.*\)", "", data_type).upper(),
        "is_dttm": data_type.startswith(_TEMPORAL),
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "description": column.get("description", ""),
    }
