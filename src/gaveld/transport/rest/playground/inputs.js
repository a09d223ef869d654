// Reads what is to be judged: a text, a picture, a video, a conversation; files by choice or drop.

import { $ } from "./dom.js";
import { bytes } from "./words.js";
import { INLINE_BYTES } from "./calls.js";

const ROLES = new Set(["user", "assistant", "system", "agent"]);

export const kind = () => document.querySelector("input[name=kind]:checked").value;

/** Show the fields of the chosen kind, and have files chosen and dropped. */
export function prepare(onChange) {
  for (const radio of document.querySelectorAll("input[name=kind]")) {
    radio.addEventListener("change", () => { showKind(); onChange(); });
  }
  for (const name of ["picture", "video"]) {
    const chooser = $(`${name}-file`);
    chooser.addEventListener("change", () => take(name, chosen(name)));
    $(`${name}-uri`).addEventListener("input", () => { if ($(`${name}-uri`).value.trim()) take(name, null); });
  }
  prepareDrop(onChange);
  showKind();
}

export function choose(name) {
  $(`kind-${name}`).checked = true;
  showKind();
}

function showKind() {
  for (const section of document.querySelectorAll("[data-kind]")) section.hidden = section.dataset.kind !== kind();
}

function prepareDrop(onChange) {
  const zone = $("call");
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", (event) => { if (!zone.contains(event.relatedTarget)) zone.classList.remove("over"); });
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (!file) return; // text that is dropped lands where it is dropped
    event.preventDefault();
    const name = file.type.startsWith("video/") ? "video" : "picture";
    choose(name);
    take(name, file);
    onChange();
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file?.type.startsWith("image/")) return;
    event.preventDefault();
    choose("picture");
    take("picture", file);
    onChange();
  });
}

const chosen = (name) => $(`${name}-file`).files[0] ?? null;

// The chooser holds the file, however it came, so that it shows which one it is.
function take(name, file) {
  if (file) $(`${name}-uri`).value = "";
  if (file !== chosen(name)) {
    const transfer = new DataTransfer();
    if (file) transfer.items.add(file);
    $(`${name}-file`).files = transfer.files;
  }
  $(`${name}-chosen`).textContent = file ? `${file.name}, ${bytes(file.size)}${tooLarge(name, file)}` : "";
}

function tooLarge(name, file) {
  if (file.size <= INLINE_BYTES) return "";
  if (name === "video") return ". It is larger than one message holds, so it goes as a stream.";
  return `. A message holds files up to ${bytes(INLINE_BYTES)}; the server will refuse it.`;
}

/** Return the input as {kind, context} with text, file or uri, or turns. */
export function read() {
  const of = kind();
  const context = $("context").value.trim();
  if (of === "text") return { kind: of, context, text: $("text").value };
  if (of === "conversation") return { kind: of, context, turns: turnsOf($("conversation").value) };
  return { kind: of, context, file: chosen(of), uri: $(`${of}-uri`).value.trim() };
}

/**
 * Return the turns of a pasted conversation: a JSON array of {role, content or text}, or lines that
 * begin with a name and a colon. A line without a name goes on with the turn before.
 */
export function turnsOf(pasted) {
  return fromJson(pasted) ?? fromLines(pasted);
}

function fromJson(pasted) {
  let parsed;
  try {
    parsed = JSON.parse(pasted);
  } catch {
    return null;
  }
  const turns = Array.isArray(parsed) ? parsed : parsed?.messages;
  if (!Array.isArray(turns)) return null;
  return turns.map((turn) => ({ role: turn?.role, text: String(turn?.text ?? turn?.content ?? "") }));
}

function fromLines(pasted) {
  const turns = [];
  for (const line of pasted.split(/\r?\n/)) {
    const [, name, text] = /^\s*([\p{L}\p{N}_ .'-]{1,32}):\s+(.*)$/u.exec(line) ?? [];
    if (name) turns.push({ ...speaker(name.trim()), text });
    else if (turns.length) turns.at(-1).text += `\n${line}`;
    else if (line.trim()) turns.push({ text: line });
  }
  return turns.map((turn) => ({ ...turn, text: turn.text.trimEnd() })).filter(({ text }) => text);
}

function speaker(name) {
  const role = name.toLowerCase();
  return ROLES.has(role) ? { role } : { authorId: name };
}
