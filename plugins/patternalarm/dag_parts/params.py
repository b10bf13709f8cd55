"""Typed, documented parameters that several DAGs share, and what no parameter can say by itself."""

from typing import Any

from airflow.sdk import Context, Param
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.jobs import ScorerMode
from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import (
    ALL_DOMAINS,
    EVENTS_PER_MINUTE,
    MAX_EVENTS_PER_MINUTE,
    MAX_MINUTES,
    MAX_SEED,
    MAX_SHARDS,
    MAX_TRAINING_DAYS,
    MAX_TRAINING_EVENTS,
    MIN_EVENTS_PER_MINUTE,
    MIN_MINUTES,
    MIN_TRAINING_DAYS,
    MIN_TRAINING_EVENTS,
    TRAINING_SEEDS_FROM,
    Level,
    why_too_small,
)
from patternalarm.dag_parts.defaults import begin_task
from patternalarm.settings import get_settings


def _one_or_a_folder(names: list[str]) -> dict[str, Any]:
    """Schema of one of ``names``, which the form offers, or of the absolute path of a folder."""
    return {"examples": names, "pattern": f"^({'|'.join(names)}|/.*)$"}


def load_test_params() -> dict[str, Any]:
    """Parameters of ``run_load_test``."""
    rates = ", ".join(f"{level} {rate:,}" for level, rate in EVENTS_PER_MINUTE.items())
    return {
        "domain": Param(
            "payments",
            type="string",
            **_one_or_a_folder(generated_domains()),
            description="Domain whose events are generated: a shipped one, or the path of your own pack's folder, whose "
            "activity.py is run. Without a model that fits, it gets one first (retrain_model, about two minutes more).",
        ),
        "level": Param(
            Level.NORMAL.value,
            type="string",
            enum=[level.value for level in Level],
            description=f"Load level, in events a minute: {rates}.",
        ),
        "events_per_minute": Param(
            None,
            type=["null", "integer"],
            minimum=MIN_EVENTS_PER_MINUTE,
            maximum=MAX_EVENTS_PER_MINUTE,
            description="A rate of your own in place of the level's, to find the highest that the platform holds; the "
            "level's thresholds grade it.",
        ),
        "minutes": Param(
            2,
            type="number",
            minimum=MIN_MINUTES,
            maximum=MAX_MINUTES,
            description="How long events flow. Warm-up, drain and grading come on top.",
        ),
        "seed": Param(
            7,
            type="integer",
            minimum=0,
            maximum=TRAINING_SEEDS_FROM - 1,
            description="The same seed gives the same actors and campaigns. Models are trained on other seeds.",
        ),
        "shards": Param(
            1, type="integer", minimum=1, maximum=MAX_SHARDS, description="Generator processes that share the load."
        ),
        "scorer_mode": Param(
            get_settings().scorer_mode.value,
            type="string",
            enum=[mode.value for mode in ScorerMode],
            description="How Spark runs the scoring query: realtime for low delay, microbatch as the fallback.",
        ),
        "strict": Param(
            True,
            type="boolean",
            description="Speed decides the verdict too. Without it, delays and rate are shown beside their targets and "
            "miss nothing: for machines that others use as well. Everything else is asked for either way.",
        ),
        "keep_topics": Param(
            False, type="boolean", description="Leave the run's topics to their retention, for a look into them."
        ),
    }


def begin_load_test(context: Context) -> None:
    """What comes before the first task of a load test: ``begin_task``, and parameters that can give one.

    A run without a fraud would get a model, be generated, scored and drained only to miss for want of one.

    Raises:
        AirflowFailException: see ``begin_task``; or rate and minutes give too few events to hold a fraud.
    """
    begin_task(context)
    params = context["params"]
    rate = params["events_per_minute"] or EVENTS_PER_MINUTE[Level(params["level"])]
    if why := why_too_small(rate, params["minutes"]):
        raise AirflowFailException(why)


def retrain_params() -> dict[str, Any]:
    """Parameters of ``retrain_model``."""
    return {
        "domain": Param(
            ALL_DOMAINS,
            type="string",
            **_one_or_a_folder([ALL_DOMAINS, *generated_domains()]),
            description="Domain whose model is trained: a shipped one, all of these, each for itself, as on schedule, or the "
            "path of your own pack's folder, whose activity.py is run.",
        ),
        "events": Param(
            300_000,
            type="integer",
            minimum=MIN_TRAINING_EVENTS,
            maximum=MAX_TRAINING_EVENTS,
            description="Events of generated, labelled history to learn from.",
        ),
        "days": Param(
            28,
            type="integer",
            minimum=MIN_TRAINING_DAYS,
            maximum=MAX_TRAINING_DAYS,
            description="Days that the history spans.",
        ),
        "seed": Param(
            None,
            type=["null", "integer"],
            minimum=TRAINING_SEEDS_FROM,
            maximum=MAX_SEED,
            description="Seed of the history; empty draws one from the date. Load tests cannot use these seeds.",
        ),
        "only_missing": Param(
            False,
            type="boolean",
            description="Leave out a domain that has a model that fits, as load tests ask that want one first.",
        ),
    }


def plan_capacity_params() -> dict[str, Any]:
    """Parameters of ``plan_capacity``."""
    return {
        "domain": Param(
            "payments",
            type="string",
            **_one_or_a_folder(generated_domains()),
            description="Domain whose events are sent: a shipped one, or the path of your own pack's folder, whose activity.py "
            "is run. It needs a promoted model.",
        ),
        "seconds": Param(
            45,
            type="number",
            minimum=5,
            maximum=300,
            description="How long each rate is sent; its first third does not count.",
        ),
        "tries": Param(
            6,
            type="integer",
            minimum=2,
            maximum=12,
            description="How many rates are tried for each quota, by bisection.",
        ),
    }


def replay_params() -> dict[str, Any]:
    """Parameters of ``replay_dataset``."""
    return {
        "file": Param(
            type="string", minLength=1, description="Path of a .parquet or .csv file on the platform's machine."
        ),
        "pack": Param(
            type="string",
            minLength=1,
            description="Domain pack whose `source` maps the file's columns: a shipped pack's name, or the path of a pack's "
            "folder on the platform's machine.",
        ),
        "seed": Param(7, type="integer", minimum=0, maximum=MAX_SEED, description="Seed of the training."),
        "scorer_mode": load_test_params()["scorer_mode"],
        "keep_topics": load_test_params()["keep_topics"],
    }
