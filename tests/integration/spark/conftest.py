"""A model trained by the real command lines from real topics, and a scorer to start, kill and stop.

Kafka is that of the settings (``PATTERNALARM_KAFKA_PORT``); every test has topics of its own, under a run_id.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [
    str(REPOSITORY / "tests" / "spark_jobs"),
    str(REPOSITORY / "tests"),
    str(Path(__file__).resolve().parent),
]

from history import DAY_MS, DAYS, SHOP, START_MS, planted  # noqa: E402
from spark_run import Scorer, Topics, job, run_job  # noqa: E402

from patternalarm.contracts.domain_pack import DomainPack, load_pack  # noqa: E402
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topics_of  # noqa: E402
from patternalarm.settings import get_settings  # noqa: E402


@pytest.fixture(scope="session")
def pack() -> DomainPack:
    return load_pack(SHOP)


@pytest.fixture(scope="session")
def new_topics(pack: DomainPack) -> Iterator[Callable[..., Topics]]:
    """Topics of a new run_id, dropped after the session."""
    admin = AdminClient({"bootstrap.servers": get_settings().kafka_bootstrap})
    made: list[str] = []

    def create(features_partitions: int = TOPIC_SPECS[TopicKind.FEATURES].partitions) -> Topics:
        scope = f"load-test-shop-{uuid.uuid4().hex[:12]}"
        names = topics_of(pack.name, scope)
        counts = {kind: spec.partitions for kind, spec in TOPIC_SPECS.items()} | {
            TopicKind.FEATURES: features_partitions
        }
        for future in admin.create_topics([NewTopic(names[kind], counts[kind], 1) for kind in names]).values():
            future.result(30)
        made.extend(names.values())
        return Topics(scope, names, Producer({"bootstrap.servers": get_settings().kafka_bootstrap, "linger.ms": 5}))

    yield create
    if made:
        for future in admin.delete_topics(made).values():
            future.result(30)


@pytest.fixture(scope="session")
def logs(new_topics: Callable[..., Topics], pack: DomainPack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory with ``features`` and ``labels``, extracted from topics that hold every hundredth record twice."""
    topics = new_topics()
    features, labels = planted(pack)
    topics.send(TopicKind.FEATURES, *features, *features[::100])
    topics.send(TopicKind.LABELS, *labels, *labels[::100])
    directory = tmp_path_factory.mktemp("logs")
    finished = run_job(
        "extract_features.py",
        pack=SHOP,
        scope=topics.scope,
        features=directory / "features",
        labels=directory / "labels",
    )
    assert finished.returncode == 0, finished.stderr
    return directory


@pytest.fixture(scope="session")
def model(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a model trained on the logs."""
    directory = tmp_path_factory.mktemp("models") / "v1"
    finished = run_job(
        "train_model.py",
        pack=SHOP,
        scope="live",
        features=logs / "features",
        labels=logs / "labels",
        as_of=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(START_MS / 1_000 + (DAYS + 3) * DAY_MS / 1_000))}Z",
        version="v1",
        output=directory,
        seed=11,
    )
    assert finished.returncode == 0, finished.stderr
    return directory


@pytest.fixture
def start_scorer(model: Path, tmp_path: Path) -> Iterator[Callable[..., Scorer]]:
    """Start a scorer; one checkpoint per test, so the second start goes on where the first ended."""
    started: list[Scorer] = []

    def start(topics: Topics, mode: str = "realtime", score_from_ms: int = 0) -> Scorer:
        log, ready_file = tmp_path / f"scorer-{len(started)}.log", tmp_path / "ready"
        line = job(
            "score_features.py",
            pack=SHOP,
            scope=topics.scope,
            model=model,
            score_from_ms=score_from_ms,
            mode=mode,
            checkpoint=tmp_path / "checkpoint",
            ready_file=ready_file,
        )
        with log.open("wb") as output:
            process = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT, env=os.environ.copy())
        started.append(Scorer(process, log, ready_file))
        return started[-1]

    yield start
    for scorer in started:
        if scorer.process.poll() is None:
            scorer.process.kill()
            scorer.process.wait(30)
