import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from infra.local import health

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from redis_server import redis_server


@pytest.fixture
def answer():
    """A server of the test's own that answers every request with what ``answers`` holds; gives its port too."""
    answers = {"body": {}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers["body"]).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, answers
    server.shutdown()
    server.server_close()


def test_every_program_has_a_check_of_its_own(configuration):
    file = next(file for file in configuration().files() if file.path.name == "supervisord.conf")
    programs = {line.split(":")[1][:-1] for line in file.content.splitlines() if line.startswith("[program:")}
    assert programs == set(health.CHECKS)


@pytest.mark.parametrize(
    "name", [name for name in health.CHECKS if name not in ("postgres", "kafka", "zookeeper", "redis")]
)
def test_nobody_there_is_unhealthy_and_the_address_is_named(configuration, name):
    made = configuration(airflow_port=1, flink_rest_port=1, api_port=1, superset_port=1)
    with pytest.raises(health.Unhealthy, match=r"http://127\.0\.0\.1:1/"):
        health.CHECKS[name](made)


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"imok", ""), (b"This ZooKeeper instance is not currently serving requests\n", "does not serve")],
)
def test_zookeeper_is_asked_whether_it_is_ok(configuration, answer, why):
    asked = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.request.recv(4))
            self.request.sendall(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        made = configuration(zookeeper_port=server.server_address[1])
        if why:
            with pytest.raises(health.Unhealthy, match=why):
                health.zookeeper(made)
        else:
            health.zookeeper(made)
    assert asked == [b"ruok"]


def test_a_zookeeper_that_is_away_is_unhealthy(configuration):
    with pytest.raises(health.Unhealthy, match=r"ZooKeeper: .*refused"):
        health.zookeeper(configuration(zookeeper_port=1))


def test_redis_is_healthy_to_who_has_its_password(configuration, tmp_path):
    with redis_server(tmp_path / "server") as server:
        port, password = server.settings.redis_port, server.settings.redis_password
        health.redis(configuration(redis_port=port, redis_password=password))
        with pytest.raises(health.Unhealthy, match=r"Redis: .*password"):
            health.redis(configuration(redis_port=port, redis_password="wrong"))
    with pytest.raises(health.Unhealthy, match=r"Redis: .*refused"):
        health.redis(configuration(redis_port=port))


@pytest.mark.parametrize(("free", "told"), [(2**20, True), (2**30, False)])
def test_a_store_without_space_is_told_with_its_folder(configuration, monkeypatch, free, told):
    made = configuration()
    folder = made.home / "kafka" / "data"
    folder.mkdir(parents=True)
    monkeypatch.setattr(
        health.shutil, "disk_usage", lambda path: SimpleNamespace(free=free if path == folder else 2**40)
    )
    assert (f"no space is left for {folder}" in health.lack_of_space("kafka", made)) is told
    assert health.lack_of_space("superset", made) == ""


def test_a_taskmanager_that_is_not_registered_is_unhealthy(configuration, answer):
    port, answers = answer
    made = configuration(flink_rest_port=port, flink_slots=8)
    answers["body"] = {"slots-total": 0}
    with pytest.raises(health.Unhealthy, match="0 of 8 slots"):
        health.flink_taskmanager(made)
    answers["body"] = {"slots-total": 8}
    health.flink_taskmanager(made)


def test_a_component_that_airflow_misses_is_unhealthy(configuration, answer):
    port, answers = answer
    made = configuration(airflow_port=port)
    answers["body"] = {"scheduler": {"status": "healthy"}, "triggerer": {"status": None}}
    health.CHECKS["airflow-scheduler"](made)
    with pytest.raises(health.Unhealthy, match="its triggerer is not there"):
        health.CHECKS["airflow-triggerer"](made)
