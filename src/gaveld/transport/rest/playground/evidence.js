// Shows what was found: on the text, the picture, the video or the turns, and as a list.

import { el, folded, part, svg } from "./dom.js";
import { marked } from "./marking.js";
import { nameOf } from "./catalogue.js";
import { action, score, seconds, tone, turnName } from "./words.js";

/** Number findings, those that act first; `prefix` keeps ids of two answers apart. */
export function numbered(findings, prefix) {
  const acting = findings.filter((finding) => tone(finding.action) !== "allow");
  const others = findings.filter((finding) => tone(finding.action) === "allow");
  return [...acting, ...others].map((finding, place) => ({
    finding,
    number: place + 1,
    id: `${prefix}-finding-${place + 1}`,
    label: `${nameOf(finding.categoryId)}, ${action(finding.action)}`,
    acts: place < acting.length,
  }));
}

const shownFiles = new Set();

/** Let go of the files that earlier answers show. */
export function release() {
  for (const address of shownFiles) URL.revokeObjectURL(address);
  shownFiles.clear();
}

function addressOf(file) {
  const address = URL.createObjectURL(file);
  shownFiles.add(address);
  return address;
}

/** Return the input with the findings on it, and the list of them. */
export function evidence(input, entries, answer, prefix) {
  const acting = entries.filter(({ acts }) => acts);
  const show = { text: onText, picture: onPicture, video: onVideo, conversation: onTurns }[input.kind];
  const shown = show(input, acting, answer);
  return [part(shown.title, shown.element), list(entries, shown.seek, answer, prefix)];
}

function onText({ text }, entries) {
  return { title: "Marked in the text", element: marked(text, entries) };
}

function onTurns({ turns }, entries, answer) {
  const items = turns.map((turn, place) => {
    const id = turn.id || String(place);
    const reviewed = answer.turns?.[id];
    const error = answer.errors?.[id];
    return el("li", {},
      el("span", { className: "who" }, turn.authorId ?? turn.role ?? "user"),
      reviewed ? el("span", { className: `chip ${tone(reviewed.action)}` }, action(reviewed.action)) : null,
      error ? el("span", { className: "chip review" }, error.message) : null,
      marked(turn.text, entries.filter(({ finding }) => finding.turnId === id)));
  });
  return { title: "Marked in the turns", element: el("ol", { className: "turns" }, items) };
}

function onPicture({ file }, entries, answer) {
  const boxes = overlay();
  const draw = (chosen) => boxes.replaceChildren(...boxed(chosen));
  draw(entries);
  const facts = answer.facts ?? {};
  const picture = file
    ? el("img", { src: addressOf(file), alt: "The picture that was judged", onerror: unplayable })
    : svg("svg", { viewBox: `0 0 ${facts.widthPixels || 4} ${facts.heightPixels || 3}`, class: "unloaded", "aria-hidden": "true" });
  const note = file ? null : el("p", { className: "hint" }, "A picture by address is not loaded into this page, only judged: here is where things stand in it.");
  const placed = entries.some(({ finding }) => finding.box);
  return {
    title: "Marked on the picture",
    element: el("div", {}, el("div", { className: "stage" }, picture, boxes), note,
      placed || !entries.length ? null : el("p", { className: "hint" }, "What was found is in the picture as a whole: it has no box.")),
    seek: (entry) => (entry.finding.box ? () => draw([entry]) : null),
  };
}

function onVideo({ file }, entries) {
  if (!file) return { title: "Seen in the video", element: el("p", { className: "hint" }, "A video by address is not loaded into this page, only judged.") };
  const video = el("video", { src: addressOf(file), controls: true, muted: true, preload: "metadata", onerror: unplayable, "aria-label": "The video that was judged" });
  const boxes = overlay();
  return {
    title: "Seen in the video",
    element: el("div", { className: "stage" }, video, boxes),
    seek: (entry) => {
      const { finding } = entry;
      if (!finding.timeRange && !finding.frame) return null;
      return () => {
        video.pause();
        video.currentTime = seconds(finding.timeRange?.start ?? finding.frame.time);
        boxes.replaceChildren(...boxed([entry]));
      };
    },
  };
}

// A format that the server reads and this browser doesn't.
function unplayable({ target }) {
  target.closest(".stage").replaceWith(el("p", { className: "hint" }, "This browser can't show this kind of file; it was judged all the same."));
}

const overlay = () => el("div", { className: "boxes", role: "group", "aria-label": "Boxes of what was found" });

// Findings that share a box share a frame, whose tone is the first one's: they come strictest first.
function boxed(entries) {
  const places = new Map();
  for (const entry of entries.filter(({ finding }) => finding.box)) {
    const place = JSON.stringify(entry.finding.box);
    places.set(place, [...(places.get(place) ?? []), entry]);
  }
  return [...places.values()].map((sharing) => {
    const { left = 0, top = 0, width = 0, height = 0 } = sharing[0].finding.box;
    const says = sharing.map(({ number, label }) => `Finding ${number}: ${label}`).join("; ");
    const frame = el("div", { className: `box ${tone(sharing[0].finding.action)}`, role: "img", "aria-label": says },
      el("span", { className: "tag" }, sharing.map(({ number }) => number).join(", ")));
    const percent = (value) => `${value * 100}%`;
    Object.assign(frame.style, { left: percent(left), top: percent(top), width: percent(width), height: percent(height) });
    return frame;
  });
}

function list(entries, seek, answer, prefix) {
  if (!entries.length) return part("Findings", el("p", {}, "Nothing was found by what looked."));
  const acting = entries.filter(({ acts }) => acts);
  const others = entries.filter(({ acts }) => !acts);
  const omitted = answer.omittedFindingCount ?? 0;
  return part("Findings",
    acting.length ? el("ol", { className: "findings" }, acting.map((entry) => item(entry, seek))) : el("p", {}, "Nothing reached a threshold of the policy."),
    omitted ? el("p", { className: "hint" }, `${omitted} more are not listed; they count in the verdict.`) : null,
    others.length ? folded(`Below every threshold (${others.length})`,
      el("ol", { className: "findings", start: acting.length + 1 }, others.map((entry) => item(entry, seek)))) : null);
}

function item(entry, seek) {
  const { finding, id } = entry;
  const shows = seek?.(entry);
  return el("li", { id, tabIndex: -1 },
    el("span", { className: `chip ${tone(finding.action)}` }, action(finding.action)), " ",
    el("strong", {}, nameOf(finding.categoryId)), " ", score(finding.score), ". ", finding.reason, " ",
    el("span", { className: "hint" }, where(finding), `by ${finding.classifier}`),
    shows ? el("button", { type: "button", className: "quiet", onclick: shows, "aria-label": `Show finding ${entry.number}` }, "Show") : null);
}

function where({ frame, timeRange, fieldPath, turnId }) {
  const places = [];
  if (turnId) places.push(turnName(turnId));
  if (fieldPath) places.push(fieldPath);
  if (timeRange) places.push(`${seconds(timeRange.start).toFixed(1)}–${seconds(timeRange.end).toFixed(1)} s`);
  else if (frame) places.push(`frame ${frame.index ?? 0}`);
  return places.length ? `${places.join(", ")}, ` : "";
}
