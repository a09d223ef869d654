// Keeps what a person began to say of items until it is said: in this page's memory only.

const drafts = new Map();

export const draftOf = (name) => drafts.get(name) ?? { reason: "", categoryIds: [] };
export const forget = (name) => drafts.delete(name);

export function keep(name, draft) {
  if (draft.reason || draft.categoryIds.length) drafts.set(name, draft);
  else drafts.delete(name);
}

// Whoever would leave with something unsaid is asked first, in the browser's own words.
addEventListener("beforeunload", (event) => { if (drafts.size) event.preventDefault(); });
