// Shows a judgement: verdict, votes, coverage, classifiers, timings.

import { el, folded, part, table } from "./dom.js";
import { evidence, numbered } from "./evidence.js";
import { nameOf } from "./catalogue.js";
import * as words from "./words.js";

/**
 * Put the answers of an input's calls together: {verdict, action, review, findings, ...}. What an
 * answer lacks is undefined.
 */
export function judgementOf(made) {
  const moderated = made.find(({ planned }) => planned.rpc.startsWith("Moderate"))?.answer;
  const reviewed = made.find(({ planned }) => !planned.rpc.startsWith("Moderate"));
  const streams = reviewed?.planned.streams ?? false;
  const review = streams ? reviewed.answer.review : reviewed?.answer;
  return {
    verdict: moderated?.verdict,
    action: moderated?.verdict?.action ?? (streams ? reviewed.answer.action : undefined),
    review,
    findings: (moderated ?? review)?.findings ?? [],
    omittedFindingCount: moderated?.omittedFindingCount,
    coverage: moderated?.verdict?.coverage ?? review?.coverage,
    facts: moderated?.facts ?? reviewed?.answer.facts,
    turns: reviewed?.answer.turns,
    errors: reviewed?.answer.errors,
    escalations: reviewed?.answer.escalations ?? [],
    moderated,
    made,
  };
}

/** Return the parts of a judgement; `prefix` keeps the ids of two judgements apart. */
export function judgementParts(input, judgement, prefix) {
  const { review, moderated } = judgement;
  return [
    headline(judgement),
    escalations(judgement.escalations),
    ...evidence(input, numbered(judgement.findings, prefix), judgement, prefix),
    review?.agentDecisions?.length ? votes(review) : null,
    coverage(judgement.coverage),
    moderated ? classifiers(moderated) : null,
    timings(judgement),
    moderated ? scores(moderated) : null,
    moderated ? read(moderated) : null,
    folded("The answers as JSON", ...judgement.made.map(({ planned, answer }) =>
      el("div", {}, el("h4", {}, planned.rpc), el("pre", { tabIndex: 0, "aria-label": `${planned.rpc}, the answer as JSON` }, JSON.stringify(answer, null, 2))))),
  ].filter(Boolean);
}

/** Return what a judgement comes to, in one line. */
export function summary({ action, turns, review }) {
  const said = [];
  if (action) said.push(words.action(action));
  const strictest = Object.values(turns ?? {}).map((turn) => turn.action).sort(words.byStrictness).at(-1);
  if (strictest) said.push(`strictest turn: ${words.action(strictest)}`);
  if (review?.decision) said.push(`${said.length ? "reviewers: " : ""}${words.decision(review.decision)}`);
  return said.join(", ") || "No answer";
}

/** Return what a judgement rests on, sentence by sentence, for setting two side by side. */
export function grounds({ verdict, review, turns = {} }) {
  return [
    ...(verdict?.reasons ?? []).map(({ message }) => message),
    ...Object.entries(turns).map(([id, turn]) => `In ${words.turnName(id)}: ${words.action(turn.action).toLowerCase()}.`),
    ...(verdict ? [] : (review?.flaggedCategories ?? []).map(({ id, count }) => `${nameOf(id)}: ${words.count(count, "reviewer")}.`)),
  ];
}

function headline({ action, verdict, review, coverage: checked }) {
  const deciding = action ?? review?.decision;
  const incomplete = checked && checked.status !== "COVERAGE_STATUS_COMPLETE";
  return el("div", { className: `headline ${words.tone(deciding)}` },
    el("p", { className: "verdict" }, action ? words.action(action) : words.decision(deciding)),
    verdict?.reasons?.length ? el("ul", {}, verdict.reasons.map(({ message }) => el("li", {}, message))) : null,
    verdict && !verdict.reasons?.length ? el("p", {}, "No finding reached a threshold.") : null,
    verdict?.incompleteAction ? el("p", {}, `A required check did not run, so the policy says ${words.action(verdict.incompleteAction).toLowerCase()}.`) : null,
    review ? el("p", {}, verdict ? "The reviewers: " : "", review.reason || words.decision(review.decision)) : null,
    incomplete ? el("p", {}, words.coverage(checked.status)) : null,
    el("p", { className: "hint" }, `Policy ${verdict?.policyRevision ?? review?.policyRevision ?? "unknown"}`));
}

function escalations(entries) {
  if (!entries.length) return null;
  return part("Builds up over turns", el("ul", {}, entries.map((entry) => el("li", {},
    el("strong", {}, words.pattern(entry.pattern)), entry.categoryId ? ` (${nameOf(entry.categoryId)})` : "",
    ` ${words.score(entry.score)}. ${entry.reason ?? ""} `, el("span", { className: "hint" }, (entry.turnIds ?? []).map(words.turnName).join(", "))))));
}

function votes(review) {
  const { panel = {} } = review;
  const said = [
    `${panel.countedCount ?? 0} of ${panel.askedCount ?? 0} ballots counted`,
    panel.failedCount ? `${panel.failedCount} failed` : "",
    panel.outstandingCount ? `${panel.outstandingCount} could no longer change it` : "",
    words.method(review.decisionMethod),
    review.risk === undefined ? "" : `risk ${words.score(review.risk)}`,
  ].filter(Boolean).join("; ");
  return part("Who voted what",
    el("p", {}, `${said}.`),
    panel.degraded ? el("p", {}, "Fewer than half of those asked gave a ballot.") : null,
    el("ul", { className: "votes" }, review.agentDecisions.map(vote)));
}

function vote({ agentName, decision, reason, flaggedCategories = [], time = 0, model }) {
  const flagged = flaggedCategories.map(({ id, score }) => `${nameOf(id)} ${score?.toFixed(1) ?? ""}`).join(", ");
  return el("li", {},
    el("span", { className: `chip ${words.tone(decision)}` }, words.decision(decision)), " ",
    el("strong", {}, agentName), " ", reason, " ",
    el("span", { className: "hint" }, [flagged, words.time(time), model].filter(Boolean).join("; ")));
}

function coverage(checked) {
  if (!checked) return null;
  const unchecked = checked.uncheckedCategories ?? [];
  const required = unchecked.filter((entry) => entry.required);
  const others = unchecked.filter((entry) => !entry.required);
  return part("Coverage",
    el("p", {}, `${words.coverage(checked.status)} ${words.count((checked.checkedCategories ?? []).length, "category", "categories")} checked, ${unchecked.length} not.`),
    required.length ? el("p", {}, el("strong", {}, "Required and not checked")) : null, byReason(required),
    required.length && others.length ? el("p", {}, el("strong", {}, "Not checked, nor required")) : null, byReason(others));
}

function byReason(unchecked) {
  if (!unchecked.length) return null;
  const reasons = new Map();
  for (const entry of unchecked) reasons.set(entry.reason, [...(reasons.get(entry.reason) ?? []), entry]);
  return el("dl", { className: "unchecked" }, [...reasons].flatMap(([reason, entries]) => [
    el("dt", {}, words.unchecked(reason)),
    el("dd", {}, entries.map(({ categoryId, classifiers: names = [] }) =>
      el("span", { className: "chip" }, nameOf(categoryId), names.length ? el("span", { className: "hint" }, ` ${names.join(", ")}`) : null))),
  ]));
}

function classifiers({ classifierOutcomes = [] }) {
  const rows = classifierOutcomes.map(({ name, version, status, reason, duration }) =>
    [name, `${words.outcome(status)}${reason ? `: ${reason}` : ""}`, duration ? words.time(words.seconds(duration)) : "", version ?? ""]);
  return part("Classifiers", table("What became of each classifier", ["classifier", "outcome", "time", "version"], rows));
}

function timings({ moderated, made }) {
  const rows = made.map(({ planned, elapsed }) => [`${planned.rpc}, seen from here`, words.time(elapsed)]);
  for (const { planned, answer } of made) {
    const took = (planned.streams ? answer.review : answer)?.executionTime;
    if (took !== undefined) rows.push([`${planned.rpc}, in the server`, words.time(took)]);
  }
  for (const { stage, duration } of moderated?.timings ?? []) rows.push([`stage ${stage}`, words.time(words.seconds(duration))]);
  const cached = made.some(({ answer }) => answer.cached || answer.review?.cached);
  return part("Timings", table("What took how long", ["what", "time"], rows),
    cached ? el("p", { className: "hint" }, "Some of it was judged before, and given again.") : null);
}

function scores({ categoryScores = {}, attributeScores, imageScores }) {
  const rows = [
    ...Object.entries(categoryScores).map(([id, value]) => [nameOf(id), value]),
    ...Object.entries({ ...attributeScores, ...imageScores }),
  ].sort(([, a], [, b]) => b - a);
  if (!rows.length) return null;
  return folded("Scores", table("Scores of what was checked", ["what", "score", ""], rows.map(([name, value]) =>
    [name, words.score(value), el("meter", { value, min: 0, max: 1, "aria-label": name })])));
}

function read({ texts = [], codes = [], language, filteredText, description }) {
  const rows = [
    ...texts.map(({ text, confidence }) => ["text read", `${text} (${words.score(confidence)})`]),
    ...codes.map(({ format, text }) => [format, text]),
    ...(language ? [["language", `${language.code} (${words.score(language.confidence)})`]] : []),
    ...(description ? [["description", description]] : []),
    ...(filteredText ? [["filtered text", filteredText]] : []),
  ];
  return rows.length ? folded("Read and filtered", table("What was read", ["what", ""], rows)) : null;
}
