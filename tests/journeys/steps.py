"""The journeys of users as command lines: each step with words that its output must have."""

from __future__ import annotations

from dataclasses import dataclass

INVENTORY = "2026-11-20T01-00Z"


@dataclass(frozen=True)
class Step:
    """A line of the shell, words that it prints, and its exit status."""

    line: str
    says: tuple[str, ...] = ()
    status: int = 0


def python(*lines: str) -> str:
    """Return the line that runs Python code."""
    return "python -c '" + "\n".join(lines) + "'"


ARCHIVE = (
    Step("biomedica demo made --bucket-only", ("bucket",)),
    Step("biomedica extract made/bucket -o archive", ("24 seen = 19 kept",)),
)
DATASET = (
    *ARCHIVE,
    Step("biomedica serialize archive -o dataset", ("62",)),
    Step("biomedica verify dataset", ("no problems",)),
)
TRAIN = (
    "biomedica train full --set data.path=dataset --set model.name=local-dir:model "
    "--set model.pretrained=null --set samples=64 --set global_batch=16 --set micro_batch=8 "
    "--set optimizer.warmup=1 --set checkpoint_every=1 --set output=tuned"
)

JOURNEYS = {
    "a first look": (
        Step("biomedica --help", ("extract", "serialize", "search")),
        Step("biomedica demo", ("62 pairs", "no problems", "Three pairs, streamed back")),
    ),
    "images of skin for commercial use": (
        *DATASET,
        Step(
            "biomedica select dataset --license commercial --filter 'caption contains naevus' "
            "--dry-run -o skin",
            ("rows",),
        ),
        Step(
            "biomedica select dataset --license commercial --filter 'caption contains naevus' "
            "-o skin"
        ),
        Step("biomedica verify skin", ("no problems",)),
        Step(
            python(
                "from datasets import load_dataset",
                'rows = list(load_dataset("skin", split="train", streaming=True))',
                'print(len(rows), {row["article_license"] for row in rows})',
            ),
            ("CC",),
        ),
    ),
    "captions alone, then the images of some": (
        ARCHIVE[0],
        Step("biomedica extract made/bucket -o archive --images none", ("kept",)),
        Step("biomedica serialize archive -o captions"),
        Step(
            python(
                "from datasets import load_dataset",
                'rows = list(load_dataset("captions", "captions", split="train"))',
                'print(len(rows), "captions")',
            ),
            ("62 captions",),
        ),
        Step(
            "biomedica select captions --filter 'caption contains micrograph' --keys-only "
            "-o keys.txt"
        ),
        Step("biomedica extract made/bucket -o archive --images keys.txt"),
        Step("biomedica serialize archive -o chosen"),
        Step("biomedica verify chosen", ("no problems",)),
    ),
    "a monthly refresh": (
        Step("python SHARED/tools/make_bucket.py bucket --limit 12", ()),
        Step(f"biomedica extract bucket -o archive --inventory {INVENTORY}", ("kept",)),
        Step("biomedica serialize archive -o dataset"),
        Step("python SHARED/tools/make_bucket.py bucket --day 2", ()),
        Step("biomedica extract bucket -o archive --inventory 2026-11-23T01-00Z", ("kept",)),
        Step("biomedica serialize archive -o dataset"),
        Step("biomedica serialize archive -o dataset", ("nothing to do",)),
        Step("biomedica verify dataset", ("no problems",)),
    ),
    "to the Hub and back": (
        *DATASET,
        Step("biomedica push dataset me/biomedica", ("me/biomedica",)),
        Step("biomedica push dataset me/biomedica", ("nothing to do",)),
        Step(
            python(
                "from datasets import load_dataset",
                'pairs = load_dataset("me/biomedica", split="train", streaming=True)',
                'print(sum(1 for pair in pairs if pair["image"].size), "pairs")',
            ),
            ("45 pairs",),
        ),
        Step("biomedica select me/biomedica --limit 5 -o five"),
        Step("biomedica verify five", ("no problems",)),
    ),
    "the index in a table": (
        *DATASET,
        Step(
            python(
                "import pandas",
                'table = pandas.read_parquet("dataset/index")',
                'print(len(table), "rows,", table.image_width.notna().sum(), "sizes")',
            ),
            ("62 rows, 62 sizes",),
        ),
    ),
    "a training that goes on": (
        *DATASET,
        Step(f"{TRAIN} --set steps_at_most=2", ("there is no key steps_at_most",), 2),
        Step(TRAIN),
        Step(TRAIN, ("resumes after step 4",)),
        Step("biomedica evaluate --list", ("bloodmnist",)),
    ),
    "labels by experts": (
        *DATASET,
        Step("biomedica annotate embed archive -o vectors --model classical", ("62",)),
        Step("biomedica annotate cluster vectors -o clusters --components 8 --clusters 6"),
        Step("biomedica annotate assign clusters vectors -o assignments", ("62",)),
        Step("biomedica annotate review assignments archive -o review"),
        Step(
            python(
                "import csv",
                'rows = list(csv.reader(open("review/questions.csv")))',
                'at = rows[0].index("primary")',
                "for row in rows[1:]:",
                '    row[at] = "Microscopy"',
                'csv.writer(open("anna.csv", "w")).writerows(rows)',
            )
        ),
        Step("biomedica annotate labels anna.csv -o labels --assignments assignments"),
        Step("biomedica serialize archive -o dataset --clusters assignments --labels labels"),
        Step("biomedica select dataset --concept Microscopy --limit 3 -o three"),
        Step("biomedica verify three", ("no problems",)),
    ),
    "a task of one's own": (
        Step(
            python(
                "from PIL import Image",
                "from pathlib import Path",
                'for colour in ("green", "red"):',
                '    Path("cells", colour).mkdir(parents=True)',
                "    for number in range(3):",
                '        Image.new("RGB", (40, 40), colour).save(f"cells/{colour}/{number}.png")',
                'Path("colours.yaml").write_text("name: colours\\ndomain: made up\\n'
                'classes: [green, red]\\nsource: {folder: cells}\\n")',
            )
        ),
        Step("biomedica evaluate local-dir:clip --tasks colours.yaml --draws 20 -o results",
             ("colours",)),
    ),
    "figures found by words": (
        *DATASET,
        Step("biomedica search dataset naevus", ("search build",), 2),
        Step("biomedica search build dataset"),
        Step("biomedica search dataset naevus --limit 3", ("PMC99000101",)),
        Step("biomedica search dataset naevus --limit 3 --select found"),
        Step("biomedica verify found", ("no problems",)),
    ),
}  # fmt: skip
