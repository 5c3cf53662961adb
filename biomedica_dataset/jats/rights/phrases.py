"""Words by which images are credited, in the languages of articles."""

from __future__ import annotations

import re

IMAGE = (
    r"(?:photo\w*|images?|image[mn]s?|im[aá]genes|pictures?|fig(?:ures?|uras?|s)?|illustra\w+|ilustra\w+|"
    r"drawings?|artworks?|(?-i:(?<!the )(?<!the-)[Aa]rt)|paintings?|maps?|mapas?|diagram\w*|"
    r"schem\w+|sketch\w*|panels?|plates?|"
    r"videos?|scans?|screenshots?|portraits?|reconstructions?|models?|cartoons?|"
    r"silhouettes?|icons?|clip ?arts?|imagery|base ?maps?|"
    r"\w*(?<!spectro)(?<!chromato)(?<!seismo)(?<!poly)graph(?:s|ic)?|"
    r"foto\w*|desenhos?|dibujos?|dessins?|cartes?|bild\w*|abbildung\w*|gra[fp]h?ik\w*|zeichnung\w*|"
    r"aufnahme\w*|immagin\w+|disegn\w+|gr[aá]ficos?)"
)
OTHER = (  # what is adapted or given too
    r"(?:cells?|mice|mouse|rats?|animals?|patients?|antibod\w+|plasmids?|vectors?|strains?|lines?|"
    r"samples?|specimens?|tissues?|reagents?|constructs?|mutants?|stocks?|bacteri\w+|serum|sera|"
    r"virus\w*|peptides?|proteins?|inhibitors?|compounds?|drugs?|seeds?|embryos?|flies|worms|fish|"
    r"sequences?|primers?|isolates?|clones?|[dr]na|data\w*|values?|results|experiments?|replicates|"
    r"protocols?|methods?|procedures?|assays?|algorithms?|techniques?|criteria|guidelines?|tests?|"
    r"questionnaires?|instructions?|checklists?|ethograms?|scales?|scores?|definitions?|equations?|formula\w*|codes?|software|scripts?|"
    r"standards?|tasks?|approach\w*|classification|parameters?|measurements?|estimates?|items?|"
    r"instruments?|materials?|funding|support|buffers?|media|medium|solutions?|eggs|those|that|"
    r"dad[oa]s|datos|donn[ée]es|daten|valores|c[eé]l\w+|zellen|amostras?|muestras?|ratones|m[eé]tod\w+|"
    r"protocol[oe]s?|escalas?|question[aá]rios?|cuestionarios?)"
)
CONSENT = re.compile(
    r"\b(?:patient|parent|famil|guardian|subject|participant|consent|volunteer|relative|mother|"
    r"father|donor|ethi[ck]|[ée]tic|irb\b|committee|kin\b|wom[ae]n|m[ae]n\b|child|paciente|padres|pais\b|eltern|genitori)\w*",
    re.IGNORECASE,
)
NAME = r"(?:(?:van|von|de|der|di|la) ){0,2}(?-i:[^\W\d_a-z][\w'’-]+)"
NAMES = rf"{NAME}(?: (?-i:[A-Z]{{1,2}}))?(?:(?:,| and| &| et| [ye])+ {NAME}){{0,4}}"
CITED = (
    rf"(?:\[\s*\d|\(?refs?\b|\(?reference|https?:|www\.|{NAMES}(?:,? et al|,? \(?(?:1[89]|20)\d\d))"
)
WEB = (
    r"(?:(?:the |o )?(?:google|wiki\w+|flickr|getty|shutterstock|nasa\b|usgs\b|openstreetmap|web|"
    r"phylopic|(?:the )?noun project|scidraw|servier|flaticon|freepik|pixabay|pexels|unsplash|"
    r"alamy|istock\w*|adobe stock|dreamstime|depositphotos|vecteezy|openclipart|"
    r"science photo library|"
    r"(?:\w+ )?(?:news)?paper\b|jornal|peri[oó]dico|internet|https?:|www\.))"
)
FROM = r"(?:from|after|nach|d['’]apr[eè]s|(?P<of>d[aeo]|dal|von|aus))"
FILL = (
    r"(?:and|with|in|part|partly|slightly|kind|permissions?|minor|some|modifications?|changes|here|"
    r"by|redrawn|re-?produced|reprinted|adapted|modified|simplified|com|con|avec|permiss\w+|permiso|"
    r"autori[sz]\w+|y|et?|und|a|partir)"
)
COPIED = (  # said of images only
    r"re-?printed|re-?published|re-?drawn|re-?produced|re-?plotted|re-?used|excerpted|copied|"
    r"übernommen|reimpres\w+|reproduzid\w+|reproducid\w+|redesenhad\w+|riprodott\w+|reproduite?s?|abgedruckt"
)
ADAPTED = (
    r"adapted|modified|extended|simplified|adaptad\w+|modificad\w+|modificat\w+|adattat\w+|adapt[ée]e?s?|"
    r"modifi[ée]e?s?|modifiziert|adaptiert|ver[aä]ndert"
)
TAKEN = r"taken|extracted|sourced|retrieved|downloaded|obtained"
TAKEN_ELSEWHERE = r"tomad\w+|extra[ií]d\w+|extraite?s?|retirad\w+|tratt[aoei]|tir[ée]e?s?|entnommen"
GIVEN = (
    r"provided|supplied|contributed|donated|offered|shared|made available|cedid\w+|fornecid\w+|"
    r"proporcionad\w+|facilitad\w+|disponibilizad\w+|fourni\w*|prêtée?s?|offerte?s?|fornit[aeio]|concess\w+|"
    r"mise?s? à disposition|überlassen|bereitgestellt|zur verf[üu]gung gestellt"
)
KINDLY = r"kindly|generously|graciously|gentilmente|amablemente|freundlicherweise|gracieusement"
PERMISSION = (
    r"(?:[ld]?['’]?(?:permissions?|permiss[ãa]o|permiso|permesso|autori[sz]{1,2}a\w+|genehmigung|"
    r"erlaubnis|concessione))"
)
MADE = (
    r"drawn|painted|created|prepared|photographed|illustrated|designed|elaborad\w+|desenhad\w+|"
    r"dibujad\w+|fotograf\w+|prises?|tomad\w+|tirad\w+|dessin[ée]e?s?|gezeichnet|disegnat\w+"
)
CREDIT = r"(?:credits?|cr[ée]dit[oi]?s?|(?:bild|foto)nachweis|bildrechte)"
RESERVED = (
    r"all rights reserved|\btodos os direitos reservados|\btodos los derechos reservados|"
    r"\btous droits r[ée]serv[ée]s|\balle rechte vorbehalten|\btutti i diritti riservati"
)
RIGHTS = (  # say it by themselves
    rf"{RESERVED}|permission (?:from|of) (?:the )?(?:publisher|copyright|journal|elsevier|springer|"
    rf"wiley|nature|oxford)|\b(?:used|{COPIED}|{ADAPTED}) under (?:[\w-]+ ){{0,8}}licen[cs]e|"
    r"\bsimilar but not identical to the original\b|"
    r"\bfair use\b|\b(?:unknown|anonymous) (?:author|artist|photographer)|\bautor\w* descon\w+|"
    r"\bauteur inconnu|"
    r"\bnot (?:covered by|included in|part of|under) (?:the |this |our )?[\w' -]{0,40}licen[cs]e|"
    r"\bnon-?commercial (?:use|purposes) only|\bonly (?:be used )?for non-?commercial|"
    r"\bnot be (?:reproduced|copied|re-?used|distributed)\b[^.;]{0,60} without"
)
OURS = re.compile(  # the authors, or what they made
    r"\b(?:authors?|autor(?:e[sn]?|as?|in|i)?|auteur\w*|verfasser\w*|own (?:work|elab\w+)|"
    r"th(?:is|e present) (?:study|work|paper|article|research)|pr[oó]pri[ao]s?|propi[ao]s?|"
    r"eigene\w*|(?:arquivo|acervo|archivo) (?:pessoal|personal)|"
    r"pe\w{0,2}onal (?:files?|archives?|collections?))\b",
    re.IGNORECASE,
)
DATA = re.compile(  # what a chart shows, which is not the image
    r"\b(?:data\w*|dad[oa]s|datos|donn[ée]es|daten|dati|calcul\w+|c[aá]lculo\w*|estima\w+|survey\w*|"
    r"databases?|web of science|scopus|pubmed|medline|measurements?|"
    r"census|censo|pesquisa|encuesta|regist\w+|statist\w*|estad[ií]st\w*|estat[ií]st\w*|results?)\b",
    re.IGNORECASE,
)
NO_NAME = re.compile(  # how images are made, and their parts
    r"\b(?:\w*scop\w+|\w*tomogra\w+|imaging|resonance|spectro\w*|stain\w*|fluorescen\w*|views?|"
    r"magnification|dorsal|ventral|lateral|left|right|top|bottom|before|after|control|bar|scale|"
    r"[st]em|mri|ct|pcr|blot\w*|x-ray|ultrasound|figs?|figure|table|panel|day|week|month|group|means?|"
    r"biorender\S*|(?:arc|q)?gis|mega|matlab|graphpad|prism|excel|adobe|illustrator|photoshop|"
    r"inkscape|imagej|pymol|chem\w*draw|cytoscape)\b",
    re.IGNORECASE,
)
PARTICLES = frozenset(
    (
        *("of", "the", "and", "de", "da", "do", "dos", "das", "di", "du", "del", "la"),
        *("le", "van", "von", "der", "den", "e", "y", "et", "und"),
    )
)
LIST = re.compile(r"\band\b|&|;|\bund\b|\bet\b(?! al)|\b[ey]\b|\([A-Za-z]\)")
