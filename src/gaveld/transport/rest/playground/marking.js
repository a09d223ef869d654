// Marks findings where they stand in a text, by UTF-16 offsets, which are JavaScript's own.

import { el } from "./dom.js";
import { tone } from "./words.js";

const STRICTNESS = { allow: 0, review: 1, block: 2 };

/**
 * Return a text cut where spans begin and end: {start, end, findings, ending}, in order and without
 * gaps; `ending` are the findings whose span ends there.
 */
export function segments(text, findings) {
  const placed = findings.filter(({ span }) => span && (span.utf16Start ?? 0) < span.utf16End);
  const cuts = new Set([0, text.length]);
  for (const { span } of placed) {
    cuts.add(Math.min(span.utf16Start ?? 0, text.length));
    cuts.add(Math.min(span.utf16End, text.length));
  }
  const ordered = [...cuts].sort((a, b) => a - b);
  return ordered.slice(0, -1).map((start, place) => {
    const end = ordered[place + 1];
    const within = placed.filter(({ span }) => (span.utf16Start ?? 0) <= start && end <= span.utf16End);
    return { start, end, findings: within, ending: within.filter(({ span }) => Math.min(span.utf16End, text.length) === end) };
  });
}

/** Return a text with its findings marked; `numbered` gives each its number and its element's id. */
export function marked(text, numbered) {
  const numbers = new Map(numbered.map((entry) => [entry.finding, entry]));
  const pieces = segments(text, [...numbers.keys()]).map(({ start, end, findings, ending }) => {
    const piece = text.slice(start, end);
    if (!findings.length) return piece;
    const strictest = findings.map(({ action }) => tone(action)).reduce((a, b) => (STRICTNESS[a] >= STRICTNESS[b] ? a : b));
    return [el("mark", { className: strictest }, piece), ...ending.map((finding) => reference(numbers.get(finding)))];
  });
  return el("p", { className: "marked", dir: "auto" }, pieces.flat());
}

const reference = ({ number, id, label }) =>
  el("sup", {}, el("a", { href: `#${id}`, "aria-label": `Finding ${number}: ${label}` }, String(number)));
