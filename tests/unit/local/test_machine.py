from infra.local import machine


def _program(path, prints):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}' >&2\n")
    path.chmod(0o755)


def _jdk(home, java, javac):
    _program(home / "bin" / "java", f'openjdk version "{java}" 2025-04-15')
    if javac:
        _program(home / "bin" / "javac", f"javac {javac}")
    return home


def test_a_jdk_counts_only_with_a_compiler_of_the_same_supported_version(tmp_path, monkeypatch):
    wrong = [("11.0.2", "11.0.2"), ("17.0.1", None), ("17.0.1", "11.0.2"), ("25", "25")]
    for number, (java, javac) in enumerate(wrong):
        monkeypatch.setenv("JAVA_HOME", str(_jdk(tmp_path / str(number), java, javac)))
        found = machine.find_jdk()
        assert found is None or not found.path.is_relative_to(tmp_path)
    right = _jdk(tmp_path / "right", "21.0.3", "21.0.3")
    monkeypatch.setenv("JAVA_HOME", str(right))
    assert machine.find_jdk() == machine.Found(right, "21.0.3")


def test_postgres_must_be_new_enough_and_bring_a_server(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    directory = tmp_path / "bin"
    monkeypatch.setenv("PATTERNALARM_POSTGRES_BIN", str(directory))
    monkeypatch.setattr(machine.Path, "glob", lambda *_: iter(()))
    for name in ("postgres", "initdb", "pg_isready"):
        assert machine.find_postgres() is None
        _program(directory / name, "postgres (PostgreSQL) 14.9")
    assert machine.find_postgres() is None
    _program(directory / "postgres", "postgres (PostgreSQL) 16.2 (Debian 16.2-1)")
    assert machine.find_postgres() == machine.Found(directory, "16.2")


def test_what_cannot_be_run_prints_nothing():
    assert machine.output_of("/nonexistent/program", "--version") == ""
    assert machine.output_of("false") == ""


def test_free_disk_of_a_directory_that_is_still_to_be_made(tmp_path):
    assert machine.free_disk_bytes(tmp_path / "not" / "yet") > 0
