// The page: lists what waits, takes items and says of them what a person decides.

import { CallError, setKey } from "./api.js";
import { load } from "./catalogue.js";
import { toggleVeils } from "./content.js";
import { $, el } from "./dom.js";
import { isOpen, opinion, queueOf, show, showNone, stateOf, when } from "./item.js";
import { listen } from "./keys.js";
import * as queue from "./queue.js";
import * as words from "./words.js";

let current = null;
let categories = [];
let nextToken = "";

const reviewer = () => $("reviewer").value.trim();
const queueId = () => $("queue").value.trim() || queue.EVERY;
const say = (text) => { $("status").textContent = text; };

const acts = {
  claim: () => act(() => queue.claim(current.name, reviewer()), "You have it."),
  release: () => act(() => queue.release(current.name, reviewer()), "Given back."),
  accept: () => decide("REVIEW_ITEM_DECISION_ACCEPT", "Accepted."),
  reject: () => decide("REVIEW_ITEM_DECISION_REJECT", "Rejected."),
  second: () => decide("REVIEW_ITEM_DECISION_SECOND_OPINION", "Left to somebody else."),
};

/** Have something done that asks the server; what fails is said. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const why = error.violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
    say(`${error.message}${why && !error.message.includes(why) ? ` ${why}` : ""}`);
  }
}

function named() {
  if (reviewer()) return true;
  say("Say first who you are.");
  $("reviewer").focus();
  return false;
}

function open(item, says) {
  current = item;
  if (item) show(item, reviewer(), categories, acts);
  else showNone(says);
  mark();
  say(says);
}

function act(work, says) {
  if (!named()) return undefined;
  return attempt(async () => {
    open(await work(), says);
    await relist();
  });
}

function decide(decision, says) {
  if (!named()) return undefined;
  return attempt(async () => {
    const decided = await queue.decide(current, { reviewer: reviewer(), decision, ...opinion() });
    if ($("go-on").checked) await takeNext(says);
    else open(decided, says);
    await relist();
  });
}

async function takeNext(before = "") {
  const item = await queue.claimNext(queueId(), reviewer());
  open(item, [before, item ? "The next item is yours." : "Nothing waits that you could take."].filter(Boolean).join(" "));
}

function next() {
  if (!named()) return undefined;
  return attempt(async () => {
    await takeNext();
    await relist();
  });
}

async function relist() {
  const page = await queue.list(queueId(), $("state").value);
  const focused = $("items").contains(document.activeElement) ? document.activeElement.dataset.name : "";
  $("items").replaceChildren(...(page.items ?? []).map(entry));
  if (!page.items?.length) $("items").append(el("li", { className: "hint" }, "Nothing here."));
  after(page);
  [...$("items").querySelectorAll("button")].find((button) => button.dataset.name === focused)?.focus();
}

function more() {
  return attempt(async () => {
    const page = await queue.list(queueId(), $("state").value, nextToken);
    $("items").append(...(page.items ?? []).map(entry));
    after(page);
  });
}

function after({ items = [], nextPageToken = "" }) {
  nextToken = nextPageToken;
  $("more").hidden = !nextToken;
  const known = new Set([...$("known-queues").children].map(({ value }) => value));
  const fresh = new Set(items.map(queueOf).filter((id) => !known.has(id)));
  $("known-queues").append(...[...fresh].map((value) => el("option", { value })));
  mark();
}

function entry(item) {
  const verdict = item.verdict ? words.action(item.verdict.action) : "not judged yet";
  const found = [...new Set((item.findings ?? []).filter(({ action }) => words.tone(action) !== "allow").map(({ categoryId }) => categoryId))];
  return el("li", {}, el("button", { type: "button", data: { name: item.name }, onclick: () => attempt(async () => open(await queue.get(item.name), `${stateOf(item)}.`)) },
    el("span", {}, item.contentId || item.name.split("/")[5]),
    el("span", { className: "hint" }, [queueOf(item), verdict, found.join(" "), item.claimant ? `taken by ${item.claimant}` : "", when(item.createTime)].filter(Boolean).join(", "))));
}

function mark() {
  for (const button of $("items").querySelectorAll("button")) {
    button.setAttribute("aria-current", String(button.dataset.name === current?.name));
  }
}

function step(by) {
  const buttons = [...$("items").querySelectorAll("button")];
  if (!buttons.length) return false;
  const at = buttons.indexOf(document.activeElement);
  const place = at < 0 ? (by > 0 ? 0 : buttons.length - 1) : Math.min(Math.max(at + by, 0), buttons.length - 1);
  buttons[place].focus();
  return true;
}

const onOpen = (does) => () => (isOpen(current) ? (does(), true) : false);

listen([
  { key: "n", says: "take the next item", does: () => { next(); } },
  { key: "a", says: "accept", does: onOpen(acts.accept) },
  { key: "r", says: "reject", does: onOpen(acts.reject) },
  { key: "s", says: "ask for a second opinion", does: onOpen(acts.second) },
  { key: "c", says: "take the item that is shown", does: onOpen(acts.claim) },
  { key: "u", says: "give it back", does: onOpen(acts.release) },
  { key: "v", says: "show or veil the pictures", does: toggleVeils },
  { key: "w", says: "write why", does: () => { const field = $("reason"); if (!field) return false; field.focus(); return true; } },
  { key: "j", says: "down the list", does: () => step(1) },
  { key: "k", says: "up the list", does: () => step(-1) },
  { key: "l", says: "list again", does: () => { attempt(relist); } },
  { key: "Escape", says: "leave a field, so that keys act again", does: () => { ($("item-title") ?? $("item")).focus(); } },
]);

async function begin() {
  await attempt(async () => { categories = await load(); });
  await attempt(relist);
}

$("queues").addEventListener("submit", (event) => { event.preventDefault(); next(); });
$("refresh").addEventListener("click", () => attempt(relist));
$("more").addEventListener("click", more);
for (const id of ["queue", "state"]) $(id).addEventListener("change", () => attempt(relist));
$("key").addEventListener("change", () => { setKey($("key").value); begin(); });
begin();
