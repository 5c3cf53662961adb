"""From vectors to what a model got right, by the protocol of a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import lgamma
from typing import TYPE_CHECKING, Any

import numpy as np

from .measures import Choices, Labels, Outcome, Ranking, Ranks, Values
from .task import RANKS, Class

if TYPE_CHECKING:
    from .cases import Cases, Question

    Encode = Callable[[Sequence[str]], "Array"]

Array = np.ndarray[Any, Any]

_AT_ONCE = 1 << 24  # similarities in memory


def outcome(
    cases: Cases, kept: Sequence[int], images: Array, encode: Encode, scale: float
) -> Outcome:
    """Return what a model got right in a task.

    Parameters
    ----------
    kept
        Which of the cases the vectors are of.
    images
        Unit vectors, float32 (kept, d).
    encode
        Gives unit vectors of texts, float32 (n, d).
    scale
        Of the model's similarities.
    """
    task = cases.task
    truth = [cases.truth[index] for index in kept]
    if task.protocol == "retrieval":
        return retrieve(truth, images, encode)
    if task.protocol == "multilabel":
        return label(np.array(truth), task.classes, images, encode, scale)
    if task.protocol == "vqa":
        return ask(truth, images, encode, scale)
    return classify(np.array(truth), task.classes, images, encode, scale)


def ensemble(prompts: Sequence[Sequence[str]], encode: Encode) -> Array:
    """Return for each class the unit vector in the middle of its prompts' (Radford et al. 2021)."""
    flat = encode([text for texts in prompts for text in texts])
    starts = np.cumsum([0, *(len(texts) for texts in prompts)])
    means = np.stack([flat[a:b].mean(0) for a, b in pairwise(starts)])
    unit: Array = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit


def classify(
    truth: Array, classes: Sequence[Class], images: Array, encode: Encode, scale: float
) -> Outcome:
    """Return the outcome of zero-shot classification: the class that is nearest.

    AUROC is the mean over classes of one against the rest, by the softmax of the model's own
    scale, as scikit-learn's ``multi_class="ovr"``; of two classes it is that of the second.
    """
    logits = scale * images @ ensemble([one.prompts for one in classes], encode).T
    chances = _softmax(logits)
    numbers = range(len(classes)) if len(classes) > 2 else [1]
    every = np.arange(len(truth))
    even = 1 / len(classes)
    return Choices(
        image=every,
        truth=truth,
        said=logits.argmax(1),
        rankings=[(Ranking(chances[:, n], truth == n), every) for n in numbers],
        sizes=(len(truth),),
        chance={"accuracy": even, "balanced_accuracy": even, "auroc": 0.5},
    )


def ask(
    truth: Sequence[Sequence[Question]], images: Array, encode: Encode, scale: float
) -> Outcome:
    """Return the outcome of closed questions: the option that is nearest to the image.

    AUROC is over all pairs of image and option, by the softmax within each question. Classes of
    balanced accuracy and macro-F1 are the texts of the options.
    """
    asked = [(number, question) for number, several in enumerate(truth) for question in several]
    texts = sorted({text for _, question in asked for text in question.options})
    places = {text: place for place, text in enumerate(texts)}
    vectors = encode(texts)
    right, said, scores, positive, where = [], [], [], [], []
    for number, (image, question) in enumerate(asked):
        options = np.array([places[text] for text in question.options])
        logits = scale * vectors[options] @ images[image]
        right.append(options[question.answer])
        said.append(options[logits.argmax()])  # the first of equals, in the order of the seed
        scores.append(_softmax(logits[None])[0])
        positive.append(np.arange(len(options)) == question.answer)
        where.append(np.full(len(options), number))
    ranking = Ranking(np.concatenate(scores), np.concatenate(positive))
    even = float(np.mean([1 / len(question.options) for _, question in asked]))
    return Choices(
        image=np.array([image for image, _ in asked]),
        truth=np.array(right),
        said=np.array(said),
        rankings=[(ranking, np.concatenate(where))],
        sizes=(len(truth),),
        chance={"accuracy": even, "auroc": 0.5},
    )


def label(
    truth: Array, classes: Sequence[Class], images: Array, encode: Encode, scale: float
) -> Outcome:
    """Return the outcome of labels: has it where its prompts are nearer than the negative ones."""
    sides = [
        images @ ensemble(prompts, encode).T
        for prompts in ([one.prompts for one in classes], [one.negative for one in classes])
    ]
    ahead = scale * (sides[0] - sides[1])  # the softmax of a pair grows with it, and is half at 0
    return Labels(
        truth=truth,
        said=ahead >= 0,
        rankings=[Ranking(ahead[:, n], truth[:, n]) for n in range(len(classes))],
        sizes=(len(truth),),
        chance={"auroc": 0.5, "accuracy": 0.5, "balanced_accuracy": 0.5},
    )


def retrieve(truth: Sequence[Sequence[str]], images: Array, encode: Encode) -> Outcome:
    """Return the outcome of retrieval: the place of the first right text, and of the image.

    Equal captions are one text, which belongs to all its images. Equal similarities stand in the
    order of the task.
    """
    texts = list(dict.fromkeys(text for several in truth for text in several))
    places = {text: place for place, text in enumerate(texts)}
    vectors = encode(texts)
    own = [[places[text] for text in several] for several in truth]
    owners: list[list[int]] = [[] for _ in texts]
    for image, several in enumerate(own):
        for text in several:
            owners[text].append(image)
    chance = _guessed("image_to_text", own, len(texts))
    chance |= _guessed("text_to_image", owners, len(own))
    return Ranks(
        texts=first_places(images, vectors, own),
        images=first_places(vectors, images, owners),
        sizes=(len(own), len(texts)),
        chance=chance,
    )


def first_places(queries: Array, gallery: Array, right: Sequence[Sequence[int]]) -> Array:
    """Return for each query the place of the first right one, from 0, in the order of similarity.

    Parameters
    ----------
    queries, gallery
        Unit vectors, (n, d) and (m, d).
    right
        For each query, places of the gallery.

    Returns
    -------
    places
        int (n,).
    """
    step = max(1, _AT_ONCE // len(gallery))
    found = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), step):
        near = queries[start : start + step] @ gallery.T
        for row, scores in enumerate(near):
            mine = np.array(right[start + row])
            best = mine[scores[mine] == scores[mine].max()].min()
            ahead = (scores > scores[best]).sum() + (scores[:best] == scores[best]).sum()
            found[start + row] = ahead
    return found


def _guessed(way: str, right: Sequence[Sequence[int]], size: int) -> Values:
    """Return the recalls of a random order of a gallery."""
    counts = np.bincount([len(set(several)) for several in right])
    shares = [(n, part) for n, part in enumerate(counts / counts.sum()) if part]
    return {
        f"{way}_recall@{k}": float(sum(part * (1 - _all_missed(size, n, k)) for n, part in shares))
        for k in RANKS
    }


def _all_missed(size: int, right: int, k: int) -> float:
    """Return how likely none of the right ones is among the first k."""
    if k > size - right:
        return 0.0
    log = lgamma(size - right + 1) - lgamma(size - right - k + 1)
    return float(np.exp(log - lgamma(size + 1) + lgamma(size - k + 1)))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: Array = powers / powers.sum(1, keepdims=True)
    return shares
