"""What the API takes: scores at a steady rate, health beside open streams and a slow query, and memory while idle.

Needs a platform that is up and has a model. Latencies are counted from the time that a request was due, so a stall is in the
latency of every request that it held up.
"""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from infra.local import processes
from infra.local.configuration import Configuration
from infra.local.supervision import PlatformSupervisor

from patternalarm.settings import Settings, get_settings

THREADS = 4
RATE = 200
SECONDS = 20.0
STREAMS = 50
SLOW_SECONDS = 2


def say(line: str) -> None:
    """A figure for whoever asked for the benchmark."""
    sys.stdout.write(f"{line}\n")


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Of the platform, which is up."""
    found = get_settings()
    try:
        httpx.get(f"{found.api_url}/api/health", trust_env=False).raise_for_status()
    except httpx.HTTPError:
        pytest.skip(f"no API at {found.api_url}: `make up` starts it")
    return found


@pytest.fixture(scope="module")
def body(settings: Settings) -> str:
    """One row of a domain that has a model."""
    models = httpx.get(f"{settings.api_url}/api/models", trust_env=False).json()
    if not models:
        pytest.skip("no domain has a model: `make demo` trains one")
    domains = {one["name"]: one for one in httpx.get(f"{settings.api_url}/api/domains", trust_env=False).json()}
    rng = np.random.default_rng(1)
    row = rng.exponential(20.0, len(domains[models[0]["domain"]]["features"])).round(2).tolist()
    return json.dumps({"domain": models[0]["domain"], "rows": [row]})


def latencies_ms(
    address: tuple[str, int], rate: float, seconds: float, ask: Callable[[http.client.HTTPConnection], None]
) -> np.ndarray:
    """Latencies of requests that are due at ``rate`` a second, from ``THREADS`` connections that stay open."""
    found: list[float] = []
    begin = time.perf_counter() + 0.2

    def work(number: int) -> None:
        connection = http.client.HTTPConnection(*address)
        for count in range(round(rate * seconds / THREADS)):
            due = begin + (count * THREADS + number) / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            ask(connection)
            found.append((time.perf_counter() - due) * 1000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(found)


def asking(method: str, path: str, body: str | None = None) -> Callable[[http.client.HTTPConnection], None]:
    """A request whose answer must be good."""

    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content

    return ask


def tell(what: str, found: np.ndarray) -> None:
    p50, p99, most = np.percentile(found, [50, 99, 100])
    say(f"{what}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {most:.1f} ms, {len(found):,} requests")


def test_idle_memory_of_api_and_redis(settings: Settings) -> None:
    supervisor = PlatformSupervisor(Configuration(settings))
    total = 0
    for name in ("api", "redis"):
        proportional, _ = processes.memory_bytes(processes.tree(supervisor.programs()[name].pid))
        total += proportional
        say(f"{name}: {proportional / 2**20:.0f} MiB (PSS)")
    say(f"together: {total / 2**20:.0f} MiB")


def test_one_row_at_a_steady_rate(settings: Settings, body: str) -> None:
    address = settings.address("api")
    ask = asking("POST", "/api/predict", body)
    latencies_ms(address, RATE, 2.0, ask)
    pid = PlatformSupervisor(Configuration(settings)).programs()["api"].pid
    before = psutil.Process(pid).cpu_times()
    found = latencies_ms(address, RATE, SECONDS, ask)
    after = psutil.Process(pid).cpu_times()
    cpu = after.user + after.system - before.user - before.system
    tell(f"predict, one row, {RATE}/s", found)
    say(f"CPU of the API: {cpu / len(found) * 1e3:.2f} ms per request")


@pytest.fixture
def slow_api(settings: Settings) -> Iterator[tuple[str, int]]:
    """An API of the same stores, with a call that waits in the database."""
    with socket.create_server((settings.bind_host, 0)) as found:
        port = found.getsockname()[1]
    script = Path(__file__).with_name("slow_api.py")
    with subprocess.Popen([sys.executable, str(script), str(port), str(SLOW_SECONDS)]) as process:
        base = f"http://{settings.bind_host}:{port}"
        while True:
            try:
                httpx.get(f"{base}/api/health", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield settings.bind_host, port
        process.terminate()


def test_health_beside_open_streams_and_a_slow_query(slow_api: tuple[str, int]) -> None:
    stop = threading.Event()

    def stream() -> None:
        connection = http.client.HTTPConnection(*slow_api, timeout=60)
        connection.request("GET", "/api/alerts/stream")
        answer = connection.getresponse()
        assert answer.status == 200
        stop.wait()
        connection.close()

    def slow() -> None:
        connection = http.client.HTTPConnection(*slow_api, timeout=60)
        while not stop.is_set():
            asking("GET", "/slow")(connection)

    threads = [threading.Thread(target=stream) for _ in range(STREAMS)] + [threading.Thread(target=slow)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    try:
        tell(
            f"health beside {STREAMS} streams and a query of {SLOW_SECONDS} s",
            latencies_ms(slow_api, 50, SECONDS, asking("GET", "/api/health")),
        )
    finally:
        stop.set()
        for thread in threads:
            thread.join()
