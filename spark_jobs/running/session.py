"""The Spark session of every job: one JVM on this machine, UTC, no UI, the Kafka connector from the local jars.

The jobs are started by the Spark environment's Python itself (``python spark_jobs/<job>.py``), which starts the JVM as
its child with the settings below and takes it along when it dies, however it dies.
"""

from pyspark.sql import SparkSession

from patternalarm.remedies import PREPARE
from patternalarm.settings import Settings
from running.bad_input import BadInputError


def kafka_connector_jars(settings: Settings) -> list[str]:
    """Paths of the Kafka connector and what it needs.

    Raises:
        BadInputError: they have not been fetched.
    """
    directory = settings.jars_dir / "spark"
    jars = sorted(str(jar) for jar in directory.glob("*.jar"))
    if not any("spark-sql-kafka" in jar for jar in jars):
        raise BadInputError(f"no Spark connector for Kafka in {directory}: {PREPARE}")
    return jars


def build_session(name: str, settings: Settings, *, slots: int, heap: str) -> SparkSession:
    """A session with ``slots`` task slots and ``heap`` (JVM notation, like ``1g``) of memory in one local JVM.

    Raises:
        BadInputError: the connector's jars are missing.
    """
    scratch = settings.home / "scratch" / "spark"
    scratch.mkdir(parents=True, exist_ok=True)
    session = (
        SparkSession.builder.master(f"local[{slots}]")
        .appName(name)
        .config("spark.jars", ",".join(kafka_connector_jars(settings)))
        .config("spark.driver.memory", heap)
        .config("spark.driver.host", settings.advertised_host)
        .config("spark.driver.bindAddress", settings.bind_host)
        # Two cores and a small heap: parallel collectors cost more memory than they save time.
        .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.eventLog.enabled", "false")
        .config("spark.local.dir", str(scratch))
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(max(2, slots)))
        .config("spark.sql.streaming.stopTimeout", "30s")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("WARN")
    return session
