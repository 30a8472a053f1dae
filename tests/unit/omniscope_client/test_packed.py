"""Configurations of jobs of any service, as the command line prints them."""

import subprocess
import sys

from google.protobuf.any_pb2 import Any

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.common.v1.job_pb2 import Job
from omniscope_client.commands.output import as_dict


def test_a_configuration_is_printed_with_its_fields():
    job = Job(job_id="J")
    job.config.Pack(TrainRequest(dataset_id="d", quality="best"))

    config = as_dict(job)["config"]

    assert config["@type"].endswith("/omniscope.automl.v1.TrainRequest")
    assert (config["dataset_id"], config["quality"]) == ("d", "best")


def test_one_of_a_service_that_is_not_installed_here_is_printed_by_its_type():
    unknown = Any(type_url="type.googleapis.com/far.away.v1.Request", value=b"\x0a\x01d")

    assert as_dict(Job(config=unknown))["config"] == {"@type": unknown.type_url}


def test_one_whose_messages_nobody_has_imported_yet_is_found_by_its_services_entry():
    code = (
        "from google.protobuf.any_pb2 import Any;"
        "from omniscope_client.packed import packed_messages;"
        "name = 'omniscope.deeplearning.v1.TrainRequest';"
        "print(packed_messages().FindMessageTypeByName(name).full_name)"
    )

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "omniscope.deeplearning.v1.TrainRequest"
