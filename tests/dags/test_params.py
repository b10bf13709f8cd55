"""Parameters are typed, enumerated and documented, and refuse what cannot be."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import ALL_DOMAINS, MAX_MINUTES, TRAINING_SEEDS_FROM, Level
from patternalarm.dag_parts.defaults import refuse_unknown_parameters

RUNNABLE = ["plan_capacity", "replay_dataset", "retrain_model", "run_load_test"]


@pytest.mark.parametrize("dag_id", RUNNABLE)
def test_every_parameter_says_what_it_is(dag_bag, dag_id):
    params = dag_bag.dags[dag_id].params
    assert len(params)
    for name in params:
        param = params.get_param(name)
        assert param.description, name
        assert param.schema.get("type"), name


def test_the_load_test_enumerates_domains_and_levels(dag_bag):
    params = dag_bag.dags["run_load_test"].params
    assert params.get_param("level").schema["enum"] == [level.value for level in Level]
    assert params.get_param("domain").schema["examples"] == generated_domains()
    assert dag_bag.dags["retrain_model"].params.get_param("domain").schema["examples"] == [
        ALL_DOMAINS,
        *generated_domains(),
    ]


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("run_load_test", "domain", "payment"),
        ("run_load_test", "domain", "./toll"),
        ("run_load_test", "domain", "sparkov"),
        ("retrain_model", "domain", "payments/"),
        ("run_load_test", "domain", ALL_DOMAINS),
        ("run_load_test", "level", "huge"),
        ("run_load_test", "events_per_minute", 99),
        ("run_load_test", "events_per_minute", "fast"),
        ("run_load_test", "minutes", -1),
        ("run_load_test", "minutes", 0),
        ("run_load_test", "minutes", MAX_MINUTES + 1),
        ("run_load_test", "minutes", "two"),
        ("run_load_test", "seed", "seven"),
        ("run_load_test", "seed", 1.5),
        ("run_load_test", "seed", TRAINING_SEEDS_FROM),
        ("run_load_test", "shards", 0),
        ("run_load_test", "scorer_mode", "batch"),
        ("retrain_model", "seed", TRAINING_SEEDS_FROM - 1),
        ("retrain_model", "events", 10),
        ("plan_capacity", "domain", "sparkov"),
        ("plan_capacity", "seconds", 1),
        ("plan_capacity", "tries", 1),
        ("replay_dataset", "file", ""),
        ("replay_dataset", "pack", None),
    ],
)
def test_what_cannot_be_is_refused(dag_bag, dag_id, name, value):
    param = dag_bag.dags[dag_id].params.get_param(name)
    with pytest.raises(ParamValidationError):
        param.resolve(value)


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("run_load_test", "events_per_minute", None),
        ("run_load_test", "events_per_minute", 600_000),
        ("run_load_test", "minutes", 0.5),
        ("run_load_test", "minutes", MAX_MINUTES),
        ("run_load_test", "seed", TRAINING_SEEDS_FROM - 1),
        ("retrain_model", "seed", TRAINING_SEEDS_FROM),
        ("retrain_model", "seed", None),
        *(
            (dag_id, "domain", domain)
            for dag_id in ("run_load_test", "retrain_model")
            for domain in ("iot", "/my/toll")
        ),
        ("retrain_model", "domain", ALL_DOMAINS),
    ],
)
def test_the_limits_themselves_are_accepted(dag_bag, dag_id, name, value):
    assert dag_bag.dags[dag_id].params.get_param(name).resolve(value) == value


def test_defaults_are_valid(dag_bag):
    for dag_id in ("retrain_model", "run_load_test"):
        dag_bag.dags[dag_id].params.validate()


@pytest.mark.parametrize(
    ("dag_id", "conf", "told"),
    [
        ("run_load_test", {"domian": "iot"}, "unknown parameter domian: did you mean domain?"),
        (
            "run_load_test",
            {"domain": "iot", "level": "mini", "minuts": 1},
            "unknown parameter minuts: did you mean minutes?",
        ),
        (
            "run_load_test",
            {"Level": "mini", "Strict": False},
            "did you mean level?; unknown parameter Strict: did you mean strict?",
        ),
        ("retrain_model", {"domains": "iot"}, "unknown parameter domains: did you mean domain?"),
        ("replay_dataset", {"path": "x"}, "unknown parameter path: use one of file, pack, seed"),
        ("run_load_test", {"conf": {"domain": "iot"}}, "unknown parameter conf: use one of domain, level"),
        ("run_load_test", {1: 2}, "unknown parameter 1: use one of domain, level"),
        ("run_load_test", [], 'parameters are a JSON object, like {"name": "value"}, and not []'),
        ("run_load_test", ["domain", 1], "and not ['domain', 1]"),
        ("run_load_test", "iot", "and not 'iot'"),
        ("run_load_test", {"seed": 7.0, "minutes": 2.0}, "parameter seed is 7.0: write 7, a whole number"),
        ("run_load_test", {"events_per_minute": 1e5}, "parameter events_per_minute is 100000.0: write 100000, a whole"),
        ("run_load_test", {"minutes": float("nan")}, "parameter minutes is nan, which is no number"),
        ("retrain_model", {"days": 28.0}, "parameter days is 28.0: write 28, a whole number"),
        ("build_alert_marts", {"domain": "iot"}, "unknown parameter domain: there are none"),
        ("publish_dashboards", {"domain": "iot"}, "unknown parameter domain: there are none"),
    ],
)
def test_a_parameter_that_a_dag_does_not_have_is_told_and_not_ignored(dag_bag, dag_id, conf, told):
    context = {"dag": dag_bag.dags[dag_id], "dag_run": SimpleNamespace(conf=conf)}
    with pytest.raises(AirflowFailException) as refused:
        refuse_unknown_parameters(context)
    assert told in str(refused.value)


def test_parameters_that_a_dag_has_are_none_of_its_business(dag_bag):
    for conf in (None, {}, {"domain": "iot", "strict": False}, {"minutes": 0.5, "seed": 7}, {"minutes": 2.0}):
        refuse_unknown_parameters({"dag": dag_bag.dags["run_load_test"], "dag_run": SimpleNamespace(conf=conf)})


def begin_first_task(dag, **params):
    (first,) = (task for task in dag.tasks if not task.upstream_task_ids)
    given = {"params": {**dag.params.dump(), **params}, "dag_run": SimpleNamespace(conf=params)}
    first._pre_execute_hook({"dag": dag, "task": first, "ti": None, **given})


@pytest.mark.parametrize(("rate", "minutes", "events"), [(100, 0.5, 50), (384, 0.5, 192)])
def test_a_load_test_too_short_for_a_fraud_is_refused_before_a_model_is_trained_for_it(dag_bag, rate, minutes, events):
    dag = dag_bag.dags["run_load_test"]
    with pytest.raises(AirflowFailException, match=rf"of {events} events holds less than one .* 193 events or more"):
        begin_first_task(dag, events_per_minute=rate, minutes=minutes)
    begin_first_task(dag, events_per_minute=386, minutes=minutes)
    begin_first_task(dag, level="mini", minutes=minutes)


def test_a_load_test_of_unknown_parameters_is_refused_by_its_first_task(dag_bag):
    with pytest.raises(AirflowFailException, match="did you mean domain"):
        begin_first_task(dag_bag.dags["run_load_test"], domian="iot")
