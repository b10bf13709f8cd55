"""A pack is one folder: found by name or path, its parts told apart from what else lies there, copied as a whole."""

import pytest

from patternalarm.contracts.pack_folder import (
    ACTIVITY_FILE,
    PACK_FILE,
    PACKS_DIR,
    PackError,
    copy_pack,
    find_activity,
    find_pack,
    generated_domains,
    pack_names,
    pattern_files,
)


@pytest.fixture
def folder(tmp_path):
    """A pack's folder with every part, and things of its owner's beside them."""
    mine = tmp_path / "toll"
    (mine / "patterns").mkdir(parents=True)
    for name in (
        *(PACK_FILE, ACTIVITY_FILE, "patterns/b.sql", "patterns/a.sql"),
        *("README.md", "patterns_of_old", "patterns/.a.sql.swp", "patterns/a.sql~", "patterns/__init__.py"),
    ):
        (mine / name).write_text(name)
    return mine


def test_a_shipped_pack_is_found_by_name_and_any_by_its_path(folder, monkeypatch):
    assert find_pack("payments") == PACKS_DIR / "payments"
    assert find_pack(str(folder)) == find_pack(folder) == folder
    monkeypatch.chdir(folder.parent)
    assert find_pack("./toll") == find_pack("toll/") == folder
    monkeypatch.chdir(folder)
    assert find_pack(".") == folder


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("paymets", "unknown domain pack paymets: did you mean payments?"),
        (
            "poker",
            "unknown domain pack poker: use one of gaming, iot, payments, sparkov, the path of a folder, like ./mine",
        ),
        ("/nowhere/my", "there is no folder /nowhere/my of a domain pack: see to its path, or use one of gaming, iot"),
        ("toll", "there is no domain pack toll among the platform's: for the folder of that name write ./toll"),
        ("my.yaml", "a domain pack is a folder with a pack.yaml: put my.yaml into a folder of its own as pack.yaml"),
        ("pack.yaml", "a domain pack is a folder with a pack.yaml: give its folder, ./"),
        (
            "./my.yaml",
            "my.yaml is a file: put my.yaml into a folder of its own as pack.yaml, and give the path of that",
        ),
        ("toll/pack.yaml", "toll/pack.yaml is a file: give its folder, "),
    ],
)
def test_what_is_no_pack_is_told_with_the_remedy(folder, monkeypatch, name, told):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "my.yaml").touch()
    with pytest.raises(PackError) as refused:
        find_pack(name)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("part", "misspelt", "told"),
    [
        (PACK_FILE, "pack.yml", "unknown part pack.yml: did you mean pack.yaml?"),
        (PACK_FILE, "domain.txt", "there is no pack.yaml in it: add it"),
        (ACTIVITY_FILE, "activities.py", "unknown part activities.py: did you mean activity.py?"),
        ("patterns", "pattern", "unknown part pattern: did you mean patterns?"),
    ],
)
def test_a_misspelt_part_is_not_passed_over(folder, part, misspelt, told):
    (folder / "patterns_of_old").unlink()
    (folder / part).rename(folder / misspelt)
    with pytest.raises(PackError, match=told):
        find_pack(folder)


def test_patterns_are_the_sql_files_and_nothing_else_may_be_among_them(folder):
    assert [file.name for file in pattern_files(folder)] == ["a.sql", "b.sql"]
    (folder / "patterns" / "c.sq").touch()
    with pytest.raises(PackError, match=r"patterns/c.sq is no .sql file: rename it, or take it away"):
        pattern_files(folder)


def test_a_pack_needs_no_patterns_but_they_are_a_folder(folder):
    (folder / "patterns").rename(folder / "gone")
    assert pattern_files(folder) == []
    (folder / "patterns").touch()
    with pytest.raises(PackError, match="patterns is a file: make it a folder"):
        pattern_files(folder)


def test_a_domain_is_generated_when_its_pack_has_an_activity(folder):
    assert generated_domains(folder.parent) == ["toll"]
    (folder / ACTIVITY_FILE).unlink()
    assert generated_domains(folder.parent) == []
    with pytest.raises(
        PackError, match=r"has no activity.py, so there is nobody to make its events: add one, or replay"
    ):
        find_activity(folder)
    assert set(generated_domains()) < set(pack_names())


def test_a_copy_holds_what_the_pack_is_made_of(folder, tmp_path):
    copy = tmp_path / "runs" / "r-1" / "pack"
    copy_pack(folder, copy)
    copied = {str(file.relative_to(copy)): file.read_text() for file in copy.rglob("*") if file.is_file()}
    assert copied == {name: name for name in (PACK_FILE, ACTIVITY_FILE, "patterns/a.sql", "patterns/b.sql")}


def test_a_pack_of_one_file_is_copied_too(folder, tmp_path):
    (folder / ACTIVITY_FILE).unlink()
    (folder / "patterns").rename(folder / "gone")
    copy_pack(folder, tmp_path / "copy")
    assert [file.name for file in (tmp_path / "copy").iterdir()] == [PACK_FILE]


def test_a_copy_that_cannot_be_made_says_why(folder, tmp_path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(PackError, match=r"cannot be copied to .*: File exists"):
        copy_pack(folder, tmp_path / "copy")
