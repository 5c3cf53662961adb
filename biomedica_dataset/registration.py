"""Makes ``load_dataset("biomedica")`` find `BiomedicaBuilder`.

datasets has no public way to register a builder by name. The tables changed here are private,
pinned to ``datasets>=5.2,<6`` and covered by a test. If they have moved, a warning says so and the
class stays usable.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import logging
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

logger = logging.getLogger(__name__)

NAME = "biomedica"
_BUILDER = "biomedica_dataset.builder"


def register_when_imported() -> None:
    """Register the builder now if datasets is loaded, or else when it is imported.

    datasets itself is not imported here, since that takes most of a second.
    """
    if "datasets" in sys.modules:
        register()
    elif not any(isinstance(finder, _AfterDatasets) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterDatasets())


def register() -> None:
    """Add the builder to datasets' table of packaged modules, and patch its lookup."""
    try:
        from datasets.load import PackagedDatasetModuleFactory
        from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES, _hash_python_lines

        if NAME in _PACKAGED_DATASETS_MODULES:
            return
        source = Path(__file__).with_name("builder.py").read_text(encoding="utf-8")
        original = PackagedDatasetModuleFactory.get_module
        _PACKAGED_DATASETS_MODULES[NAME] = (_BUILDER, _hash_python_lines(source.splitlines()))
    except (ImportError, AttributeError) as error:
        warnings.warn(
            f"{NAME!r} cannot be registered with this version of datasets ({error}); "
            "use biomedica_dataset.BiomedicaBuilder directly, or install datasets>=5.2,<6",
            stacklevel=2,
        )
        return

    def get_module(self: Any) -> Any:
        # The original would take all files of the working directory as data of the builder.
        if self.name != NAME or self.data_files is not None:
            return original(self)
        return _find(self)

    PackagedDatasetModuleFactory.get_module = get_module


def _find(factory: Any) -> Any:
    """Return datasets' module for an existing dataset folder, or else for the builder."""
    from datasets.data_files import DataFilesDict
    from datasets.load import DatasetModule, LocalDatasetModuleFactory
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    from .builder import refuse_options

    if Path(NAME, "README.md").is_file() and not _source_given:
        logger.info("reading the dataset folder %s", Path(NAME).resolve())
        found = LocalDatasetModuleFactory(
            NAME, data_dir=factory.data_dir, download_mode=factory.download_mode
        ).get_module()
        refuse_options(found.builder_configs_parameters.builder_configs or ())
        return found
    logger.info("no dataset folder ./%s: reading PMC or the given source", NAME)
    module, digest = _PACKAGED_DATASETS_MODULES[NAME]
    # datasets accepts an empty table of files, but crashes without one.
    return DatasetModule(module, digest, {"data_files": DataFilesDict(), "dataset_name": NAME})


def run_datasets_test(arguments: Sequence[str], source: str | None) -> None:
    """Run ``datasets-cli test biomedica`` with a source, for which it has no option.

    Parameters
    ----------
    arguments
        Further arguments of ``datasets-cli test``.
    source
        Source of all configs; if ``None``, the dataset folder ``./biomedica``, or else PMC.
    """
    global _source_given  # noqa: PLW0603 - the process ends with the test
    from datasets.commands.datasets_cli import main

    if source is not None:
        from .builder import BiomedicaBuilder

        _source_given = True
        for config in BiomedicaBuilder.BUILDER_CONFIGS:
            config.source = source
    sys.argv = ["datasets-cli", "test", NAME, *arguments]
    main()


_source_given = False


class _AfterDatasets(importlib.abc.MetaPathFinder):
    """Registers the builder after the first import of datasets."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "datasets":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            register()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
