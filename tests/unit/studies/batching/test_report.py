from xml.etree import ElementTree

from patternalarm.studies.batching.report import PLOT, document, plots
from patternalarm.studies.batching.result import BatchingResult
from patternalarm.studies.publication import README_FILE, RESULT_FILE, publish


def test_the_original_stands_beside_what_was_measured(result):
    told = document(result)
    assert "| a Spark job for 1 row | 100 ms | 200 ms | 100 ms | 600 | 5 | 950 ms, 63 a minute |" in told
    assert "| a Spark job for 100 rows | 110 ms | 220 ms | 1.1 ms | 54,000 | 500 | 1,200 ms, 3,700 a minute |" in told
    assert "| the original, one row | 412 ms | 89 ms | 773 ms | 950 ms |" in told


def test_what_is_missing_is_told_with_its_reason(result):
    assert "- http: the API does not answer" in document(result)
    result.missing = {}
    assert "Not measured" not in document(result)


def test_a_busy_machine_is_told(result):
    assert "Others were at work" not in document(result)
    result.machine.load = 8.0
    assert "Others were at work" in document(result)


def test_the_write_up_is_made_of_the_result_file_alone(result, tmp_path):
    publish(tmp_path / "study", result, document(result), plots(result))

    read = BatchingResult.model_validate_json((tmp_path / "study" / RESULT_FILE).read_bytes())
    assert document(read) == (tmp_path / "study" / README_FILE).read_text()
    assert plots(read)[PLOT] == (tmp_path / "study" / PLOT).read_text()
    ElementTree.parse(tmp_path / "study" / PLOT)
