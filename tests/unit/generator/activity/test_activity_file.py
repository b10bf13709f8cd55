"""A pack's activity is imported by its path; whatever is wrong with it is told with file and line."""

import shutil

import pytest

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import ACTIVITY_FILE, PACKS_DIR, PackError
from patternalarm.generator.activity.activity_file import ActivityError, check_activity, load_activity
from patternalarm.generator.activity.cohort import Cohort


@pytest.fixture
def mine(tmp_path):
    """A copy of a shipped domain's folder."""
    return shutil.copytree(PACKS_DIR / "iot", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))


def edit(folder, old, new):
    file = folder / ACTIVITY_FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def told(folder):
    """What is said about the folder's activity."""
    with pytest.raises(ActivityError) as refused:
        check_activity(load_activity(str(folder)), load_pack(folder))
    message = str(refused.value)
    assert message.startswith("activity mine/activity.py")
    assert "\n" not in message
    return message.removeprefix("activity mine/activity.py")


def test_every_activity_is_of_its_pack(domain):
    check_activity(load_activity(domain), load_pack(domain))


def test_a_folder_of_ones_own_plays_what_it_says(mine):
    edit(mine, '"botnet"', '"swarm"')
    own, shipped = load_activity(str(mine)), load_activity("iot")
    names = [{s.name for s in Cohort("iot", model, 7, 0, 100).model.scenarios()} for model in (own, shipped)]
    assert names[0] - names[1] == {"swarm"}
    assert load_activity(str(mine)) is own


def test_a_folder_without_an_activity():
    with pytest.raises(PackError, match=r"sparkov has no activity\.py, so there is nobody to make its events"):
        load_activity("sparkov")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\ny = nothing\n", ": line 2: NameError: name 'nothing' is not defined"),
        ("x = 1\n\nclass\n", ": line 3: SyntaxError: "),
        ("import no_such_module\n", ": line 1: ModuleNotFoundError: "),
        ("MODL = 1\n", " names no MODEL: end it with MODEL = <its DomainModel class>"),
        ("MODEL = int\n", " names no MODEL"),
        (
            "from patternalarm.generator.activity.domain_model import DomainModel\nclass Toll(DomainModel):\n    columns = ()\n"
            "    def prepare(self, rng, size): ...\n    def habits(self, rng, actors): ...\n    def sessions(self): ...\n"
            "MODEL = Toll\n",
            ": Toll lacks scenarios, segments",
        ),
    ],
)
def test_a_file_that_makes_no_activity(mine, text, says):
    (mine / ACTIVITY_FILE).write_text(text)
    assert told(mine).startswith(says)


def test_an_event_field_or_a_fraud_type_that_the_pack_does_not_have(mine):
    text = (mine / ACTIVITY_FILE).read_text()
    edit(mine, 'number("battery", 0)', 'number("batery", 0)')
    assert told(mine).startswith(": unknown event field batery: did you mean battery?")
    other = mine.parent / "other" / "mine"
    shutil.copytree(mine, other)
    (other / ACTIVITY_FILE).write_text(text)
    edit(other, '"botnet", True, "botnet"', '"botnet", True, "botnt"')
    assert told(other) == ": scenario botnet: unknown fraud type botnt: did you mean botnet?"


def test_actors_that_cannot_get_ready(mine):
    edit(mine, '"""Servers of the sites, and the vendors\' update servers."""', "raise KeyError('server')")
    assert ": KeyError: 'server'" in told(mine)
