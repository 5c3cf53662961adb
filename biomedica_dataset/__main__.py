"""``python -m biomedica_dataset`` is the command ``biomedica``."""

from .cli.group import main

main()
