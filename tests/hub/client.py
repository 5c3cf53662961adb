"""Pushes what it is told to, line by line: a process of its own, since the address is read once."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Answer each line, a push, with a line: whether it failed, and what it said."""
    from biomedica_dataset import BiomedicaError
    from biomedica_dataset.hub.push import push_to_hub

    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        folder, repo_id, token, options = json.loads(line)
        os.environ["HF_TOKEN"] = token
        try:
            answer = False, str(push_to_hub(folder, repo_id, **options))
        except BiomedicaError as error:
            answer = True, f"{type(error).__name__}: {error}"
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
