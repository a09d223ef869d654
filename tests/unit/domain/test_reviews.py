"""What panels, rules and ballots can be, and what they never are."""

import pytest

from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import PanelPlace, PanelSettings
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import (
    Ballot,
    ContentKind,
    ConversationContent,
    Decision,
    FlaggedRule,
    ReviewTask,
    TextContent,
    Turn,
    rules_in_force,
    running_digest,
)


def test_rules_are_the_catalogue_without_the_excluded():
    """Law: every category is in force unless it is excluded."""
    assert [rule.id for rule in rules_in_force()] == list(CATALOGUE)
    left = rules_in_force(["H1", "A2"])
    assert {rule.id for rule in left} == set(CATALOGUE) - {"H1", "A2"}


def test_an_unknown_rule_is_named():
    """Law: excluding what does not exist is an error with its id."""
    with pytest.raises(KeyError, match="Z9"):
        rules_in_force(["H1", "Z9"])


def test_only_unsafe_ballots_flag_rules_and_each_once():
    """Law: a ballot can't contradict itself."""
    flag = FlaggedRule("H1", 3.0)
    for decision in (Decision.SAFE, Decision.FAILED):
        with pytest.raises(ValueError, match="flags no rule"):
            Ballot("one", decision, "", "model", flagged=(flag,))
    with pytest.raises(ValueError, match="once"):
        Ballot("one", Decision.UNSAFE, "", "model", flagged=(flag, flag))


@pytest.mark.parametrize("confidence", [-0.1, 5.1, float("nan")])
def test_confidence_is_0_to_5(confidence):
    """Law: confidence outside of its scale is refused."""
    with pytest.raises(ValueError, match="outside 0–5"):
        FlaggedRule("H1", confidence)


def test_panel_settings_hold_their_ranges():
    """Law: a policy can't ask for no reviewers, eleven, the same twice, or odd thresholds."""
    for amount in (0, 11):
        with pytest.raises(ValueError, match="amount"):
            PanelSettings(amount=amount)
    with pytest.raises(ValueError, match="score_threshold"):
        PanelSettings(score_threshold=1.1)
    with pytest.raises(ValueError, match="weight"):
        PanelPlace("one", 101)
    with pytest.raises(ValueError, match="two places"):
        PanelSettings(places=(PanelPlace("one"), PanelPlace("one", 2.0)))
    with pytest.raises(ValueError, match="weighs 0"):
        PanelSettings(places=(PanelPlace("one", 0.0), PanelPlace("two", 0.0)))


def test_content_is_not_in_a_repr():
    """Law: what goes into a log by accident holds no content, context or prompt."""
    canary = "canary-text"
    for content in (TextContent(canary), ConversationContent((Turn(canary, author_id=canary),))):
        policy = Policy("house@1", {})
        task = ReviewTask(ContentKind.TEXT, content, (), policy, canary, canary)
        assert canary not in repr(task)


def test_a_conversations_digest_runs_with_it():
    """Law: each turn changes the digest, by its words, role or author, and so does their order."""
    turns = [Turn("a"), Turn("b"), Turn("a", "assistant"), Turn("a", author_id="x"), Turn("ab")]
    assert len({running_digest(b"", turn) for turn in turns}) == len(turns)
    first = running_digest(running_digest(b"", turns[0]), turns[1])
    other = running_digest(running_digest(b"", turns[1]), turns[0])
    assert first != other


def test_tasks_are_remembered_by_what_they_are():
    """Law: two tasks with equal content are two; work is shared under one task only."""
    policy = Policy("house@1", {})
    tasks = [ReviewTask(ContentKind.TEXT, TextContent("x"), (), policy) for _ in range(2)]
    assert len(set(tasks)) == 2
