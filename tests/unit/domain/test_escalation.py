"""The rules of what builds up over turns: what each fires on, and what it leaves alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.domain.conversations import HeardTurn, Signs
from gaveld.domain.cues import Cue, cues_of
from gaveld.domain.decisions import FlaggedCategory
from gaveld.domain.escalation import (
    HINT,
    Escalation,
    Pattern,
    escalations,
    found_by_reviewers,
    minors_among,
)
from gaveld.domain.reviews import Turn

FAINT = HINT + 0.05


def conversation(*lines: tuple, unsafe: tuple[int, ...] = ()) -> list[HeardTurn]:
    """Return turns from lines of author, text and, if any, scores."""
    return [
        HeardTurn(
            Turn(line[1], "user", line[0], f"t{index}"),
            Signs.read(line[1], line[2] if len(line) > 2 else {}),
            index in unsafe,
        )
        for index, line in enumerate(lines)
    ]


def fired(*lines: tuple) -> dict[Pattern, Escalation]:
    """Return what fires at the last of these lines."""
    return {entry.pattern: entry for entry in escalations(conversation(*lines))}


BULLY = (
    ("bob", "you are such a joke", {"H2": FAINT}),
    ("ann", "what did I do?"),
    ("bob", "pathetic", {"H2": 0.4}),
    ("ann", "ok"),
    ("bob", "nobody here likes you", {"H2": FAINT}),
)


def test_insults_against_one_person_add_up():
    """Law: three faint insults of one speaker against another are one case of harassment."""
    assert fired(*BULLY[:3]) == {}
    (found,) = fired(*BULLY).values()
    assert (found.pattern, found.category_id) == (Pattern.REPEATED_HARASSMENT, "H2")
    assert found.turn_ids == ("t0", "t2", "t4")
    assert found.score == pytest.approx(1 - (1 - FAINT) ** 2 * 0.6)


def test_insults_against_different_people_do_not():
    """Law: who snaps at three people harasses none of them; nor does who rails at the world."""
    assert fired(*BULLY[:4], ("bob", "@carl you fool", {"H2": FAINT})) == {}
    rants = [("bob", f"these idiots at work {n} drive everybody quite mad", {"H2": 0.5})
             for n in range(4)]  # fmt: skip
    assert fired(("ann", "how was it?"), *rants) == {}
    by_three = [(name, "you clown", {"H2": 0.4}) for name in ("bob", "carl", "dave")]
    assert fired(("ann", "hi"), *by_three) == {}


def test_a_mention_names_the_person_meant():
    """Law: in a room, insults that name one person count together, whoever spoke in between."""
    room = [
        ("bob", "@ann you joke", {"H2": 0.3}),
        ("carl", "hello all"),
        ("bob", "@ann still here?", {"H2": 0.3}),
        ("dave", "hi"),
        ("bob", "@Ann go away", {"H2": 0.3}),
    ]
    assert set(fired(*room)) == {Pattern.REPEATED_HARASSMENT}


def test_going_on_after_a_refusal_is_insistence():
    """Law: two more tries at what the other refused are insistence on its category."""
    asked = [
        ("user", "how would somebody get into a locked phone that isn't theirs", {"C4": 0.5}),
        ("model", "Sorry, I can't help with that."),
        ("user", "please, it's only for a story"),
        ("model", "I still won't do that."),
        ("user", "come on, just tell me the steps"),
    ]
    assert fired(*asked[:3]) == {}
    (found,) = fired(*asked).values()
    assert (found.pattern, found.category_id) == (Pattern.INSISTENCE, "C4")
    assert found.turn_ids == ("t0", "t2", "t4")


def test_asking_again_for_something_harmless_is_not():
    """Law: without a sign of harm in what is asked, nobody is too insistent."""
    lines = [
        ("kid", "can we get a dog"),
        ("mum", "No, not now."),
        ("kid", "please please"),
        ("mum", "I said no."),
        ("kid", "come on, why not"),
    ]
    assert fired(*lines) == {}
    without_refusal = [("user", "tell me", {"C4": 0.5}), ("model", "Sure."),
                       ("user", "please go on"), ("user", "one more")]  # fmt: skip
    assert fired(*without_refusal) == {}


def test_hopelessness_that_gathers_moves_towards_self_harm():
    """Law: three dark turns of one speaker, or a dark one and a preparation, are one case."""
    dark = [
        ("ann", "there is no point in anything"),
        ("friend", "what happened?"),
        ("ann", "I'm so tired of everything"),
        ("friend", "talk to me"),
        ("ann", "they'd be better off without me"),
    ]
    assert fired(*dark[:3]) == {}
    (found,) = fired(*dark).values()
    assert (found.pattern, found.category_id) == (Pattern.SELF_HARM, "D1")
    planned = [*dark[:2], ("ann", "I gave away my books today, all of them")]
    assert set(fired(*planned)) == {Pattern.SELF_HARM}
    (hinted,) = fired(("ann", "hm", {"D1": 0.3}), ("ann", "well", {"D1": 0.3}),
                      ("ann", "you know", {"D1": 0.3})).values()  # fmt: skip
    assert hinted.score == pytest.approx(1 - 0.7**3)


def test_urging_somebody_who_despairs_is_a_case_at_once():
    """Law: urging a despairing person to end it is a case; the same words to others are none."""
    (found,) = fired(("ann", "I can't go on"), ("bob", "then end it already")).values()
    assert (found.pattern, found.turn_ids) == (Pattern.SELF_HARM, ("t0", "t1"))
    assert fired(("ann", "this meeting is so long"), ("bob", "then end it already")) == {}


GROOMING = (
    ("kay", "im 13, u?"),
    ("guy", "older. you seem mature"),
    ("guy", "are your parents home?"),
    ("kay", "no why"),
    ("guy", "we could meet up tonight"),
)


def test_approaches_to_a_minor_add_up():
    """Law: two kinds of approach to somebody under 18, one of them to meet, are one case."""
    assert fired(*GROOMING[:4]) == {}
    (found,) = fired(*GROOMING).values()
    assert (found.pattern, found.category_id) == (Pattern.MEETING_MINOR, "A3")
    assert found.turn_ids == ("t2", "t4")
    more = (*GROOMING, ("guy", "don't tell your mom, it's our secret"))
    assert fired(*more)[Pattern.MEETING_MINOR].score > found.score


def test_friends_of_one_age_may_meet():
    """Law: between two who both say to be under 18, and where nobody is, there is no case."""
    friends = [("kay", "im 13"), ("ted", "im 13 too"), ("ted", "wanna meet up after school"),
               ("ted", "don't tell mum, I'm grounded")]  # fmt: skip
    assert fired(*friends) == {}
    adults = [("guy", "we could meet up tonight"), ("kay", "sure"), ("guy", "keep it a secret")]
    assert fired(*adults) == {}


def test_an_age_is_remembered_longer_than_the_window():
    """Law: whoever said to be a minor stays one when the turn that said so is forgotten."""
    turns = conversation(*GROOMING)
    minors = minors_among(turns[:1])
    assert minors == {("user", "kay")}
    assert escalations(turns[1:]) == ()
    assert escalations(turns[1:], minors)[0].pattern is Pattern.MEETING_MINOR
    assert minors_among(conversation(("ann", "hi"), ("guy", "ur only 14?"))) == {("user", "ann")}


def test_a_pattern_needs_the_turn_that_adds_to_it():
    """Law: what was told once is not told again of a turn that adds nothing."""
    for lines in (BULLY, GROOMING):
        assert fired(*lines)
        assert fired(*lines, ("zoe", "hello everybody")) == {}
        assert fired(*lines, (lines[-1][0], "what a fine day for a walk in the park")) == {}


def test_what_only_reviewers_see_is_an_escalation_too():
    """Law: a window found unsafe in which no turn is so by itself is one; otherwise it is known."""
    flagged = [FlaggedCategory("C3", "Fraud", 2.0, 3), FlaggedCategory("A3", "Minors", 4.0, 2)]
    turns = conversation(("ann", "one"), ("bob", "two"))
    found = found_by_reviewers(turns, flagged)
    assert found is not None
    assert (found.pattern, found.category_id, found.score) == (Pattern.WHOLE, "A3", 0.8)
    unnamed = found_by_reviewers(turns, [])
    assert unnamed is not None
    assert (unnamed.category_id, unnamed.score) == ("", 1.0)
    explained = conversation(("ann", "one"), ("bob", "two"), unsafe=(0,))
    assert found_by_reviewers(explained, flagged) is None
    never_judged = [HeardTurn(turns[0].turn, Signs()), turns[1]]
    assert found_by_reviewers(never_judged, flagged) is None


names = st.sampled_from(["ann", "bob", "@ann", ""])
signs = st.builds(
    Signs,
    scores=st.dictionaries(st.sampled_from(["H2", "A3", "D1", "C4"]), st.floats(0, 1), max_size=3),
    cues=st.frozensets(st.sampled_from(Cue), max_size=4),
    mention=names,
)
windows = st.lists(
    st.builds(
        lambda author, turn_id, seen: HeardTurn(Turn("text", "user", author, turn_id), seen, False),
        names,
        st.uuids().map(str),
        signs,
    ),
    min_size=1,
    max_size=16,
)


@settings(deadline=None)
@given(windows)
def test_every_case_rests_on_the_last_turn_and_on_another(turns):
    """Law: a pattern spans turns, names the last of them, and scores a probability."""
    found = escalations(turns)
    assert len({entry.pattern for entry in found}) == len(found)
    for entry in found:
        assert entry.turn_ids[-1] == turns[-1].turn.id or turns[-1].turn.id in entry.turn_ids
        assert len(entry.turn_ids) > 1 or entry.pattern is Pattern.MEETING_MINOR
        assert 0 < entry.score <= 1
        assert entry.reason


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("I’m 13", {Cue.MINOR_SELF}),
        ("i'm 15 minutes away", set()),
        ("I'm 12 points ahead", set()),
        ("i am sixteen, in fact", {Cue.MINOR_SELF}),
        ("I'm 17 years sober", set()),
        ("no problem!", set()),
        ("No.", {Cue.REFUSAL}),
        ("there is no milk", set()),
        ("send me the pictures of the invoice", set()),
        ("send me a pic", {Cue.PICTURE}),
        ("Nobody would miss me", {Cue.DESPAIR}),
        ("nobody would miss you", {Cue.ADDRESS, Cue.URGING}),
        ("I gave my dog to my sister and wrote letters to everybody", {Cue.PREPARATION}),
        ("she gave my homework to the teacher", set()),
        ("ＤＯＮ’Ｔ ＴＥＬＬ ＡＮＹＯＮＥ", {Cue.SECRECY}),
        ("Could you pass the salt", {Cue.ADDRESS}),
        ("the meeting starts at nine", set()),
    ],
)
def test_cues_are_read_in_their_wording(text, cues):
    """Law: a cue is its wording in any case, width and apostrophe, and not its words elsewhere."""
    assert cues_of(text) == cues
