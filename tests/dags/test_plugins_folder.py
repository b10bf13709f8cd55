"""Airflow imports every module under the plugins folder by its bare stem, unless it is told not to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent

SCRIPT = """
import sys
from airflow.plugins_manager import _get_plugins, get_fastapi_plugins
folder = sys.argv[1]
plugins, errors = _get_plugins()
of_folder = {name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(folder)}
print("bare", *sorted(name for name in of_folder if not name.startswith("patternalarm.")))
print("names", *sorted(plugin.name for plugin in plugins))
own = next(plugin for plugin in plugins if plugin.name == "patternalarm")
print("mounts", *own.fastapi_apps, *own.fastapi_root_middlewares, *own.flask_blueprints, *own.appbuilder_views)
"""


def load(folder):
    """What Airflow makes of a plugins folder, by the first word of each line."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {key: rest.split() for key, _, rest in (line.partition(" ") for line in process.stdout.splitlines())}


@pytest.fixture(scope="module")
def loaded():
    return load(REPOSITORY / "plugins")


def test_only_the_plugin_itself_is_imported(loaded):
    assert loaded["bare"] == ["patternalarm_plugin"]
    assert "patternalarm" in loaded["names"]


def test_nothing_is_mounted_that_airflow_would_not_authenticate(loaded):
    assert loaded["mounts"] == []


def test_without_the_ignore_file_more_would_be_imported(tmp_path):
    shutil.copytree(REPOSITORY / "plugins" / "patternalarm" / "contracts", tmp_path / "patternalarm" / "contracts")
    shutil.copy(REPOSITORY / "plugins" / "patternalarm_plugin.py", tmp_path)
    assert "topics" in load(tmp_path)["bare"]
