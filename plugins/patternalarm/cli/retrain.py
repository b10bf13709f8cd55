"""``retrain``: train, check and promote the model of a domain, or of all."""

import argparse
from typing import Any, Final

from rich.console import Console

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.arguments import domain_given, whole_number_between
from patternalarm.cli.follow import Follower
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import (
    ALL_DOMAINS,
    MAX_SEED,
    MAX_TRAINING_EVENTS,
    MIN_TRAINING_EVENTS,
    TRAINING_SEEDS_FROM,
)
from patternalarm.settings import Settings

DAG_ID: Final = "retrain_model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    domains = [ALL_DOMAINS, *generated_domains()]
    parser.add_argument("--domain", default=ALL_DOMAINS, help=f"one of {', '.join(domains)}, or your own pack's folder")
    parser.add_argument("--events", default=None, help="events of generated history to learn from")
    parser.add_argument(
        "--seed", default=None, help=f"seed of the history, from {TRAINING_SEEDS_FROM}; default: the day's"
    )


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The DAG's parameters.

    Raises:
        UsageError: one of them cannot be; the message says what could.
    """
    conf: dict[str, Any] = {"domain": domain_given(arguments.domain, [ALL_DOMAINS, *generated_domains()])}
    if arguments.events is not None:
        conf["events"] = whole_number_between("events", arguments.events, MIN_TRAINING_EVENTS, MAX_TRAINING_EVENTS)
    if arguments.seed is not None:
        conf["seed"] = whole_number_between("seed", arguments.seed, TRAINING_SEEDS_FROM, MAX_SEED)
    return conf


def run(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run it; 0 when every model asked for was promoted.

    Raises:
        UsageError, AirflowError: see there.
    """
    followed = Follower(AirflowApi(settings), console).run(DAG_ID, parameters(arguments))
    return 0 if followed.succeeded else ExitCode.FAILED
