"""Votes become labels by majority; what is tied or contradicts is left to a person."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.labels.aggregate import aggregate, wrong_images
from biomedica_dataset.annotation.labels.agreement import (
    _alpha,
    _alphas,
    agreements,
    answers_to,
    wilson,
)
from biomedica_dataset.annotation.labels.audit import letters_agree, purities
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.annotation.labels.read_votes import questions, read_votes
from biomedica_dataset.annotation.labels.taxonomy import BUILT_IN, Taxonomy
from biomedica_dataset.annotation.labels.votes import Vote, VoteFile, read_file
from biomedica_dataset.cli.group import main
from biomedica_dataset.errors import ArchiveError, UsageError

TAXONOMY = Taxonomy.load()
MODEL = "m" * 64


def vote(annotator, cluster, question, answer, key=None):
    return Vote(
        annotator=annotator, cluster=cluster, question=question, answer=answer, key=key,
        taxonomy=TAXONOMY.digest, clusters=MODEL,
    )  # fmt: skip


def decided(*votes, settled=()):
    return aggregate(votes, settled, TAXONOMY)


class TestTaxonomy:
    def test_the_built_in_one_is_sound_and_has_the_published_concepts(self, real):
        published = real / "published_annotations" / "taxonomy_collapsed_and_filtered.json"
        for concept, names in json.loads(published.read_text()).items():
            if concept == "Ambiguous":
                continue
            assert TAXONOMY.resolve("primary", concept) == concept
            for name in set(names) - {"list"}:  # of which the two released files disagree
                assert TAXONOMY.primary_of(TAXONOMY.resolve("secondary", name)) == concept

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("Matrix plor", "matrix plot"),
            ("plot and chart", "plot"),
            (" FLOW diagram ", "flowchart"),
        ],
    )
    def test_typing_errors_and_synonyms_stand_for_names(self, text, name):
        assert TAXONOMY.resolve("secondary", text) == name

    def test_an_unknown_name_is_reported_with_the_nearest(self):
        with pytest.raises(UsageError, match=r"no primary 'Microscopi'.*did you mean 'Microscopy'"):
            TAXONOMY.resolve("primary", "Microscopi")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"concepts": {"A": ["x"], "B": ["X"]}}, "'x' twice"),
            ({"concepts": {}}, "no names"),
            ({"synonyms": {"y": "z"}}, "which does not exist"),
            ({"concepts": {"A": ["x"]}, "synonyms": {"X": "A"}}, "both a name and a synonym"),
            ({"concepts": 3}, "cannot be read: concepts must be a mapping, not 3"),
            ({"concepts": {"A": [5]}}, r"concepts\.A\.0 must be a valid string, not 5"),
            ({"concepts": {"A": ["\x1b[31m"]}}, "without control characters"),
            ({"version": None}, "version"),
            ({"concept": {}}, "there is no key concept; did you mean 'concepts'"),
            ({"panel_types": {"a": [""]}}, "an empty name"),
        ],
    )
    def test_one_that_contradicts_itself_is_refused(self, tmp_path, change, why):
        stored = {**json.loads(BUILT_IN.read_text()), "synonyms": {}, **change}
        (tmp_path / "own.json").write_text(json.dumps(stored))
        with pytest.raises(UsageError, match=why):
            Taxonomy.load(tmp_path / "own.json")

    def test_its_digest_survives_being_stored(self):
        again = Taxonomy.parse(json.dumps(TAXONOMY.as_json()).encode(), "stored")

        assert again.secondary == TAXONOMY.secondary
        with pytest.raises(UsageError, match="cannot be read"):
            Taxonomy.load("/nowhere/at-all.json")


class TestVotes:
    @settings(max_examples=30, deadline=None)
    @given(
        answers=st.lists(
            st.tuples(
                st.integers(0, 5),
                st.one_of(
                    st.tuples(st.just("panel_type"), st.sampled_from(TAXONOMY.names("panel_type"))),
                    st.tuples(
                        st.just("primary"), st.lists(st.sampled_from(TAXONOMY.names("primary")))
                    ),
                    st.tuples(st.just("mixed"), st.booleans()),
                    st.tuples(st.just("comment"), st.text(max_size=50)),
                ),
            ),
            max_size=20,
        ),
        torn=st.integers(0, 40),
    )
    def test_every_answer_comes_back_and_the_last_one_counts(self, tmp_path_factory, answers, torn):
        folder = tmp_path_factory.mktemp("votes")
        file = VoteFile(folder, "anna", TAXONOMY, MODEL)
        expected = {}
        for cluster, (question, answer) in answers:
            file.answer(cluster, question, answer)
            kept = sorted(set(answer)) if isinstance(answer, list) else answer
            expected.setdefault(cluster, {})[question] = kept
        file.close()
        with file.path.open("ab") as opened:
            opened.write(b'{"annotator": "anna", "cluster": 3, "question"'[:torn])

        again = VoteFile(folder, "anna", TAXONOMY, MODEL)
        assert {cluster: again.answers(cluster) for cluster in expected} == expected
        again.answer(9, "mixed", answer=True)
        again.close()
        found = {}
        for v in read_file(file.path):
            found.setdefault(v.cluster, {})[v.question] = v.answer
        assert found == {**expected, 9: {"mixed": True}}

    def test_images_are_marked_by_their_keys(self, tmp_path):
        file = VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        file.answer(1, "wrong_images", ["PMC1_a"])
        with pytest.raises(UsageError, match="expected a list of texts"):
            file.answer(1, "wrong_images", [1])
        file.close()

        assert [v.answer for v in read_votes([file.path], TAXONOMY, MODEL)] == [["PMC1_a"]]

    def test_an_answer_can_be_taken_back(self, tmp_path):
        file = VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        file.answer(1, "mixed", answer=True)
        file.answer(1, "mixed", answer=None)
        file.close()

        assert file.answers(1) == {}
        assert read_votes([file.path], TAXONOMY, MODEL) == []

    def test_a_kill_loses_no_answer_that_was_confirmed(self, tmp_path):
        script = (
            "import sys\nfrom biomedica_dataset.annotation.labels.taxonomy import Taxonomy\n"
            "from biomedica_dataset.annotation.labels.votes import VoteFile\n"
            f"file = VoteFile({str(tmp_path)!r}, 'anna', Taxonomy.load(), {MODEL!r})\n"
            "for n in range(10**6):\n    file.answer(n, 'mixed', True)\n    print(n, flush=True)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        for _ in range(25):
            confirmed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        file = VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        file.close()

        assert all(file.answers(n) == {"mixed": True} for n in range(confirmed + 1))

    def test_two_processes_do_not_write_one_file(self, tmp_path):
        file = VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        with pytest.raises(UsageError, match="written by another process"):
            VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        file.close()

    @pytest.mark.parametrize("name", ["", " \n", "x" * 65, "a\x00b", "a\u202eb", "\ud800"])
    def test_a_name_that_cannot_be_shown_is_refused(self, tmp_path, name):
        with pytest.raises(UsageError, match=r"not a valid name|the name is empty"):
            VoteFile(tmp_path, name, TAXONOMY, MODEL)
        assert not list(tmp_path.iterdir())

    def test_every_name_has_a_file_of_its_own_in_the_folder(self, tmp_path):
        names = ["anna", "Zoë M.", "Zoe M.", "anna@lab.org", "../anna", "a/b", ".x", "李", "王"]
        for name in names:
            file = VoteFile(tmp_path, name, TAXONOMY, MODEL)
            file.answer(1, "mixed", answer=True)
            file.close()
        votes = read_votes(tmp_path.glob("*.jsonl"), TAXONOMY, MODEL)

        assert sorted(vote.annotator for vote in votes) == sorted(names)
        assert all(path.name.isascii() for path in tmp_path.iterdir())
        (tmp_path / "Zoe-M-2f0e.jsonl").write_bytes(file.path.read_bytes())
        with pytest.raises(UsageError, match="holds votes of '王'; choose another name"):
            VoteFile(tmp_path, "Zoe-M-2f0e", TAXONOMY, MODEL)

    def test_a_file_of_other_clusters_is_not_continued(self, tmp_path):
        file = VoteFile(tmp_path, "anna", TAXONOMY, MODEL)
        file.answer(1, "mixed", answer=True)
        file.close()
        with pytest.raises(UsageError, match="other clusters"):
            VoteFile(tmp_path, "anna", TAXONOMY, "other")
        with pytest.raises(UsageError, match="other clusters"):
            read_votes([file.path], TAXONOMY, "other")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"cluster": 6}, "unknown cluster; clusters are 0 to 5"),
            ({"question": "size"}, "unknown question"),
            ({"question": "primary", "answer": ["Microscopi"]}, "did you mean 'Microscopy'"),
            ({"question": "primary", "answer": "Microscopy"}, "expected a list"),
            ({"question": "mixed", "answer": "yes"}, "expected a bool"),
            ({"taxonomy": "other"}, "another taxonomy"),
            ({"question": "fits_primary", "answer": True}, "audit questions need the key"),
            ({"cluster": "1"}, "is not a valid vote"),
        ],
    )
    def test_a_vote_that_cannot_count_is_refused(self, tmp_path, change, why):
        stored = {
            "annotator": "anna", "cluster": 1, "key": None, "question": "panel_type",
            "answer": "single", "taxonomy": TAXONOMY.digest, "model": MODEL, **change,
        }  # fmt: skip
        (tmp_path / "anna.jsonl").write_text(json.dumps(stored) + "\n")
        with pytest.raises(UsageError, match=why):
            read_votes([tmp_path / "anna.jsonl"], TAXONOMY, MODEL, 6)

    @pytest.mark.parametrize("data", [b"\xff\xfe\n", b"[]\n", b"{}\n", b"null\n", b'{"a": 1}\n'])
    def test_lines_that_are_no_votes_are_told_of(self, tmp_path, data):
        (tmp_path / "anna.jsonl").write_bytes(data)
        with pytest.raises(UsageError, match="line 1, is not a valid vote"):
            read_votes([tmp_path / "anna.jsonl"], TAXONOMY, MODEL)
        with pytest.raises(UsageError, match="cannot be read"):
            read_votes([tmp_path], TAXONOMY, MODEL)

    def test_two_files_of_one_annotator_are_refused(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            file = VoteFile(tmp_path / name, "anna", TAXONOMY, MODEL)
            file.answer(1, "mixed", answer=True)
            file.close()
        with pytest.raises(UsageError, match="hold votes of anna"):
            read_votes([tmp_path / n / "anna.jsonl" for n in "ab"], TAXONOMY, MODEL)

    def test_a_table_that_was_filled_in_is_read(self, tmp_path):
        rows = list(csv.DictReader(io.StringIO(questions(range(3), MODEL).decode())))
        rows[1] |= {"panel_type": "Single", "secondary": "Flow diagram; tree", "mixed": "yes"}
        rows[1]["wrong_images"] = "PMC1_a; PMC2_b"
        with (tmp_path / "ben.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        found = {v.question: v for v in read_votes([tmp_path / "ben.csv"], TAXONOMY, MODEL, 3)}

        assert {v.annotator for v in found.values()} == {"ben"}
        assert {v.cluster for v in found.values()} == {1}
        assert found["panel_type"].answer == "single"
        assert found["secondary"].answer == ["flowchart", "tree"]
        assert found["mixed"].answer is True
        assert found["wrong_images"].answer == ["PMC1_a", "PMC2_b"]
        with pytest.raises(UsageError, match=r"model is 'clusters-m+'; expected 'clusters-other'"):
            read_votes([tmp_path / "ben.csv"], TAXONOMY, "other", 3)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("cluster,mixed\nx,yes\n", "expected a number"),
            (f"cluster,mixed,model\n1,perhaps,clusters-{MODEL[:12]}\n", "yes or no"),
            ("cluster,mixed\n1,yes\n", "model is None"),
            ("mixed\nyes\n", "cluster is None"),
            ("cluster,panel type\n1,single\n", "unknown column 'panel type'"),
        ],
    )
    def test_a_table_that_cannot_be_read_is_refused(self, tmp_path, text, why):
        (tmp_path / "ben.csv").write_text(text)
        with pytest.raises(UsageError, match=why):
            read_votes([tmp_path / "ben.csv"], TAXONOMY, MODEL, 3)


class TestDecision:
    def test_the_majority_is_applied(self):
        votes = [vote(who, 0, "panel_type", "single") for who in "ab"]
        label = decided(*votes, vote("c", 0, "panel_type", "multiple"))[0]

        assert (label.panel_type, label.open, label.votes) == ("single", [], 3)

    def test_a_tie_is_left_to_a_person_and_then_settled(self):
        votes = vote("a", 0, "panel_type", "single"), vote("b", 0, "panel_type", "multiple")
        label = decided(*votes)[0]
        settled = decided(*votes, settled=[vote("judge", 0, "panel_type", "multiple")])[0]

        assert (label.panel_type, label.open) == (None, ["panel_type"])
        assert (settled.panel_type, settled.open) == ("multiple", [])

    def test_what_was_voted_gives_way_to_what_a_person_settles(self):
        votes = vote("a", 0, "panel_type", "single"), vote("a", 0, "panel_subtype", "single panel")
        settled = vote("judge", 0, "panel_type", "multiple"), vote("judge", 0, "primary", [])
        label = decided(*votes, settled=settled)[0]

        assert (label.panel_type, label.panel_subtype, label.open) == ("multiple", None, [])
        assert label.primary is None

    def test_of_a_set_each_concept_needs_more_than_half(self):
        answers = [["Microscopy", "Tables"], ["Microscopy"], ["Microscopy", "Maps"]]
        label = decided(*(vote(w, 0, "primary", a) for w, a in zip("abc", answers, strict=True)))[0]
        tied = decided(vote("a", 0, "primary", ["Maps"]), vote("b", 0, "primary", ["Maps", "PCR"]))[
            0
        ]

        assert (label.primary, label.open) == (["Microscopy"], [])
        assert (tied.primary, tied.open) == (["Maps"], ["primary"])

    def test_low_agreement_is_applied_and_left_to_a_person_too(self):
        types = ["single"] * 3 + ["multiple"] * 2
        sets = [["Maps", "PCR"]] * 2 + [["Maps"]] * 3
        votes = [vote(who, 0, "panel_type", a) for who, a in zip("abcde", types, strict=True)]
        votes += [vote(who, 0, "primary", a) for who, a in zip("abcde", sets, strict=True)]
        votes += [
            vote(who, 1, "panel_type", a)
            for who, a in zip("abc", types[:1] + types[3:], strict=True)
        ]
        labels = decided(*votes)

        assert (labels[0].panel_type, labels[0].primary) == ("single", ["Maps"])
        assert labels[0].open == ["panel_type", "primary"]
        assert (labels[1].panel_type, labels[1].open) == ("multiple", [])

    def test_a_subtype_of_another_type_is_not_applied(self):
        label = decided(
            vote("a", 0, "panel_type", "multiple"), vote("a", 0, "panel_subtype", "single panel")
        )[0]

        assert (label.panel_type, label.panel_subtype) == (None, None)
        assert label.open == ["panel_type", "panel_subtype"]
        assert label.contradictions == ["panel type 'multiple' with subtype 'single panel'"]

    def test_a_local_concept_stands_under_its_global_one(self):
        label = decided(
            vote("a", 0, "primary", ["Maps"]), vote("a", 0, "secondary", ["map", "bar plot"])
        )[0]

        assert label.secondary == ["map"]
        assert "local concept 'bar plot' without its global 'Plots and Charts'" in (
            label.contradictions
        )

    @pytest.mark.parametrize("flag", ["ambiguous", "mixed"])
    def test_nothing_is_applied_of_a_cluster_that_is_no_cluster(self, flag):
        label = decided(vote("a", 0, "primary", ["Maps"]), vote("a", 0, flag, answer=True))[0]

        assert getattr(label, flag)
        assert label.primary is None

    def test_images_are_taken_out_by_more_than_half(self):
        votes = [
            vote("a", 0, "wrong_images", ["x", "y"]), vote("b", 0, "wrong_images", ["y"]),
            vote("a", 0, "mixed", answer=False), vote("b", 0, "mixed", answer=False),
        ]  # fmt: skip

        assert wrong_images(votes, decided(*votes)) == ["y"]

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_no_label_contradicts_itself(self, data):
        people = data.draw(st.integers(1, 4))
        votes = []
        for who in "abcd"[:people]:
            for question in ("panel_type", "panel_subtype"):
                answer = data.draw(st.sampled_from(TAXONOMY.names(question)))
                votes.append(vote(who, 0, question, answer))
            for question in ("primary", "secondary"):
                names = st.lists(st.sampled_from(TAXONOMY.names(question)), max_size=3, unique=True)
                votes.append(vote(who, 0, question, data.draw(names)))
        label = decided(*votes)[0]

        if label.panel_subtype:
            assert TAXONOMY.type_of(label.panel_subtype) == label.panel_type
        for name in label.secondary or []:
            assert TAXONOMY.primary_of(name) in label.primary
        assert [] not in (label.primary, label.secondary)


class TestAgreement:
    def test_numbers_are_those_of_the_definitions(self):
        # 45 of 50 equal: 20 + 25; kappa by hand: po 0.9, pe 0.4*0.5 + 0.6*0.5 = 0.5
        answers = [("single", "single")] * 20 + [("multiple", "multiple")] * 25
        answers += [("multiple", "single")] * 5
        votes = [
            vote(who, n, "panel_type", answer)
            for n, pair in enumerate(answers)
            for who, answer in zip("ab", pair, strict=True)
        ]
        (found,) = agreements(votes)
        observed = 5 / 50  # Krippendorff: alpha = 1 - (n - 1) * o / (n0 * n1), nominal, no gaps
        alpha = 1 - (100 - 1) * (2 * 5) / (2 * 45 * 55)

        assert found.percent == pytest.approx(1 - observed)
        assert found.kappa == pytest.approx((0.9 - 0.5) / 0.5)
        assert found.alpha == pytest.approx(alpha)
        assert found.low <= found.alpha <= found.high
        assert agreements(votes) == [found]

    def test_sets_are_compared_by_what_they_share_and_concept_by_concept(self):
        votes = [
            vote(who, n, "primary", answer)
            for n, pair in enumerate([(["Maps"], ["Maps"]), (["Maps", "PCR"], ["PCR"]), ([], [])])
            for who, answer in zip("ab", pair, strict=True)
        ]
        found = {one.question: one for one in agreements(votes)}

        assert set(found) == {"primary", "primary: Maps", "primary: PCR"}
        assert found["primary: PCR"].alpha == 1
        assert 0 < found["primary"].alpha < 1
        assert found["primary"].kappa is None

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.one_of(st.none(), st.lists(st.sampled_from(["Maps", "PCR", "Tables"]))),
                min_size=3, max_size=3,
            ),
            min_size=2, max_size=8,
        )
    )  # fmt: skip
    def test_the_interval_is_of_the_librarys_alpha(self, answers):
        votes = [
            vote(who, n, "primary", answer)
            for n, own in enumerate(answers)
            for who, answer in zip("abc", own, strict=True)
            if answer is not None
        ]
        shared = [own for own in answers_to(votes, "primary").values() if len(own) > 1]
        expected = _alpha(shared)
        if len(shared) > 1 and expected is not None:
            found = _alphas(shared, np.ones((1, len(shared)), int))
            assert found == pytest.approx([expected])

    def test_answers_may_be_missing_and_one_voice_is_no_agreement(self):
        votes = [vote("a", n, "panel_type", "single") for n in range(4)]
        assert agreements(votes) == []
        votes += [vote("b", 0, "panel_type", "multiple"), vote("c", 0, "panel_type", "single")]
        (found,) = agreements(votes)
        assert (found.clusters, found.percent) == (1, pytest.approx(1 / 3))
        assert found.kappa is None

    def test_the_interval_is_wilsons(self):
        z, n, p = 1.959964, 20, 0.9
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))

        np.testing.assert_allclose(wilson(18, 20), (middle - half, middle + half), rtol=1e-5)

    def test_an_audit_gives_the_purity_of_clusters_and_concepts(self):
        labels = decided(vote("a", 0, "primary", ["Maps"]), vote("a", 1, "primary", ["Maps"]))
        votes = [vote("a", n % 2, "fits_primary", n < 6, key=f"k{n}") for n in range(8)]
        votes.append(vote("a", 0, "fits_secondary", answer=False, key="k0"))  # of no label
        found = {one.of: (one.right, one.images) for one in purities(votes, labels)}

        assert found == {"all": (6, 8), "cluster 0": (3, 4), "cluster 1": (3, 4), "Maps": (6, 8)}

    def test_panel_letters_check_panel_types(self):
        labels = decided(
            vote("a", 0, "panel_type", "multiple"), vote("a", 1, "panel_type", "single")
        )
        found = letters_agree([(0, 3), (0, None), (1, 1), (1, 2), (7, 1)], labels)

        assert (found["images"], found["agree"]) == (4, 2)


class TestFolder:
    @pytest.fixture
    def votes(self, assigned, tmp_path):
        there = Assignments.open(assigned)
        for who, types in (("anna", ["single"] * 6), ("ben", ["single"] * 4 + ["multiple"] * 2)):
            file = VoteFile(tmp_path / "votes", who, TAXONOMY, there.model)
            for cluster, panel_type in enumerate(types):
                file.answer(cluster, "panel_type", panel_type)
                file.answer(cluster, "primary", ["Maps"])
            file.close()
        return sorted((tmp_path / "votes").glob("*.jsonl"))

    def test_labels_come_back_with_all_votes(self, assigned, votes, sample_dataset, tmp_path):
        options = {"assignments": assigned, "dataset": sample_dataset}
        report = label(votes, tmp_path / "labels", **options)
        labels = Labels.open(tmp_path / "labels")

        assert labels.of(0).panel_type == "single"
        assert (labels.of(5).panel_type, labels.of(5).primary) == (None, ["Maps"])
        assert labels.of(None) is None
        assert labels.model == Assignments.open(assigned).model
        assert pq.read_metadata(tmp_path / "labels" / "votes.parquet").num_rows == 24
        table = (tmp_path / "labels" / "adjudication.csv").read_text()
        assert [line.split(",")[0] for line in table.splitlines()[1:]] == ["4", "5"]
        assert "settled: 4; open: 2" in str(report)
        assert report.letters["images"] > 0
        before = {p.name: p.read_bytes() for p in (tmp_path / "labels").iterdir()}
        label(votes, tmp_path / "labels", **options)
        assert {p.name: p.read_bytes() for p in (tmp_path / "labels").iterdir()} == before

    def test_a_table_that_an_expert_completes_in_place_is_read_and_stays(
        self, assigned, votes, tmp_path
    ):
        output = tmp_path / "labels"
        label(votes, output, assignments=assigned)
        table = output / "adjudication.csv"
        completed = table.read_text().replace("\n4,,", "\n4,single,").replace("\n", "\r\n")
        table.write_bytes(completed.encode())
        before = {path: path.read_bytes() for path in output.iterdir()}

        with pytest.raises(
            UsageError, match=r"adjudication\.csv is not as it was written.*give it"
        ):
            label(votes, output, assignments=assigned)
        assert {path: path.read_bytes() for path in output.iterdir()} == before
        for _again in range(2):
            report = label(votes, output, assignments=assigned, adjudication=table)
            assert (report.labels[4].panel_type, report.labels[4].open) == ("single", [])
            assert table.read_bytes() == completed.encode()
        table.rename(tmp_path / "chief.csv")
        label(votes, output, assignments=assigned, adjudication=tmp_path / "chief.csv")
        assert [line.split(",")[0] for line in table.read_text().splitlines()[1:]] == ["5"]

    def test_a_table_that_nobody_completed_follows_the_votes(self, assigned, votes, tmp_path):
        output = tmp_path / "labels"
        label(votes, output, assignments=assigned)
        label(votes[:1], output, assignments=assigned)

        assert len((output / "adjudication.csv").read_text().splitlines()) == 1

    def test_the_digest_follows_what_is_applied(self, assigned, votes, tmp_path):
        label(votes, tmp_path / "a", assignments=assigned)
        label(votes[:1], tmp_path / "b", assignments=assigned)
        a, b = Labels.open(tmp_path / "a"), Labels.open(tmp_path / "b")

        assert a.digest_of([0, 1, 2, 3]) == b.digest_of([3, 2, 1, 0])
        assert a.digest_of([4]) != b.digest_of([4])

    def test_anybodys_own_taxonomy_is_used_from_votes_to_labels(self, assigned, tmp_path):
        own = tmp_path / "own.json"
        stored = {
            "version": "7", "panel_types": {"one": ["a picture"], "many": ["a sheet"]},
            "concepts": {"Animals": ["cat", "dog"]}, "synonyms": {"kitten": "cat"},
        }  # fmt: skip
        own.write_text(json.dumps(stored))
        taxonomy, there = Taxonomy.load(own), Assignments.open(assigned)
        file = VoteFile(tmp_path / "votes", "anna", taxonomy, there.model)
        file.answer(2, "primary", ["Animals"])
        file.answer(2, "secondary", ["kitten"])
        file.close()
        label([file.path], tmp_path / "labels", assignments=assigned, taxonomy=own)
        labels = Labels.open(tmp_path / "labels")

        assert (labels.of(2).primary, labels.of(2).secondary) == (["Animals"], ["cat"])
        assert labels.taxonomy.secondary == {"Animals": ["cat", "dog"]}
        with pytest.raises(UsageError, match="belongs to another taxonomy"):
            label([file.path], tmp_path / "other", assignments=assigned)
        with pytest.raises(UsageError, match="another taxonomy"):
            VoteFile(tmp_path / "votes", "anna", TAXONOMY, there.model)

    def test_a_table_that_is_cut_short_is_refused(self, assigned, votes, tmp_path):
        label(votes, tmp_path / "labels", assignments=assigned)
        table = tmp_path / "labels" / "labels.parquet"
        table.write_bytes(table.read_bytes()[:-9])
        with pytest.raises(ArchiveError, match="its SHA-256"):
            Labels.open(tmp_path / "labels")

    def test_mistakes_of_the_caller_are_one_line(self, assigned, votes, tmp_path):
        (tmp_path / "letter.txt").write_text("dear")
        for arguments, why in (
            ([*votes, "-o", tmp_path / "x"], "the clusters of the votes are missing"),
            (["-o", tmp_path / "x", "--assignments", assigned], "there are no votes"),
            ([*votes, "-o", tmp_path, "--assignments", assigned], "choose an empty or new folder"),
            (["-o", tmp_path / "x", "--published", tmp_path], "is not the published file"),
        ):
            done = CliRunner().invoke(main, ["annotate", "labels", *map(str, arguments)])
            assert done.exit_code == 2
            assert why in done.output
            assert done.output.count("\n") == 1


@pytest.mark.slow
def test_the_published_labels_are_read_and_their_contradictions_are_not_applied(real, tmp_path):
    folder = real / "published_annotations"
    report = label([], tmp_path / "labels", published=folder)
    labels = Labels.open(tmp_path / "labels").all()
    stored = json.loads((folder / "cluster_labels.json").read_text())

    assert len(labels) == 2000
    text = "\n".join(report.lines())
    assert "995 x panel type 'multiple' with subtype 'single panel'" in text
    bad = [
        n for n, e in stored.items() if e["panel_type"][0] == "m" and "single" in e["panel_subtype"]
    ]
    assert all(labels[int(n)].panel_type is None for n in bad)
    assert sum(label.panel_type is not None for label in labels.values()) <= 1003
    assert "2 x panel type 'single' with subtype" in text or text.count("'single' with sub") == 2
    assert "'flow diagram' is 'flowchart', in 1 clusters" in text
    assert "'list': 'Plots and Charts' there, 'Tables' here" in text
    assert report.published.unknown == {"Functional Study", "Organ"}
    assert sum(report.published.used[name] for name in report.published.unknown) == 0
