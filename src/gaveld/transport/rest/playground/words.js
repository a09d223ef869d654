// Says the contract's values in words: enums, durations, scores, sizes.

const ACTIONS = { ACTION_ALLOW: "Allow", ACTION_REVIEW: "Review", ACTION_BLOCK: "Block" };
const DECISIONS = { DECISION_SAFE: "Safe", DECISION_UNSAFE: "Unsafe", DECISION_FAILED: "No ballot" };
const COVERAGE = {
  COVERAGE_STATUS_COMPLETE: "Everything that the policy requires was checked.",
  COVERAGE_STATUS_PARTIAL: "Some of what the policy requires was not checked.",
  COVERAGE_STATUS_NONE: "Nothing that the policy requires was checked.",
};
const UNCHECKED = {
  UNCHECKED_REASON_NOT_INSTALLED: "no classifier for it here",
  UNCHECKED_REASON_FAILED: "its classifier failed",
  UNCHECKED_REASON_TIMED_OUT: "its classifier had no answer in time",
  UNCHECKED_REASON_SKIPPED: "its classifier did not look",
};
const OUTCOMES = {
  CLASSIFIER_STATUS_RAN: "ran",
  CLASSIFIER_STATUS_TIMED_OUT: "timed out",
  CLASSIFIER_STATUS_FAILED: "failed",
  CLASSIFIER_STATUS_SKIPPED: "skipped",
  CLASSIFIER_STATUS_NOT_INSTALLED: "not installed",
};
const METHODS = {
  DECISION_METHOD_AVERAGE: "at least half decide",
  DECISION_METHOD_ANY: "one is enough",
  DECISION_METHOD_ALL: "all must agree",
  DECISION_METHOD_SCORE: "the weighed risk decides",
};
const PATTERNS = {
  ESCALATION_PATTERN_REPEATED_HARASSMENT: "Repeated harassment",
  ESCALATION_PATTERN_INSISTENCE: "Going on after a refusal",
  ESCALATION_PATTERN_SELF_HARM: "Moving towards self-harm",
  ESCALATION_PATTERN_MEETING_MINOR: "Moving towards meeting a minor",
  ESCALATION_PATTERN_WHOLE: "Unsafe together, turn by turn not",
};

const worded = (words) => (value) => words[value] ?? value ?? "";
export const action = worded(ACTIONS);
export const decision = worded(DECISIONS);
export const coverage = worded(COVERAGE);
export const unchecked = worded(UNCHECKED);
export const outcome = worded(OUTCOMES);
export const method = worded(METHODS);
export const pattern = worded(PATTERNS);

/** Return the tone, "allow", "review" or "block", of an action or a decision. */
export function tone(value) {
  if (value === "ACTION_BLOCK" || value === "DECISION_UNSAFE") return "block";
  if (value === "ACTION_REVIEW" || value === "DECISION_FAILED") return "review";
  return "allow";
}

const STRICTNESS = Object.keys(ACTIONS);
/** Order actions, the strictest last. */
export const byStrictness = (one, other) => STRICTNESS.indexOf(one) - STRICTNESS.indexOf(other);

export const score = (value = 0) => value.toFixed(2);

/** Return the seconds of a duration in JSON, such as "0.012s". */
export const seconds = (duration) => Number.parseFloat(duration ?? "0");

export function time(inSeconds) {
  if (inSeconds >= 1) return `${inSeconds.toFixed(2)} s`;
  if (inSeconds >= 0.01) return `${Math.round(inSeconds * 1000)} ms`;
  return `${(inSeconds * 1000).toFixed(2)} ms`;
}

export function bytes(count) {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`;
  return count >= 1e3 ? `${Math.round(count / 1e3)} kB` : `${count} bytes`;
}

/** Turns have no ids here, so that the server names them by their place, counted from 0. */
export const turnName = (id) => `turn ${Number(id) + 1}`;

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
