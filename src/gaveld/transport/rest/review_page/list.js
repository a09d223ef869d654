// The list of what is in a queue, page by page; the list says which item was chosen, and no more.

import { $, el } from "./dom.js";
import { queueOf, when } from "./item.js";
import * as queue from "./queue.js";
import * as words from "./words.js";

const buttons = () => [...$("items").querySelectorAll("button")];
let nextToken = "";
let asked = 0;
let shownName = "";

/** List a queue again. Throws CallError. Of two that overlap the later one counts. */
export async function relist(queueId, state, choose) {
  const mine = ++asked;
  const page = await queue.list(queueId, state);
  if (mine !== asked) return;
  const focused = $("items").contains(document.activeElement) ? document.activeElement.dataset.name : "";
  $("items").replaceChildren();
  if (!page.items?.length) $("items").append(el("li", { className: "hint" }, "Nothing here."));
  add(page, choose);
  buttons().find((button) => button.dataset.name === focused)?.focus();
}

/** Add the next page, and go on from its first item. Throws CallError. */
export async function more(queueId, state, choose) {
  const mine = ++asked;
  const page = await queue.list(queueId, state, nextToken);
  if (mine !== asked) return;
  const before = buttons().length;
  add(page, choose);
  buttons()[before]?.focus();
}

/** Mark the item that is shown, "" for none. */
export function mark(name = shownName) {
  shownName = name;
  for (const button of buttons()) button.setAttribute("aria-current", String(button.dataset.name === name));
}

/** Go down the list, or up by -1; return whether there is one. */
export function step(by) {
  const all = buttons();
  const at = all.indexOf(document.activeElement);
  const place = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[place]?.focus();
  return all.length > 0;
}

function add({ items = [], nextPageToken = "" }, choose) {
  nextToken = nextPageToken;
  $("more").hidden = !nextToken;
  $("items").append(...items.map((item) => entry(item, choose)));
  const known = new Set([...$("known-queues").children].map(({ value }) => value));
  const fresh = new Set(items.map(queueOf).filter((id) => !known.has(id)));
  $("known-queues").append(...[...fresh].map((value) => el("option", { value })));
  mark();
}

function entry(item, choose) {
  const verdict = item.verdict ? words.action(item.verdict.action) : "not judged yet";
  const found = [...new Set((item.findings ?? []).filter(({ action }) => words.tone(action) !== "allow").map(({ categoryId }) => categoryId))];
  const known = [queueOf(item), verdict, found.join(" "), item.claimant ? `taken by ${item.claimant}` : "", when(item.createTime)];
  return el("li", {}, el("button", { type: "button", data: { name: item.name }, onclick: () => choose(item.name) },
    el("span", {}, item.contentId || item.name.split("/")[5]),
    el("span", { className: "hint" }, known.filter(Boolean).join(", "))));
}
