// Asks the review queues: lists, takes, decides, gives back. Names of items come from the server.

import { call, CallError } from "./api.js";

export const EVERY = "-";
const PATIENCE_MS = 60_000;

/** Return a page of a queue as {items, nextPageToken}; `show` is a state, "free" or "" for all. */
export function list(queue, show, token) {
  const query = new URLSearchParams({ pageSize: "50" });
  if (show === "free") {
    query.set("state", "REVIEW_ITEM_STATE_PENDING");
    query.set("unclaimedOnly", "true");
  } else if (show) query.set("state", show);
  if (token) query.set("pageToken", token);
  return ask("GET", `${pathOf(queue)}/items?${query}`);
}

export const get = (name) => ask("GET", `/v1/${name}`);
export const claim = (name, reviewer) => once(`/v1/${name}:claim`, { reviewer });
export const release = (name, reviewer) => ask("POST", `/v1/${name}:release`, { reviewer });

/** Say of an item as it was read: {reviewer, decision, reason, categoryIds}. */
export const decide = ({ name, etag }, opinion) => once(`/v1/${name}:decide`, { ...opinion, etag });

/** Take the oldest item that is free; return it, or null where none is. Throws CallError. */
export async function claimNext(queue, reviewer) {
  if (queue !== EVERY) return orNone(once(`${pathOf(queue)}:claim`, { reviewer }));
  // Over all queues there is no oldest to claim: the oldest of the list that is still to be had is.
  const again = begun && await take(begun, reviewer);
  if (again) return again;
  let token = "";
  do {
    const page = await list(EVERY, "free", token);
    for (const { name } of page.items ?? []) {
      const item = await take(name, reviewer);
      if (item) return item;
    }
    token = page.nextPageToken;
  } while (token);
  return null;
}

let begun = "";

// One whose claim failed may be theirs all the same: it comes first in the next attempt.
async function take(name, reviewer) {
  begun = name;
  const item = await orNone(claim(name, reviewer));
  begun = "";
  return item;
}

/** Whether a call may have counted all the same: no answer came, or none that tells. */
export const isUnsure = ({ http }) => http === 0 || http >= 500;

const pathOf = (queue) => `/v1/projects/-/queues/${encodeURIComponent(queue)}`;

const TAKEN = new Set(["RESOURCE_NOT_FOUND", "ITEM_CLAIMED", "ITEM_NOT_OPEN"]);

async function orNone(claiming) {
  try {
    return await claiming;
  } catch (error) {
    if (error instanceof CallError && TAKEN.has(error.reason)) return null;
    throw error;
  }
}

async function ask(method, path, body) {
  try {
    return await call(method, path, body, AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    if (error.name === "TimeoutError") throw new CallError({ message: "The server has not answered in time." });
    throw error;
  }
}

const unsure = new Map();
const SETTLES = new Set([...TAKEN, "ETAG_MISMATCH"]);

/** Make a call; the same call made again because its answer was lost goes under the same id. */
async function once(path, body) {
  const known = `${path} ${JSON.stringify(body)}`;
  const requestId = unsure.get(known) ?? newId();
  try {
    const answer = await ask("POST", path, { ...body, requestId });
    unsure.delete(known);
    return answer;
  } catch (error) {
    if (error instanceof CallError && isUnsure(error)) unsure.set(known, requestId);
    else if (SETTLES.has(error.reason)) unsure.delete(known); // other refusals tell nothing of the call before
    throw error;
  }
}

// Not `crypto.randomUUID`: browsers have that on pages over HTTPS alone.
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
