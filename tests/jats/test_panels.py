"""Panel letters of a caption."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.jats.panels.marks import find_marks
from biomedica_dataset.jats.panels.subcaptions import split_caption

from .documents import fig, figures


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        pytest.param("(a) One. (b) Two.", "AB", id="in brackets"),
        pytest.param("(A) One. (B–D) Three.", "ABCD", id="a range"),
        pytest.param("(A, B) Two. (C and D) Two.", "ABCD", id="a list"),
        pytest.param("(A, B, and C) Three.", "ABC", id="a list with and"),
        pytest.param("A) One. B) Two.", "AB", id="half a bracket"),
        pytest.param("A, One thing. B, Another.", "AB", id="a comma"),
        pytest.param("Cells. A: One. B: Two.", "AB", id="a colon"),
        pytest.param("Growth; A, wild type; B, mutant.", "AB", id="semicolons"),
        pytest.param("Growth: A, wild type. B, mutant.", "AB", id="a colon before"),
        pytest.param("(A) One. (C–B) Two.", "ABC", id="a range the wrong way round"),
        pytest.param("Panels A and B show cells.", "AB", id="named"),
        pytest.param("<bold>a</bold> One. <bold>b</bold>, <bold>c</bold> Two.", "ABC", id="bold"),
        pytest.param("<bold>a–d</bold> Four.", "ABCD", id="a bold range"),
        pytest.param("Fig 6 A. Rats. B. M. luteus.", "AB", id="a number, and a species"),
        pytest.param(
            "<bold>A. Whole fin.</bold> It is red \\ <bold>B. Cut <i>fin</i>.</bold> It is blue",
            "AB",
            id="a bold title",
        ),
        pytest.param("<bold>A. rubra</bold> and <bold>B. albus</bold>.", "", id="bold species"),
        pytest.param("(A1, A2) Two. (B′) One.", "AB", id="numbered"),
        pytest.param("（A）One.（B）Two.", "AB", id="full-width brackets"),
        pytest.param("【Ａ】One 〔Ｂ、Ｃ〕Two", "ABC", id="brackets and letters of other scripts"),
        pytest.param("(A~C) Three. (D∼E) Two.", "ABCDE", id="a tilde"),
        pytest.param("(A) to (C) Three. (D)–(F) Three.", "ABCDEF", id="a range of brackets"),
        pytest.param("Fin. a. Whole. b. Cut.", "AB", id="a stop"),
        pytest.param("Fin a. Whole c. Tip b. Cut.", "ABC", id="a stop inside"),
        pytest.param("Fin. a Whole fin. b Cut fin.", "AB", id="nothing"),
        pytest.param("Fin (a whole, b cut, and c tip)", "ABC", id="nothing, in brackets"),
        pytest.param("Fig 6 A. Whole. Fig 6 B. Cut.", "AB", id="the number of the figure"),
        pytest.param("Whole (6A) and cut (6B, arrow).", "AB", id="its number in brackets"),
        pytest.param("Ai) One. Aii) Two. Bi) Three.", "AB", id="Roman numbers"),
        pytest.param("A fin. Whole (B) and cut (C).", "ABC", id="the first is forgotten"),
        pytest.param("Whole (a, left) and cut (b, right).", "AB", id="notes in brackets"),
        pytest.param("A) Rats: (a) old, (b) young, (c) dead. B) Mice.", "AB", id="letters inside"),
        pytest.param("Types. A - papillary; B - solid, X200.", "AB", id="a dash"),
        pytest.param("Stages of UC A, mild; B, active.", "AB", id="a title without a stop"),
        pytest.param("Liver. A, whole lobe and B, cut lobe.", "AB", id="and before the last"),
        pytest.param("Weak (image A and B) and strong (dyed; image C).", "ABC", id="images"),
        pytest.param(
            "Shapes of kinases A. aPKC alone. B. PKA too.", "AB", id="a small first letter"
        ),
        pytest.param("Ribs (no. 17: A, C) and legs (B).", "ABC", id="behind a number"),
        pytest.param(
            "Ribs, a long one (17 b: C, D) seen from behind (A, B).", "ABCD", id="a word is no A"
        ),
        pytest.param("Serum of vitamins B and C, of type A, was drawn.", "", id="types"),
        pytest.param("Hepatitis A, old or A, new. B, both.", "", id="two places for the first"),
        pytest.param("A fin. B cells were seen.", "", id="words that look like letters"),
        pytest.param("Arabidopsis. A. thaliana and B. rapa grew.", "", id="species"),
        pytest.param("(A1) One. (A2) Two. (B1) Three. (Bii) Four.", "AB", id="two of a letter"),
        pytest.param("(i) Whole. (ii) Cut. (iii) Torn.", "", id="Roman numbers alone"),
        pytest.param("(A) Rats: (i) old, (ii) young. (B) Mice.", "AB", id="Roman numbers inside"),
        pytest.param("(AA) Whole. (AB) Cut. (BB) Torn.", "", id="two letters"),
        pytest.param("(a) One remark.", "", id="one letter is no panel"),
        pytest.param("[A] Whole. [B] Cut.", "AB", id="square brackets"),
        pytest.param("Ⓐ Whole. Ⓑ Cut.", "AB", id="letters in circles"),
        pytest.param("Fins. A, whole, B, cut, C, torn.", "ABC", id="commas all over"),
        pytest.param("Fig. 2.—a, Whole; b, cut.", "AB", id="a dash before the first"),
        pytest.param(
            "In A, a whole fin. In B, a cut one.", "AB", id="sentences that begin with in"
        ),
        pytest.param("Fins. A : T1 ; B : T2.", "AB", id="spaces before signs"),
        pytest.param("Whole (a ×40) and cut (b H&amp;E, ×400).", "AB", id="notes without a sign"),
        pytest.param("(Fig. 2a) Whole. (Fig. 2b) Cut.", "AB", id="a figure in brackets"),
        pytest.param("Fig. 1-A Whole fin. Fig. 1-B Cut fin.", "AB", id="a figure and a dash"),
        pytest.param("1A: Whole. 1B: In 3D. 1C: Cut.", "ABC", id="dimensions"),
        pytest.param("Benzo(a)pyrene and benzo(b)fluoranthene.", "", id="names of chemicals"),
        pytest.param("Letters (a, b) and superscripts (a–c) differ.", "", id="statistics"),
        pytest.param("Reagents and conditions: (a) NaH; (b) MeI.", "", id="steps of a synthesis"),
        pytest.param(
            "<bold>A</bold> Fin <bold>B</bold> Eye. Abbreviations: <bold>C</bold> crus.",
            "AB",
            id="abbreviations",
        ),
        pytest.param("Blood groups A, B, AB and O.", "", id="groups"),
        pytest.param("Fins. Rat A: old. Rat B: young.", "", id="animals"),
        pytest.param("Groups: A, control; B, fed. Genotypes C and D: old.", "", id="sets of them"),
        pytest.param("Fins of rats (A) and of patients (B).", "AB", id="letters in brackets"),
        pytest.param("Means. a: P &lt; 0.05; b: P = 0.01.", "", id="notes on probabilities"),
        pytest.param("Figure 1a: Whole. Figure 1b: Cut.", "AB", id="figures with small letters"),
        pytest.param("Letters (p &lt; 0.05; a–d) tell groups.", "", id="letters behind statistics"),
        pytest.param(
            "Months (heat, A; water, B; soil, C) of (rain, D).", "ABCD", id="ends of a list"
        ),
        pytest.param(
            "Where, A; fruit, B; milk (fat), C; rice.", "ABC", id="semicolons behind letters"
        ),
        pytest.param("Fins. A-Aus bus. B-Aus minor.", "AB", id="dashes without spaces"),
        pytest.param(
            "Genes on chromosomes 1A (a), 1B (b), 1D (c).", "ABC", id="numbers beside brackets"
        ),
        pytest.param(
            "Fins of [A] Aus, [B] Bus and of [C] Cus.", "ABC", id="square brackets inside"
        ),
        pytest.param("Specimens: a. Aus, whole; b. Bus.", "AB", id="a list of specimens"),
        pytest.param("1A-6A: Fins. 1B-6B: Eyes. 1C-2C: Tails.", "ABC", id="rows of panels"),
        pytest.param("Rates, old (a; p-value = 0.1, n = 9) and new (b; p = 1).", "AB", id="values"),
        pytest.param("Abbreviations: A., Rats; B., Mice.", "AB", id="panels called abbreviations"),
        pytest.param("Three classes, A, B and C, of genes.", "", id="classes"),
        pytest.param("Rates K [a,b] 0.1 and [b,c] 0.2.", "", id="brackets of notes"),
        pytest.param("Fins. a–d Means with different letters differ.", "", id="a note on letters"),
        pytest.param("A Fin. B<sub>1</sub>, B<sub>2</sub> Tails. C Eye.", "ABC", id="subscripts"),
        pytest.param("(A) Reagents for blot. (B) Gel.", "AB", id="reagents of a panel"),
        pytest.param("Symmetry codes. (A) View of 1. (B) View of 2.", "AB", id="a title of codes"),
        pytest.param("Abbreviation: a, artery. (A) One. (B) Two.", "AB", id="abbreviations before"),
        pytest.param("a Growth. b Means with errors. c Weights.", "ABC", id="means of a panel"),
        pytest.param("(A) p &lt; 0.05 vs rats; (B) p &lt; 0.01.", "AB", id="probabilities"),
        pytest.param("Fins: A, P &lt; 0.1; B, P = 0.2.", "AB", id="probabilities behind commas"),
        pytest.param("[A, B] Whole fish – lateral. [C] Fin.", "ABC", id="lists in square brackets"),
        pytest.param("[A1] Größe. [B] Form.", "AB", id="numbers in square brackets"),
        pytest.param("Fin [a]. Eye [b]. Tail [c].", "ABC", id="square brackets behind"),
        pytest.param("Plot of ln [A] against [B].", "", id="concentrations"),
        pytest.param("Growth (p = 0.05) of (C) and (D).", "", id="not from A on"),
        pytest.param("(A) One. (C) Three.", "", id="a gap ends them"),
        pytest.param("Rates (a, b, d) differ.", "", id="a gap within one list"),
        pytest.param("Rates (B, C, F) differ.", "", id="a gap within the only list, not from A on"),
        pytest.param("(A) One. (C) Three. (D, E) Two.", "ABCDE", id="the second is forgotten"),
        pytest.param("Cells of <bold>E. coli</bold>.", "", id="bold words"),
        pytest.param("A cell. An axon.", "", id="words"),
    ],
)
def test_panels_are_read_from_the_caption(caption: str, expected: str):
    (figure,) = figures(fig(caption=caption))

    assert "".join(figure.panels) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        pytest.param(
            "Fins. (A) Whole. It is red. (B, C) Cut. Scale bars, 5 mm.",
            {
                "A": "Fins. (A) Whole. It is red. Scale bars, 5 mm.",
                "B": "Fins. (B, C) Cut. Scale bars, 5 mm.",
                "C": "Fins. (B, C) Cut. Scale bars, 5 mm.",
            },
            id="lead, parts and closing",
        ),
        pytest.param(
            "Fins were whole (A) and cut (B). Results are means.",
            {
                "A": "Fins were whole (A) Results are means.",
                "B": "Fins were cut (B). Results are means.",
            },
            id="letters behind",
        ),
        pytest.param(
            "Fins in (a) dorsal, (b) lateral view",
            {"a": "Fins in (a) dorsal, view", "b": "Fins in (b) lateral view"},
            id="a shared beginning and end",
        ),
        pytest.param(
            "Fin <bold>a</bold>, whole. <bold>b</bold>, cut.",
            {"a": "Fin a, whole.", "b": "Fin b, cut."},
            id="bold",
        ),
        pytest.param(
            "<bold>a</bold> Whole (10<sup>6</sup> cells). <bold>b</bold> Cut (n &gt; 3).",
            {"a": "a Whole (10⁶ cells).", "b": "b Cut (n > 3)."},
            id="bold beside scripts",
        ),
        pytest.param(
            "(A1) Head. (A2) Tail. (B) Fin.",
            {"A": "(A1) Head. (A2) Tail.", "A1": "(A1) Head.", "A2": "(A2) Tail.", "B": "(B) Fin."},
            id="numbered",
        ),
        pytest.param(
            "(A, B) Fins, whole (A) or cut (B). (C) As in (A).",
            {
                "A": "(A, B) Fins, whole (A)",
                "B": "(A, B) Fins, cut (B).",
                "C": "(C) As in (A).",
            },
            id="letters inside",
        ),
        pytest.param(
            "<list list-type='alpha-lower'><list-item><p>Fin.</p></list-item><list-item><p>Tail."
            "</p></list-item></list>",
            {"a": "(a) Fin.", "b": "(b) Tail."},
            id="a list",
        ),
        pytest.param(
            "Fins. Left: whole. Upper right panel: cut. Lower right: torn. Scale bars, 5 mm.",
            {
                "left": "Fins. Left: whole. Scale bars, 5 mm.",
                "top right": "Fins. Upper right panel: cut. Scale bars, 5 mm.",
                "bottom right": "Fins. Lower right: torn. Scale bars, 5 mm.",
            },
            id="places",
        ),
        pytest.param(
            "Fins before (top row) and after (bottom row) a cut.",
            {
                "top row": "Fins before (top row) a cut.",
                "bottom row": "Fins after (bottom row) a cut.",
            },
            id="places in brackets",
        ),
        pytest.param(
            "1–2 Aus bus, male: 1 whole fish 2 head 3 Aus minor, tail",
            {
                "1": "1–2 Aus bus, male: 1 whole fish",
                "2": "1–2 Aus bus, male: 2 head",
                "3": "3 Aus minor, tail",
            },
            id="numbers",
        ),
        pytest.param(
            "A cut. 1. Before2. During3. After",
            {"1": "A cut. 1. Before", "2": "A cut. 2. During", "3": "A cut. 3. After"},
            id="numbers with stops",
        ),
        pytest.param(
            "Fins. (A–B) Fins of young (A) and old (B) fish; (C) tails.",
            {
                "A": "Fins. (A–B) Fins of young (A) fish;",
                "B": "Fins. (A–B) Fins of old (B) fish;",
                "C": "Fins. (C) tails.",
            },
            id="letters inside, and another part behind",
        ),
        pytest.param(
            "<bold>a,b</bold> Mass (<bold>a</bold>) and age (<bold>b</bold>). <bold>c</bold> Fin.",
            {"a": "a,b Mass (a)", "b": "a,b age (b).", "c": "c Fin."},
            id="letters of another style inside",
        ),
        pytest.param(
            "(a, b) Rats; (c, d) mice. (a, c) Old; (b, d) young.",
            {
                "a": "(a, b) Rats; (a, c) Old;",
                "b": "(a, b) Rats; (b, d) young.",
                "c": "(c, d) mice. (a, c) Old;",
                "d": "(c, d) mice. (b, d) young.",
            },
            id="two ways across",
        ),
        pytest.param(
            "(a) Fins; (b) tails of <italic>An. gambiae</italic> under glass.",
            {"a": "(a) Fins;", "b": "(b) tails of An. gambiae under glass."},
            id="parts that share no end, and a genus",
        ),
        pytest.param(
            "Panel A shows fins. Panel B shows the mean of A. HF denotes a fin. Also: poly(C)n.",
            {
                "A": "Panel A shows fins. HF denotes a fin. Also: poly(C)n.",
                "B": "Panel B shows the mean of A. HF denotes a fin. Also: poly(C)n.",
            },
            id="what closes all, behind a letter",
        ),
        pytest.param(
            "Eyes. A photograph (A) shows fins. OCT (B) shows tails.",
            {"A": "Eyes. A photograph (A) shows fins.", "B": "Eyes. OCT (B) shows tails."},
            id="sentences around letters",
        ),
        pytest.param(
            "Panel (A) whole, panel (B) cut.",
            {"A": "Panel (A) whole,", "B": "panel (B) cut."},
            id="a word before brackets",
        ),
        pytest.param(
            "Fins. A Whole. B Cut. WT wild type",
            {"A": "Fins. A Whole. WT wild type", "B": "Fins. B Cut. WT wild type"},
            id="abbreviations without a sign",
        ),
        pytest.param(
            "(a): Whole fins, (b): cut fins. Rats, n = 5; mice, n = 6. P &lt; 0.1.",
            {
                "a": "(a): Whole fins, Rats, n = 5; mice, n = 6. P < 0.1.",
                "b": "(b): cut fins. Rats, n = 5; mice, n = 6. P < 0.1.",
            },
            id="a sign behind brackets, and more of what closes all",
        ),
        pytest.param(
            "(A–C) Fins. (A) Old, (B) young, (C) cut.",
            {
                "A": "(A–C) Fins. (A) Old,",
                "B": "(A–C) Fins. (B) young,",
                "C": "(A–C) Fins. (C) cut.",
            },
            id="a list, then each of it",
        ),
        pytest.param(
            "Fins: 1 – old, 2 – young, 3 – cut.",
            {"1": "Fins: 1 – old,", "2": "Fins: 2 – young,", "3": "Fins: 3 – cut."},
            id="numbers with dashes",
        ),
        pytest.param(
            "Fins. (A) Whole. (B) Cut. WT, OX and Ri are abbreviations of lines.",
            {
                "A": "Fins. (A) Whole. WT, OX and Ri are abbreviations of lines.",
                "B": "Fins. (B) Cut. WT, OX and Ri are abbreviations of lines.",
            },
            id="a list of abbreviations",
        ),
        *(
            pytest.param(
                f"(A) Whole. (B) Cut. {last}",
                {"A": "(A) Whole.", "B": f"(B) Cut. {last}"},
                id=f"no closing: {last}",
            )
            for last in (
                "Cut fins, n = 5.",
                "The fin is marked by a rim.",
                "DNA damage in nuclei was scored.",
                "Adapted fish live longer.",
            )
        ),
        pytest.param("Peaks: 1, rutin; 2, catechin; 3, quercetin.", {}, id="numbers of a key"),
        pytest.param(
            "Fins. A Whole. B Cut. G gill, H humeral head",
            {
                "A": "Fins. A Whole. G gill, H humeral head",
                "B": "Fins. B Cut. G gill, H humeral head",
            },
            id="letters with words",
        ),
        pytest.param("Group 1 ate, group 2 fasted for 3 days, 4 died.", {}, id="no numbers"),
        pytest.param("The left fin and the right one, seen from the left.", {}, id="no places"),
        pytest.param("Fins of rats.", {}, id="none"),
    ],
)
def test_a_caption_is_split_among_its_panels(caption: str, expected: dict[str, str]):
    (figure,) = figures(fig(caption=caption))

    assert figure.subcaptions == {
        name.capitalize() if len(name) < 3 else name: text for name, text in expected.items()
    }


@given(st.text("AaBbCc12(),.;:- \n", max_size=80))
@settings(max_examples=150, deadline=1000)
def test_every_piece_of_a_caption_lies_in_it_and_is_copied_as_it_is(text: str):
    split = split_caption(text, find_marks(text))
    if split is not None:
        spans = [*split.lead, *split.closing, *(s for _, part in split.parts for s in part)]
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert set("".join(split.of(text).values())) <= set(text) | {" "}


@pytest.mark.parametrize(
    "caption",
    ["(A) x. " * 7000, "A, B, " * 8000, "(" * 20_000 + "A) (B)", "a and " * 8000, "(a, " * 9000],
)
def test_odd_captions_are_split_soon(caption: str):
    started = time.process_time()
    split_caption(caption, find_marks(caption))

    assert time.process_time() - started < 3
