"""Texts on the playground: the verdict, and what was found, where it stands."""

from tests.browser.visitor import marked, utf16

INSULT = (
    "You are an idiot, Ben, and everybody hates you. "
    "Call me on +1 650 253 0000 or write to ann@example.com."
)
DISGUISED = "😀🤡 You are an idiot, Ben 🤡! Write to ann@example.com 👍🏽"


def test_a_text_gets_its_verdict_with_findings_marked(visitor):
    """Law: the page says what the server said: action, reasons, findings, votes, coverage."""
    visitor.write(INSULT)
    answer = visitor.judge()
    told = visitor.answers["/v1/text:moderate"]
    assert told["verdict"]["action"] == "ACTION_REVIEW"
    assert answer.locator(".headline .verdict").inner_text() == "Review"
    for reason in told["verdict"]["reasons"]:
        assert reason["message"] in answer.locator(".headline").inner_text()
    marks = answer.locator("mark").all_inner_texts()
    assert {"idiot", "ann@example.com", "+1 650 253 0000"} <= set(marks)
    votes = visitor.answers["/v1/compliance/text:review"]["agentDecisions"]
    assert len(votes) == 10
    assert answer.locator(".votes li").count() == len(votes)
    for vote in votes:
        assert vote["agentName"] in answer.locator(".votes").inner_text()
    visitor.photograph("playground-text")


def test_marks_stand_at_utf16_offsets_whatever_comes_before(visitor):
    """Law: what is marked is what the server's UTF-16 spans name, among emoji and all."""
    visitor.write(DISGUISED)
    answer = visitor.judge()
    told = visitor.answers["/v1/text:moderate"]
    spans = {
        (entry["span"].get("utf16Start", 0), entry["span"]["utf16End"])
        for entry in told["findings"]
        if "span" in entry and entry["action"] != "ACTION_ALLOW"
    }
    assert spans
    shown, marks = marked(answer)
    assert shown == DISGUISED
    assert set(marks) == {utf16(DISGUISED, *span) for span in spans}


def test_what_was_not_checked_is_said_with_its_reason(visitor):
    """Law: every category that was not checked is listed, under why."""
    visitor.write("Good morning")
    answer = visitor.judge()
    told = visitor.answers["/v1/text:moderate"]["verdict"]["coverage"]
    names = {entry["id"]: entry["name"] for entry in categories(visitor)}
    shown = answer.locator(".unchecked dd > .chip").all_inner_texts()
    listed = {
        f"{entry['categoryId']} {names[entry['categoryId']]}"
        for entry in told["uncheckedCategories"]
    }
    assert {text.strip() for text in shown} == listed
    assert "no classifier for it here" in answer.locator(".unchecked").inner_text()
    assert f"{len(told['checkedCategories'])} categories checked" in answer.inner_text()


def test_every_classifier_and_stage_has_its_time(visitor):
    """Law: what ran is listed with its time, and so are the stages of the call."""
    visitor.write("Good evening to you all")
    answer = visitor.judge()
    told = visitor.answers["/v1/text:moderate"]
    rows = answer.get_by_role("table", name="What became of each classifier").locator("tbody tr")
    assert rows.count() == len(told["classifierOutcomes"])
    stages = answer.get_by_role("table", name="What took how long").inner_text()
    for entry in told["timings"]:
        assert f"stage {entry['stage']}" in stages


def test_markup_in_content_stays_text(visitor):
    """Law: content is only ever text to the page: no element comes of it, and no script runs."""
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> you idiot"
    visitor.write(hostile)
    answer = visitor.judge()
    assert marked(answer)[0] == hostile
    assert answer.locator("img, script").count() == 0


def test_reviewers_are_asked_as_the_visitor_says(visitor):
    """Law: amount and method go with the call, and without the tick nobody is asked."""
    visitor.write("Good morning")
    visitor.unfold("Reviewers")
    visitor.page.get_by_label("How many, 1 to 10").fill("3")
    visitor.page.get_by_label("How votes count").select_option("DECISION_METHOD_ANY")
    answer = visitor.judge()
    told = visitor.answers.pop("/v1/compliance/text:review")
    assert (told["panel"]["askedCount"], told["decisionMethod"]) == (3, "DECISION_METHOD_ANY")
    assert answer.locator(".votes li").count() == 3
    visitor.page.get_by_label("Ask the reviewers too").uncheck()
    visitor.judge()
    assert "/v1/compliance/text:review" not in visitor.answers


def categories(visitor) -> list[dict]:
    """The catalogue as the page got it."""
    return visitor.answers["/v1/categories?pageSize=1000"]["categories"]
