"""Pattern files and what they may name of their pack."""

import re

import pytest

from patternalarm.contracts.domain_pack import generated_domains, load_pack
from patternalarm.patterns import PATTERNS_DIR, PatternError, load_patterns, parse_pattern

FILES = sorted(PATTERNS_DIR.glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pattern_names_only_what_its_pack_knows(path):
    pattern = parse_pattern(path)
    pack = load_pack(pattern.domain)
    assert pattern.fraud_type in pack.fraud_types
    of_the_actor = {f.name for f in pack.features if f.key not in pack.shared_keys}
    named = set(re.findall(r"\bfeature_(\w+)", pattern.sql))
    assert named <= of_the_actor


def test_every_generated_domain_has_a_pattern():
    assert all(load_patterns(domain) for domain in generated_domains())


def test_a_header_that_lacks_a_key_is_named(tmp_path):
    file = tmp_path / "half.sql"
    file.write_text("-- name: half\n-- version: 1\nSELECT 1")
    with pytest.raises(PatternError, match="the header lacks domain, fraud_type, severity, subject_type, reason"):
        parse_pattern(file)
