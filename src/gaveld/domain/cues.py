"""Wordings that mean little alone and much together, such as an age, a refusal or a secret.

They are read with fixed patterns in English, in any letter case and width; a disguised or foreign
wording is left to the reviewers. A cue accuses nobody: ``escalation`` says what several come to.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Cue(StrEnum):
    """What a turn does, as far as its wording tells."""

    ADDRESS = "address"
    """It speaks to somebody."""
    REFUSAL = "refusal"
    """It says no, or asks for an end."""
    PRESSURE = "pressure"
    """It asks again."""
    MINOR_SELF = "minor_self"
    """Its author says to be under 18."""
    MINOR_OTHER = "minor_other"
    """It says that the other is under 18."""
    MEETING = "meeting"
    """It proposes to meet, or asks where somebody lives."""
    SECRECY = "secrecy"
    """It asks to keep a secret, or to move where nobody looks."""
    PICTURE = "picture"
    """It asks for a picture of somebody, or what they wear."""
    ALONE = "alone"
    """It asks whether somebody is alone."""
    DESPAIR = "despair"
    """It says that life has no hope or worth."""
    PREPARATION = "preparation"
    """It speaks of means, of farewell, or of what shall be after one's death."""
    URGING = "urging"
    """It urges somebody to end their life."""


_AGE: Final = r"(?:[5-9]|1[0-7]|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)"
_NO_COUNT: Final = (
    r"(?!\s*(?:[%:.,]?\d|%|k\b|percent|min|hours?|hrs?|days?|weeks?|months?|km|kg|lbs?|miles?|"
    r"points?|floors?|people|away|late|[ap]m\b|fe?e?t\b|(?:of|in|out|and)\b|years? (?:into|sober|"
    r"older|younger|late|in\b|now)))"
)
"""Follows an age that is one, and not a number of something else."""
_YOU: Final = "(?:you|u)"
_YOUR: Final = "(?:your|ur)"
_PARENTS: Final = "(?:parents|mom|mum|dad|folks)"

_WORDINGS: Final[Mapping[Cue, tuple[str, ...]]] = MappingProxyType(
    {
        Cue.ADDRESS: (
            r"(?:you|u|ya|ur|you're|youre|your)(?:rself|rs)?",
            r"@\w[\w.-]*",
        ),
        Cue.REFUSAL: (
            r"^\W*(?:no+|nope|nah|stop|never)(?! (?:problem|worries|doubt|idea|one|matter|mind))",
            r"i (?:said|told you) no",
            r"please stop",
            r"stop (?:it|that|asking|texting|messaging|writing|sending|calling|following)",
            r"leave me alone",
            r"i (?:really )?(?:do not|don't|dont|won't|wont|will not) (?:want|feel|like|think so)",
            r"i (?:won't|wont|will not) (?:do that|send|meet|talk|answer)",
            r"not (?:comfortable|interested)",
            (
                r"i (?:can't|can ?not|won't|will not|must not|am not able to) "
                r"(?:help|assist|do that|provide|share|give|answer|discuss|write|continue)"
            ),
            r"i'm (?:not able|unable) to",
            r"sorry, but i",
            r"don't (?:contact|text|message|call|write to) me",
        ),
        Cue.PRESSURE: (
            r"come on",
            r"c'?mon",
            r"just (?:once|one|this once|tell me|do it|say it|try|answer)",
            r"pl(?:ea)?s+e*",
            r"plz",
            r"why not",
            rf"{_YOU} (?:have to|must|owe me|promised|should)",
            r"i insist",
            r"i (?:won't|will not) (?:stop|give up)",
            r"don't be (?:like that|shy|so|a)",
            r"i'll (?:keep|ask again)",
            r"answer me",
            r"ignore (?:that|your|the|all)",
            r"pretend",
            r"hypothetically",
            r"for a (?:story|novel|friend)",
            r"one more",
        ),
        Cue.MINOR_SELF: (
            rf"(?:i'?m|i am|i turned|i'll be)(?: only| just| almost)? {_AGE}\b{_NO_COUNT}",
            rf"{_AGE}(?:/m|/?f)",
            rf"my {_PARENTS} (?:won't|wont|don't|dont|doesn't|will not|never) let me",
            r"i'?m in (?:\dth|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth) grade",
            r"i'?m in (?:middle|elementary|primary) school",
        ),
        Cue.MINOR_OTHER: (
            rf"(?:you're|youre|{_YOU} (?:are|r)|ur)(?: only| just| still)? {_AGE}\b{_NO_COUNT}",
            rf"for an? {_AGE}[ -]?(?:year|yr|yo|y/o)\w*",
            rf"{_YOUR} (?:grade|homework|middle school|teacher)",
        ),
        Cue.MEETING: (
            r"meet(?:ing)? (?:up|me|you|u|irl|in person|in real life|somewhere|after|tonight)",
            r"(?:can|could|should|let's|lets|wanna|want to|gonna) (?:we )?meet",
            r"come (?:over|round|by|to my)",
            rf"pick {_YOU} up",
            rf"where (?:exactly )?do {_YOU} live",
            rf"{_YOUR} address",
            r"i(?:'ll| will| can) (?:drive|come) (?:to|over|by|round|and get)",
            r"get in (?:my|the) car",
            r"hang out (?:alone|just us|at mine|at my)",
        ),
        Cue.SECRECY: (
            (
                r"(?:don't|dont|do not|never|can't|cannot) (?:ever )?(?:tell|let) "
                r"(?:any(?:one|body|1)|a soul|people|them|your|ur|mom|mum|dad)"
            ),
            r"our (?:little )?secret",
            r"keep (?:this|it|that)(?: just)? (?:between us|a secret|secret|quiet)",
            r"between (?:you and me|u and me|us)",
            (
                rf"delete (?:this|these|the|our|{_YOUR}) "
                r"(?:chat|messages?|msgs?|texts?|history|conversation|pics?)"
            ),
            (
                r"(?:add|text|message|msg|dm|hit) me on "
                r"(?:snap\w*|telegram|whats\s?app|kik|signal|discord|insta\w*)"
            ),
            r"nobody (?:has|needs) to know",
        ),
        Cue.PICTURE: (
            (
                rf"(?:send|show|take|gimme|give) (?:me )?(?:(?:an?|some|more|one|{_YOUR}) ){{0,3}}"
                r"(?:pics?|pictures?|photos?|selfies?|nudes?|vids?|videos?)"
                r"(?! of (?:the|an?|it|that)\b)"
            ),
            rf"what (?:are|r) {_YOU} wearing",
            rf"turn on {_YOUR} (?:cam|camera|webcam)",
        ),
        Cue.ALONE: (
            rf"(?:are|r) {_YOU} (?:home )?alone",
            rf"{_YOU} home alone",
            rf"(?:are|r|is) {_YOUR} {_PARENTS} (?:home|there|around|asleep|out|at work)",
            rf"when (?:do|does|are|is) {_YOUR} {_PARENTS}",
        ),
        Cue.DESPAIR: (
            r"no (?:point|reason) (?:in |to )?(?:living|life|live|going on|anything|any ?more)",
            r"(?:can't|cant|cannot) (?:go on|keep going|do this|take (?:it|this))(?: any ?more)?",
            r"better off without me",
            (
                r"(?:want to|wanna|wish i could|wish i was|wish i were) "
                r"(?:die|dead|be dead|disappear|not wake up)"
            ),
            rf"(?:nobody|no one|noone) (?:would|will) (?:miss|notice|care)(?! (?:about )?{_YOU}\b)",
            r"i(?:'m| am) (?:worthless|a burden|nothing)",
            r"hate (?:being alive|my life)",
            r"tired of (?:living|life|being alive|existing|everything)",
            r"nothing (?:matters|will get better|left)",
        ),
        Cue.PREPARATION: (
            r"(?:how many|enough|all my|all the|bottle of) (?:\w+ )?(?:pills|tablets|painkillers)",
            r"goodbye (?:note|letter|everyone|to everyone)",
            r"(?:suicide|farewell) (?:note|letter)",
            (
                r"(?:wrote|writing|written) (?:(?:my|a|the) )?(?:note|letter)s? "
                r"to (?:my|every(?:one|body)|them|you all)"
            ),
            r"(?:giving|gave|given) away (?:all )?my (?:things|stuff|clothes|cat|dog|books)",
            (
                r"(?:giving|gave|given) (?:all )?my (?:things|stuff|clothes|cat|dog|books) "
                r"(?:away|to (?:my|a|the|some))"
            ),
            r"who (?:will|would) (?:take|get|look after) my",
            r"(?:when|after) i'?m gone",
            r"tonight is the night",
            r"won't be (?:here|around) (?:tomorrow|much longer|next)",
        ),
        Cue.URGING: (
            r"kill (?:yourself|urself|ur self)",
            r"kys",
            rf"(?:nobody|no one|noone) (?:would|will) (?:miss|care about) {_YOU}",
            rf"better off without {_YOU}",
            r"end it (?:all|already|then|now)",
            r"go (?:die|hang yourself|jump)",
            rf"(?:do|did)n't {_YOU} (?:even )?(?:do|try) it (?:already|yet)",
            r"just do it already",
        ),
    }
)

_COMPILED: Final = tuple(
    (cue, re.compile(rf"(?<!\w)(?:{'|'.join(wordings)})(?!\w)"))
    for cue, wordings in _WORDINGS.items()
)
_MENTION: Final = re.compile(r"(?<!\S)@([\w.-]{1,64})")
_APOSTROPHES: Final = str.maketrans({"’": "'", "\u2018": "'", "`": "'"})


def cues_of(text: str) -> frozenset[Cue]:
    """Return the cues that a text gives. It takes time in proportion to it: 2 µs a character."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    return frozenset(cue for cue, pattern in _COMPILED if pattern.search(plain))


def mention_in(text: str) -> str:
    """Return the first name that a text speaks to as ``@name``, in lower case; empty if none."""
    found = _MENTION.search(text)
    return found[1].lower() if found else ""
