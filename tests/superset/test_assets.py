"""The dashboards' files against dbt's marts, without a server; and each kind of fault against the check."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle import ASSETS, PASSWORD_MASK, AssetError, Bundle, database_uri
from check_assets import main, static_faults
from import_assets import importable
from mart_datasets import MARTS, mart_datasets

from patternalarm.settings import Settings

Content = dict[str, Any]


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS, tmp_path / "assets"))


def _edit(path: Path, change: Callable[[Content], Any]) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _faults(root: Path) -> str:
    return "\n".join(static_faults(Bundle(root)))


def test_assets_have_no_faults() -> None:
    assert static_faults(Bundle()) == []


def test_every_mart_can_be_explored() -> None:
    assert {asset.name for asset in Bundle().of("datasets").values()} == set(mart_datasets())


def test_the_dashboard_refreshes_every_ten_seconds_and_filters_by_run() -> None:
    (dashboard,) = Bundle().of("dashboards").values()
    metadata = dashboard.content["metadata"]
    assert dashboard.name == "Live fraud"
    assert metadata["refresh_frequency"] == 10
    (run,) = (item for item in metadata["native_filter_configuration"] if item["name"] == "Run")
    assert run["targets"][0]["column"]["name"] == "scope"
    # Without requiredFirst Superset shows the first run in the filter and everything in the charts.
    assert run["controlValues"]["defaultToFirstItem"] and run["requiredFirst"]


DATASET = "datasets/PatternAlarm/mart_alerts.yaml"
DASHBOARD = "dashboards/live_fraud.yaml"


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        pytest.param(DATASET, lambda c: c.update(sql="select 1"), "logic belongs into a mart", id="virtual dataset"),
        pytest.param(
            DATASET,
            lambda c: c.update(main_dttm_col="alert_id"),
            "main_dttm_col alert_id is no column with a time",
            id="time that is none",
        ),
        pytest.param(
            "charts/severity.yaml",
            lambda c: c["params"].update(groupby=["colour"]),
            "uses colour, which the dataset mart_alerts has not",
            id="chart of an unknown column",
        ),
        pytest.param(
            "charts/severity.yaml",
            lambda c: c["params"].update(metric="joy"),
            "uses joy, which the dataset mart_alerts has not",
            id="chart of an unknown metric",
        ),
        pytest.param(
            "charts/severity.yaml",
            lambda c: c["params"]["adhoc_filters"][0].update(subject="yesterday"),
            "uses yesterday",
            id="chart filtered by an unknown column",
        ),
        pytest.param(
            "charts/severity.yaml",
            lambda c: c.update(dataset_uuid="00000000-0000-0000-0000-000000000000"),
            "which is in no file",
            id="chart of an unknown dataset",
        ),
        pytest.param(
            "charts/severity.yaml",
            lambda c: (c.update(viz_type="sankey"), c["params"].update(viz_type="sankey")),
            "no query is known for the visualisation sankey",
            id="unknown visualisation",
        ),
        pytest.param(
            DASHBOARD,
            lambda c: c["position"]["CHART-severity"]["meta"].update(uuid="00000000-0000-0000-0000-000000000000"),
            "shows chart 00000000-0000-0000-0000-000000000000, which is in no file",
            id="dashboard of an unknown chart",
        ),
        pytest.param(
            DASHBOARD,
            lambda c: c["position"]["CHART-severity"]["meta"].update(width=4),
            "ROW-3 is 13 columns wide",
            id="row too wide",
        ),
        pytest.param(
            DASHBOARD,
            lambda c: c["position"]["ROW-3"]["children"].pop(),
            "stands in 0 rows instead of one",
            id="chart without a place",
        ),
        pytest.param(
            DASHBOARD,
            lambda c: c["metadata"]["native_filter_configuration"][3]["scope"].update(excluded=[]),
            "filter Severity reaches chart Events per minute, whose dataset mart_alert_velocity has no severity",
            id="filter beyond its column",
        ),
        pytest.param(
            DASHBOARD,
            lambda c: c["metadata"]["native_filter_configuration"][0].update(sortMetric="age"),
            "filter Run sorts by age",
            id="filter sorted by an unknown metric",
        ),
        pytest.param(
            "databases/PatternAlarm.yaml",
            lambda c: c.update(sqlalchemy_uri="postgresql+psycopg2://patternalarm_reader:hunter2@h:1/d"),
            f"write {PASSWORD_MASK} for the password",
            id="password in a file",
        ),
    ],
)
def test_fault_is_named(assets: Path, file: str, change: Callable[[Content], Any], fault: str) -> None:
    _edit(assets / file, change)
    assert fault in _faults(assets)


def test_a_dataset_is_what_dbt_says_of_its_mart(assets: Path, tmp_path: Path) -> None:
    marts = Path(shutil.copytree(MARTS, tmp_path / "marts"))

    def change(content: Content) -> None:
        (model,) = content["models"]
        model["description"] = "Alerts, told anew."
        model["columns"][0] = {"name": "seen_at", "data_type": "timestamp with time zone", "description": "When."}
        model["columns"].append({"name": "odds", "data_type": "numeric(5, 2)", "description": "How likely."})

    _edit(marts / "mart_alerts.yml", change)
    bundle = Bundle(assets, marts)
    (dataset,) = (asset for asset in bundle.of("datasets").values() if asset.name == "mart_alerts")
    assert dataset.content["description"] == "Alerts, told anew."
    columns = {column["column_name"]: column for column in dataset.content["columns"]}
    assert columns["odds"] == {
        "column_name": "odds",
        "verbose_name": "Odds",
        "type": "NUMERIC",
        "is_dttm": False,
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "description": "How likely.",
    }
    assert columns["seen_at"]["is_dttm"]
    assert columns["detected_at"]["verbose_name"] == "Detected"
    imported = yaml.safe_load(importable(bundle, Settings())[dataset.path])
    assert imported["columns"][-1]["column_name"] == "odds"
    assert "verbose_names" not in imported


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c["verbose_names"].update(mood="Mood"), r"mart_alerts\.yml has no column mood"),
        (lambda c: c.update(columns=[]), r"columns of a dataset are written in mart_alerts\.yml alone"),
        (lambda c: c.update(schema="staging"), r"staging\.mart_alerts is no mart of dbt's"),
        (lambda c: c.update(table_name="mart_moods"), r"marts\.mart_moods is no mart of dbt's"),
    ],
    ids=["column invented", "columns written twice", "other schema", "no mart"],
)
def test_a_dataset_that_does_not_fit_its_mart_is_refused(
    assets: Path, change: Callable[[Content], Any], says: str
) -> None:
    _edit(assets / DATASET, change)
    with pytest.raises(AssetError, match=rf"{DATASET}: .*{says}"):
        Bundle(assets)


def test_chart_on_no_dashboard_is_a_fault(assets: Path) -> None:
    source = yaml.safe_load((assets / "charts/events.yaml").read_text())
    source["uuid"] = "00000000-0000-0000-0000-000000000000"
    (assets / "charts/spare.yaml").write_text(yaml.safe_dump(source))
    assert "charts/spare.yaml: is on no dashboard" in _faults(assets)


def test_shared_uuid_is_refused(assets: Path) -> None:
    shutil.copy(assets / "charts/events.yaml", assets / "charts/twin.yaml")
    with pytest.raises(AssetError, match=r"charts/twin.yaml: has the UUID of charts/events.yaml"):
        Bundle(assets)


def test_command_line_names_faults_and_fails(assets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--assets", str(assets)]) == 0
    _edit(assets / DATASET, lambda c: c.update(sql="select 1"))
    assert main(["--assets", str(assets)]) == 1
    assert "1 faults" in capsys.readouterr().out
    (assets / DATASET).write_text("uuid: [")
    assert main(["--assets", str(assets)]) == 2


def test_import_points_at_this_installation_and_holds_no_password() -> None:
    settings = Settings(postgres_address="db.example:5", database="elsewhere", reader_password="hunter2")
    contents = importable(Bundle(), settings)
    database = yaml.safe_load(contents["databases/PatternAlarm.yaml"])
    assert database["sqlalchemy_uri"] == (
        f"postgresql+psycopg2://patternalarm_reader:{PASSWORD_MASK}@db.example:5/elsewhere"
    )
    assert "hunter2" not in "".join(contents.values())
    managed = [yaml.safe_load(text)["is_managed_externally"] for path, text in contents.items() if "/" in path]
    assert len(managed) == len(list(Bundle())) and all(managed)


def test_database_uri_keeps_the_driver() -> None:
    assert database_uri("postgresql+psycopg2://a:b@c:1/d", Settings()).startswith("postgresql+psycopg2://")


def test_the_reader_cannot_write_and_cannot_run_for_long() -> None:
    (database,) = Bundle().of("databases").values()
    options = database.content["extra"]["engine_params"]["connect_args"]["options"]
    assert "default_transaction_read_only=on" in options
    assert "statement_timeout=" in options
    assert not database.content["allow_dml"]
