"""What a push refuses: it says so in one line, and changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ..servers.rude import ENDLESS, RudeServer
from .repos import File, Repo
from .server import Fault

NAME = "me/biomedica"


def published(hub):
    """Paths and bytes of the main branch, but for the file that every repository has."""
    files = hub.repos[NAME].files
    return {path: data for path, data in files.items() if path != ".gitattributes"}


def test_a_file_that_is_not_what_the_manifest_says_is_not_published(hub, push, dataset):
    shard = next((dataset / "commercial" / "train").iterdir())
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)

    assert f"{shard.name} differs from its SHA-256" in push(dataset, fails=True)
    assert not published(hub)


def test_a_half_written_folder_is_refused(hub, push, dataset):
    (dataset / "manifest.json").unlink()
    assert "no manifest.json" in push(dataset, fails=True)
    assert not hub.repos


def test_a_folder_without_one_of_its_files_is_refused(hub, push, dataset):
    next((dataset / "commercial" / "train").iterdir()).unlink()

    assert "is missing or differs from manifest.json" in push(dataset, fails=True)
    assert not hub.repos


@pytest.mark.slow
def test_another_schema_version_is_refused_here_and_a_newer_one_there(hub, push, dataset):
    push(dataset)
    repo = hub.repos[NAME]
    files = dict(repo.commits[repo.refs["main"]])
    stored = json.loads(files["manifest.json"].data) | {"schema_version": "99"}
    files["manifest.json"] = File(json.dumps(stored).encode(), lfs=False)
    repo.commit("main", files, "a newer one")

    assert "has schema version 99" in push(dataset, fails=True)
    manifest = dataset / "manifest.json"
    manifest.write_bytes(json.dumps(json.loads(manifest.read_bytes()) | stored).encode())
    assert "has schema version 99" in push(dataset, fails=True)


@pytest.mark.parametrize("foreign", ["README.md", "data/train.parquet", "manifest.json"])
def test_a_repository_that_holds_something_else_is_refused(hub, push, dataset, foreign):
    repo = hub.repos[NAME] = Repo(NAME)
    repo.commit("main", {foreign: File(b"{}", lfs=False)}, "mine")

    assert "holds other data" in push(dataset, fails=True)
    assert published(hub) == {foreign: b"{}"}


@pytest.mark.slow
def test_a_tag_of_another_state_is_refused_before_anything_travels(hub, push, dataset):
    push(dataset, tag="v1")
    hub.calls.clear()

    assert "nothing to do" in push(dataset, tag="v1")
    assert "already has a tag v1" in push(dataset, tag="v1", include_other=True, fails=True)
    assert not hub.uploads()


@pytest.mark.slow
def test_private_is_private_and_what_is_public_already_is_refused(hub, push, dataset):
    push(dataset, private=True)
    assert hub.repos[NAME].private
    push(dataset, repo_id="me/open")

    assert "is public; make it private" in push(
        dataset, repo_id="me/open", private=True, fails=True
    )


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("hf_reader", "no write permission"),
        ("hf_stranger", "no valid token"),
        ("", "no valid token"),
    ],
)
def test_without_the_right_there_is_one_line_and_nothing_changes(hub, push, dataset, token, told):
    assert told in push(dataset, fails=True, token=token)
    assert not hub.repos


@pytest.mark.slow
def test_what_is_gated_or_has_a_bad_name_is_told_in_one_line(hub, push, dataset):
    hub.repos[NAME] = Repo(NAME, gated=True)
    assert "is gated" in push(dataset, fails=True)
    assert push(dataset, repo_id="a/b/c", fails=True).startswith("UsageError")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("HF_HUB_OFFLINE", "1", "UsageError"),
        ("HF_ENDPOINT", "http://127.0.0.1:9", "SourceError: the Hub cannot be"),
    ],
)
def test_a_hub_that_is_out_of_reach_is_told(run, dataset, variable, value, told):
    face = "from biomedica_dataset import push_to_hub"
    code = f"{face}; push_to_hub({str(dataset)!r}, {NAME!r})"

    assert told in run(code, fails=True, **{variable: value}).splitlines()[-1]


def test_someone_elses_commit_during_the_push_is_not_overwritten(hub, push, dataset):
    push(dataset)
    hub.faults.append(Fault("POST", "*/commit/main", 412))

    assert "changed by someone else" in push(dataset, include_other=True, fails=True)


@pytest.mark.slow
def test_the_command_says_what_a_dry_run_would_do_and_ends_with_2_on_a_refusal(
    hub, environment, dataset
):
    command = [sys.executable, "-m", "biomedica_dataset", "push", dataset, NAME]
    done = subprocess.run(
        [*command, "--dry-run"], env=environment, capture_output=True, text=True, check=False
    )
    (dataset / "manifest.json").unlink()
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert done.stdout.startswith("to upload: 24 files")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: ")
    assert not hub.repos


def test_a_refusal_has_the_words_of_the_hub(hub, push, dataset):
    hub.faults.append(Fault("POST", "*/commit/main", 403))

    said = push(dataset, fails=True)
    assert "the token has no write permission (the Hub says: injected)" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("body", "has no end"), ("chunks", "has no end"), ("headers", "cannot be reached"),
        ("a byte of the body at a time", "has no end"),
        ("100 Continue", "has not answered after 1 s"),
        ("a byte of a header at a time", "has not answered after 1 s"),
    ],
)  # fmt: skip
def test_an_answer_without_an_end_ends_the_push(run, dataset, kind, told):
    with RudeServer(ENDLESS[kind]) as server:
        said = run(
            f"""
            from biomedica_dataset.cli import main
            from biomedica_dataset.hub import session

            session._MOST, session._LONGEST = 2**20, 1.0
            main(["push", {str(dataset)!r}, "me/biomedica", "-q"])
            """,
            fails=True, HF_ENDPOINT=server.url,
        )  # fmt: skip

    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1, said
    assert told in said


@pytest.mark.slow
def test_the_limits_of_a_push_end_with_it(run, dataset):
    said = run(
        f"""
        from huggingface_hub import get_session
        from biomedica_dataset.hub.push import push_to_hub

        session = get_session()
        before = session.timeout, {{kind: list(of) for kind, of in session.event_hooks.items()}}
        push_to_hub({str(dataset)!r}, "me/biomedica", dry_run=True)
        print((session.timeout, session.event_hooks) == before)
        """
    )

    assert said.endswith("True")
