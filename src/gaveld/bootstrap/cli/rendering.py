"""Answers of the server as tables for a person. Content is shown with control characters tamed."""

from collections.abc import Iterable

from gavel.v1 import category_service_pb2, moderation_service_pb2, verdict_pb2
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_COLOURS = {
    verdict_pb2.ACTION_ALLOW: "bold green",
    verdict_pb2.ACTION_REVIEW: "bold yellow",
    verdict_pb2.ACTION_BLOCK: "bold red",
}


def print_judgement(
    console: Console, text: str, response: moderation_service_pb2.ModerateTextResponse
) -> None:
    """Print the verdict, what was found and where, attributes, topics, mood and who looked."""
    console.print(_headline(response))
    parts: list[RenderableType] = []
    if response.findings:
        parts.append(_findings(text, response.findings))
    parts.append(_attributes(response.attribute_scores))
    parts.extend(_subject(response))
    if response.filtered_text != text:
        parts.append(Text.assemble("filtered  ", (tamed(response.filtered_text), "dim")))
    parts.extend(_gaps(response))
    for timing in response.timings:
        seconds = timing.duration.ToTimedelta().total_seconds()
        parts.append(Text(f"{timing.stage:<10}{seconds * 1000:8.3f} ms", style="dim"))
    console.print(Group(*parts))


def print_categories(console: Console, categories: Iterable[category_service_pb2.Category]) -> None:
    """Print the catalogue and which installed classifiers cover each category."""
    table = Table("id", "name", "group", "severity", "covered by")
    for category in categories:
        names = ", ".join(entry.name for entry in category.classifiers if entry.installed)
        table.add_row(
            category.id,
            category.name,
            category.group,
            _word(verdict_pb2.Severity.Name(category.severity)),
            names or Text("nothing installed", style="yellow"),
        )
    console.print(table)


def tamed(text: str) -> str:
    """Return the text with characters that could drive a terminal replaced by U+FFFD."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def action_name(action: "verdict_pb2.Action.ValueType") -> str:
    """Return an action as a person says it, such as ``block``."""
    return _word(verdict_pb2.Action.Name(action))


def _headline(response: moderation_service_pb2.ModerateTextResponse) -> Text:
    verdict = response.verdict
    coverage = _word(verdict_pb2.CoverageStatus.Name(verdict.coverage.status))
    language = "unknown, its detector failed"
    if response.HasField("language"):
        language = f"{response.language.code} ({response.language.confidence:.2f})"
    return Text.assemble(
        (action_name(verdict.action), _COLOURS.get(verdict.action, "")),
        f"  coverage {coverage}",
        f"  language {language}",
        (f"  policy {verdict.policy_revision}", "dim"),
    )


def _findings(text: str, findings: Iterable[verdict_pb2.Finding]) -> Table:
    encoded = text.encode()
    table = Table("category", "score", "severity", "action", "where", "classifier", "reason")
    for finding in findings:
        where = "whole text"
        if finding.HasField("span"):
            start, end = finding.span.byte_start, finding.span.byte_end
            where = f"{start}–{end} {tamed(encoded[start:end].decode())!r}"
        table.add_row(
            finding.category_id,
            f"{finding.score:.2f}",
            _word(verdict_pb2.Severity.Name(finding.severity)),
            Text(action_name(finding.action), style=_COLOURS.get(finding.action, "")),
            Text(where),
            f"{finding.classifier} {finding.classifier_version}",
            finding.reason,
        )
    return table


def _attributes(scores: verdict_pb2.AttributeScores) -> Text:
    shown = [
        f"{field.name} {getattr(scores, field.name):.2f}"
        if scores.HasField(field.name)  # type: ignore[arg-type] # a name from the descriptor
        else f"{field.name} not scored"
        for field in scores.DESCRIPTOR.fields
    ]
    return Text("scores    " + ", ".join(shown), style="dim")


def _subject(response: moderation_service_pb2.ModerateTextResponse) -> Iterable[Text]:
    if response.topics:
        named = (f"{topic.name} {topic.score:.2f}" for topic in response.topics)
        yield Text("topics    " + ", ".join(named), style="dim")
    if response.HasField("sentiment"):
        label = _word(verdict_pb2.SentimentLabel.Name(response.sentiment.label))
        yield Text(f"sentiment {label} {response.sentiment.score:+.2f}", style="dim")


def _gaps(response: moderation_service_pb2.ModerateTextResponse) -> Iterable[Text]:
    unchecked = response.verdict.coverage.unchecked_categories
    required = [entry.category_id for entry in unchecked if entry.required]
    others = [entry.category_id for entry in unchecked if not entry.required]
    if required:
        yield Text(f"not checked, though required: {', '.join(required)}", style="yellow")
    if others:
        yield Text(f"not checked: {', '.join(others)}", style="dim")
    for outcome in response.classifier_outcomes:
        if outcome.status != verdict_pb2.CLASSIFIER_STATUS_RAN:
            status = _word(verdict_pb2.ClassifierStatus.Name(outcome.status))
            yield Text(f"{outcome.name}: {status}. {outcome.reason}", style="yellow")


def _word(enum_name: str) -> str:
    for prefix in (
        "ACTION_",
        "SEVERITY_",
        "COVERAGE_STATUS_",
        "CLASSIFIER_STATUS_",
        "SENTIMENT_LABEL_",
    ):
        enum_name = enum_name.removeprefix(prefix)
    return enum_name.replace("_", " ").lower()
