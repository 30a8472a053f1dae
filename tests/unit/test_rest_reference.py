"""docs/rest.md lists every call of the public methods, as the protos have them."""

from tools.proto_files import proto_files
from tools.rest_reference import PAGE, page_with_calls


def test_the_reference_is_what_the_protos_say_now():
    page = PAGE.read_text()

    assert page == page_with_calls(page, proto_files()), "run make rest-reference"


def test_a_method_that_is_renamed_is_missing_until_the_page_is_made_anew():
    image, page = proto_files(), PAGE.read_text()
    service = next(s for file in image.file for s in file.service if s.name == "JobService")
    service.method[0].name = "GetJobAnew"

    assert "| GetJobAnew | viewer | Returns a job with its configuration. |" in page_with_calls(
        page, image
    )
    assert "GetJobAnew" not in page
