"""`annotate text`: tokens, language and digits of captions, and captions that say nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset import UsageError, serialize, text
from biomedica_dataset.annotation.text.caption import (
    is_boilerplate,
    is_only_label,
    language,
    share_of_digits,
)
from biomedica_dataset.annotation.text.measured import Texts
from biomedica_dataset.annotation.text.tokens import clip_tokens
from biomedica_dataset.cli.group import main
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows


@pytest.mark.parametrize(
    "caption",
    ["Figure 2A (continued).", "Figure 3—figure supplement 1", "A–D", "Fig. S1.", "Scheme IV", "-"],
)
def test_a_caption_that_only_names_its_figure_is_a_label(caption):
    assert is_only_label(caption)


@pytest.mark.parametrize(
    "caption", ["Fig. 2. Liver", "Control", "Table of contents", "MRI", "肝臓"]
)
def test_a_caption_with_a_word_of_its_own_is_no_label(caption):
    assert not is_only_label(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "Click here for additional data file. (12K, docx)",
        "Electronic supplementary material",
        "Supplementary Data 3 (PDF 210 kb)",
        "Image, graphical abstract",
        "See text for details.",
        "For legend, see page 3.",
        "No caption available",
    ],
)
def test_phrases_of_a_site_are_boilerplate(caption):
    assert is_boilerplate(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "Graphical abstract of the pathway.",
        "See text for details. Bars are means of three replicates.",
        "Supplementary material on the slide was stained.",
        "No image showed a lesion.",
    ],
)
def test_a_caption_that_goes_on_is_not_boilerplate(caption):
    assert not is_boilerplate(caption)


@pytest.mark.parametrize(
    ("caption", "code"),
    [
        ("Histological section of the liver with marked steatosis.", "en"),
        ("Corte histológico del hígado con esteatosis marcada en la zona central.", "es"),
        ("Distribuição das espécies coletadas nas três áreas de estudo.", "pt"),
        ("Bruchinae in Xinjiang, dorsal and lateral view. Spermophagus sericeus.", None),
        ("H&E, 40x", None),
        ("1 2 3", None),
    ],
)
def test_the_language_of_a_caption_is_told_where_it_can_be(caption, code):
    found, chance = language(caption)

    assert found == code
    assert (chance is None) == (code is None)


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.text(max_size=200))
def test_any_text_can_be_measured(caption):
    code, chance = language(caption)

    assert 0 <= share_of_digits(caption) <= 1
    assert clip_tokens(caption) >= 2
    assert code is None or 0.5 <= chance <= 1
    assert isinstance(is_only_label(caption) or is_boilerplate(caption), bool)


@pytest.fixture(scope="session")
def letters(tmp_path_factory):
    """A tokenizer that makes one token of each character."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    folder = tmp_path_factory.mktemp("letters")
    PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def measured(sample_archive, letters, tmp_path_factory):
    output = tmp_path_factory.mktemp("text") / "text"
    return output, text(sample_archive, output, tokenizer=str(letters), workers=1)


def test_each_caption_of_the_sample_is_measured(measured, sample_dataset):
    output, report = measured
    there = Texts.open(output)
    table = there.read_all(list(there.columns))
    rows = {row["key"]: row for row in table.to_pylist()}
    index = choose_rows(sample_dataset, Choice()).table
    lengths = dict(zip(index["key"].to_pylist(), index["caption_length"].to_pylist(), strict=True))

    assert report.captions.seen == len(lengths)
    assert {key: row["tokens"] for key, row in rows.items()} == {
        k: n for k, n in lengths.items() if n
    }
    assert all(2 < row["clip_tokens"] < row["tokens"] for row in rows.values())
    assert report.languages["en"] == sum(row["language"] == "en" for row in rows.values()) > 40
    assert "languages:\n" in str(report)


def test_a_second_run_does_nothing(measured, sample_archive, letters):
    report = text(sample_archive, measured[0], tokenizer=str(letters), workers=1)

    assert (report.written, report.captions) == (0, measured[1].captions)


@pytest.mark.parametrize(
    ("output", "tokenizer", "why"),
    [
        (
            "measured",
            None,
            "has tokens by another tokenizer than CLIP's: letters.*would be by none",
        ),
        ("new", "nothing", "nothing has no tokenizer that can be loaded"),
    ],
)
def test_another_tokenizer_is_refused_in_one_line(
    output, tokenizer, why, measured, sample_archive, tmp_path
):
    if tokenizer:
        tokenizer = str(tmp_path / tokenizer)
        (tmp_path / "nothing").mkdir()
    folder = measured[0] if output == "measured" else tmp_path / "new"
    with pytest.raises(UsageError, match=why) as caught:
        text(sample_archive, folder, tokenizer=tokenizer, workers=1)

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_card_shows_what_a_text_tower_does_not_read(measured, sample_archive, tmp_path):
    output, _ = measured
    serialize(sample_archive, tmp_path / "data", attributes=[output], workers=1)
    there = Texts.open(output).read_all(["key", "clip_tokens", "tokens", "language"])
    counts = there["tokens"].to_pylist()
    card = (tmp_path / "data/README.md").read_text()
    lost = sum(max(0, n - 256) for n in counts) / sum(counts)
    cut = sum(n > 256 for n in counts) / len(counts)

    assert "in tokens of CLIP's tokenizer:" in card
    assert f"| 256 | {lost:.0%} | {cut:.0%} |" in card.partition("of another tokenizer:")[2]
    wanted = "text.clip_tokens > 77 and text.language = en and text.is_only_label = false"
    chosen = choose_rows(tmp_path / "data", Choice(filters=wanted)).table
    long = [row for row in there.to_pylist() if row["clip_tokens"] > 77 and row["language"] == "en"]
    assert sorted(chosen["key"].to_pylist()) == sorted(row["key"] for row in long) != []


def test_the_command_prints_the_report(measured, sample_archive, letters):
    words = [
        "annotate",
        "text",
        str(sample_archive),
        "-o",
        str(measured[0]),
        "-q",
        "--workers",
        "1",
    ]
    result = CliRunner().invoke(main, [*words, "--tokenizer", str(letters)])

    assert result.exit_code == 0, result.output
    assert "figures: 62 seen = 62 kept + 0 dropped\nonly a label: 0" in result.output
