"""Command lines of the jobs."""

from pathlib import Path

from patternalarm.operators import commands
from patternalarm.settings import REPOSITORY, get_settings


def test_options_are_written_as_the_jobs_parse_them():
    command = commands.service("generator.shard", "--check", run_id="{{ run }}", events_per_minute=1000)
    assert command[1:] == [
        *("-m", "patternalarm.generator.shard", "--run-id", "{{ run }}", "--events-per-minute", "1000", "--check")
    ]
    assert command[0] == str(get_settings().python("services"))


def test_every_job_is_a_file_of_ours_run_by_its_own_environment():
    spark = commands.spark_job("train_model.py", pack="payments")
    assert spark[0] == str(get_settings().python("spark"))
    assert Path(spark[1]).is_file()
    flink = commands.flink_submission("detect_patterns.py", pack="payments")
    assert flink[flink.index("--python") + 1] == str(REPOSITORY / "flink_jobs" / "detect_patterns.py")
    assert "--detached" in flink
    assert Path(commands.superset_script("import_assets.py")[1]).is_file()
    assert commands.dbt("build", work_dir="d")[-1] == str(REPOSITORY / "dbt")


def test_dbt_writes_into_a_folder_of_its_callers_own():
    command = commands.dbt("run", work_dir="/runs/run-1/dbt")
    assert command[command.index("--target-path") + 1] == "/runs/run-1/dbt/target"
    assert command[command.index("--log-path") + 1] == "/runs/run-1/dbt/logs"
