"""Models are measured on tasks: every number is computed a second time, in another way."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from biomedica_dataset.clip.evaluate.bootstrap import draw
from biomedica_dataset.clip.evaluate.cases import read_cases
from biomedica_dataset.clip.evaluate.evaluate import evaluate
from biomedica_dataset.clip.evaluate.measures import Labels, Ranking
from biomedica_dataset.clip.evaluate.protocols import ask, classify, first_places
from biomedica_dataset.clip.evaluate.task import Class
from biomedica_dataset.clip.evaluate.taskfile import load_task

from .made import stored, values, write

PROMPTS = {
    "blood_smear_microscopy": ["a blood smear", "red blood cells"],
    "chemical_structure": ["a chemical structure"],
    "electron_microscopy_neural": ["electron microscopy of neurons"],
    "fluorescence_nuclei": ["nuclei in fluorescence"],
    "histology_cytology_stained": ["stained tissue"],
}
SCALE = 1 / 0.07  # with which OpenCLIP begins


@pytest.fixture(scope="module")
def measured(real, models, tmp_path_factory):
    """Some real images as a task of each protocol, measured; and their vectors by OpenCLIP."""
    import open_clip
    import torch

    folder = tmp_path_factory.mktemp("real")
    images = folder / "images"
    for path in sorted((real / "images").glob("*/*"))[::3]:
        (images / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, images / path.parent.name)
    source = {"folder": str(images)}
    paths = sorted(images.glob("*/*"))
    names = [path.parent.name for path in paths]
    captions = [f"{name} {path.stem}" for name, path in zip(names, paths, strict=True)]
    some = [(str(path), text) for path, text in zip(paths, captions, strict=True)][::2]
    with (folder / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "caption"])
        rows.writerows(some)
        rows.writerows((path, f"again {text}") for path, text in some[::3])
    classes = {"source": source, "classes": PROMPTS, "templates": ["{}", "a figure of {}"]}
    both = {"positive": "a figure of {}", "negative": "a figure without {}"}
    tasks = [
        write(folder / "classes.yaml", **classes),
        write(folder / "questions.yaml", protocol="vqa", **classes),
        write(folder / "labels.yaml", protocol="multilabel", source=source, templates=both,
              classes=list(PROMPTS)),
        write(folder / "pairs.yaml", protocol="retrieval", source={"csv": "pairs.csv"}),
    ]  # fmt: skip
    specs = [str(models / "first"), str(models / "second")]
    evaluate(specs, folder / "out", tasks=tasks, data=str(images), draws=200)

    spec = f"local-dir:{models / 'first'}"
    model, transform = open_clip.create_model_from_pretrained(spec)
    tokenize = open_clip.get_tokenizer(spec)
    normalize = torch.nn.functional.normalize

    @torch.inference_mode()
    def see(path):
        return normalize(model.encode_image(transform(Image.open(path).convert("RGB"))[None]))

    @torch.inference_mode()
    def read(texts):
        return normalize(model.encode_text(tokenize(texts))).numpy()

    vectors = torch.cat([see(path) for path in paths]).numpy()
    return stored(folder / "out"), vectors, read, names, captions


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_classification_of_real_images_is_what_scikit_learn_says(measured):
    results, images, read, names, _ = measured
    centres = []
    for texts in PROMPTS.values():
        both = read(
            [template.format(text) for text in texts for template in ("{}", "a figure of {}")]
        )
        centres.append(both.mean(axis=0) / np.linalg.norm(both.mean(axis=0)))
    logits = SCALE * images @ np.array(centres).T
    truth = [list(PROMPTS).index(name) for name in names]
    said = logits.argmax(axis=1)
    task = results["tasks"]["classes"]

    assert len(names) > 80
    assert task["images"] == {"seen": len(names), "kept": len(names), "dropped": {}}
    assert values(task) == pytest.approx({
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "macro_f1": metrics.f1_score(truth, said, average="macro"),
        "auroc": metrics.roc_auc_score(truth, softmax(logits), multi_class="ovr"),
    }, abs=1e-4)  # fmt: skip
    assert task["metrics"]["accuracy"]["chance"] == pytest.approx(0.2)


def test_questions_on_real_images_are_answered_as_by_hand(measured):
    results, images, read, names, _ = measured
    texts = read([prompts[0] for prompts in PROMPTS.values()])
    plain = read([PROMPTS[name][0] for name in names])
    best = (images @ texts.T).max(axis=1)
    right = (images * plain).sum(axis=1) >= best - 1e-7
    flat = softmax(SCALE * images @ texts.T)
    truth = np.array([[name == other for other in PROMPTS] for name in names])
    task = results["tasks"]["questions"]

    assert values(task)["accuracy"] == pytest.approx(np.mean(right), abs=0.005)
    assert values(task)["auroc"] == pytest.approx(
        metrics.roc_auc_score(truth.ravel(), flat.ravel()), abs=1e-3
    )


def test_labels_of_real_images_are_what_scikit_learn_says(measured):
    results, images, read, names, _ = measured
    near = images @ read([f"a figure of {name}" for name in PROMPTS]).T
    far = images @ read([f"a figure without {name}" for name in PROMPTS]).T
    scores = 1 / (1 + np.exp(-SCALE * (near - far)))
    said = scores >= 0.5
    truth = np.array([[name == other for other in PROMPTS] for name in names])
    task = results["tasks"]["labels"]

    assert task["metric"] == "auroc"
    assert values(task) == pytest.approx({
        "auroc": metrics.roc_auc_score(truth, scores, average="macro"),
        "accuracy": np.mean(said == truth),
        "balanced_accuracy": np.mean(
            [metrics.balanced_accuracy_score(t, s) for t, s in zip(truth.T, said.T, strict=True)]
        ),
        "macro_f1": metrics.f1_score(truth, said, average="macro", zero_division=0),
    }, abs=1e-3)  # fmt: skip


def test_retrieval_of_real_images_is_what_sorting_says(measured):
    results, images, read, _, captions = measured
    images, captions = images[::2], captions[::2]
    owners = [[n] for n in range(len(captions))] + [[n] for n in range(0, len(captions), 3)]
    texts = captions + [f"again {text}" for text in captions[::3]]
    near = images @ read(texts).T
    task = values(results["tasks"]["pairs"])
    for k in (1, 5, 10, 100):
        first = np.argsort(-near, axis=1, kind="stable")[:, :k]
        found = [any(owners[text] == [n] for text in row) for n, row in enumerate(first)]
        assert task[f"image_to_text_recall@{k}"] == pytest.approx(np.mean(found), abs=0.005)
        first = np.argsort(-near.T, axis=1, kind="stable")[:, :k]
        found = [owners[text][0] in row for text, row in enumerate(first)]
        assert task[f"text_to_image_recall@{k}"] == pytest.approx(np.mean(found), abs=0.005)


def test_differences_and_means_are_those_of_the_tasks(measured):
    results = measured[0]
    tasks = [task for name, task in results["tasks"].items() if name != "pairs"]
    mean = results["means"]["accuracy"]["mean over tasks"]["models"]
    one = tasks[0]["metrics"]["accuracy"]["models"]

    for model in ("first", "second"):
        own = np.mean([values(task, model)["accuracy"] for task in tasks])
        assert mean[model]["value"] == pytest.approx(own)
        assert mean[model]["low"] < own < mean[model]["high"]
    assert one["second"]["difference"]["value"] == pytest.approx(
        one["second"]["value"] - one["first"]["value"]
    )


@pytest.fixture
def scores():
    random = np.random.default_rng(3)
    truth = random.integers(0, 4, 60)
    vectors = random.normal(size=(60, 8)).astype(np.float32)
    vectors[:, 0] += truth
    return truth, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def encode(texts):
    """Return a unit vector for each text, always the same one."""
    made = [np.random.default_rng(sum(map(ord, text))).normal(size=8) for text in texts]
    return np.array([one / np.linalg.norm(one) for one in made], np.float32)


def test_a_draw_of_the_bootstrap_is_scikit_learn_on_what_was_drawn(scores):
    """Weights stand for images drawn several times, or not at all."""
    truth, images = scores
    classes = [Class(label=name, prompts=(name,)) for name in "abcd"]
    found = classify(truth, classes, images, encode, 20.0)
    weights = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60)).astype(float)
    again = np.repeat(np.arange(60), weights.astype(int))
    logits = 20 * images[again] @ encode(list("abcd")).T
    drawn, said = truth[again], logits.argmax(axis=1)

    assert found.measure(weights) == pytest.approx({
        "accuracy": metrics.accuracy_score(drawn, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(drawn, said),
        "macro_f1": metrics.f1_score(drawn, said, average="macro"),
        "auroc": metrics.roc_auc_score(drawn, softmax(logits), multi_class="ovr"),
    }, abs=1e-6)  # fmt: skip


def test_ties_count_half_in_the_area_as_scikit_learn_counts_them():
    random = np.random.default_rng(1)
    scores, positive = random.integers(0, 5, 200) / 5, random.random(200) < 0.3
    weights = random.integers(0, 3, 200).astype(float)

    assert Ranking(scores, positive).area(weights) == pytest.approx(
        metrics.roc_auc_score(positive, scores, sample_weight=weights)
    )


def test_the_interval_of_an_accuracy_is_that_of_the_binomial(scores):
    truth, images = scores
    classes = [Class(label=name, prompts=(name,)) for name in "abcd"]
    accuracy = draw(classify(truth, classes, images, encode, 20.0), "task", 4000, 0)["accuracy"]
    low, high = accuracy.interval()
    width = 2 * 1.96 * np.sqrt(accuracy.value * (1 - accuracy.value) / 60)

    assert high - low == pytest.approx(width, rel=0.1)
    assert accuracy.minus(accuracy).interval() == (0.0, 0.0)  # the same images were drawn


def test_a_class_that_nobody_has_is_in_no_mean_over_classes():
    truth = np.array([[True, False], [False, False]])
    found = Labels(truth, truth, [Ranking(t.astype(float), t) for t in truth.T], (2,), {})

    assert found.measure(np.ones(2)) == {
        "auroc": 1.0, "accuracy": 1.0, "balanced_accuracy": 1.0, "macro_f1": 0.5,
    }  # fmt: skip


def test_each_image_has_its_own_options_in_an_order_of_the_seed(tmp_path, images):
    table = tmp_path / "asked.csv"
    table.write_text(
        "image,options,answer\n"
        "images/red/0.png,red|blue,red\n"
        "images/blue/0.png,red|blue|green|yellow,1\n"
        "images/green/0.png,green,green\n"
    )
    path = write(tmp_path / "asked.yaml", protocol="vqa", source={"csv": "asked.csv"},
                 columns={"options": "options", "answer": "answer"})  # fmt: skip
    cases = [read_cases(load_task(path), seed) for seed in range(20)]
    orders = {one.truth[1][0].options for one in cases}

    assert cases[0].dropped == {"no_options": 1}
    assert all(o.options[o.answer] == "blue" for one in cases for o in one.truth[1])
    assert len(orders) > 5
    found = ask(cases[0].truth, encode(["x", "y"]), encode, 1.0)
    assert found.chance["accuracy"] == pytest.approx((1 / 2 + 1 / 4) / 2)


def test_equal_similarities_stand_in_the_order_of_the_task():
    vectors = np.ones((6, 1), np.float32)

    assert first_places(vectors, vectors, [[n] for n in range(6)]).tolist() == list(range(6))
