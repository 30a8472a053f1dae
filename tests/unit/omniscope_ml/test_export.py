"""Tables as files for other programs."""

import pandas as pd

from omniscope_ml.datasets.export import export
from omniscope_ml.datasets.ingest import DATA_FILE, ingest


def test_neither_names_nor_texts_of_a_csv_are_formulas(tmp_path):
    source, target = tmp_path / "table.csv", tmp_path / "out.csv"
    source.write_text('"=HYPERLINK(""x"")","a, ""b""",plain\n1,@SUM(A1),c\n2,-d,e\n')
    ingest(source, "csv", tmp_path)

    export(tmp_path / DATA_FILE, "csv", target)

    frame = pd.read_csv(target)
    assert set(frame.columns) == {'\'=HYPERLINK("x")', 'a, "b"', "plain"}
    assert frame['a, "b"'].tolist() == ["'@SUM(A1)", "'-d"]
