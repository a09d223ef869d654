// Asks the review queues: lists, takes, decides, gives back. Names of items come from the server.

import { call, CallError } from "./api.js";

export const EVERY = "-";

/** Return a page of a queue as {items, nextPageToken}; `show` is a state, "free" or "" for all. */
export function list(queue, show, token) {
  const query = new URLSearchParams({ pageSize: "50" });
  if (show === "free") {
    query.set("state", "REVIEW_ITEM_STATE_PENDING");
    query.set("unclaimedOnly", "true");
  } else if (show) query.set("state", show);
  if (token) query.set("pageToken", token);
  return call("GET", `/v1/projects/-/queues/${queue}/items?${query}`);
}

export const get = (name) => call("GET", `/v1/${name}`);
export const claim = (name, reviewer) => call("POST", `/v1/${name}:claim`, { reviewer });
export const release = (name, reviewer) => call("POST", `/v1/${name}:release`, { reviewer });

/** Say of an item as it was read: {reviewer, decision, reason, categoryIds}. */
export const decide = ({ name, etag }, opinion) =>
  call("POST", `/v1/${name}:decide`, { ...opinion, etag, requestId: crypto.randomUUID() });

/** Take the oldest item that is free; return it, or null where none is. Throws CallError. */
export async function claimNext(queue, reviewer) {
  if (queue !== EVERY) return orNone(claim(`projects/-/queues/${queue}`, reviewer));
  // Over all queues there is no oldest to claim: the oldest of the list that is still to be had is.
  let token = "";
  do {
    const page = await list(EVERY, "free", token);
    for (const { name } of page.items ?? []) {
      const item = await orNone(claim(name, reviewer));
      if (item) return item;
    }
    token = page.nextPageToken;
  } while (token);
  return null;
}

const TAKEN = new Set(["RESOURCE_NOT_FOUND", "ITEM_CLAIMED", "ITEM_NOT_OPEN"]);

async function orNone(claiming) {
  try {
    return await claiming;
  } catch (error) {
    if (error instanceof CallError && TAKEN.has(error.reason)) return null;
    throw error;
  }
}
