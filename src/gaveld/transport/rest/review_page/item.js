// Shows one review item: verdict, content, opinions, and the form to say one's own.

import { $, el, part } from "./dom.js";
import { contentParts, release } from "./content.js";
import * as words from "./words.js";

const STATES = {
  REVIEW_ITEM_STATE_PROCESSING: "Being judged",
  REVIEW_ITEM_STATE_PENDING: "Waiting",
  REVIEW_ITEM_STATE_ACCEPTED: "Accepted",
  REVIEW_ITEM_STATE_REJECTED: "Rejected",
};
const SAID = {
  REVIEW_ITEM_DECISION_ACCEPT: ["Accept", "allow"],
  REVIEW_ITEM_DECISION_REJECT: ["Reject", "block"],
  REVIEW_ITEM_DECISION_SECOND_OPINION: ["Second opinion", "review"],
};

export const stateOf = ({ state }) => STATES[state] ?? state;
export const queueOf = ({ name }) => name.split("/")[3];
export const isOpen = (item) => item?.state === "REVIEW_ITEM_STATE_PENDING";
export const when = (time) => new Date(time).toLocaleString();

/** Show an item; `acts` has what its buttons do: claim, release, accept, reject, second. */
export function show(item, reviewer, categories, acts) {
  release();
  const shown = [
    el("h2", { id: "item-title", tabIndex: -1 }, `${stateOf(item)} in ${queueOf(item)}`),
    headline(item),
    facts(item),
    ...contentParts(item),
    opinions(item),
    isOpen(item) ? decisionForm(item, reviewer, categories, acts) : null,
  ];
  $("item").replaceChildren(...shown.filter(Boolean));
  $("item-title").focus();
}

/** Show that there is no item, and why. */
export function showNone(says) {
  release();
  $("item").replaceChildren(el("p", { className: "hint empty" }, says));
}

/** Return what the form says of the item. */
export function opinion() {
  const chosen = [...document.querySelectorAll("#categories option:checked")];
  return { reason: $("reason")?.value.trim() ?? "", categoryIds: chosen.map(({ value }) => value) };
}

function headline({ verdict }) {
  if (!verdict) return el("div", { className: "headline review" }, el("p", { className: "verdict" }, "Not judged yet"));
  const coverage = verdict.coverage ?? {};
  const incomplete = coverage.status && coverage.status !== "COVERAGE_STATUS_COMPLETE";
  return el("div", { className: `headline ${words.tone(verdict.action)}` },
    el("p", { className: "verdict" }, `The policy says: ${words.action(verdict.action)}`),
    verdict.reasons?.length ? el("ul", {}, verdict.reasons.map(({ message }) => el("li", {}, message))) : null,
    incomplete ? el("p", {}, words.coverage(coverage.status)) : null,
    el("p", { className: "hint" }, `Policy ${verdict.policyRevision ?? "unknown"}`));
}

function facts({ contentId, actorId, contentType, ruleIds = [], createTime, claimant, claimExpireTime, metadata }) {
  const known = [
    ["Came", createTime ? when(createTime) : ""],
    ["Content", contentId],
    ["By", actorId],
    ["Type", contentType],
    ["Sent by rules", ruleIds.join(", ")],
    ["Taken by", claimant ? `${claimant} until ${when(claimExpireTime)}` : ""],
    ["Metadata", metadata ? JSON.stringify(metadata) : ""],
  ].filter(([, value]) => value);
  return el("dl", { className: "facts" }, known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function opinions({ opinions: said = [] }) {
  if (!said.length) return null;
  return part("What people said", el("ol", { className: "said" }, said.map(({ reviewer, decision, reason, categoryIds = [], decideTime }) => {
    const [name, tone] = SAID[decision] ?? [decision, "review"];
    return el("li", {}, el("span", { className: `chip ${tone}` }, name), " ", el("strong", {}, reviewer), " ", reason ?? "", " ",
      el("span", { className: "hint" }, [categoryIds.join(", "), when(decideTime)].filter(Boolean).join(", ")));
  })));
}

function decisionForm(item, reviewer, categories, acts) {
  const button = (name, key, says, does) =>
    el("button", { type: "button", className: name, "aria-keyshortcuts": key, onclick: does }, says, " ", el("kbd", {}, key.toUpperCase()));
  const mine = item.claimant === reviewer && reviewer;
  return el("form", { className: "decide", onsubmit: (event) => event.preventDefault() },
    el("div", { className: "field" }, el("label", { htmlFor: "reason" }, "Why, if you like"), el("textarea", { id: "reason", rows: 2, maxLength: 4096, dir: "auto" })),
    el("details", {}, el("summary", {}, "Categories that you see"),
      el("select", { id: "categories", multiple: true, size: 6, "aria-label": "Categories that you see" },
        categories.map(({ id, name }) => el("option", { value: id }, `${id} ${name}`)))),
    el("p", { className: "buttons" },
      button("accept", "a", "Accept", acts.accept),
      button("reject", "r", "Reject", acts.reject),
      button("quiet", "s", "Second opinion", acts.second),
      mine ? button("quiet", "u", "Give back", acts.release) : button("quiet", "c", "Take it", acts.claim)));
}
