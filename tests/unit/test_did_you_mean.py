import subprocess
import sys

import pytest

from patternalarm.did_you_mean import did_you_mean
from patternalarm.settings import REPOSITORY


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("domian", ["domain", "level"], "unknown thing domian: did you mean domain?"),
        ("DOMAIN", ["domain", "level"], "unknown thing DOMAIN: did you mean domain?"),
        ("keep-topics", ["keep_topics", "level"], "unknown thing keep-topics: did you mean keep_topics?"),
        ("poker", ["payments", "iot"], "unknown thing poker: use one of payments, iot"),
        ("", ["payments", "iot"], "unknown thing '': use one of payments, iot"),
        ("a b\n", ["payments"], "unknown thing 'a b\\n': use one of payments"),
        ("x", [], "unknown thing x: there are none"),
    ],
)
def test_a_name_that_nobody_knows_is_told_with_what_was_meant(name, known, told):
    assert did_you_mean("thing", name, known) == told


def test_make_can_ask_without_any_environment():
    asked = [
        sys.executable,
        "-I",
        "-S",
        str(REPOSITORY / "plugins/patternalarm/did_you_mean.py"),
        "name",
        "lvel",
        "level",
    ]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == (
        "unknown name lvel: did you mean level?\n"
    )
