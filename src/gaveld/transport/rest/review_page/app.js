// The page: takes items, shows them, and says of them what a person decides. One thing at a time.

import * as address from "./address.js";
import { CallError, setKey } from "./api.js";
import { load } from "./catalogue.js";
import { toggleVeils } from "./content.js";
import { $ } from "./dom.js";
import * as drafts from "./drafts.js";
import { barrier, goTo, isHeldBy, isOpen, opinion, show, showNone, stateOf, until } from "./item.js";
import { hold, listen } from "./keys.js";
import * as lease from "./lease.js";
import { mark, more, relist, step } from "./list.js";
import * as queue from "./queue.js";
import { remember } from "./remembered.js";

const CHANGED = new Set(["ETAG_MISMATCH", "ITEM_CLAIMED", "ITEM_NOT_OPEN"]);

let current = null;
let categories = [];
let isBusy = false;
let followsLater = false;

const reviewer = () => $("reviewer").value.trim();
const queueId = () => $("queue").value.trim() || queue.EVERY;
const say = (...sentences) => { $("status").textContent = [...new Set(sentences.filter(Boolean))].join(" "); };

const acts = {
  claim: () => act(() => queue.claim(current.name, reviewer()), "You have it."),
  release: () => act(() => queue.release(current.name, reviewer()), "Given back."),
  accept: () => decide("REVIEW_ITEM_DECISION_ACCEPT", "Accepted."),
  reject: () => decide("REVIEW_ITEM_DECISION_REJECT", "Rejected."),
  second: () => decide("REVIEW_ITEM_DECISION_SECOND_OPINION", "Left to somebody else."),
};

/**
 * Do what asks the server, unless something is being done: a key that is pressed twice acts once.
 * What fails is said after `before`, with what `failed` makes of it. Return whether it was done.
 */
async function attempt(work, before = "", failed = afterFailure) {
  if (isBusy) return false;
  isBusy = true;
  $("item").setAttribute("aria-busy", "true");
  try {
    await work();
    return true;
  } catch (error) {
    say(before, told(error), error instanceof CallError ? await failed(error) : "");
    return false;
  } finally {
    isBusy = false;
    $("item").removeAttribute("aria-busy");
    if (followsLater) follow();
  }
}

function told(error) {
  if (!(error instanceof CallError)) {
    reportError(error);
    return "Something on this page failed; reload it.";
  }
  if (error.http === 401) $("key").closest("details").open = true;
  const why = error.violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  const again = error.retryAfter ? `A repeat may help after ${error.retryAfter} s.` : "";
  return [error.message, error.message.includes(why) ? "" : why, again].filter(Boolean).join(" ");
}

/** Return what else there is to say; an item that is not as it was read is read again. */
async function afterFailure(error) {
  if (queue.isUnsure(error)) return "What you wrote is kept, and a repeat counts once.";
  if (CHANGED.has(error.reason) && current) {
    try {
      display(await queue.get(current.name));
    } catch {
      return "";
    }
    return "It is shown as it is now.";
  }
  return "";
}

function named() {
  if (!reviewer()) {
    say("Say first who you are.");
    $("reviewer").focus();
  }
  return reviewer() !== "";
}

function display(item) {
  current = item;
  lease.forget();
  show(item, reviewer(), categories, acts);
  if (!isOpen(item)) drafts.forget(item.name);
  if (isHeldBy(item, reviewer())) lease.watch(item.claimExpireTime, leaseEnds, leaseEnded);
  address.tell(item.name);
  mark(item.name);
}

function displayNone(says) {
  current = null;
  lease.forget();
  showNone(says);
  address.tell("");
  mark("");
}

function leaseEnds() {
  say(`Your claim ends at ${until(current)}: decide, or keep the item longer.`);
}

async function leaseEnded() {
  const left = { ...current, claimant: "" };
  display(left);
  say("Your claim is over.");
  try {
    const item = await queue.get(left.name);
    if (current !== left) return; // something else was done meanwhile
    display(item);
    say("Your claim is over.", barrier(item, reviewer()) || "Nobody else has the item: take it again, or decide.",
      isOpen(item) ? "" : "It is shown as it is now.");
  } catch (error) {
    say("Your claim is over.", told(error));
  }
}

async function act(work, says) {
  if (!named()) return;
  await attempt(async () => { display(await work()); say(says); });
  listAgain();
}

async function decide(decision, says) {
  if (!named()) return;
  const why = barrier(current, reviewer());
  if (why) { say(why); return; }
  let decided;
  const isDone = await attempt(async () => { decided = await queue.decide(current, { reviewer: reviewer(), decision, ...opinion() }); });
  if (!isDone) return;
  drafts.forget(decided.name);
  if ($("go-on").checked) await attempt(() => takeNext(says), says, () => display(decided));
  else { display(decided); say(says); }
  drafts.forget(decided.name); // what was typed on, until the next item came, is for none
  listAgain();
}

async function takeNext(before = "") {
  const item = await queue.claimNext(queueId(), reviewer());
  if (item) display(item);
  else displayNone("Nothing waits that you could take.");
  say(before, item ? "The next item is yours." : "Nothing waits that you could take.");
}

async function next() {
  if (!named()) return;
  await attempt(takeNext);
  listAgain();
}

const choose = (name) => attempt(async () => {
  const item = await queue.get(name);
  display(item);
  goTo();
  say(`${stateOf(item)}.`);
});

/** List again; what is said of that follows what was said before. */
async function listAgain() {
  try {
    await relist(queueId(), $("state").value, choose);
  } catch (error) {
    say($("status").textContent, told(error));
  }
}

async function showMore() {
  try {
    await more(queueId(), $("state").value, choose);
  } catch (error) {
    say(told(error));
  }
}

/** Show what the address tells; what is under way comes first. */
function follow() {
  followsLater = isBusy;
  if (isBusy) return;
  const name = address.told();
  if (name === (current?.name ?? "")) return;
  if (name) choose(name);
  else displayNone("Take the next item, or choose one of the list.");
}

/** Go to the field for the reason; while its item may go, what is typed after it is for no key. */
function write() {
  if (isBusy) hold();
  else $("reason")?.focus();
  return isBusy || $("reason") !== null;
}

const onOpen = (does) => () => (isOpen(current) ? (does(), true) : false);

listen([
  { key: "n", says: "take the next item", does: () => { next(); } },
  { key: "a", says: "accept", does: onOpen(acts.accept) },
  { key: "r", says: "reject", does: onOpen(acts.reject) },
  { key: "s", says: "ask for a second opinion", does: onOpen(acts.second) },
  { key: "c", says: "take the item that is shown, or keep it longer", does: onOpen(acts.claim) },
  { key: "u", says: "give it back", does: onOpen(acts.release) },
  { key: "v", says: "show or veil the pictures", does: toggleVeils },
  { key: "w", says: "write why", does: write },
  { key: "j", says: "down the list", does: () => step(1), repeats: true },
  { key: "k", says: "up the list", does: () => step(-1), repeats: true },
  { key: "l", says: "list again", does: () => { say(""); listAgain(); } },
  { key: "Escape", says: "leave a field, so that keys act again", does: () => { ($("item-title") ?? $("item")).focus(); } },
]);

async function begin() {
  try {
    categories = await load();
  } catch (error) {
    say(told(error));
  }
  follow();
  await listAgain();
}

remember();
$("queues").addEventListener("submit", (event) => { event.preventDefault(); next(); });
$("refresh").addEventListener("click", () => { say(""); listAgain(); });
$("more").addEventListener("click", showMore);
for (const id of ["queue", "state"]) $(id).addEventListener("change", listAgain);
$("reviewer").addEventListener("change", () => { if (current) display(current); });
$("key").addEventListener("change", () => { say(""); setKey($("key").value); begin(); });
addEventListener("popstate", follow);
begin();
