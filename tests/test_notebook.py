"""What a session or a notebook shows of the package is readable."""

from __future__ import annotations

import biomedica_dataset
from biomedica_dataset import select, verify
from biomedica_dataset.streaming.choice import Choice


def test_dir_has_the_public_names_and_no_others():
    assert dir(biomedica_dataset) == sorted(biomedica_dataset.__all__)


def test_reports_and_choices_are_shown_as_their_text(sample_dataset):
    report = verify(sample_dataset)
    chosen = select(sample_dataset, licenses="commercial", dry_run=True)

    assert repr(report) == f"<VerifyReport: {report}>"
    assert repr(chosen) == f"<SelectReport: {chosen}>"
    assert "&lt;" in Choice(filters="article_year < 5")._repr_html_()
    for value in (report, chosen, chosen.chosen, chosen.chosen.choice):
        assert value._repr_html_().startswith("<pre>")
