"""Every metric of the API, as Prometheus reads them."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "patternalarm_api_requests_total", "Requests by method, route and status.", ["method", "route", "status"]
)
DURATION = Histogram(
    "patternalarm_api_request_duration_seconds",
    "Time to the last byte, of streams to the first.",
    ["method", "route"],
    buckets=(0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
OPEN_STREAMS = Gauge("patternalarm_api_open_streams", "Open server-sent event streams.")
PREDICTED_ROWS = Counter("patternalarm_api_predicted_rows_total", "Rows scored by predict.", ["domain"])
