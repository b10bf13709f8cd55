import pytest
from infra.local import doctor, machine


@pytest.fixture
def nothing_there(monkeypatch):
    """A machine that has nothing, and apt with which to change that."""
    for name in ("find_jdk", "find_maven", "find_python", "find_postgres"):
        monkeypatch.setattr(machine, name, lambda: None)
    monkeypatch.setattr(machine, "memory_bytes", lambda: 2 * machine.GIB)
    monkeypatch.setattr(machine, "free_disk_bytes", lambda _: machine.GIB)
    monkeypatch.setattr(machine, "has_apt", lambda: False)


def test_every_failure_names_cause_and_remedy(nothing_there, capsys):
    assert doctor.main() == 2
    said = capsys.readouterr().err
    for cause, remedy in (
        ("no JDK 17 or 21", "apt-get install -y openjdk-17-jdk-headless"),
        ("no Maven", "apt-get install -y maven"),
        ("no Python 3.11", "uv python install 3.11"),
        ("no PostgreSQL 15 or newer", "PATTERNALARM_POSTGRES_BIN"),
        ("less than 6 GiB of memory (2.0 GiB)", "8 GiB or more"),
        (f"less than {doctor.needed_disk_gib()} GiB free", "free some space"),
    ):
        assert cause in said
        assert remedy in said.split(cause)[1].split("remedy: ")[1].split("\n")[0]


def test_apt_installs_exactly_what_is_missing_and_then_all_is_checked_again(nothing_there, monkeypatch, capsys):
    installed = []
    monkeypatch.setattr(machine, "has_apt", lambda: True)
    monkeypatch.setattr(machine, "find_maven", lambda: machine.Found(machine.REPOSITORY, "3.8.7"))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor, "install", installed.extend)
    assert doctor.main() == 2
    assert installed == ["openjdk-17-jdk-headless", "postgresql"]
    assert "no JDK" in capsys.readouterr().err


def test_installing_postgres_starts_no_server_of_debians(monkeypatch, tmp_path, capsys):
    marker = tmp_path / "createcluster.d" / "patternalarm.conf"
    seen = []
    monkeypatch.setattr(doctor, "CREATE_CLUSTER", marker)
    monkeypatch.setattr(doctor.subprocess, "run", lambda command, **_: seen.append((command[1], marker.read_text())))
    doctor.install(["postgresql"])
    assert seen == [(step, "create_main_cluster = false\n") for step in ("update", "install")]
    assert not marker.exists()
    assert "Installing with apt" in capsys.readouterr().out


def test_a_fit_machine_is_described_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "checks", lambda: [doctor.Check(name, lambda: "1", "", "") for name in _NAMES])
    assert doctor.main() == 0
    assert capsys.readouterr().out.count("\n") == 1


_NAMES = ("JDK", "Maven", "Python", "PostgreSQL", "memory", "disk")


@pytest.mark.parametrize(("gib", "fit"), [(6.0, True), (5.7, True), (5.5, False), (4.0, False)])
def test_a_virtual_machine_sold_as_6_gib_is_fit_though_its_kernel_kept_some(monkeypatch, gib, fit):
    monkeypatch.setattr(machine, "memory_bytes", lambda: int(gib * machine.GIB))
    (memory,) = (check for check in doctor.checks() if check.name == "memory")
    assert bool(memory.found()) is fit
    assert f"less than 6 GiB of memory ({gib:.1f} GiB)" in memory.wrong or fit
