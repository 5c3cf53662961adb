"""Commands that find figures: search, and what belongs to it."""

from __future__ import annotations

import json
from typing import Any

import click

from biomedica_dataset.errors import UsageError

from .completion import complete_column, complete_concept, complete_split
from .group import Commands, main, printable, progress, run, wants_json
from .launched import launched
from .options import WORKERS, conditions, licenses
from .serving import serve_page, served


class _Search(Commands):
    """Takes what names no command of its own for the dataset to search."""

    default = "find"

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the command in front of DATASET."""
        plain = [one for one in args if one not in ("-v", "--verbose", "-q", "--quiet", "--json")]
        if plain and plain[0] not in (*self.commands, "-h", "--help"):
            args = [self.default, *args]
        return super().parse_args(context, args)


@main.group(cls=_Search)
def search() -> None:
    """Find figures: `biomedica search DATASET "words"`, or a command below.

    A dataset folder that has the name of a command is searched as ./build.
    """


_IMAGE_MODEL = click.option(
    "--image-model", metavar="FOLDER_OR_ID",
    help="Where the model of the vectors of images is, if not on the Hub.",
)  # fmt: skip
_MODEL = click.option(
    "--text-model", metavar="FOLDER_OR_ID",
    help="Where the model of the vectors is, if not on the Hub.",
)  # fmt: skip
_BUILD = click.option(
    "--build", is_flag=True,
    help="If DATASET has no index: fetch its captions, and make one on this machine.",
)  # fmt: skip


@search.command()
@click.argument("dataset")
@click.option(
    "--text-model", metavar="FOLDER_OR_ID",
    help="Also make vectors of captions by a model of texts for transformers.",
)  # fmt: skip
@click.option(
    "--image-vectors", is_flag=True,
    help="Also make images searchable by images, from the config embeddings.",
)  # fmt: skip
@WORKERS
@launched
def build(dataset: str, **options: Any) -> None:
    """Make the figures of the dataset folder DATASET searchable, and its panels if it has any.

    The files are added to DATASET, below search/, and pushed with it. Running the same command
    again reads only changed rows.
    """
    run("build_search", dataset, **options)


@search.command()
@click.argument("dataset")
@click.argument("query", nargs=-1)
@click.option("--image", metavar="FILE", help="Instead of QUERY: find images like this one.")
@click.option("--similar", metavar="KEY", help="Instead of QUERY: find images like that of a key.")
@licenses("figures")
@click.option(
    "--concept", "concepts", multiple=True, shell_complete=complete_concept,
    help="Only figures of a concept. Repeatable.",
)  # fmt: skip
@click.option(
    "--filter", "filters", multiple=True, metavar="CONDITION", shell_complete=complete_column,
    help="Such as 'article_year >= 2015'; see `biomedica select`. Repeatable: all must hold.",
)  # fmt: skip
@click.option(
    "--split", shell_complete=complete_split, help="Only figures of a split. [default: all]"
)
@click.option(
    "--unit", type=click.Choice(["figure", "panel"]), default="figure", show_default=True,
    help="What is found: figures, or panels by what the caption says of them.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["lexical", "semantic", "hybrid", "image"]), default="lexical",
    show_default=True,
    help="Search by words, by meaning, by both, or by what a CLIP or SigLIP sees in images.",
)  # fmt: skip
@_MODEL
@_IMAGE_MODEL
@_BUILD
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True,
    help="Number of figures or panels.",
)  # fmt: skip
@click.option("--select", metavar="FOLDER", help="Write the found rows as a dataset folder.")
def find(
    dataset: str,
    query: tuple[str, ...],
    select: str | None,
    text_model: str | None,
    image_model: str | None,
    build: bool,
    **options: Any,
) -> None:
    """Find what matches QUERY in DATASET: in captions, citing sentences, titles and terms.

    DATASET is a dataset folder, a repository on the Hub such as org/name, or an hf://, https:// or
    s3:// address.

    \b
    cell death            any of the words, in any of their forms
    '"cell death"'        these words in a row, in the caption
    title:malaria         words of one field: caption, title, context or terms
    """
    from biomedica_dataset import open_search

    wanted = conditions(options)
    searching = open_search(
        dataset, text_model=text_model, image_model=image_model, build=build, progress=progress()
    )
    shown = {n: options[n] for n in ("split", "unit", "limit", "mode", "image", "similar")}
    found = searching.search(" ".join(query) if query else None, **shown, **wanted)
    if wants_json():
        click.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=False))
    else:
        lines = [str(one) for one in found] or [f"no {options['unit']} matches"]
        click.echo(printable("\n".join(lines)))
    if select and found:
        keys = [one.key for one in found]
        chosen = {"filters": [("key", "in", keys)], "split": "all", "unit": options["unit"]}
        run("select", dataset, select, **chosen)


@search.command()
@click.argument("dataset")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True,
    help="Number of citing paragraphs, one for each figure.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True,
    help="Seed for choosing articles, paragraphs and samples of the intervals.",
)  # fmt: skip
@_MODEL
def evaluate(dataset: str, **options: Any) -> None:
    """Measure how often a paragraph of DATASET finds the caption of the figure that it cites.

    Citations of figures are removed from the paragraph, and citing sentences are not searched.
    """
    run("evaluate_search", dataset, **options)


@search.command()
@click.argument("dataset")
@_MODEL
@_IMAGE_MODEL
@_BUILD
@served
def serve(
    dataset: str, text_model: str | None, image_model: str | None, build: bool, **options: Any
) -> None:
    """Serve a page on this machine that searches DATASET in a browser.

    DATASET is what `biomedica search` takes. The page is served to this machine alone: from another
    one, open a tunnel with ssh -L 7860:localhost:7860 HOST, and http://localhost:7860 there.
    """
    from biomedica_dataset import open_search
    from biomedica_dataset.extras import require
    from biomedica_dataset.search.page.found_images import FoundImages
    from biomedica_dataset.search.page.search_page import search_page

    for library in ("tantivy", "starlette", "uvicorn"):
        require(library, "search")
    searching = open_search(
        dataset, text_model=text_model, image_model=image_model, build=build, progress=progress()
    )
    if image_model is not None and "image" not in searching.modes():
        msg = (
            f"{image_model} cannot find images by words in {dataset}: either it is not a CLIP or "
            "SigLIP, or the search index has no vectors of images; omit --image-model"
        )
        raise UsageError(msg)
    images = FoundImages(searching)
    told = f"{searching.index.rows:,} figures can be found"
    serve_page(search_page(searching), images, told, images.close, **options)
