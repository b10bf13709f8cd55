"""Whatever is wrong with a pack is one sentence with the place and what to do; nothing is ignored."""

import pytest
import yaml

from patternalarm.contracts.domain_pack import chosen_pack, load_pack
from patternalarm.contracts.pack_folder import PACK_FILE, PACKS_DIR, PackError, pack_names

GOOD = """\
name: toll
version: "1"
description: Toll roads.
disorder: 5s
lateness: 5m
shared_key_delay: 10s
episode: 1h
fields:
  - {name: lane, type: string, description: Lane.}
fraud_types:
  gate_run: {description: Gate run., severity: high, label_delay: 1d}
features:
  - {name: hour, op: hour, description: Hour., unit: h, reason: "at {value}"}
  - name: visits
    op: count
    key: actor_id
    window: 1h
    description: Visits.
    unit: visits
    reason: "{value} visits"
"""


@pytest.fixture
def told(tmp_path):
    """Writes a pack and gives what is said about it."""

    def write(text, name="toll", load=load_pack):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / PACK_FILE).write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(PackError) as refused:
            load(str(folder))
        assert "\n" not in str(refused.value)
        assert "For further information" not in str(refused.value)
        return str(refused.value)

    return write


def test_a_good_pack_is_one(tmp_path):
    (tmp_path / PACK_FILE).write_text(GOOD)
    assert load_pack(tmp_path).name == chosen_pack(str(tmp_path)).name == "toll"


@pytest.mark.parametrize(
    ("old", "new", "told_as"),
    [
        ("episode:", "episod:", "line 7: unknown key episod: did you mean episode?"),
        ("    window: 1h", "    windw: 1h", "line 17: unknown key windw: did you mean window? in features[1]"),
        (
            "severity: high",
            "sverity: high",
            "line 11: unknown key sverity: did you mean severity? in fraud_types.gate_run",
        ),
        ("type: string, d", "typ: string, d", "line 9: the key type is missing in fields[0]: add it"),
        (
            "severity: high",
            "severity: hihg",
            "fraud_types.gate_run.severity should be 'low', 'medium', 'high' or 'critical', not 'hihg'",
        ),
        ('version: "1"', "version: 1", "line 2: version should be a valid string, not 1: put it in quotes"),
        (
            'version: "1"',
            "version: 2026-11-24",
            "line 2: version should be a valid string, not 2026-11-24: put it in quotes",
        ),
        ('version: "1"', "version: 2026-13-45", "month must be in 1..12: put what looks like a time in quotes"),
        (
            "lateness: 5m",
            "lateness: 5 minutes",
            "line 5: lateness: '5 minutes' is no duration: write a whole number and a unit",
        ),
        ("op: count", "op: cuont", "line 15: features[1].op should be 'field', "),
        ("    key: actor_id\n", "", "feature visits: count needs a key"),
        ("disorder: 5s", "disorder: 5m", "shared_key_delay must not be shorter than disorder"),
        (
            "lateness: 5m",
            "lateness: 5m\nname: rail",
            "line 6: name stands there twice, first in line 1: keep one of them",
        ),
        ("op: hour,", "op: hour, op: hour,", "line 13: op stands there twice, first in line 13: keep one of them"),
        ("fields:\n", "fields\n", "line 9: "),
        (
            "description: Toll roads.",
            "description: Toll: roads.",
            "line 3: mapping values are not allowed here: see to its",
        ),
        ("fields:\n", "fields: &all\n  - *all\n", "line 8: fields[0] should be"),
        ("version:", "\tversion:", "line 2: found character '\\t' that cannot start any token"),
        (
            "fields:\n  - {name: lane, type: string, description: Lane.}\n",
            "fields: 3\n",
            "line 8: fields should be a valid tuple, not 3",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_a_remedy(told, old, new, told_as):
    assert old in GOOD
    message = told(GOOD.replace(old, new, 1))
    assert message.startswith("domain pack toll/pack.yaml: ")
    assert told_as in message


def test_every_fault_is_told_up_to_a_handful(told):
    both = told(GOOD.replace("episode:", "episod:").replace('version: "1"', "version: 1"))
    assert both.count("line ") == 3
    assert "the key episode is missing" in both
    assert told("a: 1\nb: 2\nc: 3\nd: 4\n").endswith("faults more")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "just words\n"])
def test_a_file_without_keys(told, text):
    assert "it holds no keys: begin it with name, version, description and so on" in told(text)


def test_a_file_that_is_no_text(told):
    assert "byte 0 is no UTF-8: save the file as UTF-8" in told(b"\xff\xfe\x00")


@pytest.mark.parametrize("name", pack_names())
def test_a_pack_of_ones_own_does_not_take_a_shipped_ones_name(told, name):
    assert told(GOOD.replace("name: toll", f"name: {name}"), "mine", chosen_pack) == (
        f"domain pack mine/pack.yaml: its name {name} is taken by a pack of the platform, whose models would be used for it: "
        "give it another name"
    )


@pytest.mark.parametrize("name", pack_names())
def test_a_shipped_pack_is_named_like_its_folder_and_found_by_both(name):
    assert load_pack(name) == chosen_pack(name) == chosen_pack(str(PACKS_DIR / name))
    assert load_pack(name).name == name


def keys_of(node, path=()):
    """Every mapping key of a document, as the way to it."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(node, dict):
            yield (*path, key)
        yield from keys_of(value, (*path, key))


# The author's own names: whatever they are called is right.
FREE = {("fraud_types",), ("source", "columns")}


@pytest.mark.parametrize("name", pack_names())
def test_no_misspelt_key_of_a_shipped_pack_is_ignored(told, name):
    """Each key of each shipped pack in turn, one letter too many."""
    text = (PACKS_DIR / name / PACK_FILE).read_text()
    document = yaml.safe_load(text)
    tried = set()
    for way in keys_of(document):
        kind = tuple(part for part in way if isinstance(part, str))
        if kind in tried or any(kind[:-1][-len(free) :] == free for free in FREE):
            continue
        tried.add(kind)
        changed = yaml.safe_load(text)
        parent = changed
        for part in way[:-1]:
            parent = parent[part]
        parent[f"{way[-1]}x"] = parent.pop(way[-1])
        message = told(yaml.safe_dump(changed, sort_keys=False))
        # A currency is a key too, of a standard.
        assert f"did you mean {way[-1]}?" in message, message
        assert f"{way[-1]}x" in message, message
    assert len(tried) > 10
