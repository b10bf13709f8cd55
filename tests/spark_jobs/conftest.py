"""One Spark session for all tests, and a small pack whose fraud the features show plainly."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# The jobs are scripts that import their neighbours, as Python does for the directory of the script it runs.
sys.path[:0] = [str(REPOSITORY / "spark_jobs"), str(Path(__file__).resolve().parent)]

from history import SHOP, planted, write_log  # noqa: E402
from running.session import build_session  # noqa: E402
from train_model import train  # noqa: E402
from training_command import training_options  # noqa: E402

from patternalarm.contracts.domain_pack import DomainPack, load_pack  # noqa: E402
from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl  # noqa: E402
from patternalarm.settings import get_settings  # noqa: E402


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = build_session("tests", get_settings(), slots=2, heap="1g")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def pack() -> DomainPack:
    """Three fraud types, of which ``ghost`` never occurs; features a, b, c and d."""
    return load_pack(SHOP)


@pytest.fixture(scope="session")
def features_frame(spark: SparkSession, pack: DomainPack) -> Callable[..., DataFrame]:
    """A features frame from dicts; what a dict leaves out is filled in."""

    def frame(*records: dict[str, Any]) -> DataFrame:
        rows = []
        for number, record in enumerate(records):
            filled = {
                "event_id": f"e{number}",
                "event_type": "purchase",
                "event_time_ms": number,
                "actor_id": "anna",
                "feature_set": pack.feature_set,
                "values": [0.0] * len(pack.features),
                "source_topic": "events.shop",
                "source_partition": 0,
                "source_offset": number,
                "source_crc": 1,
                "sent_at_ms": 2,
                **record,
            }
            rows.append(tuple(filled.get(name) for name in FEATURES_COLUMNS))
        return spark.createDataFrame(rows, spark_ddl(FEATURES_COLUMNS))

    return frame


@pytest.fixture(scope="session")
def labels_frame(spark: SparkSession) -> Callable[..., DataFrame]:
    """A labels frame from dicts; what a dict leaves out is filled in."""

    def frame(*records: dict[str, Any]) -> DataFrame:
        rows = []
        for record in records:
            filled = {
                "actor_id": "anna",
                "event_time_ms": 0,
                "label_time_ms": 0,
                "verdict": "alpha",
                "source": "test",
                **record,
            }
            rows.append(tuple(filled.get(name) for name in LABEL_COLUMNS))
        return spark.createDataFrame(rows, spark_ddl(LABEL_COLUMNS))

    return frame


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory, pack: DomainPack) -> tuple[Path, Path]:
    """Feature log and label log of the planted history."""
    features, labels = planted(pack)
    directory = tmp_path_factory.mktemp("logs")
    return (
        write_log(directory / "features", features, FEATURES_COLUMNS),
        write_log(directory / "labels", labels, LABEL_COLUMNS),
    )


@pytest.fixture(scope="session")
def model(
    spark: SparkSession, pack: DomainPack, logs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Directory of a model trained on the planted history."""
    output = tmp_path_factory.mktemp("models") / "v1"
    train(spark, pack, training_options(logs, output))
    return output
