"""The assets as files: databases, datasets, charts and dashboards, keyed by UUID. Needs no Superset.

A dataset's file holds what dbt cannot know: metrics, and the names that people read. Its columns and descriptions are
dbt's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from mart_datasets import MARTS, mart_datasets

from patternalarm.contracts.tables import READER_ROLE
from patternalarm.settings import Settings

ASSETS: Final = Path(__file__).resolve().parent / "assets"
KINDS: Final = ("databases", "datasets", "charts", "dashboards")

# What Superset's own exports write in place of a password; its import puts the real one in.
PASSWORD_MASK: Final = "XXXXXXXXXX"  # noqa: S105


class AssetError(ValueError):
    """The assets say something that cannot be; the message names the file."""


@dataclass(frozen=True)
class Asset:
    """One YAML file: ``path`` is relative to the assets folder, with forward slashes."""

    path: str
    content: dict[str, Any]

    @property
    def uuid(self) -> str:
        """Identity of the asset, the same in every installation."""
        return str(self.content["uuid"])

    @property
    def name(self) -> str:
        """What people call it."""
        for key in ("slice_name", "dashboard_title", "table_name", "database_name"):
            if key in self.content:
                return str(self.content[key])
        return self.path


class Bundle:
    """Every asset of a folder, by kind."""

    def __init__(self, root: Path = ASSETS, marts: Path = MARTS) -> None:
        """Read all of ``root``, and dbt's yml files in ``marts``.

        Raises:
            AssetError: a file is no YAML mapping, has no UUID, or two share one; a dataset is of no mart, declares
                what dbt declares, or names a column that its mart has not.
        """
        self.root = root
        self._marts = mart_datasets(marts)
        self._assets: dict[str, dict[str, Asset]] = {kind: {} for kind in KINDS}
        seen: dict[str, str] = {}
        for kind in KINDS:
            for path in sorted((root / kind).rglob("*.yaml")):
                asset = self._read(path)
                if asset.uuid in seen:
                    raise AssetError(f"{asset.path}: has the UUID of {seen[asset.uuid]}; give it one of its own")
                seen[asset.uuid] = asset.path
                self._assets[kind][asset.uuid] = asset

    def _read(self, path: Path) -> Asset:
        name = path.relative_to(self.root).as_posix()
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise AssetError(f"{name}: is no YAML: {error}") from error
        if not isinstance(content, dict) or "uuid" not in content:
            raise AssetError(f"{name}: is no mapping with a uuid")
        if name.startswith("datasets/"):
            self._fill(name, content)
        return Asset(name, content)

    def _fill(self, name: str, content: dict[str, Any]) -> None:
        """Add to a dataset what dbt says of its mart."""
        table, verbose_names = content["table_name"], content.pop("verbose_names", {})
        mart = self._marts.get(table)
        if mart is None or content.get("schema") != "marts":
            raise AssetError(f"{name}: {content.get('schema')}.{table} is no mart of dbt's")
        if declared := sorted(set(mart) & set(content)):
            raise AssetError(f"{name}: {' and '.join(declared)} of a dataset are written in {table}.yml alone")
        columns = [
            column | {"verbose_name": verbose_names.get(column["column_name"], column["verbose_name"])}
            for column in mart["columns"]
        ]
        if unknown := sorted(set(verbose_names) - {column["column_name"] for column in columns}):
            raise AssetError(f"{name}: {table}.yml has no column {', '.join(unknown)}")
        content |= {"description": mart["description"], "columns": columns}

    def of(self, kind: str) -> dict[str, Asset]:
        """Assets of one kind, by UUID."""
        return self._assets[kind]

    def __iter__(self) -> Iterator[Asset]:
        """Every asset, in the order in which they depend on each other."""
        for kind in KINDS:
            yield from self._assets[kind].values()


def database_uri(uri: str, settings: Settings) -> str:
    """``uri`` with the reader's role, and host, port and database of ``settings``; the password stays masked."""
    return settings.dsn(READER_ROLE, PASSWORD_MASK, driver=urlsplit(uri).scheme)
