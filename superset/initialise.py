"""First start of Superset, in one process: metadata schema, roles, administrator, and with --publish the dashboards.

Idempotent. Each of Superset's own commands would load the whole application again, some ten CPU-seconds apiece.
"""

import logging
import sys
from collections.abc import Sequence

from access import MissingPasswordError, ensure_admin
from application import superset_application
from import_assets import publish

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode


def initialise(*, with_assets: bool) -> None:
    """Bring the metadata database up to date and make sure of roles and administrator.

    Raises:
        MissingPasswordError: the settings have no administrator's password.
    """
    with superset_application() as app:
        import flask_migrate
        from superset.extensions import appbuilder, db, security_manager

        flask_migrate.upgrade()
        # The migrations' logging configuration silences every logger that exists.
        logging.getLogger().setLevel(logging.WARNING)
        app.sync_config_to_db()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        ensure_admin()
        if with_assets:
            publish()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 2 when the settings lack something."""
    parser = ArgumentParser(prog="initialise.py", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="import the dashboards too, which saves a process")
    arguments = parser.parse_args(argv)
    try:
        initialise(with_assets=arguments.publish)
    except (MissingPasswordError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    sys.stdout.write("Superset is initialised\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
