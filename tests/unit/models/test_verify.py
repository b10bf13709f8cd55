import json

import pytest
from alert_material import PACK, toll_pack, write_pack

from patternalarm.models.metadata import ModelError
from patternalarm.models.verify import main, verify_model


def test_a_whole_model_gives_its_metadata(model, pack):
    metadata = verify_model(model, pack)
    assert (metadata.version, metadata.classes) == ("m-1", ("legitimate", "plate_swap", "gate_run"))


def _rewrite(model, **changes):
    path = model / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda m: (m / "forest.npz").write_bytes((m / "forest.npz").read_bytes()[:-9]), "forest.npz is cut short"),
        (lambda m: (m / "pipeline" / "part-0").unlink(), "pipeline/part-0 is missing"),
        (lambda m: (m / "pipeline" / "part-1").write_bytes(b""), "pipeline/part-1 does not belong"),
        (lambda m: (m / "metadata.json").unlink(), "no model in"),
        (lambda m: (m / "metadata.json").write_text('{"domain": "to'), "metadata.json is damaged"),
        (lambda m: _rewrite(m, files=3), "files"),
        (lambda m: _rewrite(m, domain="rail"), "of domain rail, not toll"),
        (lambda m: _rewrite(m, feature_set="0000"), "feature set 0000"),
        (lambda m: _rewrite(m, classes=["legitimate", "gate_run", "plate_swap"]), "knows the classes"),
    ],
)
def test_a_model_that_is_not_whole_or_not_of_the_pack_is_refused(model, pack, damage, named):
    damage(model)
    with pytest.raises(ModelError, match=named) as refused:
        verify_model(model, pack)
    assert "retrain_model" in str(refused.value) or "name a model" in str(refused.value)


def test_a_pack_with_another_feature_is_not_the_models(model, tmp_path):
    changed = toll_pack(tmp_path, features=PACK["features"][:2])
    with pytest.raises(ModelError, match=changed.feature_set):
        verify_model(model, changed)


def test_the_command_says_yes_or_leaves_with_code_2(model, tmp_path, capsys):
    pack = str(write_pack(tmp_path))
    assert main(["--pack", pack, "--model", str(model)]) == 0
    assert "model m-1 of toll is whole: 2 files" in capsys.readouterr().out
    assert main(["--pack", pack, "--model", str(tmp_path / "none")]) == 2
    assert "no model in" in capsys.readouterr().err
    assert main(["--pack", "nowhere", "--model", str(model)]) == 2
    assert "unknown domain pack nowhere" in capsys.readouterr().err
