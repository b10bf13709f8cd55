import pytest

from patternalarm.migrations import upgrade as upgrading
from patternalarm.settings import get_settings


@pytest.mark.parametrize(
    ("changes", "arguments", "named"),
    [
        ({"postgres_port": 1}, [], "at 127.0.0.1:1"),
        ({"database": "test_no_such_database"}, [], "cannot upgrade database test_no_such_database"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(monkeypatch, capsys, changes, arguments, named):
    settings = get_settings().model_copy(update={"owner_password": "test", **changes})
    monkeypatch.setattr(upgrading, "get_settings", lambda: settings)
    assert upgrading.main(arguments) == 2
    refusal = capsys.readouterr().err
    assert named in refusal
    assert "make up" in refusal
