"""Templates of what a run's tasks know, rendered as Airflow renders them."""

from jinja2 import Environment, StrictUndefined

from patternalarm.operators.run_values import of_run


class Instance:
    """Gives what ``open_run`` returned, per mapped instance."""

    map_index = 1

    def xcom_pull(self, task_id, map_indexes=None):
        if task_id == "open_run":
            return {"run_id": "load-test-1"}
        assert task_id == "retrain.open_run"
        return [{"run_id": "retrain-0"}, {"run_id": "retrain-1"}][map_indexes]


def rendered(template):
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(template).render(ti=Instance())


def test_a_run_of_its_own():
    assert rendered(of_run("run_id")) == "load-test-1"


def test_a_run_in_a_mapped_group_is_that_of_its_own_instance():
    assert rendered(of_run("run_id", "retrain") + ".scorer") == "retrain-1.scorer"
