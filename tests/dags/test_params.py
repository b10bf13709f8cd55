"""Parameters are typed, enumerated and documented, and refuse what cannot be."""

import pytest
from airflow.sdk.exceptions import ParamValidationError

from patternalarm.contracts.domain_pack import generated_domains
from patternalarm.contracts.runs import ALL_DOMAINS, MAX_MINUTES, TRAINING_SEEDS_FROM, Level

RUNNABLE = ["replay_dataset", "retrain_model", "run_load_test"]


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
    assert params.get_param("domain").schema["enum"] == generated_domains()
    assert dag_bag.dags["retrain_model"].params.get_param("domain").schema["enum"] == [
        ALL_DOMAINS,
        *generated_domains(),
    ]


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("run_load_test", "domain", "payment"),
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
    ],
)
def test_the_limits_themselves_are_accepted(dag_bag, dag_id, name, value):
    assert dag_bag.dags[dag_id].params.get_param(name).resolve(value) == value


def test_defaults_are_valid(dag_bag):
    for dag_id in ("retrain_model", "run_load_test"):
        dag_bag.dags[dag_id].params.validate()


def test_a_pack_with_a_source_is_no_generated_domain(tmp_path):
    (tmp_path / "own.yaml").write_text("name: own\nfields: []\n")
    (tmp_path / "foreign.yaml").write_text("name: foreign\nsource:\n  columns: {}\n")
    (tmp_path / "nested.yaml").write_text("name: nested\nfields:\n  - {name: source, type: string}\n")
    assert generated_domains(tmp_path) == ["nested", "own"]
