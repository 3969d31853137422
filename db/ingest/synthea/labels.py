"""Codes and descriptions → HL7 sensitivity labels. Knows vocabulary; knows no person.

No Synthea file says which row is sensitive, so each label is derived: from a list of SNOMED CT and
RxNorm codes that its modules use, and from words in descriptions for the codes that the list does
not have. A claim carries every label of every code on it and of every reason given for one.

Routine questionnaires ("screening for …", "assessment of …") that Synthea puts on nearly every
visit say nothing about the person who answers, so their description gives no label; the reason of
such a row still does. Alcohol carries ETH beside ETHUD, because rules speak of ETH.
"""

from __future__ import annotations

import re

ETH, ETHUD, HIV, PSY, SDV, SEX, STD, GDIS = (
    "ETH",
    "ETHUD",
    "HIV",
    "PSY",
    "SDV",
    "SEX",
    "STD",
    "GDIS",
)

Labels = frozenset[str]
NONE: Labels = frozenset()

_CODES: dict[str, tuple[str, ...]] = {
    "55680006": (ETH,),  # drug overdose
    "1149222004": (ETH,),  # overdose
    "361055000": (ETH,),  # misuses drugs
    "6525002": (ETH,),  # dependent drug abuse
    "5602001": (ETH,),  # opioid abuse
    "56876005": (ETH,),  # drug rehabilitation and detoxification
    "351266": (ETH,),  # buprenorphine with naloxone
    "10939881000119105": (ETH, ETHUD),  # unhealthy alcohol drinking behavior
    "31676001": (HIV,),  # HIV antigen test
    "80583007": (PSY,),  # severe anxiety
    "192127007": (PSY,),  # child attention deficit disorder
    "608139": (PSY,),  # atomoxetine
    "1091392": (PSY,),  # methylphenidate
    "706893006": (SDV,),  # victim of intimate partner abuse
    "424393004": (SDV,),  # reports of violence in the environment
    "165829005": (STD,),  # gonorrhea test
    "269828009": (STD,),  # syphilis test
    "310861008": (STD,),  # chlamydia test
    "389095005": (SEX,),  # contraception care
    "183996000": (SEX,),  # sterilization requested
    "19169002": (SEX,),  # miscarriage
    "156073000": (SEX,),  # miscarriage
    "161744009": (SEX,),  # history of miscarriage
    "714812005": (SEX,),  # induced termination of pregnancy
    "230265002": (GDIS,),  # familial Alzheimer's disease
    "267253006": (SEX, GDIS),  # fetus with chromosomal abnormality
    "443529005": (SEX, GDIS),  # prenatal test for chromosomal aneuploidy
}

_ROUTINE = re.compile(r"\b(screening|assessment)\b")
_WORDS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (
        re.compile(
            r"\b(drug|opioid|opiate|cocaine|heroin|cannabis|substance) (abuse|misuse|use disorder|"
            r"dependence|addiction|overdose|withdrawal)|\b(overdose|addiction|detoxification)\b|"
            r"\b(buprenorphine|methadone|naltrexone)\b"
        ),
        (ETH,),
    ),
    (
        re.compile(
            r"\balcohol(ism| abuse| dependence| use disorder| intoxication| withdrawal| dr)"
        ),
        (ETH, ETHUD),
    ),
    (
        re.compile(
            r"\b(hiv|human immunodeficiency virus|acquired immune deficiency)\b|"
            r"\b(emtricitabine|tenofovir|dolutegravir|efavirenz|zidovudine)\b"
        ),
        (HIV,),
    ),
    (
        re.compile(
            r"\b(psychiatr|psychos|psychot|schizo|bipolar|depressi(on|ve)|suicid|panic|phobia)|"
            r"\b(anxiety|post.?traumatic stress|attention deficit|self.harm|mental)\b|"
            r"\b(fluoxetine|sertraline|paroxetine|citalopram|lithium|olanzapine|risperidone)\b|"
            r"\b(haloperidol|quetiapine|methylphenidate|atomoxetine)\b"
        ),
        (PSY,),
    ),
    (
        re.compile(
            r"\b(domestic|partner|child|sexual|physical|elder) (abuse|violence|maltreatment)|"
            r"\b(sexual assault|rape|victim of|violence)\b"
        ),
        (SDV,),
    ),
    (
        re.compile(
            r"\b(gonorrh|syphilis|chlamydia|trichomon|genital herpes|sexually transmitted)|"
            r"\bhuman papilloma"
        ),
        (STD,),
    ),
    (
        re.compile(
            r"\b(contracep|pregnan|prenatal|postnatal|antepartum|obstetric|miscarriage|abortion|"
            r"sterilization|tubal|vasectomy|intrauterine|(pre.?)?eclampsia|blighted ovum|"
            r"infertil|gender (identity|dysphoria))|\b(medroxyprogesterone|etonogestrel|"
            r"levonorgestrel|norethindrone|mestranol|ethinyl estradiol|nuvaring|mirena|liletta|"
            r"kyleena)\b"
        ),
        (SEX,),
    ),
    (
        re.compile(
            r"\b(genetic|hereditary|familial|chromosom|trisomy|down syndrome|cystic fibrosis|"
            r"sickle cell|huntington|muscular dystrophy|hemophilia)"
        ),
        (GDIS,),
    ),
)


class LabelBook:
    """Labels of each code met so far: claims.csv names codes and does not describe them."""

    def __init__(self) -> None:
        self._known: dict[str, Labels] = {}
        self._described: dict[tuple[str, str], Labels] = {}

    def learn(self, code: str, description: str) -> Labels:
        """Labels of a code with its description; remembered for the code."""
        key = code, description
        labels = self._described.get(key)
        if labels is None:
            labels = self._described[key] = labels_of(code, description)
            if code:
                self._known[code] = self._known.get(code, NONE) | labels
        return labels

    def of(self, code: str) -> Labels:
        """Labels of a code without a description."""
        return self._known.get(code, NONE) | frozenset(_CODES.get(code, ()))


def labels_of(code: str, description: str) -> Labels:
    """Labels that a code has by the list, and those that its description's words give."""
    text = description.casefold()
    found = set(_CODES.get(code, ()))
    if not _ROUTINE.search(text):
        for words, labels in _WORDS:
            if words.search(text):
                found.update(labels)
    return frozenset(found)
