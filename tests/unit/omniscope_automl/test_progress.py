"""How far a search is."""

from omniscope_automl.progress import SEARCH_ENDS, SearchProgress
from tests.unit.omniscope_automl.conftest import RecordedReport


def test_progress_counts_models_and_ends_where_the_search_ends():
    report = RecordedReport()

    with SearchProgress(report, time_limit=1000) as progress:
        progress.plan(2)
        for name in ("A", "B"):
            progress.start(name, trial=False)
            progress.finish(hit_limit=False)

    assert progress.complete
    assert [round(percent) for percent, *_ in report.progresses] == [2, 2, 46, 46, 90]
    assert report.progresses[-1] == (SEARCH_ENDS, "training B", 2, 2)


def test_model_skipped_for_want_of_time_makes_a_search_incomplete():
    with SearchProgress(RecordedReport(), time_limit=1000) as progress:
        progress.plan(1)
        progress.finish(hit_limit=True)

    assert not progress.complete
