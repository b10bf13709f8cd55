"""Pattern files: what their header says, and what they may name of their pack."""

import pytest

from patternalarm.contracts.alerts import Severity, SubjectType
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import PACKS_DIR, generated_domains, pack_names
from patternalarm.patterns import PatternError, load_patterns, parse_pattern, pattern_set_of

GOOD = """\
-- name: goods_to_a_stranger
-- version: 3
-- fraud_type: account_takeover
-- Words of the author's own.

-- severity: high
-- subject_type: actor
-- reason: Goods went to a stranger: all of them.
SELECT *
FROM events -- name: not here
-- WHERE feature_nonsense = 1
WHERE feature_new_device = 1;
"""


@pytest.fixture(scope="module")
def pack():
    return load_pack("payments")


@pytest.fixture
def told(tmp_path, pack):
    """Writes a pattern and gives what is said about it."""

    def write(text):
        file = tmp_path / "mine.sql"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(PatternError) as refused:
            parse_pattern(file, pack)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return write


def test_a_good_pattern_is_one(tmp_path, pack):
    (tmp_path / "mine.sql").write_text(GOOD)
    pattern = parse_pattern(tmp_path / "mine.sql", pack)
    assert (pattern.name, pattern.version, pattern.fraud_type) == ("goods_to_a_stranger", "3", "account_takeover")
    assert (pattern.severity, pattern.subject_type) == (Severity.HIGH, SubjectType.ACTOR)
    assert pattern.reason == "Goods went to a stranger: all of them."
    assert pattern.sql == "SELECT *\nFROM events -- name: not here\nWHERE feature_new_device = 1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("-- version: 3\n", "", "pattern mine.sql: the header lacks version: begin with a line -- version: "),
        ("version: 3", "version:", "the header lacks version"),
        ("-- severity", "-- sverity", "line 6: unknown header key sverity: did you mean severity?"),
        ("-- severity", "-- Severity", "line 6: unknown header key Severity: did you mean severity?"),
        ("-- severity: high", "-- domain: iot\n-- severity: high", "line 6: unknown header key domain: use one of name,"),
        ("-- severity: high", "-- name: twice", "line 6: name stands there twice, first in line 1: keep one of them"),
        ("high", "hihg", "line 6: unknown severity hihg: did you mean high?"),
        ("actor", "akteur", "line 7: unknown subject_type akteur: use one of actor, device, pair, ring"),
        ("account_takeover", "acount_takeover", "line 3: unknown fraud type acount_takeover: did you mean account_takeover?"),
        ("goods_to", "goods'to", "line 1: name \"goods'to_a_stranger\" cannot be: it matches [a-z][a-z0-9_]*"),
        ("version: 3", "version: 3'", "line 2: version \"3'\" cannot be"),
        ("feature_new_device", "feature_newdevice", "line 12: unknown feature of the actor newdevice: did you mean new_device?"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_a_remedy(told, old, new, says):
    assert old in GOOD
    assert says in told(GOOD.replace(old, new, 1))


def test_a_file_that_is_no_text(told):
    assert told(b"\xff").startswith("pattern mine.sql cannot be read: ")


def test_a_feature_of_a_shared_key_is_none_that_a_pattern_knows(told, pack):
    shared = next(feature.name for feature in pack.features if feature.key in pack.shared_keys)
    assert f"line 12: unknown feature of the actor {shared}" in told(GOOD.replace("new_device", shared))


def test_two_patterns_of_a_pack_have_two_names(tmp_path, pack):
    (tmp_path / "patterns").mkdir()
    for name in ("a", "b"):
        (tmp_path / "patterns" / f"{name}.sql").write_text(GOOD)
    with pytest.raises(
        PatternError, match=r"b\.sql: another pattern of this pack is named goods_to_a_stranger: rename one"
    ):
        load_patterns(tmp_path, pack)


@pytest.mark.parametrize("name", pack_names())
def test_the_patterns_of_every_pack_are_good(name):
    patterns = load_patterns(PACKS_DIR / name, load_pack(name))
    assert bool(patterns) is (name in generated_domains())


def test_the_set_of_patterns_is_that_of_names_versions_and_queries(tmp_path, pack):
    (tmp_path / "patterns").mkdir()

    def set_of(text, file="a"):
        (tmp_path / "patterns" / f"{file}.sql").write_text(text)
        return pattern_set_of(load_patterns(tmp_path, pack))

    first = set_of(GOOD)
    assert set_of(GOOD.replace("severity: high", "severity: low")) == first
    assert set_of(GOOD.replace("version: 3", "version: 4")) != first
    assert set_of(GOOD.replace("= 1;", "= 0;")) != first
    set_of(GOOD)
    assert set_of(GOOD.replace("goods_to", "gold_to"), "0") != first
