// Single keys that act, wherever nothing is being typed. Each is shown, and they can be turned off.

import { $, el } from "./dom.js";

const WRITES = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/**
 * Have keys act and list them: `acts` has {key, says, does}, `does` returning false to pass. One
 * that is held down acts once, unless it `repeats`: nothing is decided that was not looked at.
 */
export function listen(acts) {
  $("key-list").replaceChildren(...acts.flatMap(({ key, says }) => [
    el("dt", {}, el("kbd", {}, key === "Escape" ? "Esc" : key.toUpperCase())), el("dd", {}, says)]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const isWriting = event.target.matches?.(WRITES);
    if (event.key !== "Escape" && (isWriting || !$("single-keys").checked)) return;
    const act = acts.find(({ key }) => key === event.key || key === event.key.toLowerCase());
    if (!act || (event.repeat && !act.repeats)) return;
    if (act.does() !== false) event.preventDefault();
  });
}
