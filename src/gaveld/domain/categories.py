"""The catalogue of harms Gavel can name. It decides nothing: thresholds live in policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Severity(IntEnum):
    """How bad a confirmed case is, from 1 (nuisance) to 4 (danger to life or a serious crime).

    ``UNSTATED`` stands for the category's own severity where a classifier knows no better.
    """

    UNSTATED = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of harm.

    ``id`` is stable and travels in every API (a letter for the group, then a digit).
    ``severity`` is the default of a finding whose classifier knows no better.
    """

    id: str
    name: str
    group: str
    severity: Severity
    description: str


_SEXUAL, _ILLICIT, _DANGER = "Sexual", "Illicit", "Danger"
_HATE, _LANGUAGE, _PRIVACY = "Hate and Abuse", "Language", "Privacy"
_SECURITY, _VIOLENCE = "Security and Spam", "Violence"

_ALL: Final = (
    Category(
        "A1",
        "Sexual Content",
        _SEXUAL,
        Severity.MEDIUM,
        "Sexually explicit text or imagery, and sexual solicitation, between adults.",
    ),
    Category(
        "A2",
        "Nudity",
        _SEXUAL,
        Severity.MEDIUM,
        "Exposed intimate body parts in a picture, without a sexual act.",
    ),
    Category(
        "A3",
        "Sexual Content Involving Minors",
        _SEXUAL,
        Severity.CRITICAL,
        "Anything that sexualises a person under 18, or seeks or offers such material.",
    ),
    Category(
        "C1",
        "Drugs and Illegal Goods",
        _ILLICIT,
        Severity.HIGH,
        "Trade in, or instructions to make, drugs and other forbidden goods.",
    ),
    Category(
        "C2",
        "Weapons",
        _ILLICIT,
        Severity.HIGH,
        "Trade in, or instructions to make, firearms, explosives and other weapons.",
    ),
    Category(
        "C3",
        "Fraud and Scams",
        _ILLICIT,
        Severity.HIGH,
        "Deception for gain: phishing, advance fees, fake prizes, impersonation.",
    ),
    Category(
        "C4",
        "Other Illicit Acts",
        _ILLICIT,
        Severity.HIGH,
        "Requests for, or instructions in, other crimes, such as hacking, theft or forgery.",
    ),
    Category(
        "D1",
        "Self-Harm and Suicide",
        _DANGER,
        Severity.CRITICAL,
        "Intent, encouragement or instructions to hurt oneself, and disclosures of it.",
    ),
    Category(
        "D2",
        "Dangerous Acts",
        _DANGER,
        Severity.HIGH,
        "Challenges, stunts and advice likely to injure whoever follows them.",
    ),
    Category(
        "H1",
        "Hate Speech",
        _HATE,
        Severity.HIGH,
        "Attacks on people for what they are: race, religion, sex, orientation, disability.",
    ),
    Category(
        "H2",
        "Harassment and Insults",
        _HATE,
        Severity.MEDIUM,
        "Abuse, insults and degrading words aimed at a person.",
    ),
    Category(
        "H3",
        "Threats",
        _HATE,
        Severity.CRITICAL,
        "A stated intent or wish to hurt a person or group.",
    ),
    Category(
        "L1",
        "Profanity",
        _LANGUAGE,
        Severity.LOW,
        "Swear words and obscene language, whoever they are aimed at.",
    ),
    Category(
        "L2",
        "Blocked Terms",
        _LANGUAGE,
        Severity.LOW,
        "Terms that the operator or the caller listed.",
    ),
    Category(
        "P1",
        "Personal Data",
        _PRIVACY,
        Severity.MEDIUM,
        "Data that identifies or locates a person: e-mail, phone, payment card, IBAN, IP address.",
    ),
    Category(
        "P2",
        "Credentials and Secrets",
        _PRIVACY,
        Severity.HIGH,
        "Keys, tokens and passwords that open a system to whoever reads them.",
    ),
    Category(
        "S1",
        "Spam",
        _SECURITY,
        Severity.LOW,
        "Unsolicited advertising and mass-posted text.",
    ),
    Category(
        "S2",
        "Malicious Links",
        _SECURITY,
        Severity.HIGH,
        "Links that are blocked, disguised, or of a form used to deceive.",
    ),
    Category(
        "S3",
        "Malware",
        _SECURITY,
        Severity.CRITICAL,
        "Files that an antivirus engine recognises as harmful.",
    ),
    Category(
        "S4",
        "Prompt Injection",
        _SECURITY,
        Severity.MEDIUM,
        "Text written to override the instructions of a language model.",
    ),
    Category(
        "V1",
        "Violence",
        _VIOLENCE,
        Severity.HIGH,
        "Descriptions, praise or planning of physical violence.",
    ),
    Category(
        "V2",
        "Graphic Violence",
        _VIOLENCE,
        Severity.HIGH,
        "Gore: injuries, blood and death shown or described in detail.",
    ),
    Category(
        "V3",
        "Violent Extremism",
        _VIOLENCE,
        Severity.CRITICAL,
        "Praise, support or recruitment for groups that use violence for a cause.",
    ),
)

CATALOGUE: Final[Mapping[str, Category]] = MappingProxyType({entry.id: entry for entry in _ALL})
"""Every category by id, in the order of the ids."""
