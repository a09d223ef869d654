// Shows one review item: verdict, content, opinions, and the form to say one's own.

import { $, el, part } from "./dom.js";
import { contentParts, release } from "./content.js";
import * as drafts from "./drafts.js";
import { holdIfWriting } from "./keys.js";
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
export const isHeldBy = (item, reviewer) => isOpen(item) && reviewer !== "" && item.claimant === reviewer;
export const when = (time) => new Date(time).toLocaleString();
export const until = ({ claimExpireTime }) => new Date(claimExpireTime).toLocaleTimeString();

/** Return why this person can't decide an item now, or "" if they can. */
export function barrier(item, reviewer) {
  if (!isOpen(item)) return `It is not waiting: ${stateOf(item).toLowerCase()}.`;
  if ((item.opinions ?? []).some((said) => said.reviewer === reviewer)) return "It waits for the opinion of somebody else.";
  if (item.claimant && item.claimant !== reviewer) return `${item.claimant} has it until ${until(item)}.`;
  return "";
}

let shown = null;

/**
 * Show an item; `acts` has what its buttons do: claim, release, accept, reject, second. Of one that
 * is shown already only what changed is, so that typing, focus and playing videos go on.
 */
export function show(item, reviewer, categories, acts) {
  const isShown = shown?.name === item.name && isOpen(shown) && isOpen(item) && matterOf(shown) === matterOf(item);
  shown = item;
  if (isShown) {
    $("opinions").replaceWith(opinions(item));
    $("bar").replaceWith(bar(item, reviewer, acts));
    if (document.activeElement === document.body) focusTitle();
    return;
  }
  release();
  const parts = [
    el("h2", { id: "item-title", tabIndex: -1 }, `${stateOf(item)} in ${queueOf(item)}`),
    headline(item),
    ...contentParts(item),
    facts(item),
    opinions(item),
    isOpen(item) ? decisionForm(item, categories) : unsaid(item),
    isOpen(item) ? bar(item, reviewer, acts) : null,
  ].filter(Boolean);
  holdIfWriting();
  $("item").replaceChildren(...parts);
  goTo();
}

/** Have the item in sight from its beginning, and the keyboard there. */
export function goTo() {
  holdIfWriting();
  focusTitle();
  $("item").scrollIntoView({ block: "start", behavior: "instant" });
}

/** Show that there is no item, and why. */
export function showNone(says) {
  shown = null;
  release();
  holdIfWriting();
  $("item").replaceChildren(el("p", { className: "hint empty" }, says));
}

const focusTitle = () => $("item-title").focus({ preventScroll: true });
const matterOf = ({ fields, findings, verdict }) => JSON.stringify([fields, findings, verdict], inOrder);

// The server's maps have no order.
function inOrder(_, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
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
    incomplete ? el("p", {}, words.coverage(coverage.status)) : null);
}

function facts({ contentId, actorId, contentType, ruleIds = [], createTime, metadata, verdict }) {
  const known = [
    ["Came", createTime ? when(createTime) : ""],
    ["Content", contentId],
    ["By", actorId],
    ["Type", contentType],
    ["Sent by rules", ruleIds.join(", ")],
    ["Metadata", metadata ? JSON.stringify(metadata) : ""],
    ["Policy", verdict?.policyRevision],
  ].filter(([, value]) => value);
  return part("About it", el("dl", { className: "facts" }, known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)])));
}

function opinions({ opinions: said = [] }) {
  const list = said.map(({ reviewer, decision, reason, categoryIds = [], decideTime }) => {
    const [name, tone] = SAID[decision] ?? [decision, "review"];
    return el("li", {}, el("span", { className: `chip ${tone}` }, name), " ", el("strong", {}, reviewer), " ", el("bdi", {}, reason ?? ""), " ",
      el("span", { className: "hint" }, [categoryIds.join(", "), when(decideTime)].filter(Boolean).join(", ")));
  });
  return el("div", { id: "opinions" }, list.length ? part("What people said", el("ol", { className: "said" }, list)) : null);
}

function decisionForm({ name }, categories) {
  const begun = drafts.draftOf(name);
  return el("form", { className: "decide", onsubmit: (event) => event.preventDefault(), oninput: () => drafts.keep(name, opinion()) },
    el("div", { className: "field" }, el("label", { htmlFor: "reason" }, "Why, if you like"),
      el("textarea", { id: "reason", rows: 2, maxLength: 4096, dir: "auto", value: begun.reason })),
    el("details", { open: begun.categoryIds.length > 0 }, el("summary", {}, "Categories that you see"),
      el("select", { id: "categories", multiple: true, size: 6, "aria-label": "Categories that you see" },
        categories.map(({ id, name: called }) => el("option", { value: id, selected: begun.categoryIds.includes(id) }, `${id} ${called}`)))));
}

function unsaid({ name }) {
  const { reason } = drafts.draftOf(name);
  return reason ? part("What you had begun to write", el("p", { className: "marked", id: "unsaid", dir: "auto" }, reason)) : null;
}

function bar(item, reviewer, acts) {
  const button = (name, key, says, does) =>
    el("button", { type: "button", className: name, "aria-keyshortcuts": key, onclick: does }, says, " ", el("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
  const why = barrier(item, reviewer);
  const isMine = isHeldBy(item, reviewer);
  return el("div", { id: "bar", role: "group", "aria-label": "Decide" },
    el("p", { className: "buttons" },
      why ? null : [
        button("accept", "a", "Accept", acts.accept),
        button("reject", "r", "Reject", acts.reject),
        button("quiet", "s", "Second opinion", acts.second)],
      isMine ? button("quiet", "u", "Give back", acts.release) : null,
      button("quiet", "c", isMine ? "Keep longer" : "Take it", acts.claim)),
    el("p", { className: "hint" }, why || (isMine ? `Yours until ${until(item)}.` : "Nobody has it.")));
}
