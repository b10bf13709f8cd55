"""Check the assets: without a server against the marts' columns, and with --execute by running every query they would run.

A file that Superset imports gladly may still draw a broken chart: a column that the mart lost, a filter on a column
that half of the charts lack. The first kind of fault is found here by reading. With --execute PostgreSQL is asked,
through Superset's own query code and the assets as they were last imported. Exit code 1 names every fault.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bundle import ASSETS, PASSWORD_MASK, Asset, AssetError, Bundle
from query_contexts import UnsupportedChartError, query_of

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode


def _database_faults(asset: Asset) -> Iterator[str]:
    uri = str(asset.content["sqlalchemy_uri"])
    if f":{PASSWORD_MASK}@" not in uri:
        yield f"{asset.path}: write {PASSWORD_MASK} for the password, the import puts the real one in"
    for key in ("password", "encrypted_extra", "masked_encrypted_extra"):
        if key in asset.content:
            yield f"{asset.path}: {key} does not belong into a file"


def _dataset_faults(asset: Asset, bundle: Bundle) -> Iterator[str]:
    content = asset.content
    if str(content["database_uuid"]) not in bundle.of("databases"):
        yield f"{asset.path}: belongs to database {content['database_uuid']}, which is in no file"
    if content.get("sql"):
        yield f"{asset.path}: holds SQL; logic belongs into a mart"
    temporal = content.get("main_dttm_col")
    if temporal and temporal not in {column["column_name"] for column in content["columns"] if column["is_dttm"]}:
        yield f"{asset.path}: main_dttm_col {temporal} is no column with a time"


def _named(value: Any) -> list[str]:
    """Column or saved-metric names in a part of a query; SQL expressions name nothing that could be looked up."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        if value.get("expressionType") == "SIMPLE":
            return [value["column"]["column_name"]]
        return [value["sqlExpression"]] if value.get("columnType") == "BASE_AXIS" else []
    return []


def _chart_faults(asset: Asset, bundle: Bundle) -> Iterator[str]:
    content = asset.content
    dataset = bundle.of("datasets").get(str(content["dataset_uuid"]))
    if dataset is None:
        yield f"{asset.path}: draws dataset {content['dataset_uuid']}, which is in no file"
        return
    if content["viz_type"] != content["params"].get("viz_type"):
        yield f"{asset.path}: viz_type differs from the one in params"
        return
    try:
        query = query_of(content["params"])
    except (UnsupportedChartError, KeyError) as error:
        yield f"{asset.path}: {error}"
        return
    columns = {column["column_name"] for column in dataset.content["columns"]}
    metrics = {metric["metric_name"] for metric in dataset.content.get("metrics", [])}
    used = [(name, columns) for part in query["columns"] for name in _named(part)]
    used += [(name, columns) for part in query["filters"] for name in _named(part["col"])]
    for metric in query.get("metrics", []):
        used += [(name, metrics if isinstance(metric, str) else columns) for name in _named(metric)]
    if "metrics" not in query:
        used += [(name, columns) for name, _ in query.get("orderby", [])]
    for name, known in used:
        if name not in known:
            yield f"{asset.path}: uses {name}, which the dataset {dataset.name} has not"


def _dashboard_charts(asset: Asset) -> dict[int, str]:
    """UUID of every chart on a dashboard, by the number that the file gives it."""
    position = asset.content["position"]
    placed = [item for item in position.values() if isinstance(item, dict) and item.get("type") == "CHART"]
    return {item["meta"]["chartId"]: str(item["meta"]["uuid"]) for item in placed}


def _layout_faults(asset: Asset) -> Iterator[str]:
    position = {key: item for key, item in asset.content["position"].items() if isinstance(item, dict)}
    for key, item in position.items():
        if item.get("id") != key:
            yield f"{asset.path}: {key} calls itself {item.get('id')}"
        for child in item.get("children", []):
            if child not in position:
                yield f"{asset.path}: {key} holds {child}, which is not there"
        if item.get("type") == "ROW":
            width = sum(position[child]["meta"]["width"] for child in item["children"] if child in position)
            if width > 12:
                yield f"{asset.path}: {key} is {width} columns wide, there are 12"
    held = [child for item in position.values() for child in item.get("children", [])]
    for key, item in position.items():
        if item.get("type") == "CHART" and held.count(key) != 1:
            yield f"{asset.path}: {key} stands in {held.count(key)} rows instead of one"


def _dashboard_faults(asset: Asset, bundle: Bundle) -> Iterator[str]:
    yield from _layout_faults(asset)
    charts = _dashboard_charts(asset)
    for uuid in charts.values():
        if uuid not in bundle.of("charts"):
            yield f"{asset.path}: shows chart {uuid}, which is in no file"
    metadata = asset.content["metadata"]
    filters = metadata.get("native_filter_configuration", [])
    for native_filter in filters:
        where = f"{asset.path}: filter {native_filter['name']}"
        excluded = native_filter["scope"]["excluded"]
        for number in sorted(set(excluded) - set(charts)):
            yield f"{where} leaves out chart {number}, which is not on the dashboard"
        for target in native_filter["targets"]:
            if "column" not in target:
                continue
            column = target["column"]["name"]
            dataset = bundle.of("datasets").get(str(target["datasetUuid"]))
            if dataset is None:
                yield f"{where} reads dataset {target['datasetUuid']}, which is in no file"
            elif column not in {item["column_name"] for item in dataset.content["columns"]}:
                yield f"{where} reads {column}, which the dataset {dataset.name} has not"
            sort = native_filter.get("sortMetric")
            if dataset is not None and sort and sort not in {m["metric_name"] for m in dataset.content["metrics"]}:
                yield f"{where} sorts by {sort}, which the dataset {dataset.name} has not"
            for number, uuid in charts.items():
                chart = bundle.of("charts").get(uuid)
                drawn = chart and bundle.of("datasets").get(str(chart.content["dataset_uuid"]))
                if not chart or not drawn or number in excluded:
                    continue
                if column not in {item["column_name"] for item in drawn.content["columns"]}:
                    yield f"{where} reaches chart {chart.name}, whose dataset {drawn.name} has no {column}"


def static_faults(bundle: Bundle) -> list[str]:
    """Every fault that reading finds, one sentence each."""
    faults: list[str] = []
    for asset in bundle:
        kind = asset.path.split("/", 1)[0]
        if kind == "databases":
            faults += _database_faults(asset)
        elif kind == "datasets":
            faults += _dataset_faults(asset, bundle)
        elif kind == "charts":
            faults += _chart_faults(asset, bundle)
        else:
            faults += _dashboard_faults(asset, bundle)
    shown = {uuid for asset in bundle.of("dashboards").values() for uuid in _dashboard_charts(asset).values()}
    faults += [f"{c.path}: is on no dashboard" for c in bundle.of("charts").values() if c.uuid not in shown]
    return faults


def _filter_contexts(bundle: Bundle) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, dataset UUID and query of every filter that offers values."""
    for asset in bundle.of("dashboards").values():
        for native_filter in asset.content["metadata"].get("native_filter_configuration", []):
            for target in native_filter["targets"]:
                if "column" not in target:
                    continue
                metric = native_filter.get("sortMetric")
                query = {
                    "columns": [target["column"]["name"]],
                    "metrics": [metric] if metric else [],
                    "orderby": [[metric or target["column"]["name"], not metric]],
                    "filters": [],
                    "row_limit": 1000,
                }
                yield f"filter {native_filter['name']}", str(target["datasetUuid"]), query


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def executed_faults(bundle: Bundle) -> tuple[list[str], list[str]]:
    """Run every chart's and every filter's query as the imported assets stand: faults, and a line per answer.

    Needs an application context (``superset_application``).
    """
    from access import ensure_admin
    from superset.commands.chart.data.get_data_command import ChartDataCommand
    from superset.common.query_context_factory import QueryContextFactory
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db
    from superset.models.slice import Slice
    from superset.utils.core import override_user

    faults, answers = [], []
    contexts: list[tuple[str, Any]] = []
    for asset in bundle.of("charts").values():
        chart = db.session.query(Slice).filter_by(uuid=asset.uuid).one_or_none()
        context = chart.get_query_context() if chart else None
        if context is None:
            faults.append(f"chart {asset.name}: is not in Superset; publish the assets first")
        else:
            contexts.append((f"chart {asset.name}", context))
    for name, dataset_uuid, query in _filter_contexts(bundle):
        dataset = db.session.query(SqlaTable).filter_by(uuid=dataset_uuid).one_or_none()
        if dataset is None:
            faults.append(f"{name}: its dataset is not in Superset; publish the assets first")
        else:
            source = {"id": dataset.id, "type": "table"}
            contexts.append((name, QueryContextFactory().create(datasource=source, queries=[query], form_data={})))
    with override_user(ensure_admin()):
        for name, context in contexts:
            context.force = True
            try:
                command = ChartDataCommand(context)
                command.validate()
                results = command.run()["queries"]
            except Exception as error:  # noqa: BLE001 - whatever breaks a chart is what this looks for
                faults.append(f"{name}: {_one_line(error)}")
                continue
            faults += [f"{name}: {_one_line(result['error'])}" for result in results if result.get("error")]
            faults += [f"{name}: filters {r['rejected_filters']} refused" for r in results if r.get("rejected_filters")]
            answers.append(f"{name}: {sum(len(result['data']) for result in results)} rows")
    return faults, answers


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 1 when there are faults, 2 when the assets cannot be read."""
    parser = ArgumentParser(prog="check_assets.py", description=__doc__)
    parser.add_argument("--assets", type=Path, default=ASSETS, help="folder of the assets (default: %(default)s)")
    parser.add_argument(
        "--execute", action="store_true", help="also run every query through Superset; needs PostgreSQL"
    )
    arguments = parser.parse_args(argv)
    try:
        bundle = Bundle(arguments.assets)
        faults = static_faults(bundle)
        answers: list[str] = []
        if arguments.execute and not faults:
            from application import superset_application

            with superset_application():
                faults, answers = executed_faults(bundle)
    except (AssetError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    for line in (*answers, *faults):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(list(bundle))} assets, {len(answers)} queries executed, {len(faults)} faults\n")
    return ExitCode.FAILED if faults else 0


if __name__ == "__main__":
    sys.exit(main())
