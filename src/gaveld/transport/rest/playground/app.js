// The page: reads the form, has the calls made, shows the answers.

import { CallError, setKey } from "./api.js";
import { callsFor, make } from "./calls.js";
import { load } from "./catalogue.js";
import { $, el } from "./dom.js";
import { release } from "./evidence.js";
import { failureCard, forget } from "./failures.js";
import { choose, kind, prepare, read } from "./inputs.js";
import { grounds, judgementOf, judgementParts, summary } from "./judgement.js";
import { OverridesEditor } from "./overrides.js";
import { snippetPart } from "./snippets.js";
import * as words from "./words.js";

const NAMES = ["Policy A", "Policy B"];
const editors = NAMES.map((name) => new OverridesEditor(name));
let running = null;

$("policies").append(...editors.map(({ element }) => element));
prepare(showOptions);
$("compare").addEventListener("change", showOptions);
$("ask").addEventListener("change", showOptions);
$("key").addEventListener("change", () => { setKey($("key").value); loadCatalogue(); });
$("call").addEventListener("submit", (event) => { event.preventDefault(); judge(); });
$("call").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); judge(); }
});
$("stop").addEventListener("click", () => running?.abort());
$("example").addEventListener("click", example);
showOptions();
loadCatalogue();

async function loadCatalogue() {
  try {
    const categories = await load();
    for (const editor of editors) editor.offer(categories);
    $("catalogue").textContent = "";
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    $("catalogue").textContent = `The catalogue could not be had: ${error.message}`;
  }
}

function showOptions() {
  const compares = $("compare").checked;
  const of = kind();
  const alwaysAsks = of === "video" || of === "conversation";
  editors[0].rename(compares ? NAMES[0] : "Changes for this call");
  editors[1].element.hidden = !compares;
  $("ask").disabled = alwaysAsks || compares;
  $("panel").hidden = !(alwaysAsks || ($("ask").checked && !compares));
  $("ask-hint").textContent = panelHint(alwaysAsks, compares);
  $("policy-hint").textContent = policyHint(of);
}

function panelHint(alwaysAsks, compares) {
  if (alwaysAsks) return "Videos and conversations are judged by reviewers in any case.";
  return compares ? "Not while comparing: reviews of texts and pictures take no changes to the policy." : "";
}

function policyHint(of) {
  const base = "What counts is the policy of the key's project, or the server's. A call can change it for itself, category by category; it can't name another policy.";
  if (of === "video") return `${base} Changes go with a file, as a stream; a video by address takes none.`;
  if (of === "conversation") return `${base} With changes, turns are judged one by one, as a stream.`;
  return `${base} Reviewers vote by the policy without the changes.`;
}

function panelOptions() {
  const options = {};
  const amount = $("amount").value.trim();
  if (amount) options.amount = Number.isInteger(Number(amount)) ? Number(amount) : amount;
  if ($("method").value) options.decisionMethod = $("method").value;
  return options;
}

function planned() {
  const input = read();
  const compares = $("compare").checked;
  const asks = !$("panel").hidden;
  const sides = compares ? editors : editors.slice(0, 1);
  const columns = sides.map((editor, place) => ({
    title: compares ? NAMES[place] : "",
    prefix: `side-${place}`,
    editor,
    calls: callsFor(input, editor.value() ?? (compares && needsStream(input) ? {} : null), asks ? panelOptions() : null),
  }));
  return { input, columns };
}

// Both sides go the same way, so that nothing but the policy differs.
const needsStream = ({ kind: of }) => of === "video" || of === "conversation";

async function judge() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  forget();
  const { input, columns } = planned();
  busy(true);
  $("status").textContent = "Judging…";
  try {
    const settled = await Promise.all(columns.map((column) => settle(column, mine.signal)));
    if (mine !== running) return;
    release();
    const sides = settled.map((results, place) => shown(input, columns[place], results));
    const element = $("answer");
    element.replaceChildren(el("h2", { tabIndex: -1, id: "answer-title" }, "Answer"), ...compared(sides), el("div", { className: sides.length > 1 ? "sides" : "" }, sides.map((side) => side.element)));
    $("status").textContent = sides.map(({ title, says }) => (title ? `${title}: ${says}` : says)).join(". ");
    $("answer-title").focus();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    if (mine === running) $("status").textContent = "Stopped.";
  } finally {
    if (mine === running) busy(false);
  }
}

function busy(is) {
  $("stop").hidden = !is;
  $("progress").hidden = true;
  $("answer").setAttribute("aria-busy", String(is));
}

function settle({ calls }, signal) {
  return Promise.all(calls.map(async (call) => {
    try {
      return { planned: call, ...(await make(call, signal, showProgress)) };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { planned: call, error };
    }
  }));
}

function shown(input, { calls, editor, prefix, title }, settled) {
  const made = settled.filter(({ answer }) => answer);
  const failed = settled.filter(({ error }) => error);
  const judgement = judgementOf(made);
  const says = failed.length && !made.length ? `The call failed: ${failed[0].error.message}` : summary(judgement);
  const element = el("article", { className: "side", "aria-label": title || "Answer" },
    title ? el("h3", { className: "side-title" }, title) : null,
    editor.value() && calls.some(({ rpc }) => rpc === "ReviewVideo")
      ? el("p", { className: "wrong" }, "The changes to the policy did not count: a video by address takes none.") : null,
    failed.map(({ error, planned: { rpc } }) => failureCard(error, rpc, [(field) => editor.control(field)])),
    made.length ? judgementParts(input, judgement, prefix) : null,
    calls.map((call) => snippetPart(call, prefix)));
  return { title, says, element, judgement };
}

function showProgress({ sentBytes, receivedBytes, totalBytes, judgedTurns, totalTurns, judged: until, waitingForIndex }) {
  const bar = $("progress");
  bar.hidden = false;
  bar.max = totalTurns ?? totalBytes;
  bar.value = judgedTurns ?? sentBytes ?? Number(receivedBytes ?? 0);
  if (totalTurns) $("status").textContent = `${judgedTurns} of ${totalTurns} turns judged.`;
  else if (until) $("status").textContent = `Judged as far as ${words.seconds(until).toFixed(1)} s.`;
  else if (waitingForIndex) $("status").textContent = "Waiting for the index at the end of the file.";
  else if (sentBytes) $("status").textContent = `${words.bytes(sentBytes)} of ${words.bytes(totalBytes)} sent.`;
}

function compared(sides) {
  if (sides.length < 2) return [];
  const [one, other] = sides.map(({ judgement }) => new Set(grounds(judgement)));
  const says = new Set(sides.map((side) => side.says)).size > 1
    ? `They differ. A says: ${sides[0].says}. B says: ${sides[1].says}.`
    : `Both say: ${sides[0].says}.`;
  const alone = (mine, others) => [...mine].filter((message) => !others.has(message));
  const differences = [
    ...alone(one, other).map((message) => `Only A: ${message}`),
    ...alone(other, one).map((message) => `Only B: ${message}`),
  ];
  return [el("div", { className: "comparison" }, el("p", {}, says), differences.length ? el("ul", {}, differences.map((text) => el("li", {}, text))) : null)];
}

function example() {
  if (kind() === "conversation") {
    $("conversation").value = "Ann: Did you see the match last night?\nBen: I did. You are a stupid clown, Ann, and so is your team.\nAnn: Please stop that.\nBen: No. I know where you live. I will hurt you.";
    $("conversation").focus();
    return;
  }
  choose("text");
  showOptions();
  $("text").value = "You are an idiot, Ben, and everybody hates you. Call me on +1 650 253 0000 or write to ann@example.com.";
  $("text").focus();
}
