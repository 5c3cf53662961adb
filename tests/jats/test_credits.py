"""Third-party rights on a figure, and what only looks like them."""

from __future__ import annotations

import pytest

from biomedica_dataset.licenses import License

from .documents import fig, figures

META = (
    "<contrib-group><contrib><name><surname>Novak</surname><given-names>Eva M.</given-names></name>"
    "</contrib><contrib><name><surname>Li</surname><given-names>Cheng-Lin</given-names></name>"
    "</contrib><contrib><collab>The Green Study Group</collab></contrib></contrib-group>"
    "<permissions><copyright-statement>© 2012 The Journal Press. All rights reserved."
    "</copyright-statement><copyright-holder>Green Society</copyright-holder></permissions>"
)
STATED = "<permissions><copyright-statement>{}</copyright-statement></permissions>"
AROUND = ("{}", "Two cells on a dish. {}. Scale bar, 5 µm.")
CREDITS = """
Figure courtesy of the Example Museum | Photo: J. Doe | © 2019 Elsevier | image credit: NASA |
Image credit NASA/JPL | Photo by Jane Doe | Photograph by Jane Doe, 2012 |
Photographs courtesy of J. Doe and E. Novak | Used with permission from Wiley |
with permission from X Press | Modified with permission from Doe et al. (2010) |
Adapted with permission | Adapted, with permission, from Doe [3] | Redrawn after Doe (1999) |
Modified after Doe and Roe (1999) | Adapted from reference 12 | Adapted from Ref. 12 |
Figure adapted from Doe et al., 2011 | Figure from [12] | Image from ref. 3 |
Image from OpenStax Anatomy, CC BY 3.0 | Drawn with Servier Medical Art under a CC BY license |
Base map from Natural Earth | Drawing by Jane Doe of a nest | Geology (after Doe, 1987; modified) |
Theory of behaviour (from Doe, 1991) | Redrawn by the authors from Doe (1907) |
Jane Doe, via Wikimedia Commons | Public domain image, via Wikimedia Commons |
Taken from Doe et al. [7] | Figure from Liu Y et al. 2020 |
Art by Jane Doe | Map downloaded from DIVA-GIS |
The tombs were redrawn based on reports [3] | Picture taken from Van Rensburg et al. (2006) |
Original drawing of a cell by Jane Doe, 1885 |
Image taken from Doe et al. (2010) | Picture taken from [4] | Source: Doe et al. (2010) |
Source: https://example.org/map | Source: National Library | Fonte: IBGE |
Fuente: Instituto de Salud (2010) | Fotos: María Pérez | Foto: Museu do Mar |
Abbildung mit freundlicher Genehmigung von Springer | Mit freundlicher Genehmigung des Verlags |
Reproduit avec l'autorisation de Masson | Avec l’aimable autorisation de Jean Dupont |
Reproducido con permiso de Elsevier | Reproduzido com permissão de Elsevier |
Riprodotto con il permesso di Elsevier | Per gentile concessione di Mario Rossi |
Adaptado de Silva et al. (2010) | Adapté de Dupont (2010) | D'après Dupont (2010) |
Modifié d'après Dupont et al. [3] | Modificado de Pérez [3] | Tomado de Pérez et al. (2001) |
Extraído de Silva (2001) | Tratto da Rossi (2001) | Modifiziert nach Müller et al. [12] |
Nach Müller (1999) | Quelle: Müller 1999 | Cortesía de Juan Pérez | Cortesia de João Silva |
Courtoisie de Jean Dupont | Imagem gentilmente cedida por João Silva |
Image kindly provided by Dr. Jane Doe | Micrograph kindly provided by J. Doe |
Kindly provided by J. Doe | Photographs were kindly supplied by the Museum |
Photos provided by Jane Doe | Images provided courtesy of NASA | Illustration: Jane Doe |
Illustration by Jane Doe | Artwork by Jane Doe | Drawn by Jane Doe | Map created by Jane Doe |
Credit: ESA/Hubble | Photo credits: Jane Doe | Crédit photo : Jean Dupont | Crédito: João Silva |
Bildnachweis: Museum Berlin | Copyright 2014 John Wiley and Sons | Copyrighted by Elsevier |
(c) 2010 Jane Roe | Reprinted from Nature | Reproduced from Doe et al. |
Reproduced by kind permission of the Royal Society |
Permission was obtained from Elsevier to reproduce this figure |
We obtained permission to reprint this image from the copyright holder |
Permission to use this photo was granted by Jane Doe |
Image published under permission number 1234 of Elsevier | All rights reserved |
Screenshot from Google Earth | Map data from Google Maps | Image from Wikimedia Commons |
Image obtained from Wikimedia Commons | Photograph from the collection of Jane Doe |
Reused from [5] | Copied from Doe (1950) | Excerpted from Doe (1950) |
Panel A is adapted from [3] | (A) Photo: Jane Doe. (B) Cells | Left: photograph by Jane Doe |
This figure has been adapted from a previous publication [3] |
This figure was originally published in Nature [3] | Originally published in Doe et al. (2010) |
First published in The Lancet [5] | Figure reproduced under a licence from Elsevier |
Image is property of the Example Museum | Image owned by Example GmbH |
Property of Example GmbH | Figure is not covered by the Creative Commons license of the article |
Photo Jane Doe | Photo © Jane Doe | Photo J. Doe | Image supplied by Example Ltd |
Thanks to Jane Doe for the photograph | We thank Jane Doe for providing this image |
Image reprinted by permission | Reprinted under CC license from X Press |
By courtesy of Jane Doe | Photo courtesy Jane Doe | Courtesy: Jane Doe | (photo: Jane Doe) |
(Photo credit: Jane Doe) | [Adapted from 12] | (from Doe et al. 2003) | (after Doe 1999) |
(Doe et al. 2003, with permission) | Smith J. (2010), reproduced with permission |
Photo: Ben Novak | Photo: NASA | Picture by courtesy of Example Hospital |
Received permission from Elsevier for reuse |
The publisher granted permission to reproduce this figure |
Elsevier has given permission for the reproduction of this figure |
Reprinted with the authors' permission | Modified from Fig. 2 of Doe et al. |
Adapted from Figure 3 in [12] | Adapted from BioRender template |
Adapted by permission from Macmillan Publishers Ltd | Abdruck mit Genehmigung |
Publicado con autorización de Elsevier | Foto gentileza de Juan Pérez |
Imagen cedida por Juan Pérez | Photo prise par Jean Dupont | Foto von Hans Müller |
Imagem: João Silva | Ilustração: Maria Souza | Dibujo: Juan Pérez | Immagine: Mario Rossi |
Fotografía: Juan Pérez | Autor: Juan Pérez | Photographer: Jane Doe | Artist: Jane Doe |
Photography by Jane Doe | Photographed by Jane Doe | Image © Example Ltd., used with permission |
Used with kind permission of Jane Doe | Reproduced with permission of Novak and Doe |
By permission of the Trustees of the British Museum |
A bridge in the fog, kindly provided by the Museum
| Photo: Jane Roe, used under CC BY-SA | Credit line: Jane Doe | Permission granted by Elsevier |
Riprodotta con autorizzazione di Elsevier | Drawing by Jane Doe after Roe (1901) |
Photos were taken by Jane Doe and John Roe | Figure is from Doe et al. [4] |
Model of the gut (extended from [4]) | Simplified from Roe et al. [3] |
The figure is similar but not identical to the original image | Map data: Google, Maxar |
Basemap sources: Esri, HERE | Drawing based on Doe (1988) | Silhouettes from PhyloPic |
Mouse icon from SciDraw | Images of organs were taken from Servier Medical Art |
The photograph was a gift from Jane Doe | This figure has been published previously in [14] |
Reproduced under the terms of the Creative Commons Attribution License from Doe et al. |
Figure taken from Gray's Anatomy (1918) | Image extraite de [12] | Übernommen aus [7] |
Nachdruck mit Genehmigung des Verlags | Aus: Müller H, Atlas der Anatomie, 1988 |
Freundlicherweise überlassen von Hans Müller | Cortesía: Juan Pérez |
Foto: arquivo do Museu do Mar | Crédito da imagem: João Silva |
Immagine fornita da Mario Rossi |
Image prêtée par Jean Dupont | Fotografía facilitada por Juan Pérez |
Imagem disponibilizada por João Silva | Bild bereitgestellt von Hans Müller
"""
NONE = """
Data from [12] | Data were taken from [12] | Values taken from Doe et al. (2010) |
Cells were a kind gift of Dr. Doe | The cells were kindly provided by Dr. Doe |
HeLa cells (kindly provided by J. Doe, Example University) were used |
Mice were kindly provided by Dr. Doe | Antibodies courtesy of Dr. Doe |
Antibody (courtesy of Dr. Doe) was used |
Images of cells treated with antibodies kindly provided by J. Doe | Adapted for children |
Adapted to high altitude | The protocol was adapted from the protocol of Doe [3] |
Adapted from the protocol of Doe [3] | Protocol adapted from Doe et al. [3] |
Score adapted from [3] | The Likert scale (adapted from [3]) was used |
Method modified from [4] | Genetically modified from wild type | Modified mice |
Modified after treatment | Samples were taken from Lake Victoria |
Images were taken from the left eye | Images were taken from three animals |
Photographs taken from above | The image is published with permission of the patient |
Photograph used with written permission of the parents |
Permission to publish was given by the patient | Published with the patient's permission |
Image used with consent | Reproduced in three independent experiments |
Similar results were reproduced from two independent experiments | Light source: LED |
Source data are provided | Source: authors | Source: Authors' calculations based on a survey |
Source: own elaboration | Fonte: Elaborado pelos autores | Fonte: Dados da pesquisa |
Fonte: arquivo pessoal | Fuente: elaboración propia | Source: data of the census |
Quelle: eigene Darstellung | Source : les auteurs | Photo: E. Novak | Photo: Eva Novak |
Photo: E.M. Novak | Photos by E.M.N. | Photo by the authors | Photo: Cheng-Lin Li |
Photos: the first author | Image: Scanning electron microscopy | Left image: Control |
Images by light microscopy | Images by SEM | Image by MRI | © The authors 2020 |
© 2020 Novak et al. | © The Author(s) | Copyright: Green Society | Courtesy of the authors |
Images courtesy of Eva Novak | Created with BioRender.com | Created in BioRender |
The authors are credited | Credit hours: 3 to 5 | This was used without permission |
Animals were collected with permission of the park |
Samples were collected with permission from the Ministry |
Permission for the experiment was obtained from the ethics committee |
Provided by the manufacturer | Glucose was provided by feeding |
Heat map of genes derived from [12] | Map of the study area |
Photo of the patient before surgery | Photograph of a specimen collected by J. Doe |
Photo of Jane Doe, the founder | Picture of the left hand | Copyright-free image |
Numbers from Table 2 | Rates by age, after adjustment (Doe et al. 2010) |
Classification after Doe (1999) | Staging according to Doe (1999) |
Illustration of the method by Doe and Roe | Experiments were performed as in [12] |
Cells taken from [12] were used | Strain modified from K12 | Plasmid map, based on pUC19 |
We thank Dr. Doe for antibodies | Sequences were obtained from https://example.org |
RNA-seq data downloaded from https://example.org | Structure from PDB | Drawn to scale |
Drawing is not to scale | Reconstructed from CT scans | Lines were drawn by hand |
Prepared by Western blotting | Photographed by phone | Sample courtesy titles |
Acid (c) was added in 20 tubes | The © sign | Figure 2 is published | Plasmids were produced |
The permission model of Android | Panel (a): Control. Panel (b): Treated |
Images: Left, control; right, treated | Map: Locations of the sites | Bild: Zellen |
Figure 1 from top to bottom | Images from left to right | Images from Day 1 and Day 2 |
Photos from Nairobi | Photo taken by drone | Photographs were taken by E.M. Novak |
Images were acquired by Jane Doe and blinded | Diagnosis by Jane Doe |
Images were scored by Jane Doe | Mit Genehmigung der Ethikkommission | Con permiso del paciente |
Avec autorisation du patient | Image modified by the authors | De Paula, 2013 |
From [5, 6], the values are known | Eggs were kindly provided by C. Miles |
Buffers were adapted from Doe (2006) | Dados retirados de Silva (2001) |
As illustrated by Fig 1 | Images courtesy of The Green Study Group |
Modified from left to right | Copyright law of 1976 | Credit scores by region |
Photo: Before and After | Photos: E. Novak and C.-L. Li | Images from Experiment 2 |
Photographed with a Nikon D90 |
Sources: heights and weights are from the same herd [7] | Source: Scopus |
ART: Tenofovir | Viral load on ART from Doe et al. (2010) |
State of the art of assays modified from Doe et al. (2010) |
Images from CT scans were segmented with licensed software (MATLAB) |
The area was computed using Google Earth Engine under an academic licence |
Participants were recruited via Flickr | Values from Wikipedia (CC BY) |
Growth rates at 20 °C (from Doe et al., 2010) | Correlation with age (from Doe, 1991) |
Cells were cultured for 3 days (after Doe et al., 2012) |
Illustration of antigen presentation by MHC II | Sketch of the circuit measured by Patch Clamp |
A lens, C. Stage: two rails, D. Spectrograph: E. CCD |
Structures taken from PDB entries 1ABC and 2XYZ |
The patient gave permission to use this photograph |
Con autorización del comité de ética | Schematic based on our data | Tomado a los 30 días |
Drawing based on X-ray data | Antibodies were a gift from Jane Doe | Extraído del suero |
Model based on Doe et al. (2010) | Dibujo de la técnica quirúrgica | Tratto da sinistra a destra |
Imagen de Resonancia Magnética | Aus Gründen der Übersicht nicht gezeigt |
Figure taken from the left | Icons show the groups | Fotografía de Eva Novak |
Da Rossi et al. (2003), i valori sono noti |
Courtesy stigma was scored | Images from Lake Victoria | Rates of mice (from Doe, 1991) |
Ethogram adapted from Doe (2001) | Photographed with permission of the safety committee |
Photograph used with permission of the next of kin | Adapted from Table 2 |
Rain (from Oct 2013 to May 2015) |
A tree drawn by MEGA X | Created by Adobe Illustrator |
Kit instructions were modified from the protocol of the maker
"""


def phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split("|")]


def credit(caption: str = "Cells.", inner: str = "", **parts: str) -> str | None:
    (figure,) = figures(fig(1, inner, caption=caption), meta=META, **parts)
    return figure.credit


@pytest.mark.parametrize("phrase", phrases(CREDITS))
def test_a_phrase_that_credits_another_is_found_in_any_caption(phrase: str):
    found = [credit(around.format(phrase)) for around in AROUND]

    assert None not in found
    assert all(text.rstrip(".") in phrase or phrase in text for text in found if text)


@pytest.mark.parametrize(
    "sentence",
    [
        *("Fotografía de Juan Pérez", "Foto di Mario Rossi", "Dessin de Jean Dupont"),
        *("Ilustração de João Silva", "Disegno di Mario Rossi", "Photographie du Dr Jean Dupont"),
    ],
)
def test_whose_image_it_is_may_be_a_sentence_of_its_own(sentence: str):
    assert credit(f"Two cells on a dish. {sentence}. Scale bar, 5 µm.") == f"{sentence}."
    assert credit(f"{sentence}, pioneer of the field.") is None


@pytest.mark.parametrize("phrase", phrases(NONE))
def test_what_is_no_image_or_the_authors_own_is_no_credit(phrase: str):
    assert [credit(around.format(phrase)) for around in AROUND] == [None, None]


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<attrib>Photo: © Jane Roe</attrib>", "Photo: © Jane Roe"),
        ("<attrib>Fiji Red Cross Society</attrib>", "Fiji Red Cross Society"),
        ("<attrib>ILLUSTRATION: BEN NOVAK</attrib>", "ILLUSTRATION: BEN NOVAK"),
        ("<attrib>Source: Roe 2010</attrib>", "Source: Roe 2010"),
        ("<attrib>Foto: Eva Novak</attrib>", None),
        ("<attrib>Fonte: Dados da pesquisa</attrib>", None),
        ("<attrib>Notes: Bars are means. Abbreviations: IL, interleukin.</attrib>", None),
        ("<attrib>Figure 1. Growth of cells.</attrib>", None),
        ("<p>© Jane Roe</p>", "© Jane Roe"),
        (STATED.format("© Jane Roe"), "© Jane Roe"),
        (
            STATED.format("Photographic credit: Example Agency"),
            "Photographic credit: Example Agency",
        ),
        (STATED.format("Example Agency"), "Example Agency"),
        (STATED.format("© 2012 The Journal Press. All rights reserved."), None),
        (STATED.format("© 2012 Novak et al."), None),
        (STATED.format("© 2020 The Authors"), None),
        (STATED.format("© 2020"), None),
        ("<permissions><copyright-holder>Jane Roe</copyright-holder></permissions>", "© Jane Roe"),
        ("<permissions><copyright-holder>Green Society</copyright-holder></permissions>", None),
        ("<permissions><copyright-year>2012</copyright-year></permissions>", None),
        (
            "<permissions><license><license-p>© Jane Roe</license-p></license></permissions>",
            "© Jane Roe",
        ),
    ],
)
def test_elements_beside_the_caption_may_credit_another(inner: str, expected: str | None):
    assert credit(inner=inner) == expected


@pytest.mark.parametrize(
    "around",
    [
        "<fig-group><caption><p>Rocks. Courtesy of Jane Roe.</p></caption>{}</fig-group>",
        "<fig-group><attrib>Jane Roe</attrib>{}</fig-group>",
        "<fig-group><permissions><copyright-holder>Jane Roe</copyright-holder></permissions>"
        "<fig-group>{}</fig-group></fig-group>",
        "<boxed-text><attrib>Jane Roe</attrib><sec><p>{}</p></sec></boxed-text>",
        "<fig><caption><p>All.</p></caption><attrib>Jane Roe</attrib>{}<alt-text/></fig>",
    ],
)
def test_figures_have_the_rights_of_what_stands_around_them(around: str):
    found = [f for f in figures(around.format(fig(1) + fig(2)), meta=META) if f.hrefs]

    assert [figure.own_license for figure in found] == [License(None)] * 2
    assert all("Jane Roe" in (figure.credit or "") for figure in found)


def test_a_figure_within_a_figure_has_rights_of_its_own():
    inner = '<fig><caption><p>More.</p></caption><graphic xlink:href="g2"/></fig>'
    found = figures(fig(1, inner, caption="Adapted from [3]."))

    assert {f.hrefs: f.credit for f in found} == {("g1",): "Adapted from [3].", ("g2",): None}


def test_a_graphic_may_credit_another():
    graphic = '<graphic xlink:href="g"><attrib>Jane Roe</attrib></graphic>'
    (figure,) = figures(f"<fig><caption><p>Cells.</p></caption>{graphic}</fig>")

    assert figure.credit == "Jane Roe"


def test_a_legend_outside_of_any_caption_may_credit_another():
    (figure,) = figures('<fig>Cells. Adapted from <i>Nature</i>.<graphic xlink:href="g"/></fig>')

    assert figure.credit == "Adapted from Nature."


def test_notes_below_a_table_may_credit_another():
    (table,) = figures(
        "<table-wrap><caption><p>Doses.</p></caption><graphic xlink:href='t1'/><table-wrap-foot>"
        "<fn><p>Reprinted from [3].</p></fn></table-wrap-foot></table-wrap>"
    )

    assert table.credit == "Reprinted from [3]."


def test_the_plainest_phrase_is_the_credit():
    assert credit("© 2009 Elsevier. Used with permission of Roe.") == "Used with permission of Roe."


def test_a_long_sentence_is_cut_around_the_phrase():
    found = credit(f"{'a ' * 200}reproduced with permission from Roe {'b ' * 300}")

    assert found is not None
    assert "with permission from Roe" in found
    assert len(found) < 400
