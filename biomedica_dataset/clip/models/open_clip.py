"""The model: made by OpenCLIP, and saved as a folder that OpenCLIP loads."""

from __future__ import annotations

from dataclasses import dataclass
from pickle import UnpicklingError  # what torch raises of a broken file
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.pretrained import load_transformers, refusal, why_refused
from biomedica_dataset.clip.models.model_config import OWN
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.partial import scratch_folder

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .model_config import ModelConfig

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model with what belongs to it.

    Parameters
    ----------
    name
        As OpenCLIP takes it.
    module
        The weights; called with images (n, 3, size, size) and tokens (n, context) it returns a
        mapping with ``image_features``, ``text_features`` and ``logit_scale``.
    transform
        Of an image, uint8 (3, height, width), for training: what comes out has the size that the
        model sees.
    normalize
        Of numbers from 0 to 1, (n, 3, size, size).
    tokenizer
        Of a list of texts.
    """

    name: str
    module: Any
    transform: Any
    normalize: Any
    tokenizer: Any

    @property
    def size(self) -> int:
        """The longest side of what the model sees, in pixels."""
        size = self.module.visual.image_size
        return int(max(size)) if isinstance(size, tuple | list) else int(size)

    def pixels(self, images: Any) -> Any:
        """Return images as the module takes them, float32 (n, 3, size, size).

        Parameters
        ----------
        images
            uint8 (n, size, size, 3).
        """
        return self.normalize(images.permute(0, 3, 1, 2).contiguous().float() / 255)


def make_model(config: ModelConfig) -> Model:
    """Return a model with its weights.

    Raises
    ------
    UsageError
        There is no such model, its weights cannot be loaded, or its loss is not CLIP's.
    """
    open_clip = load_open_clip()
    given = config.pretrained is not None
    try:
        module, transform, _ = open_clip.create_model_and_transforms(
            config.name,
            pretrained=None if config.pretrained == OWN else config.pretrained,
            load_weights=given,
            require_pretrained=given,
            pretrained_text=False,
            output_dict=True,
        )
        tokenizer = open_clip.get_tokenizer(config.name)
    except unreadable() as error:
        said = why_refused(error)
        msg = f"model {config.name!r} with {config.pretrained!r} cannot be loaded: {said}"
        raise refusal(msg, error) from error
    if getattr(module, "logit_bias", None) is not None or hasattr(module, "text_decoder"):
        msg = f"model {config.name!r} is a SigLIP or a CoCa; train a model with CLIP's own loss"
        raise UsageError(msg)
    if config.lock_image:
        module.lock_image_tower()
    if config.lock_text:
        module.lock_text_tower()
    if config.grad_checkpointing:
        module.set_grad_checkpointing()
    # What comes before numbers from 0 to 1 is done where images are decoded: bytes travel four
    # times as fast as numbers. What comes after is quick where the model is.
    transforms, steps = require("torchvision.transforms", "clip"), transform.transforms
    at = next(n for n, step in enumerate(steps) if isinstance(step, transforms.ToTensor))
    crop = next(step for step in steps if isinstance(step, transforms.RandomResizedCrop))
    return Model(
        name=config.name,
        module=module.train(),
        transform=_on_bytes(crop),
        normalize=transforms.Compose(steps[at + 1 :]),
        tokenizer=tokenizer,
    )


def _on_bytes(crop: Any) -> Any:
    """Return OpenCLIP's random crop for tensors of bytes, which takes the same crops."""
    v2 = require("torchvision.transforms.v2", "clip")
    return v2.RandomResizedCrop(
        crop.size, crop.scale, crop.ratio, crop.interpolation, antialias=True
    )


def load_open_clip() -> Any:
    """Return OpenCLIP, which loads texts' models by transformers, and weights by ``weights_only``.

    torch below 2.6 could be led around ``weights_only``: the extra asks for a newer one.
    """
    load_transformers("clip")
    return require("open_clip", "clip")


def unreadable() -> tuple[type[Exception], ...]:
    """Return what the readers of weights raise of files that are cut short, or of another model."""
    broken: type[Exception] = require("safetensors", "clip").SafetensorError
    lookups = KeyError, TypeError, AttributeError, StopIteration  # of what holds no weights
    return RuntimeError, ValueError, OSError, EOFError, UnpicklingError, broken, *lookups


def export(folder: Folder, model: Model, card: str) -> None:
    """Write a folder that OpenCLIP loads as ``local-dir:FOLDER``; its card is README.md.

    The configuration comes last: without it OpenCLIP sees no model.
    """
    open_clip = require("open_clip", "clip")
    save_config = require("open_clip.push_to_hf_hub", "clip").save_config_for_hf
    save = require("safetensors.torch", "clip").save
    weights = model.module.state_dict()
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    folder.write_bytes(WEIGHTS, save(whole))
    folder.write_bytes("README.md", card.encode())
    with scratch_folder() as scratch:
        if hasattr(model.tokenizer, "save_pretrained"):  # OpenCLIP's own needs no files
            model.tokenizer.save_pretrained(scratch)
            for path in sorted(scratch.iterdir()):
                folder.write_bytes(path.name, path.read_bytes())
        config = scratch / CONFIG
        save_config(model.module, config, open_clip.get_model_config(model.name))
        folder.write_bytes(CONFIG, config.read_bytes())


def shown_name(name: str) -> str:
    """Return the name of a model or of data without the folders of the maker's machine.

    Examples
    --------
    >>> shown_name("local-dir:/home/me/tuned"), shown_name("hf-hub:org/name")
    ('tuned', 'hf-hub:org/name')
    """
    path = name.removeprefix("local-dir:")
    return path.rstrip("/").rpartition("/")[2] if path != name or path.startswith("/") else name
