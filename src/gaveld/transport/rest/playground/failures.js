// Shows a failure as the server told it, field by field, beside the field where there is one.

import { $, el } from "./dom.js";
import { kind } from "./inputs.js";

/** Return a card of a CallError; `controls` maps a field of the contract to its control. */
export function failureCard(error, rpc, controls = []) {
  const { http, reason, violations, retryAfter } = error;
  for (const { field, description } of violations) point(field, description, controls);
  return el("div", { className: "headline failure", role: "alert" },
    el("p", { className: "verdict" }, "The call failed"),
    el("p", {}, error.message),
    violations.length ? el("dl", {}, violations.flatMap(({ field, description }) =>
      [el("dt", {}, el("code", {}, field || "the request")), el("dd", {}, description)])) : null,
    retryAfter ? el("p", {}, `A repeat may help after ${retryAfter} s.`) : null,
    el("p", { className: "hint" }, [rpc, http ? `HTTP ${http}` : "", reason].filter(Boolean).join(", ")));
}

/** Take back what failures said beside fields. */
export function forget() {
  for (const note of document.querySelectorAll(".wrong")) note.remove();
  for (const control of document.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-errormessage");
  }
}

function point(field, description, controls) {
  const control = controls.map((find) => find(field)).find(Boolean) ?? controlOf(field);
  if (!control || control.hasAttribute("aria-invalid")) return;
  const note = el("p", { className: "wrong", id: `${control.id || "field"}-wrong` }, description);
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-errormessage", note.id);
  control.after(note);
}

function controlOf(field) {
  if (/(^|\.)amount$/.test(field)) return $("amount");
  if (/(^|\.)context/.test(field)) return $("context");
  if (/^(text|content|media|turn|chunk)\b/.test(field)) {
    const of = kind();
    return of === "picture" || of === "video" ? $(`${of}-uri`) : $(of);
  }
  return null;
}
