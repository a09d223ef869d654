// Watches the claim on the item that is shown, so that a person hears of its end before deciding.

import { serverNow } from "./api.js";

const WARN_MS = 60_000;
let timers = [];

/** Call `soon` a minute before a claim ends, or sooner for short ones, and `over` when it has. */
export function watch(until, soon, over) {
  forget();
  const left = Math.max(0, Date.parse(until) - serverNow());
  timers = [setTimeout(soon, left - Math.min(WARN_MS, left / 3)), setTimeout(over, left)];
}

export function forget() {
  timers.forEach(clearTimeout);
  timers = [];
}
