import json

import pytest
from query_contexts import UnsupportedChartError, query_context_of, query_of


def test_raw_table_asks_for_its_columns_in_its_order() -> None:
    query = query_of(
        {
            "viz_type": "table",
            "query_mode": "raw",
            "all_columns": ["a", "b"],
            "order_by_cols": [json.dumps(["b", False])],
            "row_limit": 7,
        }
    )
    assert (query["columns"], query["orderby"], query["row_limit"]) == (["a", "b"], [["b", False]], 7)
    assert "metrics" not in query


def test_time_series_asks_for_its_axis_and_series() -> None:
    query = query_of({"viz_type": "echarts_timeseries_bar", "x_axis": "at", "metrics": ["n"], "groupby": ["domain"]})
    axis, series = query["columns"]
    assert (axis["sqlExpression"], axis["columnType"], series) == ("at", "BASE_AXIS", "domain")
    assert query["series_columns"] == ["domain"]


def test_filters_become_conditions() -> None:
    query = query_of(
        {
            "viz_type": "big_number_total",
            "metric": "n",
            "adhoc_filters": [
                {"expressionType": "SIMPLE", "subject": "kind", "operator": "!=", "comparator": "retrain"},
                {"expressionType": "SQL", "sqlExpression": "a > 1"},
                {"expressionType": "SQL", "sqlExpression": "b or c"},
            ],
        }
    )
    assert query["filters"] == [{"col": "kind", "op": "!=", "val": "retrain"}]
    assert query["extras"]["where"] == "(a > 1) AND (b or c)"


def test_context_names_the_dataset() -> None:
    context = query_context_of({"viz_type": "pie", "metric": "n", "groupby": "severity"}, dataset_id=3)
    assert context["datasource"] == {"id": 3, "type": "table"}
    assert context["queries"][0]["columns"] == ["severity"]


def test_unknown_visualisation_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedChartError, match="sankey"):
        query_of({"viz_type": "sankey"})
