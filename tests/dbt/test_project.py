"""dbt's files against the contracts, without dbt: names, documentation, and sources against the migrations."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY
from patternalarm.contracts.runs import LIVE_SCOPE, RunKind
from patternalarm.contracts.tables import DBT_ROLE
from patternalarm.grading.figures.metrics import MetricName
from patternalarm.settings import REPOSITORY, Settings

DBT = REPOSITORY / "dbt"
MODELS = sorted((DBT / "models").rglob("*.sql"))
MIGRATIONS = sorted((REPOSITORY / "plugins/patternalarm/migrations/versions").glob("*.py"))

# Flattened on purpose, see dbt_project.yml.
PLAIN_SELECTS = {"int_alerts_explained", "mart_alerts"}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _sources() -> dict[str, dict[str, str]]:
    tables = {}
    for path in (DBT / "models/staging").glob("*__sources.yml"):
        for source in _yaml(path)["sources"]:
            for table in source["tables"]:
                tables[f"{source['schema']}.{table['name']}"] = {c["name"]: c["data_type"] for c in table["columns"]}
    return tables


def _migrated_tables() -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    for path in MIGRATIONS:
        spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        kind = r"(timestamptz|double precision|numeric\([\d, ]+\)|\w+)"
        for script in (value for value in vars(module).values() if isinstance(value, str)):
            for name, body in re.findall(r"CREATE TABLE (\S+) \(\n(.*?)\n\);", script, re.S):
                lines = (line.strip() for line in body.splitlines())
                columns = re.findall(rf'^"?([a-z_0-9]+)"? {kind}', "\n".join(lines), re.M)
                tables[name] = {column: found.replace(" ", "") for column, found in columns}
            for name, body in re.findall(r"^ALTER TABLE (\S+)(.*?);", script, re.S | re.M):
                changed = re.findall(rf"(?:ADD COLUMN ([a-z_0-9]+)|ALTER COLUMN ([a-z_0-9]+) TYPE) {kind}", body)
                tables[name] |= {added or altered: found.replace(" ", "") for added, altered, found in changed}
    return tables


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_model_has_a_yml_of_its_own_with_every_column_described(model: Path) -> None:
    (described,) = _yaml(model.with_suffix(".yml"))["models"]
    assert described["name"] == model.stem
    assert described["description"]
    assert described["columns"]
    # dbt's contract on every model holds this list to the columns that the SQL gives.
    assert [c["name"] for c in described["columns"] if not c.get("description") or not c.get("data_type")] == []


def test_contracts_are_enforced_on_every_model() -> None:
    assert _yaml(DBT / "dbt_project.yml")["models"]["patternalarm"]["+contract"] == {"enforced": True}
    assert [m.stem for m in MODELS if re.search(r"contract\s*=", m.read_text())] == []


def test_what_is_stored_is_built_from_what_changed() -> None:
    # Everything else is a view: a build takes no longer for all the history there is.
    assert _yaml(DBT / "dbt_project.yml")["models"]["patternalarm"]["+materialized"] == "view"
    stored = {model.stem: model.read_text() for model in MODELS if "materialized" in model.read_text()}
    assert stored
    for name, text in stored.items():
        assert "materialized='incremental'" in text, name
        assert "is_incremental()" in text, name


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_model_ends_with_its_final_cte_unless_it_must_be_flat(model: Path) -> None:
    text = model.read_text()
    if model.parent.name == "staging" or model.stem in PLAIN_SELECTS:
        assert not re.search(r"^with\b", text, re.M)
    else:
        assert text.rstrip().splitlines()[-1] == "select * from final"


def test_sources_are_the_migrated_tables() -> None:
    migrated, sources = _migrated_tables(), _sources()
    assert migrated
    assert set(sources) == set(migrated)
    short = {"timestamp with time zone": "timestamptz"}
    for table, columns in migrated.items():
        declared = {name: short.get(kind, kind).replace(" ", "") for name, kind in sources[table].items()}
        assert declared == columns, table


def test_variables_are_the_contracts_words() -> None:
    variables = _yaml(DBT / "dbt_project.yml")["vars"]
    assert variables["live_scope"] == LIVE_SCOPE
    assert variables["replay_kind"] == RunKind.REPLAY
    assert variables["retrain_kind"] == RunKind.RETRAIN
    assert variables["suspicious_activity"] == SUSPICIOUS_ACTIVITY


def test_marts_read_figures_that_are_measured() -> None:
    used = set()
    for model in MODELS:
        for listed in re.findall(r"metric (?:= ('\w+')|in \(([^)]+)\))", model.read_text()):
            used |= set(re.findall(r"'(\w+)'", "".join(listed)))
    assert used
    assert used <= set(MetricName)


def test_profile_takes_the_place_from_the_platform_and_the_defaults_of_the_settings() -> None:
    output = _yaml(DBT / "profiles.yml")["patternalarm"]["outputs"]["local"]
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    # What is done with it, only dbt itself can tell: the marts of tests/integration are built through this profile.
    for part in ("host", "port"):
        assert "env_var('PATTERNALARM_POSTGRES_ADDRESS')" in output[part]
    assert f"'PATTERNALARM_DATABASE', '{defaults['database']}'" in output["dbname"]
    assert output["user"] == DBT_ROLE
    assert "PATTERNALARM_DBT_PASSWORD" in output["password"]
