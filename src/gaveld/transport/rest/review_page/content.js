// Shows content field by field, with its findings marked. Pictures are veiled until asked for.

import { el, part } from "./dom.js";
import { marked } from "./marking.js";
import { nameOf } from "./catalogue.js";
import { action, score, tone } from "./words.js";

const shown = new Set();

/** Let go of the files that the item before showed. */
export function release() {
  for (const address of shown) URL.revokeObjectURL(address);
  shown.clear();
}

/** Return the leaves of fields by name, as {path, kind, value}. */
export const leaves = (fields) => sorted(fields).flatMap(([name, value]) => leavesOf(name, value));

// The server's maps have no order.
const sorted = (fields) => Object.entries(fields ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));

function leavesOf(path, field) {
  const [[kind, value] = ["", undefined]] = Object.entries(field);
  if (kind === "listValue") return (value.values ?? []).flatMap((entry, place) => leavesOf(`${path}[${place}]`, entry));
  if (kind === "objectValue") return sorted(value.fields).flatMap(([name, entry]) => leavesOf(`${path}.${name}`, entry));
  return [{ path, kind, value }];
}

/** Number findings, those that act first. */
export function numbered(findings) {
  const acts = (finding) => tone(finding.action) !== "allow";
  return [...findings.filter(acts), ...findings.filter((finding) => !acts(finding))].map((finding, place) => ({
    finding,
    number: place + 1,
    id: `finding-${place + 1}`,
    label: `${nameOf(finding.categoryId)}, ${action(finding.action)}`,
    acts: acts(finding),
  }));
}

/** Return the parts that show what was sent and what was found in it. */
export function contentParts({ fields, findings = [] }) {
  const entries = numbered(findings);
  const all = leaves(fields);
  return [
    part("Content", all.length
      ? all.map((leaf) => contentOf(leaf, entries.filter(({ finding, acts }) => acts && (finding.fieldPath ?? "") === leaf.path)))
      : el("p", {}, "The content is not kept, or no longer.")),
    part("Findings", entries.length
      ? el("ol", { className: "findings" }, entries.map(item))
      : el("p", {}, "Nothing was found by what looked.")),
  ];
}

function contentOf({ path, kind, value }, entries) {
  return el("div", { className: "content", role: "group", "aria-label": path }, el("h4", {}, path), valueOf(path, kind, value, entries));
}

function valueOf(path, kind, value, entries) {
  if (kind === "stringValue" || kind === "urlValue") return marked(value ?? "", entries);
  if (kind === "imageValue" || kind === "videoValue" || kind === "audioValue") return mediaOf(path, kind, value, entries);
  return el("p", { className: "marked" }, String(value));
}

function mediaOf(path, kind, { uri, data }, entries) {
  if (uri) return elsewhere(uri);
  const address = URL.createObjectURL(new Blob([bytesOf(data ?? "")]));
  shown.add(address);
  const stage = el("div", { className: "stage veiled" });
  const media = kind === "imageValue"
    ? el("img", { src: address, alt: `The picture in ${path}` })
    : el("video", { src: address, controls: true, muted: kind === "videoValue", preload: "metadata", "aria-label": `What ${path} plays` });
  media.addEventListener("error", () => stage.replaceWith(el("p", { className: "hint" }, "This browser can’t show this kind of file.")));
  if (kind === "audioValue") stage.classList.remove("veiled");
  media.inert = kind === "videoValue"; // a veiled video can't be played
  stage.append(media, boxes(entries));
  return el("div", {}, stage, kind === "audioValue" ? null : veil(stage, path));
}

function veil(stage, path) {
  const says = (veiled) => (veiled ? "Show it" : "Veil it");
  const button = el("button", { type: "button", className: "quiet unveil", "aria-label": `Show what is in ${path}`, "aria-pressed": "false" }, says(true));
  button.addEventListener("click", () => {
    const veiled = stage.classList.toggle("veiled");
    const media = stage.firstElementChild;
    if (media.pause) media.inert = veiled;
    if (veiled) media.pause?.();
    button.setAttribute("aria-pressed", String(!veiled));
    button.replaceChildren(says(veiled));
  });
  return button;
}

/** Show or veil all that the item shows; return whether there is anything. */
export function toggleVeils() {
  const buttons = [...document.querySelectorAll(".unveil")];
  const some = buttons.filter((button) => button.getAttribute("aria-pressed") === "false");
  for (const button of some.length ? some : buttons) button.click();
  return buttons.length > 0;
}

// The page itself loads nothing from elsewhere: whose server it is would learn who looks, and when.
function elsewhere(uri) {
  const isWeb = /^https?:[/]{2}/i.test(uri);
  return el("div", {},
    el("p", { className: "hint" }, "It lies elsewhere and is not loaded into this page."),
    el("p", { className: "marked" }, uri),
    isWeb ? el("p", {}, el("a", { href: uri, target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" }, "Open it in a new tab"),
      el("span", { className: "hint" }, " Its server will see your address.")) : null);
}

function boxes(entries) {
  const placed = entries.filter(({ finding }) => finding.box);
  return el("div", { className: "boxes", role: "group", "aria-label": "Boxes of what was found" }, placed.map(({ finding, number, label }) => {
    const { left = 0, top = 0, width = 0, height = 0 } = finding.box;
    const frame = el("div", { className: `box ${tone(finding.action)}`, role: "img", "aria-label": `Finding ${number}: ${label}` },
      el("span", { className: "tag" }, String(number)));
    const percent = (value) => `${value * 100}%`;
    Object.assign(frame.style, { left: percent(left), top: percent(top), width: percent(width), height: percent(height) });
    return frame;
  }));
}

const bytesOf = (encoded) => Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));

function item({ finding, id }) {
  return el("li", { id, tabIndex: -1 },
    el("span", { className: `chip ${tone(finding.action)}` }, action(finding.action)), " ",
    el("strong", {}, nameOf(finding.categoryId)), " ", score(finding.score), ". ", finding.reason, " ",
    el("span", { className: "hint" }, [finding.fieldPath, finding.classifier ? `by ${finding.classifier}` : ""].filter(Boolean).join(", ")));
}
