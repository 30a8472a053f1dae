import pytest

from omniscope_service.errors import InvalidArgument
from omniscope_service.events import subjects

JOB = "01JABCDEFGHJKMNPQRSTVWXYZ0"


def test_subjects_are_built_from_identifiers():
    assert subjects.run_hint("automl", "cpu") == "jobs.run.automl.cpu"
    assert subjects.control(JOB) == f"ctl.job.{JOB}"
    assert subjects.job_event(JOB, "state_changed") == f"evt.job.{JOB}.state_changed"
    assert subjects.model_event(JOB, "registered") == f"evt.model.{JOB}.registered"
    assert subjects.consumer_name("automl", "gpu") == "automl-gpu"


def test_the_job_can_be_read_back_from_an_event_subject():
    assert subjects.job_of(subjects.job_event(JOB, "metric")) == JOB


@pytest.mark.parametrize("job_id", ["", "*", ">", f"{JOB}.metric", JOB.lower(), f"{JOB}\n"])
def test_an_id_that_is_no_ulid_builds_no_subject(job_id):
    with pytest.raises(InvalidArgument) as caught:
        subjects.control(job_id)

    assert caught.value.reason == "ID_INVALID"
    assert caught.value.field == "job_id"


@pytest.mark.parametrize("service", ["", "*", "a.b", "Auto", "a b"])
def test_a_service_that_is_no_word_builds_no_subject(service):
    with pytest.raises(InvalidArgument, match="lower-case"):
        subjects.run_hint(service, "cpu")
