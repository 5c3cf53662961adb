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
        ({"samples": "many"}, "samples is 'many'; a whole number was expected"),
        ({"samples": True}, "samples is True; a whole number was expected"),
        ({"samples": 0}, "samples is 0; 1 and above"),
        ({"data.limit": 1.5}, "data.limit is 1.5; a whole number was expected"),
        ({"data.licenses": [1]}, r"data.licenses is \[1\]; a name or a list of names"),
        ({"optimizer.lr": "high"}, "optimizer.lr is 'high'; a number was expected"),
        ({"optimizer.lr": float("nan")}, "optimizer.lr is nan; 0 and above"),
        ({"optimizer.betas": 0.9}, "optimizer.betas is 0.9; 2 numbers were expected"),
        ({"optimizer.betas": [0.9, 1]}, "optimizer.betas is .*; numbers from 0 to below 1"),
        ({"optimizer.clip": 0}, "optimizer.clip is 0.0; a number above 0"),
        ({"precision": "fp8"}, "precision is 'fp8'; did you mean 'fp"),
        ({"data.decode": "fast"}, "data.decode is 'fast'"),
        ({"data.text": "title"}, "data.text is 'title'"),
        ({"model": "ViT-B-16"}, "model is 'ViT-B-16'; a mapping was expected"),
        ({"samples.x": 1}, "there is no key samples.x: full has no mapping at samples"),
        ({"model.pretrained": "own"}, "name a tag for 'ViT-L-14'"),
        ({"model.name": "hf-hub:a/b"}, "'hf-hub:a/b' has weights of its own"),
    ],
)
def test_what_is_wrong_is_named(changes, said):
    with pytest.raises(UsageError, match=said):
        load_config("full", GIVEN | changes)


def test_what_is_missing_is_named():
    with pytest.raises(UsageError, match="output must be given"):
        load_config("full", {"data.path": "x"})
    with pytest.raises(UsageError, match=r"data\.path must be given"):
        load_config("full", {"output": "x"})
    with pytest.raises(UsageError, match="the recipes are full, balanced, filtered"):
        load_config("fulll")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("", "is None; a mapping"),
        (b"\xff\xfe\xff", "cannot be read as text"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(text, said, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=said):
        load_config(str(path))


@pytest.mark.parametrize(
    ("change", "said"), [("output", "KEY=VALUE was expected"), ("output=[", "is no YAML")]
)
def test_a_change_that_is_none_ends_the_command(change, said):
    done = CliRunner().invoke(main, ["train", "full", "--set", change])

    assert done.exit_code == 2
    assert said in done.output
