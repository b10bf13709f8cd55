import pytest

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.studies.capacity import __main__ as command


@pytest.mark.parametrize(
    ("quotas", "told"),
    [
        ("1", "three positive quotas"),
        ("1,1,1", "three positive"),
        ("0,1,2", "three positive"),
        ("a,b,c", "like 0.5,1,1.5"),
    ],
)
def test_quotas_that_tell_no_law_are_refused(quotas, told, capsys):
    with pytest.raises(SystemExit) as ended:
        command.arguments(["--quotas", quotas])
    assert ended.value.code == ExitCode.BAD_INPUT
    assert told in capsys.readouterr().err


def test_more_cores_than_the_machine_has_are_refused_before_anything_is_started(monkeypatch, capsys):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert command.main([]) == ExitCode.BAD_INPUT
    assert "this machine has 1 cores, 2 cannot be had" in capsys.readouterr().err
