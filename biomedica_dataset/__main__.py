"""``python -m biomedica_dataset`` is the command ``biomedica``."""

from .cli import main

main()
