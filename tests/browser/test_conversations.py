"""Conversations on the playground: pasted, judged turn by turn, with every vote."""

import json

QUARREL = """Ann: Did you see the match last night?
Ben: I did. You are an idiot, Ann,
and so is your team.
Ann: Please stop that."""


def paste(visitor, text: str) -> None:
    """Fill in a conversation."""
    visitor.pick("Conversation")
    visitor.page.get_by_label("Conversation to judge").fill(text)


def test_a_conversation_shows_turns_and_votes(visitor):
    """Law: findings are marked in the turn that they were found in, and every ballot is listed."""
    paste(visitor, QUARREL)
    answer = visitor.judge()
    told = visitor.answers["/v1/compliance/conversation:review"]
    turns = answer.locator(".turns > li")
    assert turns.count() == 3
    assert "and so is your team." in turns.nth(1).inner_text()
    acting = [entry for entry in told["findings"] if entry["action"] != "ACTION_ALLOW"]
    assert {entry["turnId"] for entry in acting} == {"1"}
    assert turns.nth(1).locator("mark").count() >= 1
    assert turns.nth(0).locator("mark").count() == turns.nth(2).locator("mark").count() == 0
    assert answer.locator(".votes li").count() == len(told["agentDecisions"]) == 10
    unsafe = [vote for vote in told["agentDecisions"] if vote["decision"] == "DECISION_UNSAFE"]
    assert answer.locator(".votes .chip.block").count() == len(unsafe)
    visitor.photograph("playground-conversation")


def test_a_pasted_chat_log_is_read_as_turns(visitor):
    """Law: a JSON array of roles and contents is a conversation with those roles."""
    log = [
        {"role": "user", "content": "Good morning"},
        {"role": "assistant", "content": "Good morning: how can I help?"},
    ]
    paste(visitor, json.dumps(log))
    with visitor.page.expect_request("**/conversation:review") as asked:
        answer = visitor.judge()
    sent = asked.value.post_data_json["content"]
    assert sent == [{"role": turn["role"], "text": turn["content"]} for turn in log]
    assert answer.locator(".turns .who").all_inner_texts() == ["user", "assistant"]


def test_policies_are_compared_turn_by_turn(visitor):
    """Law: with changes to the policy turns go as a stream, and each has its own action."""
    paste(visitor, QUARREL)
    visitor.unfold("Policy")
    visitor.page.get_by_label("Compare policies").check()
    visitor.change("Policy A", "H2", Review_from="0.1", Block_from="0.2")
    answer = visitor.judge()
    sides = answer.locator(".side")
    chips = [sides.nth(place).locator(".turns .chip").all_inner_texts() for place in (0, 1)]
    assert [len(entries) for entries in chips] == [3, 3]
    assert chips[0][1] == "Block"
    assert chips[1][1] == "Review"
    assert "Only A: In turn 2: block." in answer.locator(".comparison").inner_text()
    assert sides.nth(0).locator(".turns mark").count() >= 1


def test_a_bad_turn_is_told_with_its_place(visitor):
    """Law: of a turn that breaks a rule the server's words are shown, with the field they name."""
    paste(
        visitor, json.dumps([{"role": "user", "text": "hi"}, {"role": "NOT A ROLE", "text": "x"}])
    )
    answer = visitor.judge()
    visitor.expect_refusals()
    alert = answer.get_by_role("alert").inner_text()
    assert "content[1].role" in alert
    field = visitor.page.get_by_label("Conversation to judge")
    assert field.get_attribute("aria-invalid") == "true"
