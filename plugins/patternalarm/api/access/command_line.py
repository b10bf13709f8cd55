"""API keys by hand: ``python -m patternalarm.api.access.command_line create | list | revoke``, in the api environment.

Exit codes: 0 done, 1 PostgreSQL cannot be used, 2 arguments that cannot be.
"""

import argparse
import getpass
import sys
from typing import Any, Final

import psycopg

from patternalarm.api.access.keys import MOST_DAYS, create_key, list_keys, revoke_key
from patternalarm.api.access.roles import Role
from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.tables import API_ROLE
from patternalarm.did_you_mean import did_you_mean
from patternalarm.postgres import connect, unusable
from patternalarm.retrying import before_work_begins
from patternalarm.settings import SettingsError, get_settings

_MOST_CHARACTERS: Final = 100


def _create(connection: psycopg.Connection[Any], arguments: argparse.Namespace) -> None:
    if arguments.role not in list(Role):
        raise ValueError(did_you_mean("role", arguments.role, [role.value for role in Role]))
    try:
        days = float(arguments.days)
    except ValueError:
        raise ValueError(f"DAYS is a number of days up to {MOST_DAYS}, not {arguments.days}") from None
    name = arguments.name or f"{getpass.getuser()}-{arguments.role}"
    if len(name) > _MOST_CHARACTERS or not name.isprintable():
        raise ValueError(f"a name has up to {_MOST_CHARACTERS} printable characters")
    key = create_key(connection, name, Role(arguments.role), days, getpass.getuser())
    sys.stderr.write(f"{arguments.role} {name}, for {days:g} days; it is shown this once:\n")
    sys.stdout.write(f"{key}\n")


def _list(connection: psycopg.Connection[Any], _: argparse.Namespace) -> None:
    for key_id, name, role, made, ends, revoked in list_keys(connection):
        state = f"revoked {revoked:%Y-%m-%d %H:%M}" if revoked else f"ends {ends:%Y-%m-%d %H:%M}"
        sys.stdout.write(f"{key_id}  {role:<9} {name:<30} made {made:%Y-%m-%d}  {state}\n")


def _revoke(connection: psycopg.Connection[Any], arguments: argparse.Namespace) -> None:
    if not revoke_key(connection, arguments.key_id):
        raise ValueError(f"there is no key {arguments.key_id} to revoke; `list` shows what there is")
    sys.stdout.write(f"{arguments.key_id} is revoked\n")


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = ArgumentParser(prog="patternalarm.api.access.command_line", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create")
    create.add_argument("--role", required=True, help=f"one of {', '.join(Role)}")
    create.add_argument("--days", default="30", help=f"how long it lives, up to {MOST_DAYS}")
    create.add_argument("--name", default="", help="whose it is; default: who makes it, and the role")
    create.set_defaults(do=_create)
    actions.add_parser("list").set_defaults(do=_list)
    revoke = actions.add_parser("revoke")
    revoke.add_argument("key_id")
    revoke.set_defaults(do=_revoke)
    arguments = parser.parse_args(argv)
    try:
        settings = get_settings()
        with before_work_begins(), connect(settings, API_ROLE, autocommit=True) as connection:
            arguments.do(connection, arguments)
    except (ValueError, SettingsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return ExitCode.BAD_INPUT
    except psycopg.OperationalError as error:
        sys.stderr.write(f"error: {unusable(settings, error)}\n")
        return ExitCode.FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
