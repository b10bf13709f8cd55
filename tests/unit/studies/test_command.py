from pathlib import Path

import pytest

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.models.metadata import ModelError
from patternalarm.studies.command import run_study
from patternalarm.studies.errors import StudyError, StudyInputError


def test_a_study_that_was_made_says_where_it_is(capsys):
    assert run_study(lambda: Path("docs/README.md")) == 0
    assert capsys.readouterr().out == "written: docs/README.md\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StudyInputError("no quota: be root"), ExitCode.BAD_INPUT),
        (ModelError("no model: train one"), ExitCode.BAD_INPUT),
        (StudyError("the scorer ended"), ExitCode.FAILED),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    ],
)
def test_a_study_that_was_not_made_ends_with_one_sentence(capsys, error, code):
    def study():
        raise error

    assert run_study(study) == code
    assert capsys.readouterr().err.count("\n") <= 1
