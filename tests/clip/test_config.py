"""Configurations: what is known is read, everything else is named."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from biomedica_dataset import UsageError
from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.train.read_config import load_config

GIVEN = {"data.path": "x", "output": "y"}
PAPER = {
    "lr": 1e-6, "betas": (0.9, 0.95), "weight_decay": 0.2, "warmup": 1000, "clip": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("recipe", "balance"),
    [("full", None), ("balanced", "cap-overrepresented"), ("filtered", "drop-overrepresented")],
)
def test_the_recipes_are_the_papers_settings(recipe, balance):
    config = load_config(recipe, GIVEN)

    assert {name: getattr(config.optimizer, name) for name in PAPER} == PAPER
    assert config.model.name == "ViT-L-14"
    assert config.model.pretrained == "commonpool_xl_clip_s13b_b90k"
    assert (config.samples, config.global_batch, config.micro_batch) == (216_000_000, 8192, 1024)
    assert (config.precision, config.data.recipe, config.steps) == ("fp32", balance, 26_368)


def test_the_recipe_for_long_texts_asks_for_a_model_and_packs_texts():
    with pytest.raises(UsageError, match=r"model\.name must be given"):
        load_config("long", GIVEN)
    config = load_config("long", GIVEN | {"model.name": "local-dir:z"})

    assert (config.model.pretrained, config.data.text) == ("own", "caption_context")
    assert {name: getattr(config.optimizer, name) for name in PAPER} == PAPER


def test_everything_can_be_said_in_a_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        """
        output: out
        model: {name: ViT-B-16, pretrained: null, lock_image: true}
        data:
          path: org/name
          licenses: [commercial]
          concepts: Microscopy
          filters: [[article_year, ">=", 2015]]
          limit: 1000
          text: caption_context
          decode: draft-1x
        samples: 1000
        optimizer: {lr: 1e-3, betas: [0.9, 0.98], clip: null}
        """
    )
    config = load_config(str(path), {"data.split": "all"})

    assert config.optimizer.lr == 1e-3
    assert config.optimizer.betas == (0.9, 0.98)
    assert config.optimizer.clip is None
    assert config.model.lock_image
    assert config.data.filters == [["article_year", ">=", 2015]]
    assert (config.data.split, config.data.decode) == ("all", "draft-1x")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samplse": 1}, "there is no key samplse; did you mean 'samples'"),
        ({"data.licences": "x"}, "there is no key data.licences; did you mean 'licenses'"),
        ({"samples": "many"}, "full: samples must be a valid integer, not 'many'"),
        ({"samples": True}, "samples must be a valid integer, not True"),
        ({"samples": 0}, "samples must be 1 or more, not 0"),
        ({"data.limit": 1.5}, "data.limit must be a valid integer, not 1.5"),
        ({"data.licenses": [1]}, r"data.licenses must be a name or a list of names, not \[1\]"),
        ({"optimizer.lr": "high"}, "optimizer.lr must be a valid number, not 'high'"),
        ({"optimizer.lr": float("nan")}, "optimizer.lr must be 0 or more, not nan"),
        ({"optimizer.betas": 0.9}, "optimizer.betas must be a list, not 0.9"),
        ({"optimizer.betas": [0.9]}, "optimizer.betas.1 must be given"),
        ({"optimizer.betas": [0.1, 0.2, 0.3]}, "optimizer.betas: .* at most 2 items"),
        ({"optimizer.betas": [0.9, 1]}, "optimizer.betas must be at least 0 and below 1, not"),
        ({"optimizer.clip": 0}, "optimizer.clip must be above 0, or null, not 0.0"),
        (
            {"precision": "fp8"},
            "precision must be one of fp32, bf16, fp16, not 'fp8'; did you mean 'fp",
        ),
        ({"data.decode": "fast"}, "data.decode must be one of .*draft-1x, not 'fast'$"),
        ({"data.text": "title"}, "data.text must be one of caption, .*not 'title'"),
        ({"model": "ViT-B-16"}, "model must be a mapping, not 'ViT-B-16'"),
        ({"samples.x": 1}, "samples must be a valid integer, not {'x': 1}"),
        ({"model.pretrained": "own"}, "name a tag for 'ViT-L-14'"),
        ({"model.name": "hf-hub:a/b"}, "'hf-hub:a/b' has weights of its own"),
    ],
)
def test_what_is_wrong_is_named(changes, said):
    with pytest.raises(UsageError, match=said):
        load_config("full", GIVEN | changes)


def test_what_is_missing_is_named():
    with pytest.raises(UsageError, match="output must be given; --set KEY=VALUE gives"):
        load_config("full", {"data.path": "x"})
    with pytest.raises(UsageError, match=r"data\.path must be given"):
        load_config("full", {"output": "x"})
    with pytest.raises(UsageError, match="the recipes are full, balanced, filtered, long"):
        load_config("fulll")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not valid YAML"),
        ("", "the file must be a mapping, not None"),
        (b"\xff\xfe\xff", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(text, said, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=said):
        load_config(str(path))


@pytest.mark.parametrize(
    ("change", "said"), [("output", "expected KEY=VALUE"), ("output=[", "is not valid YAML")]
)
def test_a_change_that_is_none_ends_the_command(change, said):
    done = CliRunner().invoke(main, ["train", "full", "--set", change])

    assert done.exit_code == 2
    assert said in done.output
