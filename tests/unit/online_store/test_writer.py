import logging

import pytest

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.online_store.writer import main


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"scope": "Run_1"}, "run_id 'Run_1'"),
        ({"ready-file": "/nowhere/ready"}, "there is no directory /nowhere"),
        ({"pakc": "toll"}, "unknown option --pakc: did you mean --pack?"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_read(tmp_path, capsys, changes, named):
    given = {"pack": "payments", "scope": "live", "ready-file": tmp_path / "ready", **changes}
    with pytest.raises(SystemExit) as raised:
        main([str(part) for name, value in given.items() for part in (f"--{name}", value)])
    assert raised.value.code == ExitCode.BAD_INPUT
    assert named in capsys.readouterr().err


def test_an_unknown_pack_is_refused_before_anything_is_read(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with caplog.at_level(logging.ERROR):
        code = main(["--pack", "nowhere", "--scope", "live", "--ready-file", str(tmp_path / "ready")])
    assert code == ExitCode.BAD_INPUT
    assert "unknown domain pack nowhere" in caplog.text
