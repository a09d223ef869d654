// Remembers in this tab who works on what, so that a reload asks nothing again. Never the key.

import { $ } from "./dom.js";

const OF_TEXT = ["reviewer", "queue", "state"];
const OF_TICKS = ["single-keys", "go-on"];

/** Fill in what the tab remembers, and remember what is changed from now on. */
export function remember() {
  const kept = read();
  for (const [ids, property] of [[OF_TEXT, "value"], [OF_TICKS, "checked"]]) {
    for (const id of ids) {
      if (id in kept) $(id)[property] = kept[id];
      $(id).addEventListener("change", () => { kept[id] = $(id)[property]; write(kept); });
    }
  }
}

const NAME = "gavel-review";

// A browser may keep its storage to itself.
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
  } catch {
    return {};
  }
}

function write(kept) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(kept));
  } catch { /* then a reload asks again */ }
}
