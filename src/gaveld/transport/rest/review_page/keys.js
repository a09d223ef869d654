// Single keys that act, wherever nothing is being typed. Each is shown, and they can be turned off.

import { $, el } from "./dom.js";

const WRITES = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const QUIET_MS = 1500;

let heldAt = -Infinity;
let sentFrom = null; // the field that a form was sent from, until more is typed there

/** Have no key act until none was pressed for a while, or Escape was, or something was clicked. */
export const hold = () => { heldAt = performance.now(); };

/** Hold the keys if something is being typed: its field goes, and what is typed on is for no key. */
export function holdIfWriting() {
  const field = document.activeElement;
  if (field !== sentFrom && field?.matches(WRITES)) hold();
}

/**
 * Have keys act and list them: `acts` has {key, says, does}, `does` returning false to pass. One
 * that is held down acts once, unless it `repeats`: nothing is decided that was not looked at.
 */
export function listen(acts) {
  $("key-list").replaceChildren(...acts.flatMap(({ key, says }) => [
    el("dt", {}, el("kbd", {}, key === "Escape" ? "Esc" : key.toUpperCase())), el("dd", {}, says)]));
  document.addEventListener("click", ({ target }) => {
    release();
    sentFrom = target === document.activeElement ? null : document.activeElement; // Enter clicks its form's button
  }, true);
  document.addEventListener("keydown", (event) => {
    sentFrom = null;
    if (event.key === "Escape") release();
    if (isHeld(event) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const isWriting = event.target.matches?.(WRITES);
    if (event.key !== "Escape" && (isWriting || !$("single-keys").checked)) return;
    const act = acts.find(({ key }) => key === event.key || key === event.key.toLowerCase());
    if (!act || (event.repeat && !act.repeats)) return;
    if (act.does() !== false) event.preventDefault();
  });
}

const release = () => { heldAt = -Infinity; };

// A key counts from when it was pressed, however late a busy page hears of it.
function isHeld({ timeStamp }) {
  if (timeStamp - heldAt >= QUIET_MS) return false;
  heldAt = Math.max(heldAt, timeStamp);
  return true;
}
