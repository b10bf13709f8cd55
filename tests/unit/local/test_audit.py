import json

from infra.local.audit import audited, findings_in

REPORT = json.dumps(
    {
        "dependencies": [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "holed", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}]},
            {"name": "hidden", "skip_reason": "Dependency not found on PyPI and could not be audited: hidden (1)"},
        ],
        "fixes": [],
    }
)


def test_what_could_not_be_looked_up_is_not_counted_as_sound():
    found = findings_in(REPORT)
    assert (found.looked_up, found.unknown) == (2, 1)
    assert found.lines == ("holed 2.0: PYSEC-1, mended in 2.1",)


def test_a_group_is_looked_up_as_it_is_locked():
    asked = []

    def run(*command, given=""):
        asked.append((command, given))
        return "sound==1.0\n" if "export" in command else REPORT

    assert audited("api", run).looked_up == 2
    (export, _), (_, given) = asked
    assert "--frozen" in export
    assert "api" in export
    assert given == "sound==1.0\n"
