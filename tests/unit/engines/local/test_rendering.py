"""Command lines of jobs on this machine."""

from pathlib import Path

import pytest

from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.engines.local.rendering import command_of
from patternalarm.settings import REPOSITORY, Settings

READY = Path("/home/of/platform/ready")


def command(program, module, **more):
    return command_of(JobSpec("run-1.job", program, module, **more), Settings(), READY)


def test_a_service_is_a_module_of_ours_with_options_flags_and_ready_file_as_it_parses_them():
    options = {"run_id": "run-1", "events_per_minute": 1000}
    made = command(Program.SERVICE, "generator.shard", options=options, flags=("--check",), tells_ready=True)
    assert made[0] == str(Settings().python("services"))
    assert made[1:] == [
        *("-m", "patternalarm.generator.shard", "--run-id", "run-1", "--events-per-minute", "1000", "--check"),
        *("--ready-file", str(READY)),
    ]
    assert "--ready-file" not in command(Program.SERVICE, "generator.shard")


@pytest.mark.parametrize("module", ["train_model", "validate_model", "extract_features", "score_features"])
def test_a_spark_job_is_a_file_of_ours_run_by_its_own_environment(module):
    made = command(Program.SPARK, module, options={"pack": "payments"})
    assert made[0] == str(Settings().python("spark"))
    assert Path(made[1]).is_file()
    assert made[2:] == ["--pack", "payments"]


def test_a_flink_job_is_submitted_to_where_the_cluster_is_found():
    made = command_of(
        JobSpec("s", Program.FLINK, "detect_patterns", {"pack": "iot"}),
        Settings(flink_address="flink.example:5"),
        READY,
    )
    assert made[:5] == [str(Settings().home / "bin/flink"), "run", "--detached", "--jobmanager", "flink.example:5"]
    assert made[made.index("--python") + 1] == str(REPOSITORY / "flink_jobs" / "detect_patterns.py")
    assert Path(made[made.index("--python") + 1]).is_file()
    assert made[-2:] == ["--pack", "iot"]


def test_dbt_finds_our_project_and_writes_where_its_caller_says():
    made = command(Program.DBT, "run", options={"target_path": "/runs/run-1/dbt/target"})
    assert made[1:4] == ["run", "--target-path", "/runs/run-1/dbt/target"]
    assert made[-4:] == ["--project-dir", str(REPOSITORY / "dbt"), "--profiles-dir", str(REPOSITORY / "dbt")]


@pytest.mark.parametrize("module", ["import_assets", "check_assets"])
def test_a_superset_script_is_a_file_of_ours(module):
    made = command(Program.SUPERSET, module, flags=("--execute",))
    assert Path(made[1]).is_file()
    assert made[2:] == ["--execute"]


def test_every_program_is_rendered():
    assert all(command(program, "module") for program in Program)
