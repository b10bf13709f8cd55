"""Publish the dashboards: after it, Superset holds exactly the assets of this folder, whatever it held before.

In one process: administrator, viewer role, import with the reader's password, and removal of assets that once came from
here and no longer do. What people made in Superset by themselves stays.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from access import MissingPasswordError, ensure_admin, grant_viewer
from application import superset_application
from bundle import ASSETS, AssetError, Bundle, database_uri
from check_assets import executed_faults
from query_contexts import UnsupportedChartError, query_context_of

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.settings import Settings, get_settings


@dataclass(frozen=True)
class Published:
    """How many assets were written, and what was removed."""

    written: int
    removed: tuple[str, ...]


def importable(bundle: Bundle, settings: Settings) -> dict[str, str]:
    """The files of ``bundle`` as Superset's import takes them: YAML by path, with this installation's database.

    Every asset is marked as managed from outside: its page in Superset cannot be edited, and it is removed when its
    file is gone.

    Raises:
        UnsupportedChartError: a chart's visualisation has no known query.
    """
    contents = {"metadata.yaml": yaml.safe_dump({"version": "1.0.0", "type": "assets"})}
    for asset in bundle:
        content: dict[str, Any] = {**asset.content, "is_managed_externally": True}
        if asset.path.startswith("databases/"):
            content["sqlalchemy_uri"] = database_uri(content["sqlalchemy_uri"], settings)
        if asset.path.startswith("charts/"):
            content["query_context"] = json.dumps(query_context_of(content["params"]))
        contents[asset.path] = yaml.safe_dump(content, sort_keys=False)
    return contents


def _remove_orphans(bundle: Bundle) -> tuple[str, ...]:
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    removed = []
    # Dashboards first: what shows an asset goes before the asset.
    for kind, model in (("dashboards", Dashboard), ("charts", Slice), ("datasets", SqlaTable), ("databases", Database)):
        for row in db.session.query(model).filter(model.is_managed_externally.is_(True)):
            if str(row.uuid) not in bundle.of(kind):
                removed.append(f"{kind[:-1]} {row}")
                db.session.delete(row)
        db.session.flush()
    return tuple(removed)


def publish(root: Path = ASSETS) -> Published:
    """Import every asset below ``root``, and remove those that came from code before and no longer do.

    Needs an application context (``superset_application``).

    Raises:
        AssetError: a file is no asset.
        CommandInvalidError: a file does not fit Superset's own schema.
        ImportFailedError: Superset refused it.
        MissingPasswordError: the settings have no administrator's password.
    """
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user
    from superset.utils.decorators import transaction

    settings = get_settings()
    bundle = Bundle(root)
    passwords = {asset.path: settings.reader_password for asset in bundle.of("databases").values()}
    command = ImportAssetsCommand(importable(bundle, settings), passwords=passwords)

    @transaction(on_error=None)  # type: ignore[untyped-decorator]
    def replace_all() -> tuple[str, ...]:
        command.run()
        return _remove_orphans(bundle)

    with override_user(ensure_admin()):
        removed = replace_all()
        grant_viewer(bundle.of("datasets"))
    return Published(len(list(bundle)), removed)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 1 when a query fails, 2 for assets that do not fit and settings that lack something."""
    parser = ArgumentParser(prog="import_assets.py", description=__doc__)
    parser.add_argument(
        "--execute", action="store_true", help="then run every query of theirs, as check_assets.py does"
    )
    parser.add_argument("--assets", type=Path, default=ASSETS, help="folder of the assets (default: %(default)s)")
    arguments = parser.parse_args(argv)
    faults: list[str] = []
    try:
        with superset_application():
            from superset.commands.exceptions import CommandException, CommandInvalidError

            try:
                published = publish(arguments.assets)
            except CommandException as error:
                details = error.normalized_messages() if isinstance(error, CommandInvalidError) else error
                sys.stderr.write(f"Superset refused the assets: {details}\n")
                return ExitCode.BAD_INPUT
            if arguments.execute:
                faults, _ = executed_faults(Bundle(arguments.assets))
    except (AssetError, MissingPasswordError, UnsupportedChartError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    for name in published.removed:
        sys.stdout.write(f"removed {name}\n")
    sys.stdout.write(f"{published.written} assets published at {get_settings().superset_url}\n")
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return ExitCode.FAILED if faults else 0


if __name__ == "__main__":
    sys.exit(main())
