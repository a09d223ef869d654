"""Changes to the policy on the playground, alone and two sets side by side."""

from tests.browser.test_texts import INSULT


def test_a_change_counts_for_the_call(visitor):
    """Law: what is filled in goes as PolicyOverrides and decides."""
    visitor.write(INSULT)
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "H2", Review_from="0.2", Block_from="0.3")
    visitor.change("Changes for this call", "P1", May_act="false")
    with visitor.page.expect_request("**/v1/text:moderate") as asked:
        answer = visitor.judge()
    assert asked.value.post_data_json["policyOverrides"] == {
        "categories": {"H2": {"review": 0.2, "block": 0.3}, "P1": {"enabled": False}}
    }
    assert answer.locator(".headline .verdict").inner_text() == "Block"
    assert "ann@example.com" not in answer.locator("mark").all_inner_texts()


def test_what_is_taken_back_no_longer_counts(visitor):
    """Law: a category that was removed is as the policy has it, and can be chosen again."""
    visitor.write(INSULT)
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "H2", Block_from="0.3")
    visitor.page.get_by_role("button", name="Remove H2").click()
    with visitor.page.expect_request("**/v1/text:moderate") as asked:
        visitor.judge()
    assert "policyOverrides" not in asked.value.post_data_json
    picker = visitor.page.get_by_label("Change a category").first
    assert "H2" in {option.get_attribute("value") for option in picker.locator("option").all()}


def test_two_policies_stand_side_by_side(visitor):
    """Law: the same text under two sets of changes, with what only one of them says."""
    visitor.write(INSULT)
    visitor.unfold("Policy")
    visitor.page.get_by_label("Compare policies").check()
    assert visitor.page.get_by_label("Ask the reviewers too").is_disabled()
    visitor.change("Policy A", "H2", Block_from="0.6")
    visitor.change("Policy B", "P1", May_act="false")
    answer = visitor.judge()
    verdicts = answer.locator(".side .verdict").all_inner_texts()
    assert verdicts == ["Block", "Review"]
    said = answer.locator(".comparison").inner_text()
    assert "They differ. A says: Block. B says: Review." in said
    assert "Only A: Personal Data scored 0.95" in said
    assert "/v1/compliance/text:review" not in visitor.answers
    one, other = (answer.locator(".side").nth(place).bounding_box() for place in (0, 1))
    assert one["y"] == other["y"]
    assert one["x"] + one["width"] <= other["x"]
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.photograph("playground-compare")


def test_a_threshold_that_the_server_refuses_is_told_at_its_field(visitor):
    """Law: the server's rule is shown as it said it, beside the control that broke it."""
    visitor.write(INSULT)
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "H2", Block_from="7")
    answer = visitor.judge()
    visitor.expect_refusals()
    refused = visitor.answers["/v1/text:moderate"]["details"]
    (violation,) = [v for entry in refused for v in entry.get("fieldViolations", [])]
    assert violation["description"] in answer.get_by_role("alert").inner_text()
    assert violation["field"] in answer.get_by_role("alert").inner_text()
    control = visitor.page.get_by_label("Block from")
    assert control.get_attribute("aria-invalid") == "true"
    note = visitor.page.locator(f"#{control.get_attribute('aria-errormessage')}")
    assert note.inner_text() == violation["description"]
