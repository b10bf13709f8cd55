"""``load-test``: a graded load test, followed to its verdict."""

import argparse
import sys
from typing import Any, Final

import psycopg
from rich.console import Console

from patternalarm.cli import retrain
from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.arguments import chosen, number_between, whole_number_between
from patternalarm.cli.errors import PlatformError
from patternalarm.cli.follow import Follower
from patternalarm.cli.report import platform_run_ids, show_report
from patternalarm.contracts.domain_pack import generated_domains
from patternalarm.contracts.runs import (
    EVENTS_PER_MINUTE,
    MAX_EVENTS_PER_MINUTE,
    MAX_MINUTES,
    MAX_SHARDS,
    MIN_EVENTS_PER_MINUTE,
    MIN_MINUTES,
    TRAINING_SEEDS_FROM,
    Level,
)
from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.models.registry import ModelRegistryError, promoted
from patternalarm.postgres import connect
from patternalarm.settings import Settings

DAG_ID: Final = "run_load_test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    rates = ", ".join(f"{level} {rate:,}" for level, rate in EVENTS_PER_MINUTE.items())
    parser.add_argument("--domain", default="payments", help=f"one of {', '.join(generated_domains())}")
    parser.add_argument("--level", default=Level.NORMAL.value, help=f"events a minute: {rates}")
    parser.add_argument("--rate", default=None, help="events a minute in place of the level's, graded by the level")
    parser.add_argument("--minutes", default="2", help=f"how long events flow, {MIN_MINUTES:g} to {MAX_MINUTES}")
    parser.add_argument("--seed", default="7", help="the same seed gives the same actors and campaigns")
    parser.add_argument("--shards", default="1", help=f"generator processes that share the load, 1 to {MAX_SHARDS}")
    parser.add_argument("--scorer-mode", default=None, help="realtime or microbatch; the platform's setting by default")
    parser.add_argument("--keep-topics", action="store_true", help="leave the run's topics for a look into them")


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The DAG's parameters.

    Raises:
        UsageError: one of them cannot be; the message says what could.
    """
    conf: dict[str, Any] = {
        "domain": chosen("domain", arguments.domain, generated_domains()),
        "level": chosen("level", arguments.level, [level.value for level in Level]),
        "minutes": number_between("minutes", arguments.minutes, MIN_MINUTES, MAX_MINUTES),
        "seed": whole_number_between("seed", arguments.seed, 0, TRAINING_SEEDS_FROM - 1),
        "shards": whole_number_between("shards", arguments.shards, 1, MAX_SHARDS),
    }
    if arguments.rate:
        lowest, highest = MIN_EVENTS_PER_MINUTE, MAX_EVENTS_PER_MINUTE
        conf["events_per_minute"] = whole_number_between("rate", arguments.rate, lowest, highest)
    if arguments.scorer_mode:
        conf["scorer_mode"] = chosen("scorer mode", arguments.scorer_mode, ["realtime", "microbatch"])
    if arguments.keep_topics:
        conf["keep_topics"] = True
    return conf


def run(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run it; 0 when the run passed, 1 when it missed a threshold or failed.

    A domain without a promoted model gets one first.

    Raises:
        UsageError, AirflowError, PlatformError: see there.
    """
    conf = parameters(arguments)
    api = AirflowApi(settings)
    if not has_model(settings, conf["domain"]):
        console.print(f"no model of {conf['domain']} is promoted yet: training one first")
        trained = retrain.train(api, conf["domain"], console)
        if trained:
            return trained
    followed = Follower(api, console).run(DAG_ID, conf)
    for run_id in platform_run_ids(api, followed):
        show_report(settings, run_id, sys.stdout)
    verdict = "[green]passed[/]" if followed.succeeded else "[red]not passed[/]"
    beyond = followed.seconds - conf["minutes"] * 60
    console.print(f"{verdict} in {followed.seconds:.0f} s, {beyond:.0f} s beyond the {conf['minutes']:g} minutes asked")
    return 0 if followed.succeeded else 1


def has_model(settings: Settings, domain: str) -> bool:
    """Whether a model of ``domain`` is promoted.

    Raises:
        PlatformError: PostgreSQL cannot be used.
    """
    try:
        with connect(settings, PLATFORM_ROLE) as connection:
            promoted(connection, domain)
    except ModelRegistryError:
        return False
    except psycopg.OperationalError as error:
        raise PlatformError(
            f"PostgreSQL cannot be used at {settings.host}:{settings.postgres_port} ({str(error).strip()}): "
            "start the platform with `make up`"
        ) from None
    return True
