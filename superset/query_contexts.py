"""From a chart's parameters to the query that its picture asks for.

Superset's browser code builds a query from ``params`` each time it draws a chart; the server cannot. Charts are written
by hand here and have no saved query, so this does the same for the visualisations in use: it gives the assets check
something to execute, and the server's own chart API something to answer with. Needs no Superset.
"""

import json
from typing import Any, Final

_TIME_SERIES: Final = frozenset({"echarts_timeseries_line", "echarts_timeseries_bar", "echarts_area"})
SUPPORTED: Final = frozenset({*_TIME_SERIES, "big_number_total", "pie", "table"})

DEFAULT_ROW_LIMIT: Final = 10_000


class UnsupportedChartError(ValueError):
    """No query is known for a visualisation."""


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _filters(params: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"col": item["subject"], "op": item["operator"], "val": item["comparator"]}
        for item in params.get("adhoc_filters", [])
        if item["expressionType"] == "SIMPLE"
    ]


def _where(params: dict[str, Any]) -> str:
    clauses = [item["sqlExpression"] for item in params.get("adhoc_filters", []) if item["expressionType"] == "SQL"]
    return " AND ".join(f"({clause})" for clause in clauses)


def _x_axis(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "isColumnReference": True,
        "label": params["x_axis"],
        "sqlExpression": params["x_axis"],
        "timeGrain": params.get("time_grain_sqla"),
    }


def query_of(params: dict[str, Any]) -> dict[str, Any]:
    """The query object of a chart's ``params``.

    Raises:
        UnsupportedChartError: its visualisation is not one of ``SUPPORTED``.
    """
    viz_type = params["viz_type"]
    query: dict[str, Any] = {
        "filters": _filters(params),
        "extras": {"having": "", "where": _where(params)},
        "row_limit": params.get("row_limit") or DEFAULT_ROW_LIMIT,
        "annotation_layers": [],
        "custom_params": {},
        "custom_form_data": {},
        "url_params": {},
    }
    if viz_type == "table" and params.get("query_mode") == "raw":
        order = [json.loads(item) for item in params.get("order_by_cols", [])]
        return {**query, "columns": list(params["all_columns"]), "orderby": order}
    if viz_type == "big_number_total":
        return {**query, "columns": [], "metrics": [params["metric"]]}
    if viz_type == "pie":
        metric = params["metric"]
        return {**query, "columns": _as_list(params["groupby"]), "metrics": [metric], "orderby": [[metric, False]]}
    if viz_type in _TIME_SERIES:
        metrics, series = _as_list(params["metrics"]), _as_list(params.get("groupby"))
        return {
            **query,
            "columns": [_x_axis(params), *series],
            "series_columns": series,
            "metrics": metrics,
            "orderby": [[metrics[0], False]],
        }
    raise UnsupportedChartError(
        f"no query is known for the visualisation {viz_type}: use one of {', '.join(sorted(SUPPORTED))}, "
        "or teach query_contexts.py"
    )


def query_context_of(params: dict[str, Any], dataset_id: int = 0) -> dict[str, Any]:
    """The query context of a chart's ``params`` over the dataset ``dataset_id``; an import puts the real id in.

    Raises:
        UnsupportedChartError: its visualisation is not one of ``SUPPORTED``.
    """
    return {
        "datasource": {"id": dataset_id, "type": "table"},
        "force": False,
        "queries": [query_of(params)],
        "form_data": {**params, "datasource": f"{dataset_id}__table"},
        "result_format": "json",
        "result_type": "full",
    }
